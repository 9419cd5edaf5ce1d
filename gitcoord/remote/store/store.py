"""The clone's private bare repository, where coordination objects live apart from the user's own.

    <common git dir>/gitcoord/
      store.git/      a bare repository: objects, refs
      store.json      what its refs are: `home` (they are the truth) or `cache` (copies of a remote's)
      home-tips       see `home_tips`
      journal         see `journal_file`; of a home with loose refs, `journal`
      loose-refs      see `store_locks`

Rules:
  * It is made on first use, whole or not at all; of several processes that make it at once, one wins.
  * A cache that is damaged or was deleted is made again, also by a session that is using it. A damaged home is never
    touched: a person repairs it, from `home-tips` and `journal`.
  * Home refs survive a power cut by the journal (`journal`); this file only makes the place.
  * A remote's URL is written without credentials.
  * A process that finds a higher format number than its own stops: another version shares the clone with it.

What this file does not know: ledgers or transports.
"""

import contextlib
import json
import os
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, cast

from gitcoord.errors import SchemaError, StorageError, StoreDamagedError, UsageError, unwritable
from gitcoord.redaction import redact
from gitcoord.remote.contract import clone_folder
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.journal import journal_file
from gitcoord.remote.journal.journal_file import JournalFile
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.remote.store.home_tips import home_tips, write_whole
from gitcoord.remote.store.pygit_objects import libgit2_errors, open_repository
from gitcoord.remote.store.store_locks import may_be_journaled

# Of all that the processes of one clone share: store.json, journal, spool, replies, what is pending, the snapshot. Who
# finds a higher one stops. Raised only while no session of an older version holds its lock, and then with modes of new
# names, because 0.1.0 reads no number and stops at an unknown mode.
FORMAT: Final = 2
_FORMAT_OF_LOOSE: Final = 1  # a store with loose refs, or a cache: what 0.1.0 wrote
_JOURNAL: Final = "journal"  # the word of a home whose journal is the truth
_REPAIR: Final = "The last tips of each ref are in the file home-tips beside it; or move the folder gitcoord away."
_ROOM: Final = "Make room on the disk, or make the folder writable."

_CONFIG: Final = {
    "core.hooksPath": "/dev/null",
    "core.logAllRefUpdates": "false",  # the ledgers are their own history
    "gc.auto": "0",  # `gitcoord gc` decides when
    "maintenance.auto": "false",
}
# The configuration as libgit2 and `_configure` write it, by line.
_PLAIN_LINES: Final = frozenset(
    (
        *("[core]", "[gc]", "[maintenance]", "\tbare = true", "\trepositoryformatversion = 0"),
        *("\tfilemode = true", "\tfilemode = false", "\tignorecase = true", "\tprecomposeunicode = true"),
        *("\thooksPath = /dev/null", "\tlogAllRefUpdates = false", "\tfsync = committed,reference"),
        *("\tauto = 0", "\tauto = false"),
    )
)


class StoreMode(StrEnum):
    """What the refs of a store are."""

    HOME = "home"
    CACHE = "cache"


class Store(NamedTuple):
    """An open store.

    `remote` is for showing only: its credentials are gone. A home with a remote has given its ledgers to that remote
    and holds what could not be given: it is not a place to coordinate any more, and may not be deleted. Of a home that
    `is_journaled` the journal is the truth, and the repository a moment behind it; of another one the repository is.
    """

    folder: Path
    mode: StoreMode
    remote: str = ""
    object_format: str = "sha1"
    is_journaled: bool = False

    @property
    def path(self) -> Path:
        """The bare repository."""
        return self.folder / "store.git"


def open_store(common_dir: Path) -> Store | None:
    """Open the store of a clone, or return None where none was made yet.

    Raises:
        StoreDamagedError: it is damaged or half of it is missing.
    """
    folder = common_dir / "gitcoord"
    description, repository = folder / "store.json", folder / "store.git"
    if not description.exists():
        if not repository.exists() or not FilesRefs(repository, now_ns=lambda: 0).read(["refs/"]):
            return None
        if description.exists():  # another process has made it just now
            return open_store(common_dir)
        raise StoreDamagedError(f"The store {str(repository)!r} has refs but no {description.name}.", hint=_REPAIR)
    store = _read_description(description)
    if not repository.is_dir():
        lost = sorted(ref for ref, tips in home_tips(folder).items() if tips[-1] is not None)
        held = f"; it held {', '.join(lost)}" if lost and store.mode is StoreMode.HOME else ""
        raise StoreDamagedError(f"The store {str(repository)!r} is gone{held}.", hint=_REPAIR)
    if not _is_plain(repository):
        open_repository(repository)
    if not (repository / "HEAD").read_bytes().startswith(b"ref: "):  # libgit2 opens it all the same, git does not
        raise StoreDamagedError(f"The store {str(repository)!r} is damaged.", hint=_REPAIR)
    return store


