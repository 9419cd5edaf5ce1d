"""Importing: what another tool had is taken over whole, as it stands there, or not at all."""

from datetime import timedelta

import pytest

from gitcoord.core.claims.claim import Claim, Item, Kind, Why
from gitcoord.core.claims.claim_commands import ImportClaims
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import ClaimStep, ImportProject
from tests.unit.core import claim_play
from tests.unit.core.claim_play import Claims, hours, minutes
from tests.unit.core.play import ANN, BASE, BOB, COMMIT, NOW, Play

AGO = NOW - timedelta(days=2)
DONE, OPEN, FAILED = StepStatus.COMPLETED, StepStatus.NOT_STARTED, StepStatus.FAILED


def step(num: int, *depends_on: int, status: StepStatus = OPEN, **fields: object) -> Step:
    return Step(id=f"app/{num}", step_num=num, depends_on=depends_on, status=status).evolve(**fields)


def project(*steps: Step, status: ProjectStatus = ProjectStatus.ACTIVE) -> ImportProject:
    made = Project(name="app", base_commit=BASE, created_at=AGO, created_by="hq", status=status)
    return ImportProject(project=made, steps=steps)


# --- projects ---


@pytest.mark.rule("IMPORT-1")
def test_a_project_is_imported_as_it_stands_and_its_work_goes_on() -> None:
    game = Play()
    left = {"agent_id": "bob", "reason": "held there"}
    done = step(1, status=DONE, commit_hash=COMMIT, agent_id="bob", completed_at=AGO, notes="n", attempts=1)

    outcome = game.do(project(done, step(2, 1, checkpoint=left), step(3, 2), step(4, status=FAILED, reason="no")))

    assert (outcome.code, outcome.facts) == ("project_created", {"project": "app", "steps": 4, "imported": True})
    assert (game.whole.project.created_at, game.whole.project.created_by) == (AGO, ANN.agent)
    assert (game[1], game[2].checkpoint) == (done, left)
    assert game.available == [2]


@pytest.mark.rule("IMPORT-1")
@pytest.mark.parametrize("status", [StepStatus.CLAIMED, StepStatus.IN_PROGRESS])
def test_a_step_cannot_be_imported_as_held(status: StepStatus) -> None:
    game = Play()

    outcome = game.do(project(step(1, status=status, agent_id="bob")))

    assert (outcome.verdict, outcome.code) == ("invalid", "held")
    assert game.board is None


@pytest.mark.rule("IMPORT-1", "STEP-3")
def test_no_fence_is_imported_so_the_first_claim_here_gets_the_first() -> None:
    game = Play()

    assert game.do(project(step(1, fence=3))).code == "held"
    assert game.do(project(step(1, attempts=2))).is_done
    game.do(ClaimStep(), ANN)

    assert (game[1].fence, game[1].attempts) == (1, 3)


@pytest.mark.rule("STEP-1")
@pytest.mark.parametrize(
    ("steps", "code", "sentence"),
    [
        ([], "no_steps", "Project 'app' has no steps."),
        ([step(1), step(1)], "duplicate", "The number 1 is given twice."),
        ([step(0)], "bad_number", "0 is not the number of a step; it is from 1 to 999999999."),
        ([step(1, 7)], "bad_dependency", "Step 1 depends on step 7, which does not exist."),
        ([step(1, 2), step(2, 1)], "cycle", "The steps depend on each other in a circle: 1 → 2 → 1."),
        ([step(1, branch="a b")], "bad_branch", "Step 1: 'a b' is not a legal name of a branch."),
        ([step(1, branch="f"), step(2, branch="f")], "same_branch", "Steps 1 and 2 have the same branch, 'f'."),
        ([step(1, id="other/1")], "bad_id", "Step 1 of 'app' is named 'other/1'."),
    ],
)
def test_what_is_no_plan_is_not_imported(steps: list[Step], code: str, sentence: str) -> None:
    game = Play()

    outcome = game.do(project(*steps))

    assert (outcome.verdict, outcome.code, outcome.message) == ("invalid", code, sentence)


