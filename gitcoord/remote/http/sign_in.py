"""Credentials for one server, from git's helpers: filled, approved and rejected as git does. See git-credential(1).

Rules:
  * No person is asked. A helper that waits for one is not waited for.
  * SEC-2: a credential is in memory, and in the header of a question to that server; in no error, log or command line.
  * What the server took is approved once, and what it refused is rejected, so that helpers keep or forget it.

What this file does not know: connections.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult

from gitcoord.remote.git.git_process import run_git

_HELPER_S: Final = 10.0
_FIELD: Final = re.compile(r"([a-z_]+(?:\[\])?)=([^\r\n\0]*)")
_LEGAL: Final = re.compile(r"[\x20-\x7e]+")


class SignIn:
    """What proves to a server who asks."""

    def __init__(self, server: SplitResult, *, cwd: Path, env: Mapping[str, str]) -> None:
        """Know nothing yet. `env`: that of git's commands to this remote."""
        host = (server.netloc.rpartition("@")[2]).lower()
        self._about = [("protocol", server.scheme), ("host", host), ("path", server.path.strip("/"))]
        self._cwd = cwd
        self._env = env
        self._filled: list[tuple[str, str]] = []
        self._is_approved = False

    @property
    def header(self) -> Mapping[str, str]:
        """Return what is sent with a question: nothing, as long as nothing is known."""
        found = dict(self._filled)
        kind, credential = found.get("authtype", ""), found.get("credential", "")
        if kind and credential and _LEGAL.fullmatch(f"{kind} {credential}"):
            return {"Authorization": f"{kind} {credential}"}
        if "password" not in found:
            return {}
        return {"Authorization": basic(found.get("username", ""), found["password"])}

    def fill(self, challenges: Sequence[str] = ()) -> bool:
        """Ask the helpers; tell whether there is something to send. `challenges`: what the server said it takes."""
        asked = [("capability[]", "authtype"), *self._about]
        asked += [("wwwauth[]", challenge) for challenge in challenges if _LEGAL.fullmatch(challenge)]
        self._filled = [field for field in self._run("fill", asked) if field[0] != "wwwauth[]"]
        self._is_approved = False
        return bool(self.header)

    def approve(self) -> None:
        """Tell the helpers that the server took it, once."""
        if self._filled and not self._is_approved:
            self._is_approved = True
            self._run("approve", self._filled)

    def reject(self) -> None:
        """Tell the helpers that the server refused it, and forget it."""
        if self._filled:
            self._run("reject", self._filled)
        self._filled = []

    def _run(self, action: str, fields: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        given = "".join(f"{name}={value}\n" for name, value in fields)
        words = ["credential", action]
        done = run_git(words, cwd=self._cwd, env=self._env, timeout_s=_HELPER_S, input=f"{given}\n".encode())
        if done.rc != 0:
            return []
        lines = (_FIELD.fullmatch(line) for line in done.stdout.decode("utf-8", "replace").splitlines())
        return [(found[1], found[2]) for found in lines if found]


def basic(user: str, password: str) -> str:
    """Return what a header says of a user and a password. See RFC 7617."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
