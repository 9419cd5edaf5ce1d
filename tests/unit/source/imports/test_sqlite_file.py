"""Files of other tools: read and never written, whatever state they are in, whatever is in them."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcoord.errors import ContendedError, CoordError, InvalidError, NotFoundError, UsageError
from gitcoord.source.imports.foreign_values import TEXT_MAX, WORD_MAX, Row
from gitcoord.source.imports.hq import read_hq
from gitcoord.source.imports.sqlite_file import ROWS_MAX, opened
from tests.foreign import HQ_TABLES, change, database, fill, hq_rows, step

BASE = "a" * 40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return database(tmp_path / "hq.db", HQ_TABLES, hq_rows(BASE, BASE))


def fault(path: Path) -> CoordError:
    with pytest.raises(CoordError) as caught:
        read_hq(path, wait_s=0.05)
    assert str(caught.value).endswith(".")
    return caught.value


# --- states of a file ---


@pytest.mark.rule("IMPORT-4")
@pytest.mark.parametrize("wal", [False, True])
def test_reading_leaves_the_file_and_its_folder_as_they_were(tmp_path: Path, wal: bool) -> None:
    path = database(tmp_path / "hq.db", HQ_TABLES, hq_rows(BASE, BASE), wal=wal)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}

    assert [one.name for one in read_hq(path).projects] == ["shop"]

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


@pytest.mark.rule("IMPORT-4")
def test_what_a_server_that_runs_has_written_to_its_log_is_read(tmp_path: Path) -> None:
    path = database(tmp_path / "hq.db", HQ_TABLES, wal=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as server:
        fill(server, {"projects": [{"name": "live"}]})
        assert (tmp_path / "hq.db-wal").stat().st_size

        assert [one.name for one in read_hq(path).projects] == ["live"]


@pytest.mark.rule("IMPORT-4")
def test_a_log_that_a_crash_left_is_read_and_stays_where_it_is(tmp_path: Path) -> None:
    path, left = database(tmp_path / "hq.db", HQ_TABLES, wal=True), tmp_path / "left"
    left.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as server:
        fill(server, {"projects": [{"name": "left"}]})
        for name in ("hq.db", "hq.db-wal"):
            shutil.copyfile(tmp_path / name, left / name)

    assert [one.name for one in read_hq(left / "hq.db").projects] == ["left"]
    assert sorted(one.name for one in left.iterdir()) == ["hq.db", "hq.db-wal"]


def test_a_file_that_another_program_has_locked_is_contended(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as server:
        server.execute("BEGIN EXCLUSIVE")

        error = fault(file)

    assert isinstance(error, ContendedError)
    assert "is locked by another program" in str(error)


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, but longer than its header would be " * 4)
    (tmp_path / "empty").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")

    assert isinstance(fault(tmp_path / "none"), NotFoundError)
    assert isinstance(fault(tmp_path), UsageError)
    assert isinstance(fault(tmp_path / "pipe"), UsageError)
    assert "is not a SQLite file" in str(fault(tmp_path / "text"))
    assert "is not a SQLite file" in str(fault(tmp_path / "empty"))


@pytest.mark.rule("IMPORT-4")
@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_short_gives_nothing(file: Path, left: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * left)])

    assert "Nothing was imported" in str(fault(file))


@pytest.mark.rule("IMPORT-4")
def test_damage_in_a_page_gives_nothing(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    file.write_bytes(data)

    assert isinstance(fault(file), InvalidError)


# --- schemas ---


@pytest.mark.rule("IMPORT-4")
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DROP TABLE dependencies", "it has no table dependencies"),
        ("DROP TABLE schema_migrations", "it has no table schema_migrations"),
        ("ALTER TABLE steps RENAME COLUMN last_commit TO commit_id", "its table steps has no column last_commit"),
        ("INSERT INTO schema_migrations (version) VALUES (2)", "has schema 2 of hq; only 1 was checked"),
        ("DELETE FROM schema_migrations", "has schema 0 of hq; only 1 was checked"),
    ],
)
def test_a_schema_that_was_not_checked_is_refused_by_what_it_lacks(file: Path, statement: str, named: str) -> None:
    assert named in str(fault(change(file, statement)))


@pytest.mark.rule("IMPORT-4", "SEC-1")
@pytest.mark.parametrize(
    "made", ["CREATE VIEW steps AS SELECT * FROM old", "CREATE VIRTUAL TABLE steps USING fts5(id, project_id)"]
)
def test_a_table_that_is_none_is_not_asked(file: Path, made: str) -> None:
    change(file, "ALTER TABLE steps RENAME TO old", made)

    assert "it has no table steps" in str(fault(file))


def test_more_tables_and_columns_than_are_read_do_no_harm(file: Path) -> None:
    change(file, "ALTER TABLE steps ADD COLUMN colour TEXT", "CREATE TABLE more (x)")

    assert len(read_hq(file).projects[0].steps) == 5


# --- values ---


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE steps SET status = 'paused' WHERE id = 5", "steps, id '5': status is 'paused'; known are"),
        ("UPDATE projects SET status = 'frozen'", "projects, id '1': status is 'frozen'"),
        ("UPDATE steps SET step_num = 'one' WHERE id = 5", "step_num is 'one', not a whole number"),
        ("UPDATE steps SET step_num = 1.5 WHERE id = 5", "step_num is '1.5', not a whole number"),
        ("UPDATE steps SET branch = x'00ff' WHERE id = 5", "branch is 2 bytes, not a text"),
        ("UPDATE steps SET branch = 'a' || char(27) || '[31m' WHERE id = 5", "branch has control characters"),
        ("UPDATE projects SET name = '  '", "name is empty"),
        ("UPDATE projects SET name = printf('%2000s', 'x')", "name has 2000 characters, more than 1024"),
        ("UPDATE projects SET created_at = 'yesterday'", "created_at is 'yesterday', not a time"),
        ("UPDATE projects SET created_at = '0001-01-01'", "created_at is '0001-01-01', not a time"),
        ("UPDATE steps SET claimed_at = 7 WHERE id = 3", "claimed_at is '7', not a time"),
        ("UPDATE steps SET files_modified = '{}' WHERE id = 1", "files_modified is '{}', not a list"),
        ("UPDATE steps SET files_modified = '[1]' WHERE id = 1", "files_modified is '[1]', not a list"),
        ("UPDATE steps SET files_modified = '[' WHERE id = 1", "files_modified is '[', not a list in JSON"),
        ("UPDATE steps SET project_id = 9 WHERE id = 5", "there is no such step|its project is not there"),
        ("INSERT INTO dependencies VALUES (5, 77)", "depends_on_step_id is 77, and there is no such step"),
        ("UPDATE steps SET notes = CAST(x'80ff' AS TEXT) WHERE id = 5", "is damaged or not what it says"),
        ("UPDATE steps SET notes = printf('%6000000s', 'x') WHERE id = 5", "is damaged or not what it says"),
    ],
)
def test_a_value_that_is_not_what_it_should_be_is_named_with_its_place(file: Path, statement: str, named: str) -> None:
    change(file, "PRAGMA ignore_check_constraints = ON", "DELETE FROM dependencies", statement)

    error = str(fault(file))

    assert any(one in error for one in named.split("|")), error
    assert error.isprintable()


def test_a_dependency_on_another_project_is_named(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        fill(connection, {"projects": [{"id": 2, "name": "b"}], "steps": [step(1, project=2, one=9)]})
    change(file, "INSERT INTO dependencies VALUES (9, 1)")

    assert "depends_on_step_id is 1, a step of another project" in str(fault(file))


def test_a_file_without_projects_has_none(tmp_path: Path) -> None:
    assert read_hq(database(tmp_path / "hq.db", HQ_TABLES)).projects == ()


def test_more_rows_than_anybody_has_are_refused(tmp_path: Path) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 200000) "
    path = database(tmp_path / "hq.db", HQ_TABLES)
    change(path, many + "INSERT INTO dependencies SELECT i, i FROM n")  # noqa: S608

    assert f"table dependencies has more than {ROWS_MAX} rows" in str(fault(path))


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-18T10:30:00Z",
        "2026-01-18 10:30:00",
        "2026-01-18T10:30:00.000000",
        "2026-01-18T12:30:00+02:00",
        "2026-01-18 10:30:00.000000999",
        " 20260118T103000Z ",
        1768732200,
        1768732200.0,
        1768732200000,
        pytest.param("1768732200", id="digits"),
    ],
)
def test_a_moment_is_read_in_every_way_that_tools_write_one(value: object) -> None:
    assert Row("row", {"at": value}).moment("at") == datetime(2026, 1, 18, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [True, "now", "2026-13-01", "9" * 13, float("nan"), float("inf"), -1, b"2026", [1]])
def test_what_is_no_moment_is_not_guessed_at(value: object) -> None:
    with pytest.raises(InvalidError, match="not a time"):
        Row("row", {"at": value}).moment("at")


@pytest.mark.rule("SEC-1")
def test_a_text_is_bounded_and_has_nothing_that_a_terminal_acts_on() -> None:
    row = Row("row", {"notes": "a\x1b]0;x\x07\r\nb\x00\u2028c\ud800" + "y" * TEXT_MAX, "files": '["\\u001bx"]'})

    text = row.prose("notes")

    assert text.startswith("a�]0;x�\nb��c�yy")
    assert (len(text), text[-1]) == (TEXT_MAX, "…")
    assert row.warnings == [f"row: notes has {TEXT_MAX + 13} characters and was cut to {TEXT_MAX}."]
    assert row.words("files") == ("�x",)
    assert WORD_MAX < TEXT_MAX


def test_a_query_that_never_ends_is_ended(file: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with opened(file) as source:
        left = 3

        def is_enough() -> int:
            nonlocal left
            left -= 1
            return int(left <= 0)

        source.connection.set_progress_handler(is_enough, 1000)
        with pytest.raises(InvalidError):
            list(source._all(endless))


def test_writing_is_not_possible_even_by_mistake(file: Path) -> None:
    with opened(file) as source, pytest.raises(CoordError):
        list(source._all("DELETE FROM steps"))

    assert len(read_hq(file).projects[0].steps) == len([step(one) for one in range(1, 6)])
