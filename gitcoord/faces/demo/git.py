"""git for the demonstration: one way to run it, an error that says what failed, and what agents do in a worktree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitcoord.errors import UsageError
from gitcoord.remote.git.git_process import clean_env, clean_text, run_git

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


@dataclass(frozen=True, slots=True)
class Worktree:
    """Where an agent works."""

    folder: Path
    env: Mapping[str, str]

    def git(self, *arguments: str) -> str:
        """Run git here."""
        return git(self.folder, self.env, *arguments)

    def has(self, commit: str) -> bool:
        """Whether a commit is here."""
        return succeeds(self.folder, self.env, "cat-file", "-e", f"{commit}^{{commit}}")

    def fetch(self, branch: str) -> bool:
        """Fetch a branch into FETCH_HEAD; whether there is one."""
        # No tracking refs: agents of one clone fetch at the same time, and the lock of a ref is not waited for.
        arguments = ("fetch", "--quiet", "--refmap=", "--no-tags", "origin", f"refs/heads/{branch}")
        return succeeds(self.folder, self.env, *arguments)

    def commit(self, message: str, branch: str) -> None:
        """Commit all changes and push them; nothing of others is overwritten."""
        self.git("commit", "--quiet", "--all", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
