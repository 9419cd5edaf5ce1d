"""Names that this clone knows without asking a remote, for a shell that completes them.

    projects   of the marks (`seen/`)
    steps      of a project's tip there, if this clone's store has it
    claims     of the snapshot that the edit hooks read
    agents     of the same, and of the sessions of this clone
    relays     of the refs in this clone's store: those that it has, or had before a remote was named

Rules:
  * No remote is asked and nothing is written. What is not known here is not offered.
  * SEC-1: only what can be a name is offered, since a shell takes it as a word.
"""

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from gitcoord.errors import CoordError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.rewinds import marks
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.store.plain_store import PlainStore

_PROJECT = re.compile(r".*/steps/([\w.-]+)", re.ASCII)
_RELAY = re.compile(r"refs/.*/relay/([\w.-]+)(?:@\d+)?", re.ASCII)
_STEP = re.compile(r"steps/[^/]+/([0-9]+)\.json")
_CLAIM = re.compile(rb'"claim": ?"(c-[0-9a-z]{8,16})"')
_NAME = re.compile(r"[\w.+/-]{1,100}", re.ASCII)
_AGENT = re.compile(rb'"agent": ?"([\w.+/-]{1,100})"')
CLAIMS_MAX = 500


def projects(folder: Path) -> dict[str, str]:
    """Return the newest tip of each project that this clone has seen, by its name. `folder`: the clone's."""
    found = ((_PROJECT.fullmatch(ref), mark.tip) for ref, mark in marks.newest_of_all(folder).items())
    return {match[1]: tip for match, tip in found if match is not None}


def steps(folder: Path, tip: str, env: Mapping[str, str]) -> list[int]:
    """Return the numbers of a project's steps."""
    paths: Mapping[str, Oid] = {}
    with contextlib.suppress(CoordError):
        paths = PlainStore(folder / "store.git", env).files(Oid(tip), ["steps"])
    return sorted(int(match[1]) for match in map(_STEP.fullmatch, paths) if match is not None)


def claims(folder: Path) -> list[str]:
    """Return the ids of claims."""
    return _in_snapshot(folder, _CLAIM)[:CLAIMS_MAX]


def agents(folder: Path) -> list[str]:
    """Return the names of agents."""
    sessions = [snapshot_files.load(path) for path in sorted((folder / snapshot_files.SESSIONS).glob("[!.]*.json"))]
    named = (name for session in sessions if isinstance(names := session.get("agents"), list) for name in names)
    here = {name for name in named if isinstance(name, str) and _NAME.fullmatch(name)}
    return sorted({*here, *_in_snapshot(folder, _AGENT)})[:CLAIMS_MAX]


def relays(folder: Path) -> list[str]:
    """Return the names of relays."""
    store = folder / "store.git"
    with contextlib.suppress(OSError, UnicodeError):
        packed = (store / "packed-refs").read_text("utf-8") if (store / "packed-refs").is_file() else ""
        loose = (path.relative_to(store).as_posix() for path in store.glob("refs/**/relay/*"))
        refs = [*loose, *(line.rpartition(" ")[2] for line in packed.splitlines())]
        return sorted({match[1] for match in map(_RELAY.fullmatch, refs) if match is not None})
    return []


def _in_snapshot(folder: Path, wanted: re.Pattern[bytes]) -> list[str]:
    found: set[str] = set()
    for path in sorted((folder / snapshot_files.SNAPSHOT).glob("[sf]*")):
        with contextlib.suppress(OSError):
            found |= {name.decode() for name in wanted.findall(path.read_bytes())}
    return sorted(found)
