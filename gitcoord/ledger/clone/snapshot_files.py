"""The files by which hooks and the processes of a clone talk: where they are, and how to read them in a millisecond.

    snapshot/me.json       this clone: its ids, its sessions and the notices to them, what the policy says
    snapshot/s-<crc>       what is claimed below one first path segment, or in several whose checksum is the same
    snapshot/floating      what is claimed at any depth
    snapshot/enforce       there where the policy `enforce` holds, as last read; for shells as well
    edits/<time>-<pid>     what a hook saw and a process of the clone has to do
    edits/refused-<id>     what of that was refused to a session, until a hook has shown it
    notices/<id>.json      which notices the session was shown; `notices/lock` is held while that is decided
    notices/<id>.steps     what became of steps of the session, until that was shown
    sessions/<id>.bell     a pipe that the session's server reads: something new is in `edits`
    sessions/<id>.alias    the id that the tool gave the same session before
    sessions/<id>.hook     touched by each hook of the session: a sign of life
    held/<branch>~<id>     a step is held on a branch; see `held_branches`
    watch/started          touched by each hook that starts a process to do what is in `edits`
    watch/unrefreshed      touched by a hook that had the snapshot made anew, and waited for it in vain

A file of the snapshot has a line for each item, sorted, so that what concerns one path is found by bisection:

    <folder>/ TAB =<name>  TAB row     one path, by its name
    <folder>/ TAB !<slot>  TAB row     a pattern that every match of begins with that folder; the slot is what the rest
                                       of a match must have: `*` nothing, `/name`, `^beginning`, `$ending`

Rules:
  * Hooks import this and little else: standard library only, without `typing`, `pathlib` and `dataclasses`, which
    together take longer to load than the answer takes to find.
  * SAFE-10: no two worktrees of a clone have names that agents spell alike: the younger one's is another.
  * A name that has `%` or what cannot be printed is spelled with `%XX`, so that it stays in its line and column.

What this file does not know: who writes the snapshot, what a hook answers.
"""

import os
import zlib

from gitcoord.core.documents.party import agent_level
from gitcoord.ledger.clone import json_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gitcoord.core.documents.json_text import Json

    Row = dict[str, Json]

SNAPSHOT, ME, FLOATING, EDITS, SESSIONS = "snapshot", "me.json", "floating", "edits", "sessions"
NOTICES, LOST, LOCK = "notices", ".steps", "lock"
WORKTREES, NAME = "worktrees", "gitcoord-name"  # in git's directory: of the linked ones; of one, what it is called
ENFORCE = "enforce"  # the hooks at the top of this repository name it
FORMAT = 1  # of the snapshot; a hook of another version looks away
STARTED, UNREFRESHED = "watch/started", "watch/unrefreshed"
STARTED_EVERY_S = 3.0  # a process does not end before, counted from the last start (`faces/hook_sync`)
QUOTED_CHARS = 200  # of a name or a description; as long as the name of an agent may be
FILE_BYTES_MAX = 64 * 1024 * 1024  # a hundred thousand claims
DEPTH_MAX = 256


def is_enforced(folder: str) -> bool:
    """Whether policy `enforce` holds, as far as this clone knows. `folder`: that of the clone."""
    return os.path.exists(f"{folder}/{SNAPSHOT}/{ENFORCE}")


def keep_enforced(folder: str, *, enforced: bool) -> None:
    """Note what the policy says, for shells and for hooks that cannot look; a disk that cannot be written keeps it."""
    if is_enforced(folder) is enforced:
        return
    mark = f"{folder}/{SNAPSHOT}/{ENFORCE}"
    try:
        if enforced:
            os.makedirs(os.path.dirname(mark), exist_ok=True)
            os.close(os.open(mark, os.O_CREAT | os.O_WRONLY, 0o600))
        else:
            os.unlink(mark)
    except OSError:
        return


def places(start: str) -> "tuple[str, str] | None":
    """Return (worktree, common git directory) around a folder, as git would find them; `None` outside of any."""
    found = git_dir_around(start)
    return None if found is None else (found[0], common_of(found[1]))


def git_dir_around(start: str) -> "tuple[str, str] | None":
    """Return (worktree, its own git directory) around a folder; `None` outside of any."""
    folder = os.path.realpath(start)
    for _ in range(DEPTH_MAX):
        dot_git = os.path.join(folder, ".git")
        if os.path.isdir(dot_git):
            return folder, dot_git
        if os.path.isfile(dot_git):
            git_dir = first_line(dot_git).removeprefix("gitdir: ")
            return folder, os.path.normpath(os.path.join(folder, git_dir))
        folder, before = os.path.dirname(folder), folder
        if folder == before:
            break
    return None


