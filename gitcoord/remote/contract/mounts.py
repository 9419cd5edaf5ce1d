"""Whether a folder is on a disk of this machine's own kernel, whose file locks hold for every process that sees it.

A file lock (flock) proves that a process lives or died only where one kernel keeps it. Over a network or into a virtual
machine, each side may keep locks of its own: there nothing may be concluded from a lock that is free.

    /proc/self/mountinfo    "25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=…"     See proc_pid_mountinfo(5).

What this file does not know: what is locked.
"""

import os
import re
from pathlib import Path
from typing import Final

# File systems that one kernel drives alone. What is not named may be shared between machines.
_OWN: Final = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "tmpfs", "xfs", "zfs"})
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


def read_mounts() -> str:
    """Return the mounts, as Linux names them; none on another system."""
    try:
        return Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def is_on_own_disk(path: Path, mounts: str) -> bool:
    """Whether `path` is on a file system of this kernel alone. What is unknown is not."""
    return file_system(path, mounts) in _OWN


def file_system(path: Path, mounts: str) -> str:
    """Return the kind of file system that `path` is on; nothing where that is unknown."""
    folder = os.path.realpath(path)
    kind, longest = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = _ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
        below = folder == point or folder.startswith(f"{point.rstrip('/')}/")
        if below and len(point) >= len(longest):  # of two at one place, the later one hides the other
            kind, longest = after.split(" ")[0], point
    return kind
