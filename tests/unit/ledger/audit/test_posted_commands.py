"""Whose a command is that a commit carries out for another clone: the post's that has it so, and no other's."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.policy import Policy
from gitcoord.ledger.audit import recorded_batch
from gitcoord.ledger.audit.author_audit import AuthorAudit
from gitcoord.ledger.audit.problem import Problem, UnsoundError
from gitcoord.ledger.audit.team_policies import OnePolicy
from gitcoord.ledger.format import commits, post
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.format.post import PostedCommands
from gitcoord.ledger.format.trees import EMPTY, write
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.remote.contract.protocol import Oid
from tests.unit.ledger.fakes import REFS, World

ANN = Actor(agent="ann", clone="A", session="s")
BY: dict[str, Json] = {"agent": "ann", "clone": "A", "session": "s"}
PINS = Policy(pin_agents="ann=ann@example.org")
CLAIM: dict[str, Json] = {"claim_id": "c-1", "wishes": [{"pattern": "a.py"}]}
OF_STEP: dict[str, Json] = {**CLAIM, "step": "app/1", "step_fence": 1}
POST = PostedCommands(
    clone="A",
    ledger=REFS.claims,
    counter=6,
    entries=(Entry(uid="u", word="claim_files", arguments=CLAIM, actor=ANN),),
)
STEP_POST = PostedCommands(
    clone="A",
    ledger=REFS.steps("app"),
    entries=(Entry(uid="u", word="claim_step", arguments={"step_num": 1}, actor=ANN),),
)


def judged(world: World, said: PostedCommands, line: Mapping[str, Json], writer: str = "M") -> tuple[bool, bool]:
    """Return whether the replay, and whether the pins, take a command of ann's in mal's commit for the post's."""
    objects, now = world.remote.objects, world.clock.now
    posted = post.write(objects, said, Signature("ann", "ann@example.org"), now)
    head: dict[str, Json] = {"now": "2026-11-30T00:00:00Z", "rules": 2, "checks": {}, "writer": writer}
    given: dict[str, Json] = {"id": "A.7", "uid": "u", "do": "claim_files", "by": BY, "args": CLAIM}
    outcome: dict[str, Json] = {"outcome": outcomes.done("granted").dump()}
    text = f"{compact(head)}\n{compact({**given, **outcome, **line})}"
    tree, mal = write(objects, EMPTY, {"f": b"x"}).oid or Oid(""), Signature("mal", "mal@example.org")
    before = commits.write(objects, tree, (), mal, now, "before")
    commit = commits.write(objects, tree, (before, posted), mal, now, f"claim\n\n{text}")
    report = AuthorAudit(objects, OnePolicy(PINS)).run(REFS.claims, [commit])
    assert {finding.problem for finding in report.findings} <= {Problem.IDENTITY}
    try:
        recorded_batch.check_posts(recorded_batch.batch_of(text, None), [said], REFS.claims, LEDGERS)
    except UnsoundError as error:
        return False, error.problem is not Problem.RECORD or not report.count
    return True, not report.count


@pytest.mark.rule("TXN-2", "SEC-8")
@pytest.mark.parametrize(
    ("said", "line"),
    [
        (POST, {}),
        (STEP_POST, {"args": OF_STEP}),
        (STEP_POST, {"do": "end_step_claims", "args": {"step": "app/1", "agent": "ann", "clone": "A"}}),
    ],
    ids=["as it was posted", "asked by a step's command", "asked when a step ends"],
)
def test_a_command_as_its_clone_has_posted_it_is_the_posts(
    tmp_path: Path, said: PostedCommands, line: Mapping[str, Json]
) -> None:
    assert judged(World(tmp_path), said, line) == (True, True)


@pytest.mark.rule("TXN-2", "SEC-8")
@pytest.mark.parametrize(
    ("said", "line"),
    [
        (POST, {"args": {**CLAIM, "wishes": [{"pattern": "b.py"}]}}),
        (POST, {"do": "release_claims", "args": {"ids": ["c-1"]}}),
        (POST, {"id": "A.9"}),
        (POST, {"id": "B.7"}),
        (POST, {"uid": "v"}),
        (POST, {"by": {**BY, "session": "t"}}),
        (POST.evolve(clone="B"), {}),
        (POST.evolve(ledger="refs/coord/steps/app"), {}),
        (POST.evolve(version=2), {}),
        (STEP_POST, {}),
        (STEP_POST, {"do": "release_claims", "args": {"ids": ["c-1"]}}),
        (STEP_POST, {"args": {**OF_STEP, "step": "shop/1"}}),
        (STEP_POST.evolve(ledger=REFS.claims, counter=6), {"args": OF_STEP}),
    ],
    ids=[
        "other words for it",
        "another command",
        "the post is of an earlier counter",
        "of a third clone",
        "another unique id",
        "another session",
        "posted by a third clone",
        "posted for another ledger",
        "of another version",
        "nothing that a step asks for",
        "no word that a step asks for",
        "of another project's step",
        "posted here as another word",
    ],
)
def test_a_command_that_differs_from_a_post_is_the_commits_and_no_writer_of_ours_makes_it(
    tmp_path: Path, said: PostedCommands, line: Mapping[str, Json]
) -> None:
    assert judged(World(tmp_path), said, line) == (False, False)


@pytest.mark.rule("SEC-8")
def test_what_a_clone_writes_itself_is_not_its_posts(tmp_path: Path) -> None:
    assert judged(World(tmp_path), POST, {}, writer="") == (True, False)
    assert judged(World(tmp_path), POST, {}, writer="A") == (True, False)


@pytest.mark.rule("TXN-2")
def test_a_post_of_which_nothing_is_carried_out_is_no_parent(tmp_path: Path) -> None:
    world = World(tmp_path)

    assert judged(world, POST, {"id": "M.7", "uid": "v"}) == (False, False)
    assert judged(world, POST.evolve(clone="M"), {"id": "M.7", "uid": "v"}) == (True, False)  # the writer's own
