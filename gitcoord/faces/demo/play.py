"""The play: the order of events of the demonstration.

place made, project created ──> one agent is sent, takes a step, gets stuck, is killed ──┐
                                the others are sent as soon as it has its step           │
the others do what is available; one of them takes the dead agent's step over <──────────┘
the dead agent's session tries to hand in what it had: refused
all steps done ──> the ledger is read with plain git and judged
"""

import queue
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gitcoord import runtime
from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.demo import ledger, verdict
from gitcoord.faces.demo import place as places
from gitcoord.faces.demo.crew import Crew, Event
from gitcoord.faces.demo.git import GitFailedError, git, succeeds
from gitcoord.faces.demo.place import PEOPLE, Desk, Place
from gitcoord.faces.demo.plan import BY_NUM, FILES, TASKS, collisions, definitions
from gitcoord.faces.demo.verdict import Check, Recovery
from gitcoord.service import projects, reading, steps

TIME_MAX_S = 150.0  # it takes 15 s on two slow cores; what takes ten times as long hangs
LOOK_S = 0.25  # how often the table is drawn anew


class Audience(Protocol):
    """Who watches: a table, lines, or nobody."""

    def scene(self, text: str) -> None:
        """Something happened."""
        ...

    def look(self, rows: list[dict[str, Json]]) -> None:
        """The steps as they are now."""
        ...


@dataclass(slots=True)
class Report:
    """What came of it."""

    project: str
    agents: list[str]
    killed: str
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list[Check])
    refused: Counter[str] = field(default_factory=Counter[str])
    recovery: Recovery | None = None
    commits: int = 0
    combined: int = 0
    lost_swaps: int = 0
    log: list[str] = field(default_factory=list[str])

    @property
    def is_ok(self) -> bool:
        """Whether every check holds."""
        return bool(self.checks) and all(check.is_ok for check in self.checks)


def play(place: Place, audience: Audience) -> Report:
    """Play it and judge it."""
    host = runtime.make_host()
    began = host.monotonic()
    doomed = place.desks[0]
    report = Report(place.project, [desk.agent for desk in place.desks], doomed.agent)
    _create(place)
    audience.scene(f"project {place.project}: {len(TASKS)} steps, {len(place.desks)} agents in {len(PEOPLE)} clones")
    crew = Crew(place, doomed)
    stage = _Stage(place, crew, audience, report, doomed)
    try:
        while not stage.is_over and host.monotonic() - began < TIME_MAX_S:
            stage.turn()
    finally:
        crew.end()
    audience.look(_steps(place))
    report.seconds = round(host.monotonic() - began, 1)
    _judge(place, stage, report)
    return report


