"""The id of a boot: what each system says, and nothing where it says nothing."""

import ctypes
from pathlib import Path

import pytest

from gitcoord.remote.contract.boot_id import boot_id, read_boot_id


class Darwin:
    """The C library of macOS: writes the value it was given, or fails."""

    def __init__(self, value: bytes, result: int = 0) -> None:
        self.value, self.result = value, result
        self.asked: list[bytes] = []

    def sysctlbyname(
        self, name: bytes, buffer: ctypes.Array[ctypes.c_char], size: object, new: None, new_size: int
    ) -> int:
        assert (size is not None, new, new_size) == (True, None, 0)
        self.asked.append(name)
        if not self.result:
            buffer.value = self.value
        return self.result


def test_macos_says_which_boot_it_is() -> None:
    library = Darwin(b"6F1C1A6E-0000-4C3B-9E0B-3D1B0F5B7A11")

    assert read_boot_id("darwin", library=library) == "6F1C1A6E-0000-4C3B-9E0B-3D1B0F5B7A11"
    assert library.asked == [b"kern.bootsessionuuid"]


@pytest.mark.parametrize("library", [Darwin(b"x", -1), Darwin(b"\xff"), ctypes.CDLL(None)])
def test_a_macos_that_does_not_say_has_no_boot_id(library: Darwin) -> None:
    if isinstance(library, ctypes.CDLL) and hasattr(library, "sysctlbyname"):
        pytest.skip("this is macOS")

    assert read_boot_id("darwin", library=library) == ""


def test_linux_says_it_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "boot_id"
    file.write_text("one-boot\n", "ascii")

    assert read_boot_id("linux", file=file) == "one-boot"
    assert read_boot_id("linux", file=tmp_path / "none") == ""
    assert read_boot_id("win32", file=tmp_path / "none") == ""


def test_one_process_asks_once() -> None:
    assert boot_id() == boot_id()
