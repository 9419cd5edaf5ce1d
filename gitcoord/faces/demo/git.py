"""git for the demonstration: one way to run it, and an error that says what failed."""

from collections.abc import Mapping
from pathlib import Path

from gitcoord.errors import UsageError
from gitcoord.remote.git_process import clean_env, clean_text, run_git

TIMEOUT_S = 30.0  # a push to a distant remote takes seconds


class GitFailedError(UsageError):
    """A git command of the demonstration failed."""

    code = "git_failed"


def git(folder: Path, env: Mapping[str, str], *arguments: str, stdin: bytes | None = None) -> str:
    """Run git in a folder and return what it wrote, without the last newline.

    Raises:
        GitFailedError: it failed; the sentence has git's words.
    """
    done = run_git(arguments, cwd=folder, env=clean_env(env), timeout_s=TIMEOUT_S, input=stdin)
    if done.rc != 0:
        words = clean_text(done.errors) or f"exit status {done.rc}"
        raise GitFailedError(f"git {arguments[0]} failed: {words}", hint="Run with --keep to look at the repositories.")
    return done.stdout.decode("utf-8", "replace").removesuffix("\n")


def succeeds(folder: Path, env: Mapping[str, str], *arguments: str) -> bool:
    """Whether a git command succeeds."""
    return run_git(arguments, cwd=folder, env=clean_env(env), timeout_s=TIMEOUT_S).rc == 0
