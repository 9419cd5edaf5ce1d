"""A small team at work in a world without chance: every ref that it leaves, commit by commit, as git would show it."""

from collections.abc import Iterator
from pathlib import Path

from gitcoord.core.claims.claim_commands import (
    CLAIM_COMMANDS,
    Answer,
    AnswerRequest,
    BeatClaims,
    ClaimCommand,
    ClaimFiles,
    ExtendClaims,
    LandClaims,
    ReleaseClaims,
    RequestRelease,
    Wish,
    WorkedFile,
)
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import Command, CreateProject, FailStep, RecoverStep, SkipStep, StartStep
from gitcoord.ledger.format import trees
from gitcoord.ledger.format.commits import walk
from gitcoord.remote.contract.protocol import Objects, Oid
from tests.unit.ledger.fakes import BASE_COMMIT, WON, Member, World, code

_COMMIT = "a" * 40


def played(folder: Path) -> World:
    """Return a world in which two clones have used every kind of document."""
    world = World(folder)
    ann, bob = world.clone("ann"), world.clone("bob")
    _steps(world, ann, bob)
    _claims(world, ann, bob)
    return world


def refs(world: World) -> dict[str, Json]:
    """Return for each ref its commits, oldest first: id, message, and the files that it changed."""
    objects = world.remote.objects
    return {str(ref): [*_commits(objects, tip)][::-1] for ref, tip in sorted(world.remote.refs.items())}


def _steps(world: World, ann: Member, bob: Member) -> None:
    definitions = (
        StepDefinition(step_num=1, title="prices", branch="feat/prices", paths=("src/prices.py", "docs/**")),
        StepDefinition(step_num=2, title="basket — größer", depends_on=(1,), scope="api", priority=2),
        StepDefinition(step_num=3, title="search", paths=("src/search/*.py",)),
        StepDefinition(step_num=4, title="taxes"),
    )
    _done(ann, CreateProject(name="app", description="a shop", base_commit=BASE_COMMIT, steps=definitions))
    session = ann.open_session()  # for as long as it is named
    beat = ann.setting.beats.prepare(ann.transport.objects, {}, world.clock.now)
    assert ann.transport.swap([beat]) == WON
    session.let_go()
    assert code(ann.claim(claim_id="c-00000001")) == "step_claimed"
    assert code(bob.claim(claim_id="c-00000002")) == "step_claimed"
    _done(ann, StartStep(step_num=1, fence=1))
    world.clock.advance(minutes=5)
    assert code(ann.complete(1, 1)) == "step_completed"
    _done(bob, FailStep(step_num=3, fence=1, reason="no index"))
    _done(ann, RecoverStep(step_num=3))
    _done(ann, SkipStep(step_num=4, reason="later"))


def _claims(world: World, ann: Member, bob: Member) -> None:
    wishes = (Wish(pattern="src/a.py", symbols=("A::b", "c")), Wish(pattern="lib/**"), Wish(pattern="web/x.ts"))
    _done(ann, ClaimFiles(claim_id="c-00000003", wishes=wishes, description="new A", branch="feat/a", repo="shop"))
    refused = ClaimFiles(claim_id="c-00000004", wishes=(Wish(pattern="lib/z.py"),), repo="shop")
    assert code(bob.do(refused, None)) == "conflict"
    waits = ClaimFiles(
        claim_id="c-00000005", entry_id="q-00000001", wishes=(Wish(pattern="web/x.ts"),), wait_s=600, repo="shop"
    )
    assert code(bob.do(waits, None)) == "waiting"
    world.clock.advance(minutes=1)
    wanted = (Wish(pattern="lib/z.py"),)
    _done(
        bob, RequestRelease(request_id="r-00000001", claim_id="c-00000003", reason="a fix", wishes=wanted, repo="shop")
    )
    _done(ann, ExtendClaims(ids=("c-00000003",), hours=9))
    _done(ann, BeatClaims(active=("src/a.py",), branch="feat/a", commits={"c-00000003": _COMMIT}, called=True))
    answer = AnswerRequest(request_id="r-00000001", claim_id="c-00000006", answer=Answer.APPROVED, item="lib/**")
    _done(ann, answer)
    again = ClaimFiles(
        claim_id="c-00000007", wishes=(Wish(pattern="src/b.py"), Wish(pattern="src/c.py")), branch="feat/b"
    )
    _done(ann, again)
    _done(bob, ClaimFiles(claim_id="c-00000008", wishes=(Wish(pattern="src/d.py", symbols=("D::e",)),)))
    worked = (WorkedFile(claim="c-00000007", path="src/b.py", symbols=("c",)),)
    _done(bob, LandClaims(merged={"feat/b": _COMMIT}, claims=("c-00000007",), changed=worked))
    _done(bob, ReleaseClaims(reason="done", commits={"c-00000008": _COMMIT}))


def _done(member: Member, command: Command | ClaimCommand) -> None:
    project = None if type(command) in CLAIM_COMMANDS.values() else "app"
    reply = member.do(command, project)
    assert reply.outcome is not None, reply
    assert reply.outcome.is_done, reply.outcome


def _commits(objects: Objects, tip: Oid) -> Iterator[Json]:
    """Yield what each commit changed, newest first."""
    walked = [*walk(objects, tip)]
    folders = [*(trees.load(objects, commit.tree) for _, commit in walked), trees.EMPTY]
    for (oid, commit), after, before in zip(walked, folders, folders[1:], strict=False):
        files = {path: blob and _text(objects, blob) for path, blob in trees.changes(before, after)}
        yield {"commit": str(oid), "message": commit.message, "files": files}


def _text(objects: Objects, blob: Oid) -> str:
    return objects.read(blob)[1].decode()