def worktree_name(top: "str | os.PathLike[str]") -> str:
    """Return what documents and agents call a worktree, which is the name that it keeps, if it has kept one.

    Else a main worktree is called as its folder, and a linked one as git calls it: as its folder, with a number where
    git has that name already. `-wt`, or a sum of the name, follows where an older worktree of the clone has a name that
    agents spell alike. Bytes that are no UTF-8 are spelled out.
    """
    named = first_line(os.path.join(str(top), ".git")).removeprefix("gitdir: ")
    git_dir = os.path.normpath(os.path.join(str(top), named))
    above, own = os.path.split(git_dir)
    name = first_line(os.path.join(git_dir, NAME)) if named else os.path.basename(str(top))
    if named and os.path.basename(above) == WORKTREES:
        common = os.path.dirname(above)
        # The main worktree's folder may have been renamed since this one kept its name.
        if not name or agent_level(name) == agent_level(_main_name(common)):
            name = linked_names(common).get(own, own)
    elif not name:  # what the linked ones do not see from the git directory
        taken = {agent_level(other) for other in linked_names(git_dir).values()}
        name = _free(os.path.basename(str(top)), taken)
    return _spelled_out(name)


def linked_names(common: str) -> "dict[str, str]":
    """Return what each linked worktree of a clone is called, by git's name for it, the oldest first.

    The main one is the oldest. A name that was kept stays, also when the one goes for which it was chosen. A folder
    that is no worktree, or no longer a whole one, is left out.
    """
    folder = os.path.join(common, WORKTREES)
    aged = sorted(_aged(folder))
    main = agent_level(_main_name(common))
    kept = {own: first_line(os.path.join(folder, own, NAME)) for _, own in aged}
    kept = {own: name for own, name in kept.items() if name and agent_level(name) != main}
    taken = {main, *map(agent_level, kept.values())}
    names: dict[str, str] = {}
    for _, own in aged:
        names[own] = kept.get(own) or _free(own, taken)
        taken.add(agent_level(names[own]))
    return names


def _aged(folder: str) -> "Iterator[tuple[int, str]]":
    """Yield when git made each linked worktree, in nanoseconds, and its name for it."""
    try:
        listed = os.listdir(folder)
    except OSError:
        return
    for own in listed:
        try:
            yield os.stat(os.path.join(folder, own, "commondir")).st_mtime_ns, own
        except OSError:  # removed by half, or at this moment
            continue


def _main_name(common: str) -> str:
    kept = first_line(os.path.join(common, NAME))
    return kept or os.path.basename(os.path.dirname(common) if os.path.basename(common) == ".git" else common)


def linked_folders(common: str) -> "dict[str, str]":
    """Return the name of each linked worktree of a clone by its folder, also of one whose folder is gone."""
    found: dict[str, str] = {}
    for own, name in linked_names(common).items():
        git_dir = os.path.join(common, WORKTREES, own)
        folder = os.path.dirname(os.path.join(git_dir, first_line(os.path.join(git_dir, "gitdir"))))
        found[os.path.realpath(folder)] = _spelled_out(name)
    return found


def keep_name(top: str) -> None:
    """Keep the name of a worktree, since others that it follows from may go, and looking at them all takes time.

    One that cannot be written is found anew. The main worktree around its own git directory needs none.
    """
    found = git_dir_around(top)
    if found is None or os.path.basename(found[1]) == ".git" or first_line(os.path.join(found[1], NAME)):
        return
    name = worktree_name(found[0])
    try:
        with open(os.path.join(found[1], NAME), "w", encoding="utf-8") as file:
            file.write(f"{name}\n")
    except OSError:
        return


def name_files(common: str) -> "list[str]":
    """Return the files in which worktrees of a clone keep their names."""
    git_dirs = (common, *(os.path.join(common, WORKTREES, own) for own in linked_names(common)))
    return [file for git_dir in git_dirs if os.path.isfile(file := os.path.join(git_dir, NAME))]


def _free(name: str, taken: "set[str]") -> str:
    """Return a name, or one made of it, that no agent's worktree has."""
    summed = f"{name}.{zlib.crc32(name.encode('utf-8', 'surrogateescape')):08x}"
    return next((other for other in (name, f"{name}-wt") if agent_level(other) not in taken), summed)


