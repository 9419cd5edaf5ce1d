"""The last listing of a place: what is answered from while the remote is away, and how old that is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitcoord.ledger.readers.last_listing import LastListing, Listing
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Oid, RefName
from tests.unit.ledger.fakes import World

AT = datetime(2026, 11, 28, 14, 3, tzinfo=UTC)
REF = RefName("refs/coord/claims")
OLD, NEW = {REF: Oid("a" * 40)}, {REF: Oid("b" * 40)}


@pytest.fixture
def last(tmp_path: Path) -> LastListing:
    return LastListing(tmp_path)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return World(tmp_path / "world").reader()


def test_a_place_of_which_nothing_was_read_has_none(last: LastListing, reader: Reader) -> None:
    assert last.load(reader) is None


def test_what_was_noted_is_there_with_its_moment(last: LastListing, reader: Reader) -> None:
    last.note(Listing(AT, OLD), "u")
    last.note(Listing(AT + timedelta(minutes=1), NEW), "u")

    assert last.load(reader) == Listing(AT + timedelta(minutes=1), NEW)


def test_a_listing_that_says_the_same_moves_the_moment_in_place(last: LastListing, reader: Reader) -> None:
    last.note(Listing(AT, OLD), "u")
    before = (last.folder / "listed").stat().st_ino

    last.note(Listing(AT + timedelta(minutes=9), OLD), "u")

    assert last.load(reader) == Listing(AT + timedelta(minutes=9), OLD)
    assert (last.folder / "listed").stat().st_ino == before


@pytest.mark.parametrize("refs", [OLD, NEW])
def test_an_older_listing_replaces_no_newer_one(refs: dict[RefName, Oid], last: LastListing, reader: Reader) -> None:
    last.note(Listing(AT, NEW), "u")

    last.note(Listing(AT - timedelta(seconds=1), refs), "u")

    assert last.load(reader) == Listing(AT, NEW)


@pytest.mark.parametrize(
    "content", [b"", b"2026-11-28T14:03:00.000Z", b"2026-11-28T14:03:00.000Z[]", b"x" * 24 + b"{}", b"\xff" * 40]
)
def test_a_damaged_file_says_nothing_and_is_written_anew(content: bytes, last: LastListing, reader: Reader) -> None:
    (last.folder / "listed").write_bytes(content)
    assert last.load(reader) is None

    last.note(Listing(AT, OLD), "u")

    assert last.load(reader) == Listing(AT, OLD)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, reader: Reader) -> None:
    nowhere = LastListing(tmp_path / "file")
    (tmp_path / "file").write_text("no folder")

    nowhere.note(Listing(AT, OLD), "u")

    assert nowhere.load(reader) is None
