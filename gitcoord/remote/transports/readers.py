"""Who can read a remote: everyone, if a request without anything of the user's is answered (SEC-6).

Rules:
  * Only http, https and git are asked: a path is for users of the disk, ssh for users with an account.
  * Nothing that could prove the user's identity goes along: no user or password, no helper, no header or cookie, no
    netrc, no configuration of the user's. So a proxy or a certificate that only that configuration names leaves it
    unknown.

What this file does not know: what is said of the answer.
"""

import re
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from gitcoord.errors import CoordError
from gitcoord.redaction import redact
from gitcoord.remote.git.git_process import clean_env, run_git

ASK_S: Final = 5.0  # one line of an answer; a server that is slower says nothing about its readers
_ASKED: Final = re.compile(r"(?i)(https?|git)://")
_USER: Final = re.compile(r"(?i)^(https?://)[^/]*@")
_REFUSED: Final = ("authentication failed", "could not read username", "terminal prompts disabled", "not found", "403")


class Readers(StrEnum):
    """Who can read a remote."""

    EVERYBODY = "everybody"
    ALLOWED = "allowed"
    UNKNOWN = "unknown"


def readers_of(url: str, env: Mapping[str, str]) -> Readers:
    """Ask a remote as a stranger would."""
    if not _ASKED.match(url):
        return Readers.UNKNOWN
    with tempfile.TemporaryDirectory(prefix="gitcoord-stranger.", ignore_cleanup_errors=True) as home:
        bare = _USER.sub(r"\1", url)
        nobody = {"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        asking = {name: value for name, value in clean_env(env).items() if not name.startswith("GIT_CONFIG")}
        arguments = ("-c", "credential.helper=", "-c", "http.extraHeader=", "ls-remote", "--", bare, "HEAD")
        try:
            done = run_git(arguments, cwd=Path(home), env={**asking, **nobody}, timeout_s=ASK_S, asks=redact(url))
        except CoordError:
            return Readers.UNKNOWN
    if done.rc == 0:
        return Readers.EVERYBODY
    is_refused = any(word in done.errors.lower() for word in _REFUSED)
    return Readers.ALLOWED if is_refused else Readers.UNKNOWN
