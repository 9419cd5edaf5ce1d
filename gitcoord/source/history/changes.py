r"""Changes: which files, lines and commits a range of history has, asked of git's plumbing only.

    integration ──o──o─────────o          a range: from the bases to the head
                   \
                    o──o──o  head         own work: commits of the head that the integration branch has not

Rules:
  * A rename counts for both names: the old file is removed, the new one added. A change of mode or type, a submodule
    and a deletion are changes like any other.
  * With several merge bases a file is changed where it differs from all of them: what equals one of them came from it.
  * Names are git's bytes, read with `-z`; `path` is what they say, for matching and for showing.
  * SEC-4: git is read within the bounds of `bounded_git`.
  * Nothing here reads the content of a file unless its lines are asked for, and never of one over LINES_BYTES_MAX.

This file needs the standard library and the git program only, because hooks run it; it must not know claims.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from gitcoord.errors import RepositoryError
from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.remote.git.git_process import Completed, clean_text
from gitcoord.source.checkout.bounded_git import OUTPUT_BYTES, read_git
from gitcoord.source.checkout.repository import Repository

DIFF_TIMEOUT_S: Final = 120.0  # of one git: 100,000 changed files take about a second
BASES_MAX: Final = 8  # of several merge bases; more are a history that no one can review
LINES_BYTES_MAX: Final = 512 * 1024  # as far as definitions are read; a larger file counts as a whole
_REGULAR: Final = frozenset({"100644", "100755"})


class FileChange(NamedTuple):
    """One file that differs.

    Attributes:
        path: its name as text; bytes that are no UTF-8 are replaced.
        name: its name as git has it.
        status: git's letter: A, D, M, or T where the type changed.
        old_mode, new_mode: `000000` where a side has none.
        old, new: the objects of both sides; all zeros where there is none, or where git has not hashed it yet.
    """

    path: str
    name: bytes
    status: str
    old_mode: str
    new_mode: str
    old: str
    new: str

    @property
    def is_removed(self) -> bool:
        """Whether it is gone."""
        return self.status == "D"

    @property
    def is_content(self) -> bool:
        """Whether it was, or became, a regular file and nothing else: no link, no submodule."""
        modes = {mode for mode in (self.old_mode, self.new_mode) if mode.strip("0")}
        return bool(modes) and modes <= _REGULAR

    @property
    def is_mode_only(self) -> bool:
        """Whether only its mode differs."""
        return self.old == self.new and self.status == "M"


class Range(NamedTuple):
    """What is compared: trees of commits, or the index where there is no head."""

    bases: tuple[str, ...]
    head: str | None

    def words(self, base: str) -> tuple[str, ...]:
        """Return the plumbing that compares one base with the head."""
        return ("diff-index", "--cached", base) if self.head is None else ("diff-tree", "-r", base, self.head)


def merge_bases(repository: Repository, one: str, other: str) -> tuple[Oid, ...]:
    """Return the best common ancestors of two commits; none where they have none here (as in a shallow clone)."""
    done = repository.git("merge-base", "--all", one, other)
    return tuple(oid(line) for line in done.stdout.decode("ascii", "replace").split()[:BASES_MAX])


def own_range(repository: Repository, integration: str | None, head: str) -> Range | None:
    """Return the range of a branch's own work; `None`: it has no common commit with the integration branch here.

    Without an integration branch everything is own work.
    """
    if integration is None:
        return Range((empty_tree(repository),), head)
    bases = merge_bases(repository, integration, head)
    return Range(bases, head) if bases else None


def empty_tree(repository: Repository) -> Oid:
    """Return the id of the tree without files."""
    done = _git(repository, ("hash-object", "-t", "tree", "--stdin"), b"")
    return oid(done.stdout.decode("ascii").strip())


def changed_files(repository: Repository, what: Range) -> list[FileChange]:
    """Return what differs between the bases and the head, in git's order.

    Raises:
        RepositoryError: git cannot compare them; in a shallow clone a commit may be missing.
    """
    first, *others = what.bases[:BASES_MAX]
    found = _compared(repository, what, first)
    for base in others:
        also = {change.name for change in _compared(repository, what, base)}
        found = [change for change in found if change.name in also]
    return found


def _compared(repository: Repository, what: Range, base: str) -> list[FileChange]:
    command, *rest = what.words(base)
    shape = ("--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none")
    done = _git(repository, (command, *shape, *rest, "--"))
    fields = done.stdout.split(b"\0")
    # `:<mode> <mode> <id> <id> <letter>`, then the name; see git-diff-tree(1), RAW OUTPUT FORMAT.
    compared: list[FileChange] = []
    for head, name in zip(fields[::2], fields[1::2], strict=False):
        if head[:1] == b":":
            old_mode, new_mode, old, new, status = head[1:].decode("ascii").split(" ")
            path = name.decode("utf-8", "replace")
            compared.append(FileChange(path, name, status[:1], old_mode, new_mode, old, new))
    return compared


class Commit(NamedTuple):
    """One commit of a range.

    Attributes:
        author: `name <mail>`, as the commit has it.
        committed_at: when it was made as it is now; a rebase makes it anew.
        authored_at: when its author says that it was made first.
        steps, fences, agents: the values of its trailers `Coord-Step`, `Coord-Fence`, `Coord-Agent`.
    """

    id: Oid
    parents: tuple[str, ...]
    author: str
    committed_at: datetime
    authored_at: datetime
    steps: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


_TRAILERS: Final = ("Coord-Step", "Coord-Fence", "Coord-Agent")
_FORMAT: Final = "%x00".join(
    (
        "%m",  # `-`: of the boundary, where what is walked ends
        "%H",
        "%P",
        "%ct",
        "%at",
        "%an <%ae>",
        *(f"%(trailers:key={trailer},valueonly,unfold,separator=%x1f)" for trailer in _TRAILERS),
    )
)
_FIELDS: Final = 9
COMMITS_MAX: Final = 10_000  # of one range; the rest is older, and its files count all the same
_MARK: Final = "\x01"  # before a commit's id in a list of names
# A file of such a name deceives its author only.
_MARKED = re.compile(rf"{_MARK}([0-9a-f]{{40}}(?:[0-9a-f]{{24}})?) ([0-9]+)")


def commits_of(repository: Repository, head: str, without: Sequence[str] = ()) -> list[Commit]:
    """Return the commits of a head that none of the others has, newest first.

    Raises:
        RepositoryError: git cannot walk them.
    """
    return own_commits_of(repository, head, *(f"^{commit}" for commit in without))[0]


def own_commits_of(repository: Repository, *words: str) -> tuple[list[Commit], list[Oid]]:
    """Return the commits of some revisions, newest first, and those where they end, which are not among them.

    Raises:
        RepositoryError: git cannot walk them.
    """
    shape = ("-z", f"--format={_FORMAT}", "--no-show-signature", "--boundary", f"--max-count={COMMITS_MAX}")
    fields = _git(repository, ("log", *shape, *words, "--")).stdout.decode("utf-8", "replace").split("\0")
    rows = zip(*(fields[index::_FIELDS] for index in range(_FIELDS)), strict=False)
    commits: list[Commit] = []
    boundary: list[Oid] = []
    for mark, name, parents, committed, authored, author, *trailers in rows:
        if mark == "-":
            boundary.append(oid(name))
        elif name:
            steps, fences, agents = (tuple(v.strip() for v in text.split("\x1f") if v.strip()) for text in trailers)
            times = (_moment(committed), _moment(authored))
            commits.append(Commit(oid(name), tuple(parents.split()), author, *times, steps, fences, agents))
    return commits, boundary


def _moment(seconds: str) -> datetime:
    number = int(seconds) if seconds.isascii() and seconds.isdigit() else 0
    return datetime.fromtimestamp(min(number, 1 << 37), UTC)


def files_by_commit(repository: Repository, head: str, without: Sequence[str] = ()) -> Iterator[tuple[str, list[str]]]:
    """Yield the commits of `commits_of` with the names of the files that each changed.

    Of a merge those that differ from all of its parents: how a conflict was resolved.
    """
    limits = ("--diff-merges=combined", f"--max-count={COMMITS_MAX}")
    done = _git(repository, ("log", *NAMED, *limits, head, *(f"^{commit}" for commit in without), "--"))
    for commit in named_commits(done.stdout):
        yield commit.id, list(commit.paths)


class CommitFiles(NamedTuple):
    """A commit, when it was made in seconds, and the names of the files that it changed."""

    id: Oid
    seconds: int
    paths: tuple[str, ...]


NAMED: Final = ("-z", "--name-only", "--no-renames", f"--format={_MARK}%H %ct", "--root", "--no-show-signature")


def own_commits(repository: Repository, *revisions: str, also: Collection[str] = ()) -> list[CommitFiles]:
    """Return commits that are no merges, newest first; `also`: commits to begin at, of which there may be thousands.

    Raises:
        RepositoryError: git cannot say.
    """
    shape = ("log", *NAMED, "--no-merges", f"--max-count={COMMITS_MAX}", *(["--stdin"] if also else []))
    done = _git(repository, (*shape, *revisions, "--"), _lines(also) if also else None)
    return list(named_commits(done.stdout))


def stashed(repository: Repository) -> list[CommitFiles]:
    """Return the stashes with what each changed in files that git knew, newest first.

    What was staged, and what git did not know, are commits that a stash is a merge of.

    Raises:
        RepositoryError: git cannot say.
    """
    return list(named_commits(_git(repository, ("stash", "list", *NAMED)).stdout))


def named_commits(listed: bytes) -> Iterator[CommitFiles]:
    """Yield what `git log` said with `NAMED`."""
    found: re.Match[str] | None = None
    names: list[str] = []
    for field in [*listed.decode("utf-8", "replace").split("\0"), f"{_MARK}{'0' * 40} 0"]:
        if mark := _MARKED.fullmatch(field):
            if found:
                yield CommitFiles(oid(found[1]), int(found[2]), tuple(names))
            found, names = mark, []
        elif field:
            names.append(field if names else field.removeprefix("\n"))  # git ends the line of the commit's id


def sizes(repository: Repository, objects: Iterable[str]) -> Mapping[str, int]:
    """Return the sizes of those objects that are here."""
    wanted = sorted({blob for blob in objects if blob.strip("0")})
    if not wanted:
        return {}
    done = _git(repository, ("cat-file", "--batch-check=%(objectname) %(objectsize)"), _lines(wanted))
    rows = (line.split(" ") for line in done.stdout.decode("ascii", "replace").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == len(("id", "size")) and row[1].isdigit()}


def blobs(repository: Repository, objects: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of blobs; what is not here is left out. Ask for what is small: see `sizes`."""
    wanted = sorted({blob for blob in objects if blob.strip("0")})
    if not wanted:
        return {}
    data = _git(repository, ("cat-file", "--batch"), _lines(wanted)).stdout
    out: dict[str, bytes] = {}
    position = 0
    while position < len(data):
        end = data.index(b"\n", position)
        head = data[position:end].decode("ascii", "replace").split(" ")
        position = end + 1
        if len(head) == len(("id", "kind", "size")) and head[2].isdigit():
            out[head[0]] = data[position : position + int(head[2])]
            position += int(head[2]) + 1
    return out


def _lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode("ascii")


def run(repository: Repository, arguments: Sequence[str]) -> bytes:
    """Run git and return its output.

    Raises:
        RepositoryError: git cannot say it.
    """
    return _git(repository, arguments).stdout


def _git(repository: Repository, arguments: Sequence[str], given: bytes | None = None) -> Completed:
    done = read_git(arguments, cwd=repository.top, env=repository.git_env, timeout_s=DIFF_TIMEOUT_S, given=given)
    if done.rc == 0:
        return done
    why = clean_text(done.errors) or f"it exited with {done.rc}"
    if done.timed_out or done.is_cut:
        why = "it takes too long" if done.timed_out else f"it is more than {OUTPUT_BYTES >> 20} MB"
    hint = "This clone is shallow: fetch with depth 0, or `git fetch --unshallow`." if repository.is_shallow else ""
    raise RepositoryError(f"git cannot say what changed: {why.rstrip('.')}.", hint=hint)
