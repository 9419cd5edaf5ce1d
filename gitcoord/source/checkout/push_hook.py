"""The push hook: whether git starts ours before a push from this clone.

Rules:
  * No promise is made that is not kept: where a hook that is not ours may start it, that is not known.
  * The hook of a tool's session reads it, so this file needs the standard library only.

What this file does not know: how hooks are installed (`faces.cli.wiring.git_hooks`), what a push is checked for.
"""

from collections.abc import Mapping
from pathlib import Path

from gitcoord.errors import CoordError
from gitcoord.remote.git.git_process import clean_env, run_git
from gitcoord.source.checkout.checkout_file import read_small

MISSING = (
    "Git's hooks of gitcoord are not installed in this clone, so pushes are not checked here: run `gitcoord init`."
)
ASK_S = 1.0  # for git to read its configuration: 3 ms
_FILES = ("pre-push", "pre-push.legacy")  # pre-commit and prek move a hook that they find there, and run it
_UNREADABLE = b"?"  # something is there, and what it starts is not known
_MARK = b"\n# gitcoord:hook pre-push "


def checks_pushes(top: Path, common_dir: Path, env: Mapping[str, str]) -> bool | None:
    """Whether git starts our hook; `None` where that is unknown.

    Args:
        top: the worktree's folder.
        common_dir: git's folder that all linked worktrees share.
        env: that of this process.
    """
    setting = _hooks_path(top, env)
    if setting is None:
        return None
    found = [_content(top / setting if setting else common_dir / "hooks", name) for name in _FILES]
    if any(_MARK in content for content in found):
        return True
    return None if setting or any(found) else False


def _hooks_path(top: Path, env: Mapping[str, str]) -> str | None:
    """Return `core.hooksPath` as the user's own git sees it, empty where it is not set; `None` if git does not tell."""
    try:
        done = run_git(
            ("config", "--show-scope", "--type=path", "--get-all", "core.hooksPath"),
            cwd=top,
            env=clean_env(env),
            timeout_s=ASK_S,
        )
    except CoordError:
        return None
    if done.rc not in (0, 1):  # 1: it is not set
        return None
    values = [line.partition("\t") for line in done.stdout.decode("utf-8", "surrogateescape").splitlines()]
    theirs = [value for scope, _, value in values if scope != "command"]  # our git is started with one of its own
    return theirs[-1] if theirs else ""


def _content(folder: Path, name: str) -> bytes:
    try:
        return read_small(folder / name)  # `core.hooksPath` may name a folder of the checkout
    except FileNotFoundError:
        return b""
    except OSError:
        return _UNREADABLE
