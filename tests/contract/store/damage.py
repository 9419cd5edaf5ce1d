"""What a power cut makes of a file. None is written in place: libgit2 may have mapped the old one."""

from pathlib import Path


def rewritten(path: Path, data: bytes) -> None:
    """Put another file where this one was."""
    path.unlink()
    path.write_bytes(data)


def emptied(path: Path) -> None:
    """Leave its name."""
    rewritten(path, b"")


def zeroed(path: Path) -> None:
    """Leave its size."""
    rewritten(path, bytes(path.stat().st_size))


def zeroed_inside(path: Path) -> None:
    """Zero all but what git looks at first: the header of a pack, and the checksum at the end."""
    data = path.read_bytes()
    rewritten(path, data[:12] + bytes(len(data) - 32) + data[-20:])


def cut(path: Path) -> None:
    """Leave all but its end."""
    rewritten(path, path.read_bytes()[:-4])


def pointing_behind(index: Path) -> None:
    """Have an index of a pack say that all objects are behind its end: libgit2 1.9.7 reads there."""
    data = index.read_bytes()
    count = int.from_bytes(data[8 + 255 * 4 : 8 + 256 * 4], "big")
    begin = 8 + 256 * 4 + count * 24
    far = b"".join((0x0C000000 + number).to_bytes(4, "big") for number in range(count))
    rewritten(index, data[:begin] + far + data[begin + len(far) :])
