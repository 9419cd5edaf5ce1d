"""A place for trial merges: a repository of its own that borrows the user's objects, and is removed at the end.

Rules:
  * Nothing of the user's repository changes: no ref, no index, no object. What is new (merged files, the trees of
    worktrees, commits that are fetched to be looked at) goes into the folder that is removed.
  * A worktree counts with what is not committed: changes of tracked files, and new files that are not ignored, as long
    as these are not larger than what is looked into.
  * What cannot be read is left out, and said.

What this file does not know: how files are merged, which branches are of interest.
"""

import os
import shutil
import tempfile
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pygit2

from gitcoord.core.documents.names import shown
from gitcoord.errors import RepositoryError, StorageError, disk_hint
from gitcoord.redaction import redact
from gitcoord.remote.git.git_process import Completed, clean_env, run_git
from gitcoord.remote.store.pygit_objects import libgit2_errors
from gitcoord.source.checkout import remote_probe
from gitcoord.source.checkout.bounded_git import read_git
from gitcoord.source.checkout.default_branch import default_tip
from gitcoord.source.checkout.repository import LOCAL_TIMEOUT_S, REMOTE_TIMEOUT_S, Repository
from gitcoord.source.history.landed import equal_on
from gitcoord.source.merges.tree_sizes import TreeSizes
from gitcoord.source.symbols.definitions import FILE_BYTES_MAX

