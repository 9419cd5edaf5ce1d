"""Random histories of claims and of steps with paths, by several clones that race, are what their records give.

Each command goes the way that it goes in use: decided with others of its batch, written, lost and decided again. Then a
clone that has seen nothing audits what is there.
"""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitcoord.core.claims.claim import Kind, Mode
from gitcoord.core.claims.claim_commands import (
    Answer,
    AnswerRequest,
    BeatClaims,
    CancelEntry,
    ClaimCommand,
    ClaimFiles,
    ExtendClaims,
    KeepWaiting,
    LandClaims,
    ReleaseClaims,
    RequestRelease,
    TellRefusals,
    Tidy,
    Urgency,
    Wish,
)
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import (
    ClaimStep,
    Command,
    CompleteStep,
    CreateProject,
    FailStep,
    RecoverStep,
    StartStep,
)
from gitcoord.ledger.audit.ledger_audit import LedgerAudit
from gitcoord.ledger.clone.sessions import OpenSession
from gitcoord.ledger.format.entry import Entry
from tests.property.length import examples
from tests.unit.ledger.fakes import BASE_COMMIT, REFS, Interleaved, Member, World

FILES = ["src/a.py", "src/b.py", "src/*.py", "lib/c.py", "**"]
PROJECTS = ["app", "shop"]
MINUTES = [0, 0, 0, 1, 1, 3, 6, 16, 61, 200, 600]


