"""What comes next can be done as it is said: over MCP, in a shell, and by git."""

from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.service.claims import claims, requests
from gitcoord.service.steps import step_views, step_work
from gitcoord.service.steps.projects import add_steps, create_project, get_project
from gitcoord.service.watch.notices import take_notices
from tests.conftest import Git
from tests.next_steps import next_steps, refused
from tests.scenarios.runner import Scenario
from tests.unit.service.world import Agents, Shared, command_in, commit_on, plan, run_as_printed, seen
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

TRANSCRIPTS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.txt"))


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        (sentence("Claim another: ", Call.of("claim_step"), "."), False),
        ("Claim another: claim_step().", True),
        ("Wait: the same call with wait_seconds=300.", True),
        (sentence(Call.of("check_conflicts", files=["a"], wait_seconds=300)), True),
        (sentence("the same ", Call.of("claim_files", ..., wait_seconds=300)), False),
        (sentence(Call.of("complete_step", step_id="app/1")), True),
        (sentence(Call.of("complete_step", step_id="app/1", commit_hash=...)), False),
        (sentence(Call.of("respond_to_request", request_id="r-1", decision=Answer)), False),
        (sentence(Call.of("request_release", id="c-1", reason="x")), True),
        ("Run `gitcoord step claim app/1`.", False),
        ("Run `gitcoord step take app/1`.", True),
        ("Run `gitcoord claim add a --for 3`.", True),
        ("Run `gitcoord request answer r-1 DECISION`.", False),
        ("Run `gitcoord request answer r-1 approved|denied`.", True),
        ("Run `gitcoord claim add 'src/**' --reason`.", True),
        ("Run `gitcoord claim add 'src/**'`.", False),
        ("Run `gitcoord claim add src/**`.", True),
        ("Run `gitcoord claim add -x.py`.", True),
        ("Run `gitcoord claim add --wait 300 -- -x.py`.", False),
    ],
)
def test_what_cannot_be_done_is_found(text: str, is_refused: bool) -> None:
    assert bool(refused(text)) is is_refused


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_what_the_rules_say_to_do_in_a_scenario_can_be_done(path: Path, tmp_path: Path) -> None:
    scenario = Scenario(tmp_path)

    scenario.run(path.read_text(encoding="utf-8"))

    assert [why for hint in scenario.hints for why in refused(hint)] == []


def test_what_a_team_is_told_to_do_can_be_done(agents: Agents, shared: Shared, git: Git) -> None:
    results: list[Json] = []

    def told(result: dict[str, Json]) -> dict[str, Json]:
        results.append(result)
        return result

    def wrong(call: object) -> None:
        with pytest.raises(CoordError) as caught:
            call()  # type: ignore[operator]
        results.append({"next_step": caught.value.hint})

    ann, bob = agents(shared.one, "ann/cli/one", serve=True), agents(shared.two, "bob/cli/two", serve=True)
    wrong(lambda: step_work.claim_step(ann, step_id="app/1"))
    told(step_work.claim_step(ann))
    unpushed = commit_on(git, shared.one, "topic")
    steps_of_app = plan((), (1,), (2,), (), paths=["src/**"])
    for one in steps_of_app[1:]:
        one["paths"] = []
    told(create_project(ann, name="app", base_commit=unpushed, steps=steps_of_app))
    git(shared.one, "push", "--quiet", "origin", "topic")
    told(create_project(ann, name="app", base_commit=unpushed, steps=steps_of_app))
    wrong(lambda: create_project(ann, name="app", base_commit=unpushed, steps=steps_of_app))
    wrong(lambda: get_project(bob, name="ap"))
    first = seen(told(step_work.claim_step(ann)))
    run_as_printed(first["next_step"], shared.one)
    for result in (
        claims.claim_files(bob, patterns=["src/a.py"]),
        claims.check_conflicts(bob, files=["src/a.py"]),
        claims.check_conflicts(bob, symbols={"src/a.py": ["f"]}),
        claims.claim_files(bob, patterns=["src/a.py"], wait_seconds=300),
        claims.check_conflicts(ann, files=["src/a.py"], agent_id="tests"),
        claims.check_conflicts(ann, files=["lib/-a.py"], symbols={"-b.py": ["C::f"]}),
        claims.release_claims(bob, claim_ids=["c-00000000"]),
        claims.extend_claims(bob, ttl_hours=1),
        requests.my_requests(bob),
        requests.pending_requests(ann),
        step_work.claim_step(bob, step_id="app/2"),
        step_work.claim_step(bob, step_id="app/1"),
        step_work.complete_step(bob, step_id="app/1", commit_hash="HEAD"),
        step_work.start_step(ann, step_id="app/1"),
        step_work.complete_step(ann, step_id="app/1", commit_hash=commit_on(git, shared.one, "lost", unpushed, a="1")),
        step_views.get_available_steps(bob),
        step_views.detect_stale_work(bob),
    ):
        told(result)
    held = seen(claims.list_claims(bob))["claims"][0]["id"]
    asked = seen(told(requests.request_release(bob, claim_id=held, reason="soon?", wait_seconds=0)))
    told({"notices": [*take_notices(ann)]})
    told(requests.pending_requests(ann))
    told(requests.respond_to_request(ann, request_id=asked["request"]["id"], decision="denied"))
    told(requests.wait_for_request(bob, request_id=asked["request"]["id"], timeout=0))
    git(shared.one, "switch", "--quiet", "feat/1")
    git(shared.one, "commit", "--quiet", "--allow-empty", "--message", "work")
    pushed = seen(told(step_work.complete_step(ann, step_id="app/1", commit_hash="HEAD")))
    run_as_printed(pushed["next_step"], shared.one)
    told(step_work.complete_step(ann, step_id="app/1", commit_hash="HEAD"))
    taken = seen(told(step_work.claim_step(bob, step_id="app/2")))
    run_as_printed(taken["next_step"], shared.two)
    git(shared.two, "commit", "--quiet", "--allow-empty", "--message", "half")
    git(shared.two, "push", "--quiet", "origin", "feat/2")
    told(step_work.fail_step(bob, step_id="app/2", reason="stuck"))
    again = seen(told(step_work.claim_step(ann, step_id="app/2")))
    run_as_printed(again["next_step"], shared.one)
    told(step_work.recover_step(bob, step_id="app/2"))
    told(step_work.skip_step(bob, step_id="app/2", reason="no"))
    wrong(lambda: add_steps(ann, project="app", steps=plan((9,))))

    sentences = [text for result in results for text in next_steps(result)]
    assert len(sentences) > 25
    assert [why for text in sentences for why in refused(text)] == []
    assert all(command_in(text) for text in (first["next_step"], taken["next_step"], again["next_step"]))
    assert git(shared.one, "log", "-1", "--format=%s") == "half"
