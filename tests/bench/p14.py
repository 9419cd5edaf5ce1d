"""P14: an audit of 10,000 commits from the first one, in a process of its own; and of 100 more, from its checkpoint."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gitcoord.core.claims.claim_commands import ClaimCommand, ClaimFiles, ReleaseClaims, Wish
from gitcoord.core.documents.actor import Actor
from gitcoord.core.steps.step_commands import ClaimStep, Command, CompleteStep, StartStep
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.requested_items import drawn_id
from gitcoord.service.session.workspace import Workspace
from tests.bench.places import fill, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

AGENTS, STEPS, COMMITS, MORE = 100, 2_000, 10_000, 100
RUNS = 3


@measures("P14", limit_s=400)
def p14() -> list[Figure]:
    """Claims and steps with the record of each command, most of them claims, 300 of which are held at a time."""
    with repository() as (top, env):
        one = workspace(top, env, "bench/cli/r")
        fill(one, 1, STEPS)
        work = _work(one)
        for _ in range(COMMITS):
            next(work)
        store = top / ".git" / "gitcoord" / "store.git"
        subprocess.run(["git", f"--git-dir={store}", "repack", "-adq"], env=env, check=True)
        words = [sys.executable, "-m", "tests.bench.p14", str(top), json.dumps(env)]

        def audited(*more: str) -> dict[str, Any]:
            return json.loads(subprocess.run([*words, *more], check=True, capture_output=True, text=True).stdout)

        whole = audited("full")
        rows: list[dict[str, Any]] = []
        for _ in range(RUNS):
            for _ in range(MORE):
                next(work)
            rows.append(audited())
    assert whole["clean"], whole
    assert all(row["clean"] for row in rows), rows
    first = Figure("P14", f"audit of {whole['commits']:,} commits from the first one", [whole["s"]], unit="s").at_most(
        30
    )
    first.notes = {
        "mb": whole["mb"],
        "processor_s": round(whole["processor_s"], 1),
        "ms_each": round(1000 * whole["s"] / whole["commits"], 2),
    }
    name = f"audit of {rows[0]['commits']} new ones, from its checkpoint"
    second = Figure("P14", name, [row["s"] for row in rows], unit="s").at_most(1)
    second.notes = {"processor_s": [round(row["processor_s"], 2) for row in rows]}
    return [first, second]


def _work(one: Workspace) -> Any:
    """Give one command after another, each of which makes a commit."""
    actors = [Actor(agent=f"bench/cli/r{at}", clone=one.clone_id, session=f"s{at:015}") for at in range(AGENTS)]
    held: list[tuple[Actor, str]] = []
    turn, num = 0, 0
    while True:
        actor, turn = actors[turn % AGENTS], turn + 1
        claim_id = drawn_id(one, "c")
        wish = Wish(pattern=f"area{turn % 50}/part{turn // 50 % 40}/file{turn}.py", matched=1)
        _run(one, actor, ClaimFiles(claim_id=claim_id, wishes=(wish,), description=f"claim {turn}", tracked=10_000))
        held.append((actor, claim_id))
        yield
        if len(held) > 3 * AGENTS:
            former, claim_id = held.pop(0)
            _run(one, former, ReleaseClaims(ids=(claim_id,)))
            yield
        if turn % 2 and num < STEPS:
            num += 1
            for command in (
                ClaimStep(step_num=num),
                StartStep(step_num=num, fence=1),
                CompleteStep(step_num=num, fence=1, commit_hash="0" * 40),
            ):
                _run(one, actor, command)
                yield


def _run(one: Workspace, actor: Actor, command: Command | ClaimCommand) -> None:
    project = None if isinstance(command, (ClaimFiles, ReleaseClaims)) else "p000"
    entry = LEDGERS.entry_of(one.setting.host.draw_id(), command, actor, project)
    reply = one.combiner.transactions.run([entry])[entry.uid]
    assert reply.outcome, reply
    assert reply.outcome.is_done, (command, reply)


def main(words: Sequence[str]) -> None:
    """Audit once, and say how long that took."""
    top, env, full = Path(words[0]), json.loads(words[1]), "full" in words[2:]
    one = workspace(top, env, "bench/cli/r")
    begin, began = time.perf_counter(), time.process_time()
    result: Any = audit(one, full=full)
    taken, processor = time.perf_counter() - begin, time.process_time() - began
    commits = sum(row["commits"] for row in result["ledgers"])
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "clean": result["clean"],
                "s": taken,
                "processor_s": processor,
                "commits": commits,
                "mb": round(mb),
                "found": result["findings"],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