def ensure_store(common_dir: Path, mode: StoreMode, *, remote: str = "", object_format: str = "sha1") -> Store:
    """Open the store of a clone as it is, or make one; a damaged cache is made again.

    Raises:
        StoreDamagedError: a home store is damaged.
        StorageError: the disk cannot be written.
        UsageError: the object format is not `sha1`.
    """
    repository = common_dir / "gitcoord" / "store.git"
    was_there = repository.exists()  # what another process makes meanwhile is not damaged
    try:
        store = open_store(common_dir)
    except StoreDamagedError:
        try:
            is_cache = _read_description(common_dir / "gitcoord" / "store.json").mode is StoreMode.CACHE
        except StoreDamagedError:
            is_cache = False
        if not is_cache:
            raise
        if was_there:
            shutil.rmtree(repository, ignore_errors=True)
        store = None
    if store is not None:
        return store
    is_journaled = mode is StoreMode.HOME and may_be_journaled(common_dir / "gitcoord")
    return _create(Store(common_dir / "gitcoord", mode, redact(remote), object_format, is_journaled))


def make_again(store: Store, remote: str) -> None:
    """Make a deleted store again, or open it where another process has. Under the clone's lock.

    Raises:
        StoreDamagedError: it was a home, of which the sentence says what it held.
        StorageError: the disk cannot be written.
    """
    ensure_store(store.folder.parent, StoreMode.CACHE, remote=remote)


def identity(store: Store) -> tuple[int, int] | None:
    """Return what differs after a store was deleted and made again; `None` while there is none.

    HEAD is written once; the number of a folder is used again, and its time changes with what is in it.
    """
    try:
        status = os.stat(f"{store.path}/HEAD")  # noqa: PTH116 - before each command
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


class Description:
    """What a store is by now: another process may turn it into something else. Read again when the file changed."""

    def __init__(self, store: Store) -> None:
        """Begin with what it was when it was opened."""
        self._store = store
        self._path = str(store.folder / "store.json")
        self._stamp: tuple[int, int, int] | None = None

    def now(self) -> Store:
        """Return what it is.

        Raises:
            StoreDamagedError: the store was deleted while it was in use, or its description is damaged.
            SchemaError: a newer gitcoord uses it.
        """
        try:
            status = os.stat(self._path)  # noqa: PTH116 - 2 of 8 µs, at each look
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            stamp = None
        if stamp is None or stamp != self._stamp:
            self._store = _described(self._store)
            self._stamp = stamp
        return self._store

    def is_journaled(self) -> bool:
        """Whether the journal is its truth; as it was, where that cannot be read."""
        with contextlib.suppress(StoreDamagedError, SchemaError):
            self.now()
        return self._store.is_journaled


def moved_to(store: Store) -> str:
    """Return the remote that has the ledgers of a home by now; nothing while it is the place to coordinate.

    Raises:
        StoreDamagedError: the store was deleted while it was in use, or its description is damaged.
    """
    return _described(store).remote


def _described(store: Store) -> Store:
    if not store.folder.exists():
        message = f"The folder {str(store.folder)!r} was deleted, and with it what was coordinated in this clone."
        raise StoreDamagedError(message, hint="Put it back from a copy, or begin again: restart this session.")
    return _read_description(store.folder / "store.json")


def check_format(folder: Path) -> None:
    """Stop where a newer gitcoord uses the clone's folder; a description that cannot be read is not its matter.

    Raises:
        SchemaError: its format is higher than this version's.
    """
    with contextlib.suppress(StoreDamagedError):
        _read_description(folder / "store.json")


def set_mode(store: Store, mode: StoreMode, *, remote: str = "") -> Store:
    """Turn a home into a cache or back, after its refs were published or adopted. The caller holds the clone's lock.

    Raises:
        StorageError: the disk cannot be written.
    """
    is_journaled = store.is_journaled
    if mode is not store.mode:
        is_journaled = mode is StoreMode.HOME and may_be_journaled(store.folder)
    changed = Store(store.folder, mode, redact(remote), store.object_format, is_journaled)
    try:
        _configure(store.path, mode)
        if mode is not store.mode:  # what is in it was written out, and the refs of a cache move without it
            (store.folder / journal_file.NAME).unlink(missing_ok=True)
        _write_description(changed)
    except libgit2_errors() as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise unwritable(f"The store {str(store.path)!r}", reason or error) from error
    return changed


def begin_journal(store: Store, boot: str, generation: int) -> Store:
    """Make the journal of a home with loose refs its truth. Under the clone's lock; the store is whole.

    Raises:
        StorageError: the disk cannot be written; it is as it was.
    """
    changed = store._replace(is_journaled=True)
    try:
        if hasattr(os, "sync"):
            os.sync()  # the old journal has what was never flushed
        JournalFile(store.folder).begin(journal_file.Header(generation, journal_file.BEGIN, boot))
        _write_description(changed)
    except OSError as error:
        raise unwritable(f"The store {str(store.path)!r}", error.strerror or error) from error
    return changed


