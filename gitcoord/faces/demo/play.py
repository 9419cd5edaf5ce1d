"""The play: the order of events of the demonstration.

place made, project created ──> one agent is sent, takes a step and claims a file; then the others are sent
one of them and the first settle who has that file (see `dialogue`)
the others do what is available; a step is passed over, because the first one has its paths
the first gets stuck and is killed ──> one of the others takes its step over, with its paths
the dead agent's session tries to hand in what it had: refused
all steps done ──> the ledgers are read with plain git and judged (see `judge`)
"""

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitcoord import runtime
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.demo import judge
from gitcoord.faces.demo.crew import Crew, Event
from gitcoord.faces.demo.place import PEOPLE, Desk, Place, set_up_place
from gitcoord.faces.demo.plan import TASKS, definitions
from gitcoord.faces.demo.report import Report
from gitcoord.faces.demo.verdict import Check
from gitcoord.service.claims import requests
from gitcoord.service.steps import projects, step_work

TIME_MAX_S = 150.0  # it takes 15 s on two slow cores; what takes ten times as long hangs
LOOK_S = 0.25  # how often the table is drawn anew


_Rows = list[dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands: the steps, the claims that no step brought along, and who waits for one."""

    steps: _Rows
    claims: _Rows
    line: _Rows


class Audience(Protocol):
    """What shows the progress: a table, lines, or nothing."""

    def scene(self, text: str) -> None:
        """Something happened."""
        ...

    def look(self, now: "Callable[[], Now]") -> None:
        """Some time has passed; `now` reads how it stands."""
        ...


def play(place: Place, audience: Audience) -> Report:
    """Play it and judge it."""
    host = runtime.make_host()
    began = host.monotonic()
    doomed = place.desks[0]
    report = Report(place.project, [desk.agent for desk in place.desks], doomed.agent)
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
    clones = f"{len(place.people)} clone{'s' if len(place.people) > 1 else ''}"
    audience.scene(f"project {place.project}: {len(TASKS)} steps, {len(place.desks)} agents in {clones}")
    # Who wants the file that the first one has: an agent of the other clone, if there is one.
    asker = next((desk for desk in place.desks if desk.person != PEOPLE[0]), place.desks[1])
    crew = Crew(place, {asker: "--asking", doomed: "--doomed"})
    stage = _Stage(place, crew, audience, report, doomed)
    try:
        while not stage.is_over and host.monotonic() - began < TIME_MAX_S:
            stage.turn()
    finally:
        crew.end()
    audience.look(lambda: _now(place))
    report.seconds = round(host.monotonic() - began, 1)
    judge.judge(place, report, late=stage.late, conflicts=stage.conflicts, broken=stage.broken)
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
        self._was_passed = False
        self._is_killed = False
        self.late: Check | None = None
        self.conflicts: list[str] = []
        self.broken: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether every agent has ended, or one that should not have did: the others might wait for it."""
        return not self._at_work or bool(self.broken)

    def turn(self) -> None:
        """Take in the agents' reports, then look."""
        try:
            self._take(self._crew.events.get(timeout=LOOK_S))
            while True:
                self._take(self._crew.events.get_nowait())
        except queue.Empty:
            self._audience.look(lambda: _now(self._place))

    def _take(self, event: Event) -> None:
        name, facts = event.desk.agent, event.facts
        match event.word:
            case "ready":
                self._was_ready(event.desk)
            case "claimed":
                self._claimed(event.desk, facts)
            case "said":
                self._audience.scene(f"{name} {facts['text']}")
            case "stuck":
                self._stuck_commit = str(facts["commit"])
            case "completed":
                self._audience.scene(f"{name} completed {facts['step']}")
            case "refused":
                self._report.refused[str(facts.get("code"))] += 1
                self._passed(event.desk, facts)
            case "conflict":
                self.conflicts.append(f"{facts['step']}: {facts['why']}")
            case "broken":
                self.broken.append(f"{name}: {facts['why']}")
            case _:
                self._ended(event.desk, facts)
        if self._stuck_commit and self._was_passed and not self._is_killed:
            # Kill the doomed one when it is stuck and an agent passed over a step because of it.
            self._is_killed = True
            self._crew.kill(self._doomed)
            self._audience.scene(
                f"{self._doomed.agent} is killed with SIGKILL, its server too, in the middle of a step"
            )

    def _passed(self, desk: Desk, facts: Mapping[str, Json]) -> None:
        passed = facts.get("passed")
        if not isinstance(passed, list) or not passed or desk == self._doomed:
            return
        if not self._was_passed:
            nums = ", ".join(str(num) for num in passed)
            self._audience.scene(f"{desk.agent} passes over step {nums}, whose paths {self._doomed.agent} holds")
        self._was_passed = True

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
        self._passed(desk, facts)
        left = facts.get("checkpoint")
        if not isinstance(left, dict) or not left:
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
            result = step_work.complete_step(workspace, step_id=step_id, commit_hash=self._stuck_commit)
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


def _now(place: Place) -> Now:
    workspace = runtime.open_workspace(
        place.clone(PEOPLE[1]), {**place.env, "GITCOORD_AGENT": "bob/demo/audience"}, tool="demo"
    )
    held = requests.claims_and_line(workspace)
    claims = [row for row in _rows(held.get("claims")) if not row.get("step")]
    return Now(
        _rows(projects.get_project(workspace, name=place.project).get("steps")), claims, _rows(held.get("queued"))
    )


def _rows(value: Json) -> _Rows:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def make_place(folder: Path, env: Mapping[str, str], *, remote: str | None, agents: int) -> Place:
    """Make the place, with a name that no other demonstration has."""
    name = f"demo-{runtime.make_host().draw_id()[:6]}" if remote else "shop"
    return set_up_place(folder, env, remote=remote, name=name, agents=agents)
