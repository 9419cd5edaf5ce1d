"""Where a git server is reached by ssh, as git reads a URL. See gitprotocol-common(5) and git-clone(1), GIT URLS.

    ssh://[user@]host[:port]/path      [user@]host:path

Rules:
  * SEC-4: nothing of a URL is an option to ssh, and the path is one word of the shell at the other end.
  * What is not plainly one of these forms is `None`: the git program reads it.

This module must not start anything.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

_HOST: Final = r"(?P<host>(?:[A-Za-z0-9_][\w.+-]*@)?[A-Za-z0-9_][\w.-]*)"
_URL: Final = re.compile(rf"(?:ssh|git\+ssh|ssh\+git)://{_HOST}(?::(?P<port>\d{{1,5}}))?(?P<path>/[^\x00-\x1f\x7f]+)")
_SCP: Final = re.compile(rf"{_HOST}:(?P<path>[^\x00-\x1f\x7f:][^\x00-\x1f\x7f]*)")


class SshPlace(NamedTuple):
    """A host as ssh takes it, with a user where one is named; its port, `""` for the usual one; a path there."""

    host: str
    port: str
    path: str

    def command(self, service: str) -> str:
        """Return what the shell at the other end is to run: `git-receive-pack` or `git-upload-pack` at the path."""
        quoted = self.path.replace("'", "'\\''").replace("!", "'\\!'")  # as git quotes: `!` means more to csh
        return f"{service} '{quoted}'"


def ssh_place(url: str) -> SshPlace | None:
    """Return where a URL leads; `None` where it is not of ssh, or in a form that is left to git."""
    found = _URL.fullmatch(url)
    if found:
        path = unquote(found["path"])
        return _checked(found["host"], found["port"] or "", path.removeprefix("/") if path[1] == "~" else path)
    found = _SCP.fullmatch(url)
    return None if found is None or "://" in url else _checked(found["host"], "", found["path"])


def _checked(host: str, port: str, path: str) -> SshPlace | None:
    """Leave to git what it refuses, or reads in a way of its own."""
    return None if path.startswith("-") or path[1:2] == "~" or not path.isprintable() else SshPlace(host, port, path)