NEW_FILES_MAX = 1000  # more are a build's output that is not ignored
FETCHED_MAX = 50  # branches that only were pushed and are brought here to be looked at: seconds over a network
LANDED = "it has landed"
_QUIET = (
    "-c", "core.splitIndex=false",  # else the shared half of an index is written beside the user's
    "-c", "core.untrackedCache=false",
    "-c", "core.safecrlf=false",  # a doubtful line end is no reason to see nothing
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """What may be merged.

    Attributes:
        name: the branch; of a worktree without one, its folder and commit: `wt@1a2b3c4`.
        worktree: where it is checked out here, if it is.
        dirty: the tree has what is not committed there.
    """

    name: str
    commit: str
    tree: str
    worktree: str = ""
    dirty: bool = False


@dataclass(slots=True)
class Trial:
    """The place.

    Attributes:
        sizes: tells which trees are too large to be merged here.
        notes: what was left out, as sentences.
        missing: branches that were asked for and are nowhere.
        unseen: branches of the remote that were not brought here, and why.
    """

    repository: Repository
    objects: pygit2.Repository
    folder: Path
    sizes: TreeSizes
    notes: list[str] = field(default_factory=list[str])
    missing: list[str] = field(default_factory=list[str])
    unseen: dict[str, str] = field(default_factory=dict[str, str])
    _heads: dict[str, str] | None = None
    _default: "tuple[str, pygit2.Commit] | None" = None

    def sides(self, branches: Collection[str], url: str | None = None) -> list[Side]:
        """Return the worktrees of this clone, and these branches; `url`: where others push them to."""
        found = {side.name: side for side in self.worktrees()}
        wanted = sorted(set(branches) - found.keys())
        theirs = {name: tip for name, tip in self._listed(url).items() if name in wanted} if wanted else {}
        self._bring([name for name, tip in theirs.items() if tip not in self.objects], url)
        for branch in wanted:
            commit = self._tip(branch, theirs.get(branch))
            if commit is None:
                self.missing.append(branch)
            else:
                found[branch] = Side(branch, str(commit.id), str(commit.tree_id))
        return list(found.values())

    def side_at(self, name: str, commit: str) -> Side | None:
        """Return a branch as of a commit, if that is here."""
        with suppress(*libgit2_errors()):
            return Side(name, commit, str(self.objects[commit].peel(pygit2.Tree).id))
        return None

    def pushed(self, url: str | None, since_s: int) -> list[Side]:
        """Return the remote's branches whose last commit is not older than that, newest first.

        Of a remote that cannot be asked, those that were fetched last.
        """
        theirs = self._listed(url)
        if not theirs:
            shape = "--format=%(refname) %(objectname)"
            tracked = self.repository.text("for-each-ref", shape, "refs/remotes/origin") or ""
            rows = (line.removeprefix("refs/remotes/origin/").split(" ") for line in tracked.splitlines())
            theirs = {name: tip for name, tip in rows if name != "HEAD"}
        lacking = sorted(name for name, tip in theirs.items() if tip not in self.objects)
        if self.repository.is_shallow:  # a fetch may bring the whole history of each
            self.unseen |= dict.fromkeys(lacking, "its commits are not in this shallow clone")
        else:
            self.unseen |= dict.fromkeys(lacking[FETCHED_MAX:], "its commits are not here; git fetch brings them")
            self._bring(lacking[:FETCHED_MAX], url)
        found: list[tuple[int, Side]] = []
        for name, tip in theirs.items():
            commit = self._tip(name, tip) if tip in self.objects else None
            if commit is not None and commit.commit_time >= since_s:
                found.append((commit.commit_time, Side(name, str(commit.id), str(commit.tree_id))))
        return [side for _, side in sorted(found, key=lambda pair: (-pair[0], pair[1].name))]

    def apart(self, side: Side) -> str:
        """Say why a branch is of no interest beside the default one; empty: it is."""
        default = self._default_tip()
        if default is None or side.name == default[0]:
            return ""
        tip, head = pygit2.Oid(hex=side.commit), default[1].id
        if tip == head or self.objects.descendant_of(head, tip):
            return LANDED
        ancestor = cast("pygit2.Oid | None", self.objects.merge_base(head, tip))
        return "" if ancestor else f"it has no common commit with {shown(default[0])}"

    @property
    def default_name(self) -> str:
        """Return the name of the default branch; empty if nothing says which it is."""
        default = self._default_tip()
        return default[0] if default else ""

    @property
    def default_commit(self) -> str:
        """Return the newest that is known of the default branch."""
        default = self._default_tip()
        return str(default[1].id) if default else ""

    def has_landed(self, side: Side) -> bool:
        """Whether the default branch has the work of a branch in other commits: rebased, picked, squashed."""
        default = self._default_tip()
        if default is None or side.name == default[0]:
            return False
        beside = {**self.repository.beside, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.folder / "objects")}
        return equal_on(self.repository._replace(beside=beside), side.commit, str(default[1].id)) is not None

    def _default_tip(self) -> "tuple[str, pygit2.Commit] | None":
        """Return the default branch, as new as it is known, and its name."""
        if self._default is None:
            known = default_tip(self.repository)
            commit = self._tip(known.name, (self._heads or {}).get(known.name)) if known else None
            self._default = (known.name, commit) if known and commit is not None else None
        return self._default

    def worktrees(self) -> list[Side]:
        """Return every worktree of this clone, as it is on disk."""
        listed = self.repository.text("worktree", "list", "--porcelain") or ""
        out: list[Side] = []
        for block in listed.split("\n\n"):
            fields = {word: rest for word, _, rest in (line.partition(" ") for line in block.splitlines())}
            folder, head = Path(fields.get("worktree", "")), fields.get("HEAD", "")
            if "bare" in fields or not head.strip("0") or not folder.is_dir():
                continue
            name = fields.get("branch", "").removeprefix("refs/heads/") or f"{folder.name}@{head[:7]}"
            with suppress(*libgit2_errors()):
                committed = str(self.objects[head].peel(pygit2.Commit).tree_id)
                tree = self._tree_of(folder) or committed
                out.append(Side(name, head, tree, str(folder), dirty=tree != committed))
        return out

    def commit_of(self, side: Side) -> pygit2.Oid:
        """Return a commit with the tree of a side; one is made where it has what is not committed."""
        if not side.dirty:
            return pygit2.Oid(hex=side.commit)
        who = pygit2.Signature("gitcoord", "gitcoord@localhost", 0, 0)
        return self.objects.create_commit(None, who, who, "", pygit2.Oid(hex=side.tree), [pygit2.Oid(hex=side.commit)])

    def _tree_of(self, folder: Path) -> str | None:
        """Return the tree of a worktree with what is not committed; `None` if git cannot say."""
        where = self._git(folder, "rev-parse", "--path-format=absolute", "--git-path", "index", on_copy=False)
        index = self.folder / "trial-index"
        index.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            # With its time: by it git tells which files it has to read again.
            shutil.copy2(os.fsdecode(where.stdout.removesuffix(b"\n")), index)
        self._git(folder, *_QUIET, "add", "--update", "--ignore-errors", "--", ":/")
        listed = self._git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--full-name", "--", ":/").stdout
        names = [name for name in listed.split(b"\0") if name and not name.endswith(b"/")]
        if len(names) > NEW_FILES_MAX:
            many = f"{shown(folder.name)} has {len(names)} new files that are not ignored; they are left out."
            self.notes.append(many)
            names = []
        fitting = (name for name in names if _size(os.fsencode(folder) + b"/" + name) <= FILE_BYTES_MAX)
        new = b"".join(name + b"\0" for name in fitting)
        if new:
            self._git(folder, *_QUIET, "update-index", "--add", "-z", "--stdin", input=new)
        written = self._git(folder, *_QUIET, "write-tree")
        if written.rc == 0:
            return written.stdout.decode("ascii").strip()
        self.notes.append(f"What is not committed in {shown(str(folder), 200)} cannot be read.")
        return None

    def _tip(self, branch: str, theirs: str | None) -> pygit2.Commit | None:
        """Return the newest that is known of a branch: here, on the remote, or as last fetched."""
        names = (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}")
        known = [self.repository.text("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in names]
        best: pygit2.Commit | None = None
        for side in (known[0], theirs, known[1]):
            with suppress(*libgit2_errors()):
                commit = self.objects[side].peel(pygit2.Commit) if side else None
                if best is None or (commit and self.objects.descendant_of(commit.id, best.id)):
                    best = commit
        return best

    def _listed(self, url: str | None) -> dict[str, str]:
        """Return the branches of the remote and their tips. It is asked once; without an answer there are none."""
        if self._heads is None:
            self._heads = {}
            listed = self._ask(url, "ls-remote", "--heads", "--", remote_probe.REMOTE) if url else None
            if listed is not None and listed.rc != 0:
                self.notes.append("The remote does not answer; its branches count as they were last fetched.")
            elif listed is not None:
                rows = [line.partition("\t") for line in listed.stdout.decode("utf-8", "replace").splitlines()]
                self._heads = {ref.removeprefix("refs/heads/"): tip for tip, _, ref in rows}
        return self._heads

    def _bring(self, branches: Sequence[str], url: str | None) -> None:
        """Fetch branches of the remote into the folder."""
        if branches and url:
            refs = [f"refs/heads/{branch}" for branch in branches]
            self._ask(url, "fetch", "--no-tags", "--no-write-fetch-head", "--", remote_probe.REMOTE, *refs)

    def _ask(self, url: str, *arguments: str) -> Completed:
        asking = remote_probe.asking_env(
            self.repository.env, url, self.repository.settings().get("core.sshcommand", "")
        )
        env = {**asking, "GIT_OBJECT_DIRECTORY": str(self.folder / "objects")}
        top, shown_url = self.repository.top, redact(url)
        return run_git(arguments, cwd=top, env=env, timeout_s=REMOTE_TIMEOUT_S, asks=shown_url)

    def _git(
        self,
        folder: Path,
        *arguments: str,
        input: bytes | None = None,  # noqa: A002 - as run_git
        on_copy: bool = True,
    ) -> Completed:
        """Run git in a worktree, on the copy of its index; what it writes goes into the folder."""
        env = {
            **clean_env(self.repository.env),
            **({"GIT_INDEX_FILE": str(self.folder / "trial-index")} if on_copy else {}),
            "GIT_OBJECT_DIRECTORY": str(self.folder / "objects"),
        }
        return read_git(arguments, cwd=folder, env=env, timeout_s=LOCAL_TIMEOUT_S, given=input)


@contextmanager
def trial(repository: Repository) -> Generator[Trial]:
    """Make the place, and remove it at the end.

    Raises:
        RepositoryError: libgit2 cannot read such a repository.
        StorageError: there is no room for them.
    """
    if repository.object_format != "sha1":
        message = f"Trial merges cannot read a repository with {repository.object_format} ids."
        raise RepositoryError(message, hint="git merge-tree shows it for two branches.")
    try:
        with tempfile.TemporaryDirectory(prefix="gitcoord-trial.", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            pygit2.init_repository(name, bare=True)
            (folder / "objects" / "info" / "alternates").write_bytes(
                os.fsencode(repository.common_dir / "objects") + b"\n"
            )
            with suppress(FileNotFoundError):
                shutil.copyfile(repository.common_dir / "shallow", folder / "shallow")
            objects = pygit2.Repository(name)
            yield Trial(repository, objects, folder, TreeSizes(objects))
    except OSError as error:
        message = f"There is no room for trial merges: {error.strerror or error}."
        raise StorageError(message, hint=disk_hint(error.errno)) from error


def _size(path: bytes) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return FILE_BYTES_MAX + 1