class Play:
    """A world at work; every choice is drawn from one generator."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world, self.chance = world, chance
        self.members = [world.clone(name, lambda inner: Interleaved(inner, [])) for name in ("ann", "bob", "cat")]
        self.sessions: list[OpenSession] = [self.members[0].open_session(), self.members[1].open_session()]
        for project in PROJECTS:
            paths = [("src/a.py",), ("src/**",), (), ("lib/c.py", "src/b.py")]
            steps = tuple(
                StepDefinition(step_num=num, paths=paths[num % 4], depends_on=(1,) if num == 3 else ())
                for num in range(1, 6)
            )
            self.members[0].do(CreateProject(name=project, base_commit=BASE_COMMIT, steps=steps), project)

    def turn(self) -> None:
        chance = self.chance
        self.world.clock.advance(minutes=chance.choice(MINUTES), milliseconds=chance.randrange(2000))
        if self.sessions and chance.random() < 0.02:
            self.sessions.pop()._lock.release()
        member, other = chance.sample(self.members, 2)
        transport = member.transport
        if chance.random() < 0.2:
            assert isinstance(transport, Interleaved)
            late = self.entry(other)
            transport.before.append(lambda: other.run(late))
        member.run(*(self.entry(member) for _ in range(chance.choice([1, 1, 2, 4]))))

    def entry(self, member: Member) -> Entry:
        name = self.chance.choice([member.name, member.name, f"{member.name}/tests"])
        if self.chance.random() < 0.5:
            return self.step_entry(member, name)
        return member.entry(*self.claim_command(member, name))

    def step_entry(self, member: Member, name: str) -> Entry:
        """Claim a step; or go on with one that is held, mostly as its holder."""
        chance, drawn = self.chance, f"c-{self.world.clock.draw()}"
        held = [
            step
            for project in PROJECTS
            for step in self.world.board(project).held_steps()
            if step.clone == member.name or chance.random() < 0.1
        ]
        if not held or chance.random() < 0.4:
            num = chance.choice([None, None, chance.randint(1, 5)])
            project = chance.choice(PROJECTS) if num else chance.choice([*PROJECTS, None])
            return member.entry(ClaimStep(step_num=num, claim_id=drawn), project, name)
        step = chance.choice(held)
        kinds: list[Command] = [
            ClaimStep(claim_id=drawn),
            StartStep(step_num=step.step_num, fence=step.fence, worktree="wt"),
            CompleteStep(step_num=step.step_num, fence=step.fence, commit_hash="c" * 40),
            FailStep(step_num=step.step_num, fence=step.fence, reason="red"),
            RecoverStep(step_num=step.step_num, force=chance.random() < 0.5),
        ]
        return member.entry(chance.choice(kinds), step.id.rpartition("/")[0], step.agent_id)

    def claim_command(self, member: Member, name: str) -> tuple[ClaimCommand, None, str]:
        """Claim files; or do something else, of requests and claims mostly as who is concerned."""
        chance, drawn = self.chance, self.world.clock.draw()
        register = self.world.reader().claims(self.world.remote.refs).content
        claims, requests = [*sorted(register.claims), "c-none"], [*sorted(register.requests), "r-none"]
        entries = [*sorted(register.entries), "q-none"]
        claim, request = chance.choice(claims), chance.choice(requests)
        if chance.random() < 0.7:
            asked = register.requests.get(request)
            held = register.claims.get(asked.claim if asked and chance.random() < 0.5 else claim)
            name = held.agent if held and held.clone == member.name else name
        kinds: list[Callable[[], ClaimCommand]] = [
            lambda: ExtendClaims(hours=chance.choice([1.0, 8.0])),
            lambda: ReleaseClaims(ids=(claim,), force=chance.random() < 0.2, commits={claim: "d" * 40}),
            lambda: RequestRelease(request_id=f"r-{drawn}", claim_id=claim, reason="now", wishes=self.wishes()[:1]),
            lambda: AnswerRequest(request_id=request, claim_id=f"c-{drawn}", answer=chance.choice(list(Answer))),
            lambda: BeatClaims(active=("src/a.py",), branch="main", called=chance.random() < 0.5),
            Tidy,
            lambda: KeepWaiting(entry_id=chance.choice(entries)),
            lambda: CancelEntry(entry_id=chance.choice(entries)),
            TellRefusals,
            lambda: LandClaims(merged={"topic": "e" * 40}, claims=(claim,)),
        ]
        return self.call(drawn) if chance.random() < 0.4 else chance.choice(kinds)(), None, name

    def call(self, drawn: str) -> ClaimFiles:
        chance = self.chance
        return ClaimFiles(
            claim_id=f"c-{drawn}",
            entry_id=f"q-{drawn}",
            wishes=self.wishes(),
            branch=chance.choice([None, "main", "topic"]),
            wait_s=chance.choice([0, 0, 90, 600]),
            urgency=chance.choice(list(Urgency)),
            tracked=50,
            matched=1,
        )

    def wishes(self) -> tuple[Wish, ...]:
        chance = self.chance
        return tuple(
            Wish(
                pattern=chance.choice(FILES),
                symbols=chance.choice([(), (), ("A",), ("B::m",)]),
                kind=chance.choice([Kind.FILE, Kind.FILE, Kind.MODULE]),
                mode=chance.choice([Mode.WRITE, Mode.WRITE, Mode.READ]),
                hours=chance.choice([None, 1.0]),
                matched=1,
            )
            for _ in range(chance.randint(1, 2))
        )

    def close(self) -> None:
        for session in self.sessions:
            session.forget()


def audited(world: World) -> int:
    """Audit every ledger in a clone that has seen nothing; return how many commits there are."""
    auditor = world.clone("auditor")
    listed = auditor.transport.read(REFS.everything)
    refs = [REFS.claims, *(REFS.steps(project) for project in PROJECTS)]
    reports = [LedgerAudit(auditor.setting, listed).run(ref, None) for ref in refs if ref in listed]
    assert [(report.finding, report.taken) for report in reports] == [(None, {})] * len(reports)
    return sum(report.replayed for report in reports)


@pytest.mark.parametrize("sends_checks", [True, False])
@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_long_random_history_of_all_ledgers_is_what_its_records_give(
    tmp_path_factory: pytest.TempPathFactory, sends_checks: bool, seed: int
) -> None:
    world = World(tmp_path_factory.mktemp("world"), sends_checks=sends_checks, atomic=sends_checks)
    play = Play(world, Random(seed))

    for _ in range(60):
        play.turn()
    play.close()

    assert audited(world) > len(PROJECTS)
