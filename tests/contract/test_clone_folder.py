"""The folder of a clone is closed to who may not write the repository."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.ledger.clone import clone_id
from gitcoord.remote.contract import clone_folder
from gitcoord.remote.store.store import StoreMode, ensure_store

pytestmark = pytest.mark.rule("SEC-2")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def common(tmp_path: Path) -> Iterator[Path]:
    """Return a git directory, made with the usual umask."""
    before = os.umask(0o022)
    (tmp_path / "git").mkdir()
    yield tmp_path / "git"
    os.umask(before)


def test_whoever_makes_it_makes_it_for_its_owner_alone(common: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    clone_id.load_or_draw(common / "gitcoord", "machine", lambda: "a" * 10, "1", boot="b")
    ensure_store(other, StoreMode.HOME)

    assert (mode(common / "gitcoord"), mode(other / "gitcoord")) == (0o700, 0o700)


@pytest.mark.parametrize(
    ("repository", "before", "after"),
    [
        (0o755, 0o755, 0o700),
        (0o775, 0o775, 0o770),
        (0o2770, 0o2755, 0o2750),
        (0o2777, 0o2777, 0o2777),
        (0o755, 0o500, 0o500),
    ],
)
def test_one_that_was_left_open_is_closed_to_who_may_not_write_the_repository(
    common: Path, repository: int, before: int, after: int
) -> None:
    folder = common / "gitcoord"
    folder.mkdir()
    folder.chmod(before)
    common.chmod(repository)

    clone_folder.close(folder)
    once = mode(folder)
    clone_folder.make(folder)

    assert (once, mode(folder)) == (after, after)


def test_none_is_made_by_closing_it(common: Path) -> None:
    clone_folder.close(common / "gitcoord")

    assert [*common.iterdir()] == []