class _Stage:
    """What is known while it runs."""

    def __init__(self, place: Place, crew: Crew, audience: Audience, report: Report, doomed: Desk) -> None:
        self._place = place
        self._crew = crew
        self._audience = audience
        self._report = report
        self._doomed = doomed
        self._at_work: set[Desk] = set(place.desks)
        self._ready: set[Desk] = set()
        self._session = ""
        self._stuck_commit = ""
        self.late: Check | None = None
        self.conflicts: list[str] = []
        self.broken: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether every agent has ended."""
        return not self._at_work

    def turn(self) -> None:
        """Take what was reported, then look."""
        try:
            self._take(self._crew.events.get(timeout=LOOK_S))
            while True:
                self._take(self._crew.events.get_nowait())
        except queue.Empty:
            self._audience.look(_steps(self._place))

    def _take(self, event: Event) -> None:
        name, facts = event.desk.agent, event.facts
        match event.word:
            case "ready":
                self._was_ready(event.desk)
            case "claimed":
                self._claimed(event.desk, facts)
            case "stuck":
                self._stuck_commit = str(facts["commit"])
                self._crew.kill(event.desk)
                self._audience.scene(f"{name} is killed with SIGKILL, its server too, while it holds {facts['step']}")
            case "completed":
                self._audience.scene(f"{name} completed {facts['step']}")
            case "refused":
                self._report.refused[str(facts.get("code"))] += 1
            case "conflict":
                self.conflicts.append(f"{facts['step']}: {facts['why']}")
            case "broken":
                self.broken.append(f"{name}: {facts['why']}")
            case _:
                self._ended(event.desk, facts)

    def _was_ready(self, desk: Desk) -> None:
        """Send the doomed one first, so that it certainly gets a step; the others as soon as it has one."""
        self._ready.add(desk)
        if desk == self._doomed or self._session:
            self._crew.send(desk)

    def _claimed(self, desk: Desk, facts: Mapping[str, Json]) -> None:
        if desk == self._doomed and not self._session:
            self._session = str(facts["session_id"])
            for other in self._ready - {desk}:
                self._crew.send(other)
        left = facts.get("checkpoint")
        if not isinstance(left, dict):
            self._audience.scene(f"{desk.agent} took {facts['step']}")
            return
        self._audience.scene(f"{desk.agent} took over {facts['step']} from {left.get('agent_id')}, with its branch")
        if left.get("agent_id") == self._doomed.agent:
            self.late = self._hand_in_late(str(facts["step"]))

    def _hand_in_late(self, step_id: str) -> Check:
        """Be the dead agent once more, in its own session with its own fence, and try to hand in its half."""
        name = "the dead agent's late hand-in was refused"
        env = {**self._place.env, "GITCOORD_AGENT": self._doomed.agent, "GITCOORD_SESSION": self._session}
        try:
            workspace = runtime.open_workspace(self._doomed.worktree, env, tool="demo")
            result = steps.complete_step(workspace, step_id=step_id, commit_hash=self._stuck_commit)
        except CoordError as error:
            return Check(name, is_ok=False, detail=str(error))
        if not result.get("refused"):
            return Check(name, is_ok=False, detail=f"{step_id} was taken from it")
        self._report.refused[str(result["refused"])] += 1
        self._audience.scene(f"{self._doomed.agent} comes back and hands in {step_id}: refused, {result['refused']}")
        return Check(name, is_ok=True, detail=str(result.get("why")))

    def _ended(self, desk: Desk, facts: Mapping[str, Json]) -> None:
        self._at_work.discard(desk)
        if desk != self._doomed and facts.get("status") != 0:
            self.broken.append(f"{desk.agent} ended with status {facts.get('status')}")


def _create(place: Place) -> None:
    workspace = runtime.open_workspace(
        place.clone(PEOPLE[0]), {**place.env, "GITCOORD_AGENT": "ann/demo/lead"}, tool="demo"
    )
    projects.create_project(
        workspace,
        name=place.project,
        base_commit=place.base,
        steps=definitions(place.prefix),
        description="A small shop, made by agents of a demonstration.",
    )


def _steps(place: Place) -> list[dict[str, Json]]:
    workspace = runtime.open_workspace(
        place.clone(PEOPLE[1]), {**place.env, "GITCOORD_AGENT": "bob/demo/audience"}, tool="demo"
    )
    rows = projects.get_project(workspace, name=place.project).get("steps")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _judge(place: Place, stage: _Stage, report: Report) -> None:
    entries = ledger.read(place)
    report.commits = len(entries)
    report.combined = verdict.combined(entries)
    report.lost_swaps = sum(_lost_swaps(place, person) for person in PEOPLE)
    report.log = ledger.subjects(place)
    report.recovery = verdict.recovery_of(entries, report.killed)
    late = stage.late or Check(
        "the dead agent's late hand-in was refused", is_ok=False, detail="nobody took its step over"
    )
    report.checks = [*verdict.checks_of(entries, report.killed), late, _work(place, stage)]
    troubles = "; ".join(stage.broken)
    report.checks.append(
        Check("every other agent worked to the end", not troubles, troubles or "all ended by themselves")
    )


def _lost_swaps(place: Place, person: str) -> int:
    env = {**place.env, "GITCOORD_AGENT": f"{person}/demo/audience"}
    lost = reading.status(runtime.open_workspace(place.clone(person), env, tool="demo")).get("lost_swaps")
    return lost if isinstance(lost, int) else 0


def _work(place: Place, stage: _Stage) -> Check:
    """Look into the work itself: all of it is in the last step's commit, and nothing ever conflicted."""
    name = "the last commit has the work of every step"
    clone, last = place.clone(PEOPLE[0]), max(BY_NUM)
    try:
        git(
            clone,
            place.env,
            "fetch",
            "--quiet",
            "--no-tags",
            "origin",
            f"+refs/heads/{place.prefix}/*:refs/demo/work/*",
        )
        missing = [num for num in BY_NUM if not _is_in(place, num, last)]
        texts = [git(clone, place.env, "cat-file", "blob", f"refs/demo/work/step-{last}:{file}") for file in FILES]
    except GitFailedError as error:
        return Check(name, is_ok=False, detail=str(error))
    lines = Counter(line for text in texts for line in text.splitlines())
    missing += [task.num for task in TASKS if lines[task.line] != 1]
    if missing or stage.conflicts:
        what = f"missing: step {', '.join(str(num) for num in sorted(set(missing)))}" if missing else ""
        return Check(name, is_ok=False, detail="; ".join([*([what] if what else []), *stage.conflicts]))
    return Check(
        name, is_ok=True, detail=f"no merge conflicted, though {collisions()} pairs of steps write at one place"
    )


def _is_in(place: Place, num: int, last: int) -> bool:
    refs = (f"refs/demo/work/step-{num}", f"refs/demo/work/step-{last}")
    return succeeds(place.clone(PEOPLE[0]), place.env, "merge-base", "--is-ancestor", *refs)


def make_place(folder: Path, env: Mapping[str, str], *, remote: str | None, agents: int) -> Place:
    """Make the place, with a name that no other demonstration has."""
    name = f"demo-{runtime.make_host().draw_id()[:6]}" if remote else "shop"
    return places.make(folder, env, remote=remote, name=name, agents=agents)


def as_json(report: Report, kept: Iterable[Path]) -> dict[str, Json]:
    """Return a report as one JSON object."""
    found = report.recovery
    return {
        "ok": report.is_ok,
        "project": report.project,
        "agents": [*report.agents],
        "seconds": report.seconds,
        "checks": [{"name": one.name, "ok": one.is_ok, "detail": one.detail} for one in report.checks],
        "killed": report.killed,
        "recovered": {"step": found.step, "from": found.before, "by": found.after, "checkpoint": found.checkpoint}
        if found
        else None,
        "refused": dict(report.refused),
        "commits": report.commits,
        "combined": report.combined,
        "lost_swaps": report.lost_swaps,
        "log": [*report.log],
        "kept": next((str(path) for path in kept), None),
    }
