"""Settling, `gitcoord hook sync`: do what hooks noted for sessions without a server; started apart from a hook.

    hook: note ──> is `started` young? ──yes──> nothing: the process that was started then does it
                        │ no
                   start one ──> is the lock free? ──no──> end: its holder does it
                                      │ yes
                                 work until nothing is left to do, let go of the lock, look once more

Rules:
  * One such process a clone. It does not end while a note is gathered, and looks again when it has let go of its lock:
    a hook that started no process, or one that found the lock taken, relies on it.
  * Notes of a session whose server lives are left to that; those that failed, to the next process, for an hour.
  * What goes wrong with one session's notes holds up no other's.
  * As long as it stays it keeps the snapshot young: a hook that wants it made anew cannot start another process.
  * No one reads what this process prints, unless a person started it.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.clone.host import Host
from gitcoord.runtime import make_host, open_workspace
from gitcoord.service.session import identity
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import edit_notes, end_session, snapshot
from gitcoord.service.watch.edit_notes import Note

STAYS_S = 6.0  # an agent edits again within seconds, and a process takes 0.3 s of processor to start
REFRESHED_EVERY_S = 30.0  # half of what a hook takes for young (`FRESH_S`)
LOOK_S = 0.2
_TOOLS = {"claude": "claude-code"}  # what the tool calls itself to its servers

_Group = tuple[str, str, str, str]  # session, worktree, tool and agent of some notes


class _Fate(Enum):
    """What became of the notes of one session in one look."""

    DONE = auto()
    GATHERED = auto()  # they wait for more, to become one swap
    LEFT = auto()  # to the session's server, or to a process that is at them


def main(_: Sequence[str]) -> int:
    """Do what there is to do; return the exit status."""
    found = snapshot_files.places(str(Path.cwd()))
    if found is None:
        return 0
    try:
        settle(Path(found[1]) / "gitcoord", found[0], make_host())
    except Timeout:
        return 0
    except (CoordError, OSError) as error:
        known = as_known(error, "settling")
        sys.stderr.write(f"gitcoord: {known}\n")
        return known.exit_status
    return 0


def settle(folder: Path, top: str, host: Host) -> None:
    """Carry out the notes, and those that come meanwhile, until no hook relies on this process.

    Raises:
        CoordError: nothing can be done now; the notes stay.
        Timeout: another process does it.
    """
    lock = FileLock(folder / "watch" / "sync.lock", timeout=0)
    left: frozenset[Path] | None = None
    while left is None or _is_relied_on(folder, left, host):
        with lock:
            left = _Process(folder, top, host).work()


def _is_relied_on(folder: Path, left: frozenset[Path], host: Host) -> bool:
    """Whether a hook came too late for the last look, and either started no process or one that found the lock."""
    try:
        age_s = abs(host.now().timestamp() - (folder / snapshot_files.STARTED).stat().st_mtime)
    except OSError:
        age_s = snapshot_files.STARTED_EVERY_S
    return age_s < snapshot_files.STARTED_EVERY_S or not left.issuperset(note.file for note in edit_notes.noted(folder))


@dataclass(slots=True)
class _Process:
    """What one process knows while it works.

    Attributes:
        open: the workspace of each group of notes, which is looked into several times a second.
        failed: notes that could not be done; with one that comes beside them they are tried again.
    """

    folder: Path
    top: str
    host: Host
    open: dict[_Group, Workspace] = field(default_factory=dict[_Group, Workspace])
    failed: set[Path] = field(default_factory=set[Path])

    def work(self) -> frozenset[Path]:
        """Carry out the notes until for a while none came; return the notes that are left to others."""
        refresh_at = self.host.monotonic()
        end = refresh_at + STAYS_S
        while True:
            if self.host.monotonic() >= refresh_at:
                # Bring the snapshot up to what the remote says now; a hook may wait for it.
                workspace = open_workspace(Path(self.top), os.environ, tool="cli", host=self.host)
                listed = workspace.listed()
                snapshot.Snapshot(workspace).renew(workspace.register(listed), listed)
                refresh_at = self.host.monotonic() + REFRESHED_EVERY_S
            notes = edit_notes.noted(self.folder)
            # The notes of each session, by the worktree where they were made.
            groups: dict[_Group, list[Note]] = {}
            for note in notes:
                groups.setdefault((note.session, note.top, note.tool, note.agent), []).append(note)
            fates = {self._settled(group, notes) for group, notes in groups.items()}
            if _Fate.DONE in fates:
                end = self.host.monotonic() + STAYS_S
            elif self.host.monotonic() >= end and _Fate.GATHERED not in fates:
                return frozenset(note.file for notes in groups.values() for note in notes)
            self.host.sleep(LOOK_S)

    def _settled(self, group: _Group, notes: Sequence[Note]) -> _Fate:
        """Do the notes of one session, unless they failed; the others are not held up by it."""
        if self.failed.issuperset(note.file for note in notes):
            return _Fate.LEFT
        try:
            if group not in self.open:
                # Where a note was made; here if that is gone, with an agent whose end is still to do.
                places = snapshot_files.places(notes[0].top)
                is_there = places is not None and Path(places[1]) / "gitcoord" == self.folder
                top = places[0] if places and is_there else self.top
                env = {name: value for name, value in os.environ.items() if name != "GITCOORD_AGENT"}
                if notes[0].agent:
                    env["GITCOORD_AGENT"] = notes[0].agent
                tool = _TOOLS.get(notes[0].tool, notes[0].tool) or "mcp"
                self.open[group] = open_workspace(Path(top), env, tool=tool, session=notes[0].session, host=self.host)
            return _do(self.open[group], notes)
        except UnreachableError:
            raise
        except CoordError as error:
            sys.stderr.write(f"gitcoord: {error}\n")
            self.failed.update(note.file for note in notes)
            edit_notes.drop_old(notes, self.host.now())
            return _Fate.LEFT


def _do(workspace: Workspace, notes: Sequence[Note]) -> _Fate:
    """Carry out the notes of one session, if it is this process's and time for it."""
    ends = any(note.event == "end" for note in notes)
    if not ends and workspace.setting.sessions.state(workspace.session_id).locked:
        return _Fate.LEFT
    if not ends and edit_notes.gathering_s(workspace, notes) > 0:
        return _Fate.GATHERED
    identity.join(workspace, _TOOLS.get(notes[0].tool, notes[0].tool))
    edit_notes.begin_round(workspace)
    done = edit_notes.take(workspace, notes)
    if ends:
        end_session.finish(workspace)
    listed = workspace.listed()
    snapshot.Snapshot(workspace).renew(workspace.register(listed), listed)
    return _Fate.DONE if done else _Fate.LEFT
