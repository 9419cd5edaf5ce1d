"""Which machine this is, and which boot of it: a word each; of the boot empty where the system does not say.

Linux has a file for it, macOS a `sysctl`. Asked once a process, through the C library: a process of its own
(`sysctl -n kern.bootsessionuuid`) would cost every command some milliseconds.

What this file does not know: what a boot is asked for.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, Protocol

LINUX_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
DARWIN_NAME: Final = b"kern.bootsessionuuid"
_BYTES_MAX: Final = 64  # a UUID has 36, and a NUL


class Library(Protocol):
    """The part of the C library that is needed. See sysctlbyname(3) of macOS."""

    @property
    def sysctlbyname(self) -> Callable[..., int]:
        """Write a value into a buffer; 0 if that went well."""
        ...


@cache
def boot_id() -> str:
    """Return the id of this boot."""
    return read_boot_id(sys.platform)


def read_boot_id(platform: str, *, file: Path = LINUX_FILE, library: Library | None = None) -> str:
    """Ask the system of that name. `library`: the C library; none: that of this process."""
    if platform == "darwin":
        import ctypes  # a millisecond of every command, for nothing but on macOS

        value = ctypes.create_string_buffer(_BYTES_MAX)
        size = ctypes.c_size_t(_BYTES_MAX)
        try:
            failed = (library or ctypes.CDLL(None)).sysctlbyname(DARWIN_NAME, value, ctypes.byref(size), None, 0)
            return "" if failed else value.value.decode("ascii").strip()
        except (OSError, AttributeError, UnicodeDecodeError):
            return ""
    try:
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def machine_id() -> str:
    """Return what tells this machine from others, as far as anything does."""
    known = ""
    with suppress(OSError, UnicodeDecodeError):
        known = Path("/etc/machine-id").read_text("ascii").strip()
    if known:
        return known
    import platform  # seldom needed, and each command starts cold

    return platform.node()
