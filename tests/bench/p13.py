"""P13s: the dashboard's server side: what the panels say, and their markup, of a team of 1,000."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.liveness import Heartbeat, SessionBeat
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep, StartStep
from gitcoord.faces.cli.pages.panels import PANELS
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.remote.contract.protocol import Oid, RefUpdate
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requested_items import drawn_id
from gitcoord.service.dashboard.dashboard import FIRST_COMMITS, Dashboard
from gitcoord.service.session.workspace import Workspace
from tests.bench.places import fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

AGENTS, CLONES, STEPS, PROJECTS, CLAIMS = 1_000, 100, 10_000, 100, 1_000
DONE = 5  # steps that each agent has completed
IN_A_COMMIT = 2  # commands: with these some 9,000 commits
RUNS = 10
COMMIT = "0" * 40  # completing does not look the commit up here


@measures("P13s")
def run() -> list[Figure]:
    """The first page, in a process of its own, and an update after a change; how much memory that takes."""
    with repository() as (top, env):
        crowd(workspace(top, env, "bench/cli/r"))
        store = top / ".git" / "gitcoord" / "store.git"
        subprocess.run(["git", f"--git-dir={store}", "repack", "-adq"], env=env, check=True)  # as P12 has it
        words = [sys.executable, "-m", "tests.bench.p13", str(top), json.dumps(env)]
        runs = [json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    size = f"{AGENTS:,} agents, {STEPS:,} steps, {CLAIMS:,} claims"
    first = Figure("P13s", f"first page of {size}", [row["first_ms"] for row in runs])
    first.notes = {"facts_ms": [row["facts_ms"] for row in runs], "bytes": runs[0]["bytes"], "parts": runs[0]["parts"]}
    updates = [ms for row in runs for ms in row["updates_ms"]]
    update = Figure("P13s", f"an update after a claim, {size}", updates)
    memory = Figure("P13s", "memory of the process", [row["mb"] for row in runs], unit="MB")
    return [first.at_most(1000), update.at_most(300), memory.at_most(300, 1.0)]


def crowd(one: Workspace) -> None:
    """Let a team of many clones be at work: each agent has completed steps, and holds a step and a claim."""
    fill(one, PROJECTS, STEPS // PROJECTS, chained=True)
    actors = [Actor(agent=f"bench/cli/r{at}", clone=_clone(at), session=f"s{at:015}") for at in range(AGENTS)]
    _beat(one, actors)
    for turn in range(DONE + 1):
        nums = [10 * turn + at % 10 + 1 for at in range(AGENTS)]
        _each(one, actors, [ClaimStep(step_num=num) for num in nums])
        _each(one, actors, [StartStep(step_num=num, fence=1) for num in nums])
        if turn < DONE:
            _each(one, actors, [CompleteStep(step_num=num, fence=1, commit_hash=COMMIT) for num in nums])
    for at, actor in enumerate(actors[:CLAIMS]):
        wish = Wish(pattern=f"area{at % 50}/part{at // 50}/file{at}.py")
        call = ClaimFiles(claim_id=drawn_id(one, "c"), wishes=(wish,), description=f"claim {at}")
        _run(one, [(actor, call, None)])


def _clone(at: int) -> str:
    return f"clone{at * CLONES // AGENTS:05}"


def _beat(one: Workspace, actors: Sequence[Actor]) -> None:
    """Let each clone beat, with a session for each of its agents."""
    setting = one.setting
    now, objects = setting.host.now(), setting.transport.objects
    by_clone: dict[str, list[SessionBeat]] = {}
    for actor in actors:
        beat = SessionBeat(id=actor.session, agents=(actor.agent,), tool="bench", worktree="wt", called_at=now)
        by_clone.setdefault(actor.clone, []).append(beat)
    for clone, beats in by_clone.items():
        heartbeat = Heartbeat(clone=clone, seq=1, beaten_at=now, sessions=tuple(beats))
        tree = trees.write(objects, trees.EMPTY, {"heartbeat.json": heartbeat.encode()}).oid or Oid("")
        tip = commits.write(objects, tree, [], setting.clone.signature, now, f"beat of {clone}")
        setting.transport.swap([RefUpdate(setting.refs.heartbeat(clone), None, tip)])


def _each(one: Workspace, actors: Sequence[Actor], commands: Sequence[Doc]) -> None:
    """Carry out a command of each agent on its project, so many in a commit."""
    asked = [
        (actor, command, f"p{at // 10:03}") for at, (actor, command) in enumerate(zip(actors, commands, strict=True))
    ]
    for at in range(0, len(asked), IN_A_COMMIT):
        _run(one, asked[at : at + IN_A_COMMIT])


def _run(one: Workspace, asked: Sequence[tuple[Actor, Doc, str | None]]) -> None:
    entries = [LEDGERS.entry_of(one.setting.host.draw_id(), call, actor, project) for actor, call, project in asked]
    with one.combiner.lock():
        replies = one.combiner.transactions.run(entries)
    assert all(reply.outcome and reply.outcome.is_done for reply in replies.values()), replies


def _serve(top: Path, env: dict[str, str]) -> dict[str, object]:
    """Do what a server does for the first page, and then after each of some changes."""
    begin = time.perf_counter()
    one = workspace(top, env, "bench/cli/look")
    looked = Dashboard(one)
    facts = looked.panels(commits_max=FIRST_COMMITS)
    read = time.perf_counter()
    shown, parts = {}, {}
    for panel in PANELS:
        since = time.perf_counter()
        shown[panel.name] = ET.tostring(panel.of(facts, one.setting.host.now()), method="html")
        parts[panel.name] = [round((time.perf_counter() - since) * 1000), len(shown[panel.name])]
    drawn = time.perf_counter()
    while not looked.is_complete:
        facts = looked.panels(commits_max=FIRST_COMMITS)
    other, updates = workspace(top, env, "bench/cli/other"), list[float]()
    for at in range(RUNS):
        claim_files(other, patterns=[f"/other/file{at}.py"])
        since = time.perf_counter()
        after = looked.panels()
        changed = [panel for panel in PANELS if after[panel.key] != facts[panel.key]]
        for panel in changed:
            ET.tostring(panel.of(after, one.setting.host.now()), method="html")
        updates.append((time.perf_counter() - since) * 1000)
        facts = after
    return {
        "first_ms": (drawn - begin) * 1000,
        "facts_ms": round((read - begin) * 1000),
        "updates_ms": updates,
        "bytes": sum(map(len, shown.values())),
        "parts": parts,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(_serve(Path(sys.argv[1]), json.loads(sys.argv[2]))))
