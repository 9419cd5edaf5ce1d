"""A small file of a checkout, read and replaced with suspicion: a branch may hold anything under any name.

Rules:
  * SEC-1: a symbolic link is never written through, neither the file nor a folder on the way to it.
  * SEC-4: what is read is a regular file (a link may lead to a device without end) and bounded.
  * A file is replaced whole, by a rename, with the permissions that it had.

What this file does not know: what is in the file, how a refusal is shown.
"""

import errno
import os
import stat
import tempfile
from pathlib import Path

BYTES_MAX = 4 * 1024 * 1024  # of a file that people write by hand


class NotOursError(Exception):
    """A file is left untouched; the sentence says why."""


def read_small(path: Path, bytes_max: int = BYTES_MAX) -> bytes:
    """Return the content of a file. A link is followed.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))  # a pipe keeps no one waiting
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise OSError(errno.EFBIG, f"it is larger than {size_text(bytes_max)}")
    return data


def size_text(size_bytes: int) -> str:
    """Spell a limit."""
    return f"{size_bytes >> 20} MB" if size_bytes >= 1 << 20 else f"{size_bytes >> 10} KB"


def read(top: Path, path: str | Path, bytes_max: int = BYTES_MAX) -> bytes | None:
    """Return the content of a file below `top`, `None` where there is none.

    Raises:
        NotOursError: it is a link or no file, too large, or it cannot be read.
    """
    check_way(top, path)
    try:
        return read_small(top / path, bytes_max)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotOursError(f"it cannot be read: {error.strerror}") from None


def replace(top: Path, path: str | Path, data: bytes) -> None:
    """Write a file below `top`, whose folder is there.

    Raises:
        NotOursError: it is a link or no file.
        OSError: it cannot be written.
    """
    check_way(top, path)
    target = top / path
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask()
    replace_whole(target, data, mode)


def check_way(top: Path, path: str | Path) -> None:
    """Refuse a file that is a link or a folder, or below a link.

    Raises:
        NotOursError: it is.
    """
    folder, parts = top, Path(path).parts
    for depth, part in enumerate(parts, 1):
        folder /= part
        if folder.is_symlink():
            raise NotOursError(f"{folder.relative_to(top)} is a symbolic link, which is not written through")
        if depth == len(parts) and folder.is_dir():
            raise NotOursError("a folder of this name is in the way")
        if depth < len(parts) and folder.exists() and not folder.is_dir():
            raise NotOursError(f"{folder.relative_to(top)} is a file, where a folder is needed")


def replace_whole(target: Path, data: bytes, mode: int) -> None:
    """Write a file beside its target, and rename it."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def umask() -> int:
    """Return this process's umask."""
    mask = os.umask(0o022)  # there is no way to ask without setting it
    os.umask(mask)
    return mask
