"""P9, a hosted remote: twenty agents of one clone at work for an hour, on a simulated clock; how often they push.

Each agent takes a step every half hour and edits a file that is new to it every three minutes, which its session claims
by itself. The agents take turns in one process: what waits for the budget of pushes holds up all of them, so calls that
would become one push in processes of their own make one each here. The remote is on a path, reached by git as one that
is far; the clone has the settings that it has by default at github.com.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.clone.host import Host
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus
from gitcoord.runtime import make_host, open_workspace
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, start_step
from gitcoord.service.watch.watch import Watch
from tests.bench.places import fill, repository
from tests.bench.registry import measures
from tests.bench.report import Figure

AGENTS = 20
MINUTES = 60
STEP_S, EDIT_S, TICK_S = 1800, 180, 3
PUSHES_MAX = 6


@measures("P9h", limit_s=1800)
def p9h() -> list[Figure]:
    """Let twenty agents of a clone work for an hour, and count the pushes of each minute."""
    return [hour(AGENTS, MINUTES)]


def hour(agents: int, minutes: int) -> Figure:
    """Work for so many minutes, and count the pushes of each."""
    with repository() as (top, env), ExitStack() as stack:
        hub = top.parent / "hub.git"
        for words in (
            ["init", "-q", "--bare", str(hub)],
            ["-C", str(top), "push", "-q", str(hub), "HEAD:refs/heads/main"],
            ["-C", str(top), "config", "gitcoord.remote", f"file://{hub}"],
            ["-C", str(top), "config", "gitcoord.pushesPerMinute", str(PUSHES_MAX)],
            ["-C", str(top), "config", "gitcoord.beatSeconds", "150"],
        ):
            subprocess.run(["git", *words], env=env, check=True)
        passing = _Passing()
        team: list[_Agent] = []
        for number in range(agents):
            named = {**env, "GITCOORD_AGENT": f"bench/claude/wt{number}"}
            one = open_workspace(top, named, tool="claude", session=f"s-{number}", serve=True, host=passing.host)
            stack.callback(one.close)
            passing.count(one)
            team.append(_Agent(one, number))
        fill(team[0].workspace, 1, agents * 3)
        begin = passing.seconds
        passing.pushes.clear()
        while passing.seconds < begin + 60 * minutes:
            for agent in team:
                agent.act(passing.seconds - begin)
            passing.sleep(TICK_S)
        in_minute = Counter(int((at - begin) // 60) for at in passing.pushes)
        pushes, took_s = len(passing.pushes), passing.seconds - begin  # who waits when the hour is over ends later
    counts = [float(in_minute[minute]) for minute in range(minutes)]
    figure = Figure("P9", f"pushes a minute, {agents} agents of a clone", counts, unit="pushes")
    mean = pushes * 60 / took_s
    figure.notes = {"pushes": pushes, "mean": round(mean, 2), "calls": sum(agent.calls for agent in team)}
    figure.notes |= {"files_edited": sum(agent.edits for agent in team)}
    return figure.must(f"mean <= {PUSHES_MAX}", mean <= PUSHES_MAX)


class _Passing:
    """Time that passes where someone sleeps, and the pushes that were made."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pushes: list[float] = []
        real = make_host()
        began = real.now()
        self.host: Host = replace(
            real,
            now=lambda: began + timedelta(milliseconds=int(self.seconds * 1000)),
            monotonic=lambda: self.seconds,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def count(self, workspace: Workspace) -> None:
        """Note when this workspace pushes."""
        transport = workspace.setting.transport
        swap: Callable[[Sequence[RefUpdate]], SwapOutcome] = transport.swap

        def counted(updates: Sequence[RefUpdate]) -> SwapOutcome:
            outcome = swap(updates)
            if outcome.status is not SwapStatus.UNREACHABLE:
                self.pushes.append(self.seconds)
            return outcome

        setattr(transport, "swap", counted)  # noqa: B010 - a method, for the type checker


class _Agent:
    """One agent: its session, and when it does what next."""

    def __init__(self, workspace: Workspace, number: int) -> None:
        self.workspace = workspace
        self.calls = self.edits = 0
        self._watch = Watch(workspace)
        self._number = number
        self._step: str | None = None
        self._next_step_s = STEP_S * number / AGENTS
        self._next_edit_s = EDIT_S * number / AGENTS
        self._next_tick_s = 0.0

    def act(self, now_s: float) -> None:
        """Do what is due; a session looks every few seconds where it has something to claim, else once a minute."""
        if now_s >= self._next_step_s:
            self._next_step_s += STEP_S
            self._take_the_next_step()
        if now_s >= self._next_edit_s:
            self._next_edit_s += EDIT_S
            self._edit()
        folder = self.workspace.setting.clone.folder / snapshot_files.EDITS
        if any(folder.glob(f"*-{self._number}.json")) or now_s >= self._next_tick_s:
            self._next_tick_s = now_s + 60
            self._watch.tick()

    def _take_the_next_step(self) -> None:
        if self._step is not None:
            complete_step(self.workspace, step_id=self._step, commit_hash="HEAD")
        step = claim_step(self.workspace)["step"]
        assert isinstance(step, dict)
        self._step = str(step["id"])
        start_step(self.workspace, step_id=self._step)
        self.calls += 3

    def _edit(self) -> None:
        """Note an edit as the hook of an agent's tool does."""
        folder: Path = self.workspace.setting.clone.folder / snapshot_files.EDITS
        folder.mkdir(exist_ok=True)
        path = f"lib/new{self._number}-{self.edits}.py"
        self.edits += 1
        said = {"event": "edit", "session": self.workspace.session_id, "tool": "claude", "agent": "", "paths": [path]}
        said |= {"top": str(self.workspace.repository.top), "at": self.workspace.setting.host.now().timestamp()}
        (folder / f"{self.edits:03}-{self._number}.json").write_text(json.dumps(said), "utf-8")
