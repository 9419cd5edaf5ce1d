"""The user's repository, read with the git program (libgit2 cannot open every repository that git can).

Rules:
  * Everything a user supplied is put behind `--end-of-options` or `--`, so that it cannot become an option.
  * A question that git cannot answer is `None` or an error with a sentence, never a guess.

What this file does not know: ledgers, steps, who asks.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import moment_of
from gitcoord.core.documents.names import branch_name, shown
from gitcoord.errors import InvalidError, RepositoryError
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.remote.git.git_process import Completed, clean_env, clean_text, run_git
from gitcoord.remote.git.git_version import git_version, too_old
from gitcoord.remote.git.user_config import UserConfig, config_of
from gitcoord.source.checkout import remote_probe
from gitcoord.source.checkout.bounded_git import read_git

LOCAL_TIMEOUT_S = 30.0  # the largest diff that was measured took 3 s
REMOTE_TIMEOUT_S = 15.0  # the network timeout of the design
PATTERNS_MAX = 200  # branches named to git at once; their names fit into any system's command line
ARGUMENT_BYTES_MAX = 4096  # the longest path of Linux; a name that git knows is shorter
_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ID_OR_PREFIX = re.compile(r"[0-9a-f]{4,64}")
# What is ours, and who the user is and how he signs and connects.
_SETTINGS = re.compile(r"gitcoord\..*|user\.(?:name|email|signingkey)|gpg\..*|core\.sshcommand")
_ON, _OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")  # as git spells it, and as people do


class Repository(NamedTuple):
    """A repository, seen from one of its worktrees.

    Attributes:
        top: the folder of this worktree.
        common_dir: git's folder that all linked worktrees share.
        git_dir: git's folder of this worktree.
        env: the environment of this process; handed to git cleaned.
        beside: what git gets as it is: in a hook, which repository and index git itself is at work on.
    """

    top: Path
    common_dir: Path
    git_dir: Path
    object_format: str
    is_shallow: bool
    env: Mapping[str, str]
    beside: Mapping[str, str] = MappingProxyType({})

    @property
    def git_env(self) -> dict[str, str]:
        """The environment for git."""
        return {**clean_env(self.env), **self.beside}

    def git(self, *arguments: str, timeout_s: float = LOCAL_TIMEOUT_S) -> Completed:
        """Run git in this worktree."""
        return read_git(arguments, cwd=self.top, env=self.git_env, timeout_s=timeout_s)

    def text(self, *arguments: str) -> str | None:
        """Run git and return its output without the last newline, or `None` if it failed."""
        done = self.git(*arguments)
        return done.stdout.decode("utf-8", "replace").rstrip("\n") if done.rc == 0 else None

    def settings(self) -> dict[str, str]:
        """Return `gitcoord.*`, and user and signing, of git's configuration: the last value of each key.

        Raises:
            RepositoryError: git cannot read it.
        """
        return settings_in(self.config())

    def config(self) -> UserConfig:
        """Return all of git's configuration: one process for what several ask for.

        Raises:
            RepositoryError: git cannot read it.
        """
        return config_of(self.top, self.git_env)

    @property
    def has_main_settings(self) -> bool:
        """Whether settings of the main worktree alone are the clone's, as those of a bare repository are.

        Linked worktrees would have them too with extensions.worktreeConfig: git finds no work tree there any more.
        See git-worktree(1), CONFIGURATION FILE.
        """
        is_bare = self.text("config", "--local", "--type=bool", "--get", "core.bare") == "true"
        return is_bare or self.text("config", "--local", "--get", "core.worktree") is not None

    def resolve_commit(self, name: str) -> Oid:
        """Return the full id of a commit.

        Raises:
            InvalidError: there is no such commit here, or the name is ambiguous.
        """
        if name and not name.startswith("-") and _is_argument(name):
            found = self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            if found:
                return oid(found.splitlines()[-1])
        message = f"{shown(name)} is not a commit of this repository."
        hint = "Commit first and give its id (git rev-parse HEAD), or fetch it; an abbreviation must be unique."
        if self.is_shallow:
            hint += " This clone is shallow: `git fetch --unshallow` brings older commits."
        raise InvalidError(message, hint=hint)

    def resolve_ids(self, names: Collection[str]) -> dict[str, Oid]:
        """Return the full id of each commit that is here, of those that are named by their id or its beginning.

        One process for all. Other names (`main`, `HEAD`) are of no commit for long, and have none here.
        """
        wanted = sorted({name for name in names if _ID_OR_PREFIX.fullmatch(name)})
        if not wanted:
            return {}
        lines = "".join(f"{name}^{{commit}}\n" for name in wanted).encode()
        arguments = ("cat-file", "--batch-check=%(objectname)")
        done = read_git(arguments, cwd=self.top, env=clean_env(self.env), timeout_s=LOCAL_TIMEOUT_S, given=lines)
        found = done.stdout.decode("ascii", "replace").splitlines()  # of one that is not here: `<name> missing`
        pairs = zip(wanted, found, strict=False)
        return {name: oid(line) for name, line in pairs if _FULL_ID.fullmatch(line)} if done.rc == 0 else {}

    def changed_files(self, commit: str, bases: Sequence[str]) -> list[str] | None:
        """Return the files that the commits of `commit` changed that none of `bases` has.

        A rename counts for both names, a merge for what differs from all of its parents: how a conflict was resolved.
        `None`: it is not known, for none of the bases is here, a shallow clone ends before the commit meets them, or
        git cannot list them.
        """
        here = self.resolve_ids(bases).values()
        if bases and (not here or (self.is_shallow and self.text("merge-base", commit, *here) is None)):
            return None
        known = [f"^{base}" for base in here]
        shape = ("-z", "--format=", "--name-only", "--no-renames", "--diff-merges=combined", "--no-show-signature")
        done = self.git("log", *shape, commit, *known, "--")
        names = {name for name in done.stdout.decode("utf-8", "replace").split("\0") if name}
        return sorted(names)[: limits.STEP_FILES] if done.rc == 0 else None

    def ignored(self, paths: Sequence[str]) -> set[str]:
        """Return those paths that git ignores; a tracked one never is."""
        lines = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        arguments = ("check-ignore", "-z", "--stdin")
        done = read_git(arguments, cwd=self.top, env=clean_env(self.env), timeout_s=LOCAL_TIMEOUT_S, given=lines)
        return {name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name}

    def has_commit(self, commit: str) -> bool:
        """Whether a full id is a commit of this repository."""
        return bool(_FULL_ID.fullmatch(commit)) and self.git("cat-file", "-e", f"{commit}^{{commit}}").rc == 0

    def refs_of(self, branch: str) -> dict[str, Oid]:
        """Return the local and the remote-tracking branches of that name with their tips, the local one first."""
        if not _is_branch(branch):
            return {}
        own = f"refs/heads/{branch}"
        listed = self.text("for-each-ref", "--format=%(refname) %(objectname)", own, f"refs/remotes/*/{branch}") or ""
        rows = (line.split(" ") for line in listed.splitlines())
        # A pattern matches what is below it too: refs/heads/feat is no branch where refs/heads/feat/login is one.
        return {ref: oid(tip) for ref, tip in rows if ref == own or ref.startswith("refs/remotes/")}

    def branch_with(self, commit: str) -> str:
        """Return the name of a branch that contains the commit, the one that is checked out first; empty: none does."""
        shape = ("--format=%(HEAD) %(refname:lstrip=2)", "refs/heads", "refs/remotes")
        listed = self.text("for-each-ref", f"--contains={commit}", *shape) or ""
        rows = sorted(listed.splitlines(), key=lambda line: not line.startswith("*"))
        return rows[0][2:] if rows else ""

    def is_pushed(self, commit: str, url: str) -> bool | None:
        """Whether a branch of the remote contains the commit; `None` if the remote does not say.

        The tips of the remote are asked for, because what this clone last fetched may be old; a tip that is not
        here cannot be looked into and counts as not containing it.
        """
        heads = self.heads(url)
        return None if heads is None else self.is_in(commit, heads.values())

    def is_in(self, commit: str, tips: Iterable[str]) -> bool | None:
        """Whether any of these tips contains the commit; `None`: git does not say. A tip that is not here has nothing.

        One process for a thousand: what is reachable from the commit and from none of the tips.
        """
        every = {tip for tip in tips if _FULL_ID.fullmatch(tip)}
        if commit in every or not self.has_commit(commit):
            return commit in every
        lines = "".join(f"{line}\n" for line in (commit, *(f"^{tip}" for tip in sorted(every))))
        arguments = ("rev-list", "--max-count=1", "--ignore-missing", "--stdin")
        env = clean_env(self.env)
        done = read_git(arguments, cwd=self.top, env=env, timeout_s=LOCAL_TIMEOUT_S, given=lines.encode())
        return None if done.rc != 0 else not done.stdout

    def heads(self, url: str) -> dict[str, str] | None:
        """Return the tip of each branch of the remote; `None` if the remote does not say."""
        listed = self._ask(url, "ls-remote", "--heads", "--", remote_probe.REMOTE)
        if listed.rc != 0:
            return None
        pairs = (line.partition("\t") for line in listed.stdout.decode("utf-8", "replace").split("\n") if line)
        return {ref.removeprefix("refs/heads/"): tip for tip, _, ref in pairs}

    def head_branch(self, url: str, timeout_s: float) -> str | None:
        """Return the branch that the remote calls HEAD; `None` if it does not say so in time."""
        done = self._ask(url, "ls-remote", "--symref", "--", remote_probe.REMOTE, "HEAD", timeout_s=timeout_s)
        lines = done.stdout.decode("utf-8", "replace").split("\n") if done.rc == 0 else []
        named = [line.removeprefix("ref: refs/heads/").partition("\t")[0] for line in lines if line.endswith("\tHEAD")]
        return named[0] if named and lines[0].startswith("ref: refs/heads/") and _is_branch(named[0]) else None

    def refs_at(self, url: str, pattern: str) -> dict[str, str]:
        """Return the refs of the remote that match a pattern of whole names; none if it does not say."""
        listed = self._ask(url, "ls-remote", "--refs", "--", remote_probe.REMOTE, pattern).stdout
        pairs = (line.partition("\t") for line in listed.decode("utf-8", "replace").split("\n") if line)
        # A pattern matches the tail of a name, too.
        return {ref: tip for tip, _, ref in pairs if ref.startswith(pattern.rstrip("*"))}

    def branch_tip(self, branch: str, url: str) -> tuple[Oid, datetime] | None:
        """Return the tip of a branch on the remote and its time, if the commit is here or can be fetched."""
        return self.branch_tips([branch], url).get(branch)

    def branch_tips(self, branches: Collection[str], url: str) -> dict[str, tuple[Oid, datetime]]:
        """Return the tips of branches on the remote, as `branch_tip`: one connection, and one more for new commits."""
        refs = {f"refs/heads/{branch}": branch for branch in branches if _is_branch(branch)}
        if not refs:
            return {}
        patterns = sorted(refs) if len(refs) <= PATTERNS_MAX else ["refs/heads/*"]
        listed = self._ask(url, "ls-remote", "--", remote_probe.REMOTE, *patterns).stdout
        pairs = (line.partition("\t") for line in listed.decode("utf-8", "replace").split("\n"))
        # A pattern matches the tail of a name: refs/mirror/refs/heads/feat too.
        tips = {ref: tip for tip, _, ref in pairs if ref in refs}
        times = self._times_of(tips.values())
        if len(times) < len(set(tips.values())):
            times = {**remote_probe.kept_times(self.common_dir), **times}
        lacking = {ref: tip for ref, tip in tips.items() if tip not in times}
        times |= self._look_at(url, lacking) if lacking else {}
        known = {ref: tip for ref, tip in tips.items() if tip in times}
        return {refs[ref]: (oid(tip), moment_of(times[tip])) for ref, tip in known.items()}

    def _ask(
        self, url: str, *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = REMOTE_TIMEOUT_S
    ) -> Completed:
        """Run git with the remote of this URL, which it knows as `remote_probe.REMOTE`."""
        starts_no_ssh = url.lower().startswith(("http://", "https://", "/"))
        ssh_command = "" if starts_no_ssh else self.settings().get("core.sshcommand", "")
        asking = remote_probe.asking_env(self.env, url, ssh_command)
        environment = {**asking, **(env or {})}
        return run_git(arguments, cwd=self.top, env=environment, timeout_s=timeout_s, asks=redact(url))

    def _look_at(self, url: str, tips: Mapping[str, str]) -> dict[str, int]:
        """Return the times of commits of the remote that are not here, by their refs; nothing stays here but that."""
        names = sorted(tips)
        times: dict[str, int] = {}
        with suppress(OSError), remote_probe.borrowed_objects(self.common_dir) as env:
            for start in range(0, len(names), PATTERNS_MAX):
                some = names[start : start + PATTERNS_MAX]
                self._ask(url, "fetch", "--no-tags", "--no-write-fetch-head", "--", remote_probe.REMOTE, *some, env=env)
            times = self._times_of(tips.values(), env)
        remote_probe.keep_times(self.common_dir, times)
        return times

    def _times_of(self, tips: Iterable[str], env: Mapping[str, str] | None = None) -> dict[str, int]:
        """Return the times of those commits that are here, in seconds, in one process."""
        names = "".join(f"{tip}\n" for tip in sorted(set(tips))).encode()
        if not names:
            return {}
        arguments = ("rev-list", "--no-walk=unsorted", "--ignore-missing", "--timestamp", "--stdin")
        here = {**clean_env(self.env), **(env or {})}
        done = read_git(arguments, cwd=self.top, env=here, timeout_s=LOCAL_TIMEOUT_S, given=names)
        pairs = (line.split(" ") for line in done.stdout.decode("ascii", "replace").splitlines())
        return {tip: int(seconds) for seconds, tip in pairs}

    def local_tip(self, branch: str) -> tuple[Oid, datetime] | None:
        """Return the tip of a branch of this clone, and its time."""
        if not _is_branch(branch):
            return None
        found = self.text("show-ref", "--verify", "--hash", f"refs/heads/{branch}")
        seconds = self.text("show", "-s", "--format=%ct", found) if found else None
        return (oid(found), moment_of(int(seconds))) if found and seconds else None

    def remote_url(self, name: str, *, push: bool = True) -> str | None:
        """Return the URL of a remote of this repository; `None` if it has none of that name."""
        # A URL is no name, and may hold a password, which no command line is to show.
        if name.startswith("-") or not name or "://" in name or redact(name) != name or not _is_argument(name):
            return None
        return self.text("remote", "get-url", *(["--push"] if push else []), "--", name)

    def rewritten(self, url: str) -> str:
        """Return where git pushes to for a URL that is no remote's, `insteadOf` rules applied."""
        # `get-url` knows only what stands in files. The URL may hold a password, so it travels in the environment.
        env = {**clean_env(self.env, settings=[(f"remote.{remote_probe.REMOTE}.url", url)]), **self.beside}
        listed = run_git(("remote", "-v"), cwd=self.top, env=env, timeout_s=LOCAL_TIMEOUT_S).stdout
        found = re.search(rf"(?m)^{remote_probe.REMOTE}\t(.*) \(push\)$", os.fsdecode(listed))
        return found[1] if found else url