@pytest.mark.rule("STEP-7")
@pytest.mark.parametrize(
    ("status", "is_settled", "is_legal"),
    [
        (ProjectStatus.ACTIVE, False, True),
        (ProjectStatus.ACTIVE, True, False),
        (ProjectStatus.COMPLETED, True, True),
        (ProjectStatus.COMPLETED, False, False),
        (ProjectStatus.ABORTED, True, True),
        (ProjectStatus.ABORTED, False, True),
    ],
)
def test_a_project_is_complete_exactly_when_its_steps_are_settled(
    status: ProjectStatus, is_settled: bool, is_legal: bool
) -> None:
    game = Play()

    outcome = game.do(project(step(1, status=DONE if is_settled else OPEN), status=status))

    assert (outcome.is_done, outcome.code) == (is_legal, "project_created" if is_legal else "bad_status")


@pytest.mark.rule("SAFE-2")
def test_what_was_completed_there_is_never_claimed_here() -> None:
    game = Play()
    game.do(project(step(1, status=DONE, commit_hash=COMMIT), step(2)))

    game.do(ClaimStep(), ANN)

    assert (game[2].agent_id, game[1].status) == (ANN.agent, DONE)
    assert game.do(project(step(1), step(2)), BOB).code == "exists"
    assert game[1].status is DONE


@pytest.mark.rule("IMPORT-3")
def test_the_same_project_again_changes_nothing_and_another_of_its_name_is_refused() -> None:
    game = Play()
    game.do(project(step(1), step(2, 1)))

    again = game.do(project(step(1), step(2, 1)), BOB)
    other = game.do(project(step(1), step(2)), BOB)

    assert (again.is_done, again.facts["already"]) == (True, True)
    assert (other.verdict, other.code) == ("refused", "exists")
    assert "--rename app=NAME" in other.hint


# --- claims ---


def claim(number: int, agent: str, pattern: str, *symbols: str, left: float = 3, **fields: object) -> Claim:
    end = claim_play.NOW + hours(left)
    item = Item(pattern=pattern, symbols=symbols, expires_at=end).evolve(**fields)
    created = claim_play.NOW - hours(1)
    items = (item,)
    return Claim(
        id=f"c-i{number:07}",
        agent=agent,
        clone="coord",
        items=items,
        created_at=created,
        expires_at=end,
        last_activity=created,
    )


def imported(game: Claims, *claims: Claim, shared: tuple[tuple[str, str], ...] = ()) -> Outcome:
    return game.do(ImportClaims(claims=claims, shared=shared))


@pytest.mark.rule("IMPORT-2")
def test_claims_are_imported_in_one_decision_with_the_time_that_they_have_left() -> None:
    game = Claims()
    one, two = claim(1, "ann", "src/a.py", left=0.5), claim(2, "bob", "package.json", kind=Kind.SHARED_FILE)

    outcome = imported(game, one, two)

    assert outcome.facts == {"imported": [one.id, two.id], "known": [], "over": []}
    held = game.register.claims
    assert [held[item.id].expires_at for item in (one, two)] == [one.expires_at, two.expires_at]
    assert {item.fence for item in held.values()} == {1}
    game.tick(minutes(31))
    assert game.ask(claim_play.ANN, "src/a.py").is_done


@pytest.mark.rule("IMPORT-2", "SAFE-1")
def test_a_claim_in_anybodys_way_keeps_all_of_them_out_and_every_conflict_is_named() -> None:
    game = Claims()
    held = game.claim(claim_play.BOB, "src/**")
    before = game.register

    outcome = imported(
        game,
        claim(1, "ann", "docs/a.md"),
        claim(2, "ann", "src/a.py"),
        claim(3, "bob", "docs/**"),
        claim(4, "x", "lib/y"),
    )

    assert (outcome.verdict, outcome.code, outcome.facts["conflicts_count"]) == ("refused", "conflict", 2)
    rows = outcome.facts["conflicts"]
    assert isinstance(rows, list)
    named = [(row["for"], row["your_pattern"], row["agent"], row["claim_id"]) for row in rows if isinstance(row, dict)]
    assert named == [("ann", "src/a.py", "bob/cli/wt-2", held.id), ("bob", "docs/**", "ann", "c-i0000001")]
    assert game.register is before


