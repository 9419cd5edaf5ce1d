"""Settling, `gitcoord hook sync`: do what hooks noted for sessions without a server; started apart from a hook.

Rules:
  * One such process a clone. It stays a little longer than hooks wait before they start the next, so that no note is
    left behind, and ends.
  * What goes wrong with one session's notes holds up no other's; they are left for the next process, for an hour.
  * Nobody reads what this process prints, unless a person started it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger import hook_files
from gitcoord.runtime import make_host, open_workspace
from gitcoord.service import edits, finishing, identity, snapshot
from gitcoord.service.edits import Note
from gitcoord.service.workspace import Workspace

STAYS_S = 6.0  # hooks start one every 3 s, and gather for 5 s what goes to a remote
LOOK_S = 0.2
_TOOLS = {"claude": "claude-code"}  # what the tool calls itself to its servers


def main(_: Sequence[str]) -> int:
    """Do what there is to do; return the exit status."""
    found = hook_files.places(str(Path.cwd()))
    if found is None:
        return 0
    folder = Path(found[1]) / "gitcoord"
    try:
        with FileLock(folder / "watch" / "sync.lock", timeout=0):
            _refresh(found[0])
            _work(folder, found[0])
    except Timeout:
        return 0
    except (CoordError, OSError) as error:
        sys.stderr.write(f"gitcoord: {error}\n")
        return getattr(error, "exit_status", 3)
    return 0


def _refresh(top: str) -> None:
    """Bring the snapshot up to what the remote says now; a hook may wait for it."""
    workspace = open_workspace(Path(top), os.environ, tool="cli")
    listed = workspace.listed()
    snapshot.Snapshot(workspace).renew(workspace.register(listed), listed)


def _work(folder: Path, top: str) -> None:
    host = make_host()
    end = host.monotonic() + STAYS_S
    failed: set[Path] = set()
    while host.monotonic() < end:
        for notes in _by_session(folder):
            if failed.issuperset(one.file for one in notes):
                continue
            try:
                if _do(notes, _place(notes[0], folder, top)):
                    end = host.monotonic() + STAYS_S
            except UnreachableError:
                raise
            except CoordError as error:  # of one session; the others are not held up by it
                sys.stderr.write(f"gitcoord: {error}\n")
                failed.update(one.file for one in notes)
                edits.drop_old(notes, host.now())
        host.sleep(LOOK_S)


def _by_session(folder: Path) -> list[list[Note]]:
    """Return the notes of each session that has no server, by the worktree where they were made."""
    groups: dict[tuple[str, str, str, str], list[Note]] = {}
    for one in edits.noted(folder):
        groups.setdefault((one.session, one.top, one.tool, one.agent), []).append(one)
    return [*groups.values()]


def _place(note: Note, folder: Path, top: str) -> str:
    """Return the worktree where a note was made; this one if that is gone, with an agent whose end is still to do."""
    found = hook_files.places(note.top)
    return found[0] if found is not None and Path(found[1]) / "gitcoord" == folder else top


def _do(notes: Sequence[Note], top: str) -> bool:
    """Do what was noted of one session; tell whether there was something that could be done now."""
    workspace = _workspace(notes[0], top)
    ends = any(one.event == "end" for one in notes)
    if not ends and (workspace.setting.sessions.state(workspace.session_id).locked):
        return False  # its server does
    if not ends and edits.gathering_s(workspace, notes) > 0:
        return False
    identity.join(workspace, _TOOLS.get(notes[0].tool, notes[0].tool))
    edits.begin_round(workspace)
    done = edits.take(workspace, notes)
    if ends:
        finishing.finish(workspace)
    listed = workspace.listed()
    snapshot.Snapshot(workspace).renew(workspace.register(listed), listed)
    return done > 0


def _workspace(note: Note, top: str) -> Workspace:
    env = {name: value for name, value in os.environ.items() if name != "GITCOORD_AGENT"}
    if note.agent:
        env["GITCOORD_AGENT"] = note.agent
    tool = _TOOLS.get(note.tool, note.tool) or "mcp"
    return open_workspace(Path(top), env, tool=tool, session=note.session)