def end_journal(store: Store) -> Store:
    """Make the repository of a home its truth again. Under the clone's lock; all of the journal was written out.

    Raises:
        StorageError: the disk cannot be written; it is as it was.
    """
    changed = store._replace(is_journaled=False)
    try:
        if hasattr(os, "sync"):
            os.sync()
        _write_description(changed)
        (store.folder / journal_file.NAME).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(f"The store {str(store.path)!r}", error.strerror or error) from error
    return changed


def keep_from_gc(store: Store, name: RefName, tip: Oid) -> None:
    """Keep a commit, and the history that is here, from git's gc by a ref that nothing is decided by.

    Raises:
        StorageError: the disk cannot be written.
    """
    try:
        open_repository(store.path).references.create(name, tip, force=True)
    except libgit2_errors() as error:
        raise unwritable(f"The store {str(store.path)!r}", error) from error


def let_go(store: Store, name: RefName) -> None:
    """Keep what a ref of `keep_from_gc` names no longer; git's gc takes it, if nothing else has it.

    Raises:
        StorageError: the disk cannot be written.
    """
    try:
        open_repository(store.path).references.delete(name)
    except KeyError:  # another process did
        return
    except libgit2_errors() as error:
        raise unwritable(f"The store {str(store.path)!r}", error) from error


def _is_plain(repository: Path) -> bool:
    """Whether this is a repository of ours as we made it; of any other libgit2 says whether it can be opened.

    Reading does without libgit2 (`pygit_objects`), which takes longer to load than all else.
    """
    try:
        lines = (repository / "config").read_text("utf-8", "replace").splitlines()
        is_own = repository.stat().st_uid == os.geteuid()
    except (OSError, AttributeError):  # Windows has no ids of users
        return False
    is_known = "\trepositoryformatversion = 0" in lines and _PLAIN_LINES.issuperset(lines)
    has_all = (repository / "HEAD").is_file() and all((repository / name).is_dir() for name in ("objects", "refs"))
    return is_known and is_own and has_all


def _create(store: Store) -> Store:
    if store.object_format != "sha1":
        message = f"The remote uses {store.object_format} objects; this version of gitcoord coordinates in sha1 only."
        raise UsageError(message, hint="Name another repository in `gitcoord.remote`; it may be an empty one.")
    try:
        clone_folder.make(store.folder)
        if not store.path.exists():
            _create_repository(store)
        _write_description(store)
    except OSError as error:
        message = f"The store {str(store.path)!r} cannot be made: {error.strerror or error}."
        raise StorageError(message, hint=_ROOM) from error
    return store


def _create_repository(store: Store) -> None:
    import pygit2

    draft = Path(tempfile.mkdtemp(prefix="store.git.", dir=store.folder))
    try:
        pygit2.init_repository(str(draft), bare=True)
        _configure(draft, store.mode)
        draft.rename(store.path)
    except pygit2.GitError as error:
        raise StorageError(f"The store {str(store.path)!r} cannot be made: {error}.", hint=_ROOM) from error
    except OSError:
        if not store.path.exists():  # otherwise another process was faster, and its repository is as good
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _configure(repository: Path, mode: StoreMode) -> None:
    config = open_repository(repository).config
    for key, value in _CONFIG.items():
        config[key] = value
    # For what git itself writes there (`gc`, say); what we write is in the journal. Older versions than 2.36 ignore it.
    if mode is StoreMode.HOME:
        config["core.fsync"] = "committed,reference"
    elif "core.fsync" in config:
        del config["core.fsync"]


def _read_description(path: Path) -> Store:
    try:
        parsed: object = json.loads(path.read_bytes())
        fields = cast("dict[str, object]", parsed) if isinstance(parsed, dict) else {}
        number = fields.get("schema")
        if isinstance(number, int) and number > FORMAT:
            message = f"A newer gitcoord uses this clone: {str(path)!r} is of format {number}, this one knows {FORMAT}."
            hint = "Restart this session with the newer gitcoord; the tool's configuration may name an older one."
            raise SchemaError(message, where=str(path), hint=hint)
        word, remote = str(fields["mode"]), str(fields.get("remote", ""))
        mode = StoreMode.HOME if word == _JOURNAL else StoreMode(word)
        return Store(path.parent, mode, remote, str(fields["object_format"]), word == _JOURNAL)
    except (OSError, ValueError, KeyError) as error:
        raise StoreDamagedError(f"The file {str(path)!r} is damaged: {error}.", hint=_REPAIR) from error


def _write_description(store: Store) -> None:
    word, number = (_JOURNAL, FORMAT) if store.is_journaled else (store.mode, _FORMAT_OF_LOOSE)
    fields = {"mode": word, "object_format": store.object_format, "remote": store.remote, "schema": number}
    write_whole(store.folder / "store.json", json.dumps(fields, indent=1, sort_keys=True) + "\n")