@pytest.mark.rule("IMPORT-2")
def test_a_session_that_is_silent_for_long_does_not_end_an_imported_claim() -> None:
    game = Claims()
    imported(game, claim(1, "ann", "src/a.py"))
    game.tick(minutes(150))

    assert game.ask(claim_play.BOB, "src/a.py").code == "conflict"


@pytest.mark.rule("IMPORT-2")
def test_symbols_are_carved_out_of_an_imported_file_as_of_any_other() -> None:
    game = Claims()

    assert imported(game, claim(1, "ann", "src/a.py"), claim(2, "bob", "src/a.py", "Router::handle")).is_done

    assert [part.symbols for part in game.register.claims["c-i0000001"].items[0].carved] == [("Router::handle",)]


def test_what_two_agreed_on_there_they_share_here() -> None:
    game = Claims()
    one, two = claim(1, "ann", "src/**"), claim(2, "bob", "src/a.py")
    pair = ((two.id, one.id),)

    assert imported(game, one, two).code == "conflict"
    assert imported(game, one, two, shared=pair).is_done

    parts = [
        (item.id, part.claim, part.pattern, part.why)
        for item in game.register.claims.values()
        for part in item.partners
    ]
    assert parts == [(one.id, two.id, "src/a.py", Why.AGREED), (two.id, one.id, "src/a.py", Why.AGREED)]
    assert game.ask(claim_play.ANN, "src/a.py").code == "conflict"


def test_what_the_table_of_claims_settles_by_itself_needs_no_agreement() -> None:
    game = Claims()
    one, two = claim(1, "ann", "src/a.py"), claim(2, "bob", "src/a.py", "main")

    assert imported(game, one, two, shared=((one.id, two.id),)).is_done

    held = game.register.claims
    assert [part.symbols for part in held[one.id].items[0].carved] == [("main",)]
    assert {part.why for item in held.values() for part in item.partners} == {Why.CARVED}


@pytest.mark.rule("IMPORT-3")
def test_claims_that_are_here_already_stay_as_they_are_and_only_the_others_come() -> None:
    game = Claims()
    one, two = claim(1, "ann", "src/a.py"), claim(2, "bob", "src/b.py")
    imported(game, one)
    first = game.register.claims[one.id]

    more = imported(game, one, two)
    again = imported(game, one, two)

    assert (more.facts["imported"], more.facts["known"]) == ([two.id], [one.id])
    assert (again.facts["imported"], again.facts["already"]) == ([], True)
    assert game.register.claims[one.id] is first


def test_what_has_run_out_is_left_out() -> None:
    game = Claims()

    outcome = imported(game, claim(1, "ann", "src/a.py", left=-1), claim(2, "bob", "src/a.py"))

    assert outcome.facts == {"imported": ["c-i0000002"], "known": [], "over": ["c-i0000001"]}


def test_an_import_does_not_overtake_who_has_waited() -> None:
    game = Claims()
    game.claim(claim_play.ANN, "src/a.py")
    game.wait(claim_play.BOB, "src/**")
    game.tick(minutes(1.5))

    assert imported(game, claim(1, "x", "src/b.py")).code == "behind_the_line"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ((claim(1, "ann", "a"), claim(1, "ann", "b")), "duplicate"),
        ((claim(1, "ann", "!a"),), "bad_pattern"),
        ((claim(1, "ann", "a", left=24 * 8),), "bad_hours"),
        ((claim(1, "ann", "a").evolve(session="s-1"),), "bad_claim"),
        ((claim(1, "ann", "a").evolve(fence=4),), "bad_claim"),
        ((claim(1, "ann", "a").evolve(items=()),), "bad_claim"),
        ((claim(1, "ann", "a").evolve(expires_at=claim_play.NOW + hours(9)),), "bad_claim"),
        ((claim(1, "ann", "a", "::"),), "bad_symbol"),
    ],
)
def test_what_is_no_claim_is_not_imported(claims: tuple[Claim, ...], code: str) -> None:
    outcome = imported(Claims(), *claims)

    assert (outcome.verdict, outcome.code) == ("invalid", code)


def test_an_id_that_somebody_else_has_here_is_refused() -> None:
    game = Claims()
    held = game.claim(claim_play.BOB, "src/b.py")

    outcome = imported(game, claim(1, "ann", "src/a.py").evolve(id=held.id))

    assert (outcome.verdict, outcome.code) == ("refused", "exists")