def settings_in(config: UserConfig) -> dict[str, str]:
    """Return `Repository.settings` of what was read already."""
    found = config.last(_SETTINGS).items()
    return {key.lower(): value.encode(errors="surrogateescape").decode(errors="replace") for key, value in found}


def is_on(settings: Mapping[str, str], key: str, *, default: bool) -> bool:
    """Whether a setting is on; `default`: where it is not there, or says neither."""
    said = settings.get(key, "").lower()
    return said in _ON or (default and said not in _OFF)


def open_repository(cwd: Path, env: Mapping[str, str], beside: Mapping[str, str] | None = None) -> Repository:
    """Find the repository around a folder, or the one that `beside` names.

    Raises:
        RepositoryError: there is none, it is bare, or git does not trust it.
    """
    arguments = (
        "rev-parse",
        "--path-format=absolute",
        "--is-bare-repository",
        "--is-inside-work-tree",
        "--git-common-dir",
        "--absolute-git-dir",
        "--show-object-format",
        "--is-shallow-repository",
        "--show-toplevel",
    )
    if cwd.exists() and not cwd.is_dir():
        raise RepositoryError(f"{shown(str(cwd), 200)} is not a folder.", hint="Run gitcoord in your repository.")
    done = run_git(arguments, cwd=cwd, env={**clean_env(env), **(beside or {})}, timeout_s=LOCAL_TIMEOUT_S)
    lines = os.fsdecode(done.stdout).split("\n")[:-1]
    if done.rc != 0 or len(lines) != len(arguments) - 2:
        raise too_old(git_version(cwd, env)) or _no_repository(cwd, done, lines)
    common_dir, git_dir, object_format, is_shallow, top = lines[2:]
    return Repository(
        Path(top), Path(common_dir), Path(git_dir), object_format, is_shallow == "true", env, beside or {}
    )


