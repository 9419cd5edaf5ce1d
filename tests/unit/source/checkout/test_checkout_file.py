"""Small files of a checkout: whatever a branch puts under their names, reading ends and writing stays inside."""

import os
import stat
from pathlib import Path

import pytest

from gitcoord.source.checkout import checkout_file
from gitcoord.source.checkout.checkout_file import NotOursError, read_small

ROOT = Path(__file__).parents[4] / "gitcoord"
# Modules that read a file whole and do not ask for its size: it is our own, or no checkout says which it is.
READS_WHOLE = {
    "faces/ci/builds.py": "the CI's event, whose size is asked first",
    "faces/cli/pages/page_frame.py": "style and script of the package",
    "faces/cli/wiring/extras.py": "a template",
    "faces/cli/wiring/git_hooks.py": "a template",
    "faces/cli/wiring/recipes.py": "a template",
    "faces/cli/wiring/record.py": "in the clone's folder",
    "faces/cli/wiring/texts.py": "a template",
    "service/place/follow_remote.py": "`.git` of a worktree, which git reads as well",
    "service/watch/snapshot.py": "in the clone's folder",
    "source/symbols/languages.py": "a query of the package",
    "source/checkout/remote_probe.py": "in the clone's folder",
    "source/symbols/parser.py": "of the system",
}


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("what", ["device", "link to a device", "pipe", "folder", "large"])
def test_what_is_no_small_file_is_not_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "settings.json"
    if what == "device":
        path = Path(os.devnull)
    elif what == "link to a device":
        path.symlink_to("/dev/zero")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"x" * 101)

    with pytest.raises(OSError, match=r"no regular file|larger than|directory"):
        read_small(path, 100)


@pytest.mark.rule("SEC-4")
def test_who_reads_files_of_a_checkout_asks_for_their_size() -> None:
    layers = ("source", "service", "faces/ci", "faces/cli")
    found = {
        path.relative_to(ROOT).as_posix()
        for layer in layers
        for path in (ROOT / layer).rglob("*.py")
        if ".read_text(" in path.read_text("utf-8") or ".read_bytes(" in path.read_text("utf-8")
    }

    assert found == READS_WHOLE.keys()


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)

    assert checkout_file.read(tmp_path, "a", 100) == b"x" * 100
    assert checkout_file.read(tmp_path, "none") is None


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("path", ["link", "folder/a"])
def test_nothing_is_written_through_a_link(tmp_path: Path, path: str) -> None:
    outside, top = tmp_path / "outside", tmp_path / "top"
    outside.mkdir()
    top.mkdir()
    (outside / "a").write_text("mine", "utf-8")
    (top / "link").symlink_to(outside / "a")
    (top / "folder").symlink_to(outside)

    with pytest.raises(NotOursError, match="symbolic link"):
        checkout_file.replace(top, path, b"theirs")

    assert (outside / "a").read_text("utf-8") == "mine"


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old", "utf-8")
    (tmp_path / "a").chmod(0o640)

    checkout_file.replace(tmp_path, "a", b"new")

    assert ((tmp_path / "a").read_bytes(), stat.S_IMODE((tmp_path / "a").stat().st_mode)) == (b"new", 0o640)
