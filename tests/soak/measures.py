"""What is measured while a load runs, and whether it stays flat once it is warm.

    |-- warm-up --|-- middle third --|-- last third --|
                     its highest  +  what is allowed  >=  highest

Rules:
  * The highest of the last third is compared with the highest of the middle third, so that a wave is no growth.
  * What is allowed is a part of it, or a number of its own unit, whichever is more (`ALLOWED`).
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PAGE_KIB = 4
GIT_S = 60.0  # a bound for a hang

Sample = Mapping[str, int]
"""What was measured at one moment, by `<measure> of <what>`."""


class Allowed(NamedTuple):
    """How much higher the last third may be: a part, and at least so many."""

    part: float
    least: int


ALLOWED: Mapping[str, Allowed] = {
    "memory (KiB)": Allowed(0.05, 8 * 1024),  # an allocator keeps what one large answer needed
    "open files": Allowed(0, 36),  # libgit2 keeps 32 packs open; connections and journals come and go
    "refs": Allowed(0, 6),  # each agent has one project at a time, and a post may be under way
    "documents": Allowed(0, 24),  # claims and notices of the moment
    "files of the clone": Allowed(0, 40),  # entries of the spool and replies of the moment
}


def growth(samples: Sequence[Sample]) -> list[str]:
    """Return what grew, one sentence each."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    names = dict.fromkeys(name for sample in samples for name in sample)
    found: list[str] = []
    for name in names:
        before, after = highest(middle, name), highest(last, name)
        allowed = ALLOWED.get(name.partition(" of ")[0])
        if allowed is not None and after > before + max(allowed.part * before, allowed.least):
            found.append(f"{name}: at most {before} in the middle third, then {after}")
    return found


def highest(samples: Sequence[Sample], name: str) -> int:
    """Return the highest of a measure."""
    return max((sample[name] for sample in samples if name in sample), default=0)


def of_process(name: str, pid: int) -> Iterator[tuple[str, int]]:
    """Yield the memory and the open files of a process that runs; of one that does not, nothing."""
    folder = Path("/proc", str(pid))
    try:
        resident = int((folder / "statm").read_text("ascii").split()[1])
        files = len([*(folder / "fd").iterdir()])
    except (FileNotFoundError, ProcessLookupError):
        return
    if resident:
        yield f"memory (KiB) of {name}", resident * PAGE_KIB
        yield f"open files of {name}", files


def of_repository(name: str, git_dir: Path) -> Iterator[tuple[str, int]]:
    """Yield how many refs of ours a repository has, and the documents in their trees."""
    refs = _lines(git_dir, "for-each-ref", "--format=%(refname)", "refs/coord")
    yield f"refs of {name}", len(refs)
    ledgers = [ref for ref in refs if ref == "refs/coord/claims" or ref.startswith("refs/coord/config")]
    yield f"documents of {name}", sum(len(_lines(git_dir, "ls-tree", "-r", "--name-only", ref)) for ref in ledgers)


def of_folder(name: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Yield how many files of ours lie beside the store of a clone."""
    here = [name for top, _, names in os.walk(folder) if "store.git" not in Path(top).parts for name in names]
    yield f"files of the clone of {name}", len(here)


def size_bytes(folder: Path) -> int:
    """Return what the files of a folder take."""
    total = 0
    for top, _, names in os.walk(folder):  # which passes over folders that vanish
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(top, name).lstat().st_size
    return total


def commits_in(git_dir: Path) -> int:
    """Return how many commits all ledgers have."""
    return int((_lines(git_dir, "rev-list", "--count", "--glob=refs/coord/*") or ["0"])[0])


def _lines(git_dir: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["git", f"--git-dir={git_dir}", *words], capture_output=True, text=True, check=False, timeout=GIT_S
    )
    return done.stdout.splitlines()
