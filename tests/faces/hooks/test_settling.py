"""What the process does that hooks start where a session has no server, second by second, on a clock of the test's."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.faces.hook_sync import settle
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.liveness.heartbeat import INTERVAL_FAR_S
from gitcoord.runtime import make_host
from gitcoord.service.claims.claims import list_claims
from gitcoord.service.watch.edit_notes import ROUNDS
from tests.unit.service.world import Agents, Shared, seen


@dataclass
class Clock:
    """A time that passes only while somebody sleeps, and what happens at some moments of it."""

    start: datetime
    passed_s: float = 0.0
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list[tuple[float, Callable[[], None]]])

    def at(self, second: float, event: Callable[[], None]) -> None:
        self.events.append((second, event))

    def now(self) -> datetime:
        self._catch_up()
        return self.start + timedelta(milliseconds=round(self.passed_s * 1000))

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s = round(self.passed_s + seconds, 3)
        self._catch_up(strictly=True)

    def _catch_up(self, *, strictly: bool = False) -> None:
        """Let happen what is due; `strictly`: what is due now is left for a look at the clock."""
        for second, event in list(self.events):
            if second < self.passed_s or (second == self.passed_s and not strictly):
                self.events.remove((second, event))
                event()


@dataclass
class Scene:
    """A clone of a shared remote in which nobody's server runs."""

    top: Path
    clock: Clock
    host: Host
    seen: list[float] = field(default_factory=list[float])

    @property
    def folder(self) -> Path:
        return self.top / ".git" / "gitcoord"

    def note(self, path: str, second: float, event: str = "edit") -> None:
        """Leave a note as a hook does at that second."""
        for name in (snapshot_files.EDITS, "watch"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        at = self.clock.start.timestamp() + second
        said = {"event": event, "session": "s-ann", "tool": "claude", "top": str(self.top), "agent": "", "at": at}
        (self.folder / snapshot_files.EDITS / f"{second}-1.json").write_text(
            json.dumps({**said, "paths": [path]}), "utf-8"
        )

    def start(self, second: float) -> None:
        """Leave the trace of a hook that started a process at that second, which found another one at work."""
        mark, moment = self.folder / snapshot_files.STARTED, self.clock.start.timestamp() + second
        mark.write_text("", "utf-8")
        os.utime(mark, (moment, moment))


@pytest.fixture
def scene(shared: Shared) -> Scene:
    real = make_host()
    clock = Clock(real.now())
    host = replace(real, now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep)
    return Scene(shared.one.resolve(), clock, host)


def claimed(agents: Agents, scene: Scene) -> list[str]:
    rows = seen(list_claims(agents(scene.top, "eve/cli/wt")))["claims"]
    return sorted(item["pattern"] for row in rows for item in row["items"])


@pytest.mark.rule("HOOK-2")
@pytest.mark.parametrize("second", [5.9, 6.5, 10.9])
def test_a_process_does_not_end_while_a_note_is_gathered(agents: Agents, scene: Scene, second: float) -> None:
    scene.note("src/a.py", 0.0)
    scene.clock.at(second, lambda: scene.note("src/b.py", second))

    settle(scene.folder, str(scene.top), scene.host)

    assert claimed(agents, scene) == ["src/a.py", "src/b.py"]


@pytest.mark.rule("HOOK-2")
def test_a_note_that_comes_after_the_last_look_is_done_by_the_process_that_had_the_lock(
    agents: Agents, scene: Scene
) -> None:
    (scene.folder / "watch").mkdir(parents=True)
    end = 6.0  # nothing was noted before; the clock is next looked at when the lock is free again

    def note() -> None:
        scene.note("src/a.py", scene.clock.passed_s)

    scene.clock.at(end, note)

    settle(scene.folder, str(scene.top), scene.host)

    assert scene.clock.passed_s > end
    assert claimed(agents, scene) == ["src/a.py"]


@pytest.mark.rule("HOOK-2")
def test_a_hook_that_started_no_process_because_one_was_started_just_now_is_not_forgotten(
    agents: Agents, scene: Scene
) -> None:
    (scene.folder / "watch").mkdir(parents=True)
    scene.clock.at(5.0, lambda: scene.start(5.0))
    scene.clock.at(7.5, lambda: scene.note("src/a.py", 7.5))

    settle(scene.folder, str(scene.top), scene.host)

    assert claimed(agents, scene) == ["src/a.py"]


def test_a_session_whose_server_lives_keeps_its_notes_and_the_process_ends(agents: Agents, scene: Scene) -> None:
    server = agents(scene.top, "ann/claude/wt", session="s-ann", serve=True)
    scene.note("src/a.py", 0.0)

    settle(scene.folder, str(scene.top), scene.host)

    assert list((scene.folder / snapshot_files.EDITS).glob("*-1.json"))
    assert list_claims(server)["count"] == 0


def test_while_a_note_is_gathered_for_long_the_snapshot_stays_young(
    agents: Agents, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITCOORD_BEAT_SECONDS", str(INTERVAL_FAR_S))
    scene.note("src/a.py", 0.0)
    rounds = {"at": [scene.clock.start.timestamp() + second for second in (-5, -4, -3, -2)]}
    (scene.folder / snapshot_files.EDITS / ROUNDS).write_text(json.dumps(rounds), "utf-8")
    me = scene.folder / snapshot_files.SNAPSHOT / snapshot_files.ME
    scene.clock.at(20.0, lambda: os.utime(me, (0, 0)))
    scene.clock.at(50.0, lambda: scene.seen.append(me.stat().st_mtime))

    settle(scene.folder, str(scene.top), scene.host)

    assert [*map(bool, scene.seen)] == [True]
    assert claimed(agents, scene) == ["src/a.py"]
