"""A SQLite file of another tool: opened for reading only, its schema checked before a row is read.

    not in WAL mode, or a program has it open (-shm) ──> read where it is, under SQLite's own locks
    in WAL mode, no program has it open, no -wal        ──> read where it is, as one that cannot change
    in WAL mode, no program has it open, a -wal is left ──> read in a copy: reading would write beside it

Rules:
  * IMPORT-4: nothing is written to it or beside it, and what is not as expected is an error that names it.
  * Everything is read in one transaction, so it is one state, whatever its tool does meanwhile.
  * It may be hostile: no code of its schema runs, its texts are bounded, its rows are counted.

What this file does not know: which tool it is of.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gitcoord.core.documents.names import shown
from gitcoord.errors import ContendedError, CoordError, InvalidError, NotFoundError, UsageError
from gitcoord.source.imports.foreign_values import Row

BYTES_MAX = 1 << 30  # their largest known has some MB; checking a GB takes seconds
ROWS_MAX = 200_000  # of a table: a hundred projects of 2,000 steps
TEXT_BYTES_MAX = 4 << 20  # of one value, as of a document here
WAIT_S = 5.0  # for another program's lock: their servers themselves wait for so long
_STEPS, _STEPS_MAX = 100_000, 50_000  # a query of ours takes one for each row; five billion are no such query
_HEAD, _MAGIC, _WAL_MODE = 100, b"SQLite format 3\0", 2

Schema = Mapping[str, Sequence[str]]
"""The columns that are read of each table."""


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """An open file. `name`: what a sentence calls it. `warnings`: what was doubtful in its rows."""

    name: str
    connection: sqlite3.Connection
    warnings: list[str] = field(default_factory=list[str])

    def check(self, schema: Schema, tool: str) -> None:
        """Look whether all that is read is there.

        Raises:
            InvalidError: a table or a column is not; the sentence names it.
        """
        kinds = "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view')"
        declared: dict[object, tuple[object, object]] = {name: (kind, sql) for name, kind, sql in self._all(kinds)}
        for table, columns in schema.items():
            kind, sql = declared.get(table, (None, None))
            if kind != "table" or str(sql).upper().startswith("CREATE VIRTUAL"):
                raise self._not_of(tool, f"it has no table {table}")
            found = {row[1] for row in self._all("SELECT * FROM pragma_table_info(?)", table)}
            missing = [column for column in columns if column not in found]
            if missing:
                raise self._not_of(tool, f"its table {table} has no column {', '.join(missing)}")

    def rows(self, schema: Schema, table: str) -> list[Row]:
        """Return what a table has, in the order of its rows.

        Raises:
            InvalidError: there are too many.
        """
        columns = schema[table]
        names = ", ".join(f'"{column}"' for column in columns)  # ours, and checked to be there
        query = f'SELECT {names} FROM "{table}" ORDER BY rowid LIMIT {ROWS_MAX + 1}'  # noqa: S608
        found = self._all(query)
        if len(found) > ROWS_MAX:
            raise InvalidError(f"{self.name}: table {table} has more than {ROWS_MAX} rows.")
        rows: list[Row] = []
        for number, row in enumerate(found, 1):
            values: dict[str, object] = dict(zip(columns, row, strict=True))
            which = f"id {shown(str(values['id']), 40)}" if "id" in values else f"row {number}"
            rows.append(Row(f"{self.name}, {table}, {which}", values, self.warnings))
        return rows

    def _all(self, query: str, *values: object) -> list[tuple[object, ...]]:
        try:
            return self.connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _error_of(self.name, error) from None

    def _not_of(self, tool: str, why: str) -> InvalidError:
        hint = f"Name the file that {tool} keeps; its versions that were checked are in docs/importing.md."
        return InvalidError(f"{self.name} is not a file of {tool}: {why}. Nothing was imported.", hint=hint)


@contextmanager
def opened(file: Path, *, wait_s: float = WAIT_S) -> Generator[SqliteFile]:
    """Open a file for the block.

    Raises:
        NotFoundError: there is none.
        InvalidError: it is not a SQLite file, or it is damaged.
        ContendedError: another program has it locked.
        UsageError: it cannot be read.
    """
    name = shown(str(file), 200)
    with tempfile.TemporaryDirectory(prefix="gitcoord-import.") as folder:
        try:
            place, immutable = _place_of(file, name, Path(folder))
        except FileNotFoundError:
            raise NotFoundError(f"There is no file {name}.") from None
        except OSError as error:
            raise UsageError(f"{name} cannot be read: {error.strerror}.", hint="Make it readable.") from None
        address = f"{place.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
        try:
            with closing(sqlite3.connect(address, uri=True, timeout=wait_s, isolation_level=None)) as connection:
                _harden(connection)
                yield SqliteFile(name, connection)
        except sqlite3.Error as error:
            raise _error_of(name, error) from None


def _place_of(file: Path, name: str, folder: Path) -> tuple[Path, bool]:
    """Return where to read a file, and whether it can be taken for one that does not change."""
    if not file.is_file():
        if file.exists():
            raise UsageError(f"{name} is not a file.")
        raise FileNotFoundError
    if file.stat().st_size > BYTES_MAX:
        raise InvalidError(f"{name} is larger than {BYTES_MAX >> 20} MB.", hint="Import a smaller copy of it.")
    with file.open("rb") as opened_file:
        head = opened_file.read(_HEAD)
    if not head.startswith(_MAGIC):
        raise InvalidError(f"{name} is not a SQLite file. Nothing was imported.", hint="Name the tool's database.")
    wal, shared = (file.with_name(file.name + ending) for ending in ("-wal", "-shm"))
    if _WAL_MODE not in head[18:20] or shared.exists():
        return file, False
    if not wal.exists() or not wal.stat().st_size:
        return file, True
    copy = folder / "copy.db"
    shutil.copyfile(file, copy)
    shutil.copyfile(wal, copy.with_name("copy.db-wal"))
    return copy, False


def _harden(connection: sqlite3.Connection) -> None:
    """Let nothing in the file run, grow or write, and keep one state of it."""
    left = _STEPS_MAX

    def is_enough() -> int:
        nonlocal left
        left -= 1
        return int(left <= 0)

    connection.set_progress_handler(is_enough, _STEPS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, TEXT_BYTES_MAX)
    for setting in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("BEGIN")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        raise sqlite3.DatabaseError(found[0] if found else "it cannot be checked")


def _error_of(name: str, error: sqlite3.Error) -> CoordError:
    code = str(getattr(error, "sqlite_errorname", "") or "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ContendedError(f"{name} is locked by another program.", hint="Stop the tool it is of, then try again.")
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY", "SQLITE_AUTH")):
        hint = "Stop the tool it is of, copy the file with those beside it (-wal, -journal), and import the copy."
        return UsageError(f"{name} cannot be read where it is: {shown(str(error), 120)}.", hint=hint)
    text = shown(str(error).partition("\n")[0], 120)
    message = f"{name} is damaged or not what it says: {text}. Nothing was imported."
    return InvalidError(message, hint="Let its tool open it once, or import a backup of it.")
