"""A team of two that does a bit of everything, so that no panel is empty."""

from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.claims.requests import request_release
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step, start_step
from tests.unit.service.world import Result, project

LINE, FOR_NOTHING = 300, 0


def busy(ann: Workspace, bob: Workspace) -> None:
    """Let a team plan, work, fail, recover, collide, wait and ask."""
    project(ann, (), (), (1, 2), (3,), (), name="shop")
    project(bob, (), name="docs")
    for workspace, num in ((ann, 1), (bob, 2)):
        claim_step(workspace, step_id=f"shop/{num}")
        start_step(workspace, step_id=f"shop/{num}")
    complete_step(ann, step_id="shop/1", commit_hash="HEAD")
    fail_step(bob, step_id="shop/2", reason="the tests fail")
    recover_step(ann, step_id="shop/2")
    claim_step(bob, step_id="shop/2")
    claim_step(ann, step_id="shop/5")
    held: Result = claim_files(ann, patterns=["/a.zig", "docs/**"], narrowable=True)
    claim_files(bob, symbols={"a.zig": ["f"]})
    claim_files(ann, symbols={"b.zig": ["f"]})
    claim_files(bob, symbols={"b.zig": ["g"]})
    for _ in range(6):
        claim_files(bob, patterns=["docs/x.md"])
    claim_files(bob, patterns=["docs/x.md"], wait_seconds=LINE, patience=Patience(most_s=FOR_NOTHING))
    request_release(bob, claim_id=held["claim"]["id"], reason="the docs", wait_seconds=0)
    free: Result = claim_files(bob, patterns=["/z.py"])
    release_claims(bob, claim_ids=[free["claim"]["id"]])