def _spelled_out(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def common_of(git_dir: str) -> str:
    """Return the git directory that the linked worktrees of a clone share."""
    named = first_line(os.path.join(git_dir, "commondir"))
    return os.path.realpath(os.path.join(git_dir, named)) if named else os.path.realpath(git_dir)


def first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline(4096).rstrip("\r\n")
    except OSError:
        return ""


def tip_of(git_dir: str, ref: str) -> str:
    """Return what a ref of a bare repository of ours points to; nothing where there is none."""
    loose = first_line(f"{git_dir}/{ref}")
    if loose:
        return loose
    packed = data_of(f"{git_dir}/packed-refs")
    end = packed.find(f" {ref}\n".encode())
    return packed[packed.rfind(b"\n", 0, end) + 1 : end].decode("ascii", "replace") if end >= 0 else ""


def load(path: "str | os.PathLike[str]", bytes_max: int = FILE_BYTES_MAX) -> "Row":
    """Return the object in a small file; nothing where there is none, or no such thing."""
    try:
        with open(path, "rb", buffering=0) as file:
            value: Json = json_scanner.loads(file.read(bytes_max))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def quoted(text: "Json", chars_max: int = QUOTED_CHARS) -> str:
    """Return someone else's text for a sentence: one line, cut (SEC-1). Tools put what a hook says between tags.

    A snapshot has texts as `core/documents/names.shown` makes them, but for one that is old or that we did not write.
    """
    if not isinstance(text, str):
        return ""
    short = text[:chars_max] + ("…" if len(text) > chars_max else "")
    if not short.isprintable():
        short = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in short)
    return short.replace("</", "<\\/")


def spelled(text: str, *, fold: bool) -> str:
    """Return a path as lines spell it; `fold`: for a disk that does not tell cases apart."""
    if fold:
        text = folded(text)
    if text.isprintable() and "%" not in text:
        return text
    return "".join(char if char.isprintable() and char != "%" else f"%{ord(char):02X}" for char in text)


def folded(text: str) -> str:
    """Return what two spellings of one file have in common where the disk does not tell them apart."""
    if not text.isascii():
        import unicodedata  # seldom needed, and it takes a millisecond

        text = unicodedata.normalize("NFC", text)
    return text.casefold()


def file_of(segment: str) -> str:
    """Return the name of the file for a first path segment, spelled."""
    return f"s-{zlib.crc32(segment.encode('utf-8', 'surrogatepass')):08x}"


def rows_near(folder: str, path: str, *, fold: bool, read: "Callable[[str], bytes] | None" = None) -> "Iterator[Row]":
    """Yield the rows of all items that match a path of the repository, from a snapshot's folder.

    `read`: instead of `data_of`, for a caller that asks for many paths.
    """
    read = read or data_of
    names = spelled(path, fold=fold).split("/")
    whole = folded(path) if fold else path
    segment = read(os.path.join(folder, file_of(names[0])))
    yield from _open(read(os.path.join(folder, FLOATING)), "", names, whole, fold=fold)
    for depth in range(1, len(names) + 1):
        yield from _open(segment, "".join(f"{folder}/" for folder in names[:depth]), names, whole, fold=fold)
    lead = "".join(f"{folder}/" for folder in names[:-1])
    yield from (row for _, line in _rows(segment, f"{lead}\t={names[-1]}\t") if (row := _row(line)))


def data_of(path: str) -> bytes:
    """Return what a file has; nothing where there is none."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(FILE_BYTES_MAX)
    except OSError:
        return b""


def _open(lines: bytes, folder: str, names: "Sequence[str]", path: str, *, fold: bool) -> "Iterator[Row]":
    """Yield the rows of patterns that begin with a folder and match a path."""
    start = f"{folder}\t!"
    for head, line in _rows(lines, start):
        row = _row(line) if _fits(head[len(start) :], names) else {}
        # What a pattern spells out first: to compile 10,000 patterns takes ten times what all else does.
        has = row.get("has")
        if row and (not isinstance(has, str) or has in path) and _matches(row.get("regex"), path, fold=fold):
            yield row


def _fits(slot: str, names: "Sequence[str]") -> bool:
    rest = slot[1:]
    match slot[:1]:
        case "/":
            return rest in names
        case "^":
            return names[-1].startswith(rest)
        case "$":
            return names[-1].endswith(rest)
        case _:
            return True


def _matches(regex: "Json", path: str, *, fold: bool) -> bool:
    if not isinstance(regex, str):
        return True
    import re  # most files meet no pattern

    return re.compile(regex, re.DOTALL | (re.IGNORECASE if fold else 0)).fullmatch(path) is not None


def _rows(lines: bytes, start: str) -> "Iterator[tuple[str, bytes]]":
    """Yield (folder and place, row) of the lines that begin so."""
    wanted = start.encode("utf-8", "surrogatepass")
    position = _bisect(lines, wanted)
    while lines.startswith(wanted, position):
        end = lines.find(b"\n", position)
        if end < 0:
            return
        head, _, row = lines[position:end].rpartition(b"\t")
        yield head.decode("utf-8", "surrogatepass"), row
        position = end + 1


def _row(line: bytes) -> "Row":
    value: Json = json_scanner.loads(line)
    return value if isinstance(value, dict) else {}


def _bisect(lines: bytes, wanted: bytes) -> int:
    """Return where the first line begins that is not before the wanted."""
    low, high = 0, len(lines)  # both are where a line begins, or the end
    while low < high:
        middle = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = lines.find(b"\n", middle, high) + 1 or high
        if lines[middle:end] < wanted:
            low = end
        else:
            high = middle
    return low