def _no_repository(cwd: Path, done: Completed, lines: list[str]) -> RepositoryError:
    where = shown(str(cwd), 200)
    words = done.errors.lower()
    if "dubious ownership" in words:
        message = f"git does not trust {where}: it belongs to another user."
        return RepositoryError(message, hint="Run what git says: git config --global --add safe.directory <folder>")
    if lines[:1] == ["true"]:
        return RepositoryError(f"{where} is a bare repository.", hint="Run gitcoord in a clone or a worktree of it.")
    if lines[:2] == ["false", "false"]:
        message = f"{where} is inside git's own folder."
        return RepositoryError(message, hint="Run gitcoord in the work tree.")
    if done.rc == 0:
        message = f"The path of the repository at {where} has a line break, which gitcoord cannot work with."
        return RepositoryError(message, hint="Rename the folder.")
    if "not a git repository: " in words:  # what the file .git names; else git says which folders it looked into
        message = f"{where} is a worktree or submodule that its repository does not know any more."
        hint = "If it was moved: `git worktree repair` in the repository. Else make it again: `git worktree add`."
        return RepositoryError(message, hint=hint)
    if "not a git repository" in words:
        return RepositoryError(f"{where} is not inside a git repository.", hint="Go to your repository, or `git init`.")
    return RepositoryError(f"git cannot read the repository at {where}: {clean_text(done.errors)}")


def _is_argument(text: str) -> bool:
    """Whether a process can be given this text, and git could know such a name."""
    try:
        return "\0" not in text and len(os.fsencode(text)) <= ARGUMENT_BYTES_MAX
    except UnicodeEncodeError:
        return False


def _is_branch(text: str) -> bool:
    """Whether this can be a branch; a ledger that others wrote may say anything."""
    try:
        branch_name(text)
    except InvalidError:
        return False
    return True
