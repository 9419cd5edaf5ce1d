"""Events say what they are about: the files of a claim that is over, what it was for, what a step is called."""

from datetime import timedelta

from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_agent_events
from gitcoord.service.steps.step_work import claim_step
from tests.unit.service.world import Agents, Result, later, project, seen


def events(workspace: Workspace, **narrow: object) -> list[Result]:
    return seen(get_agent_events(workspace, **narrow))["events"]  # type: ignore[arg-type]


def test_a_claim_that_is_over_is_told_with_its_files_and_what_it_was_for(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/a.py", "src/b.py"], description="split the login")
    release_claims(ann)

    rows = events(ann)

    assert [(row["event"], row["patterns"], row["description"]) for row in rows] == [
        ("claim_released", ["src/a.py", "src/b.py"], "split the login"),
        ("claim_granted", ["src/a.py", "src/b.py"], "split the login"),
    ]


def test_a_claim_that_ran_out_is_told_with_its_files(ann: Workspace) -> None:
    claim_files(ann, patterns=["a.py"], ttl_hours=1)
    claim_files(later(ann, hours=5), patterns=["b.py"])

    (row,) = [row for row in events(ann) if row["event"] == "claim_expired"]

    assert (row["patterns"], row["reason"]) == (["a.py"], "time")


def test_the_end_of_one_item_is_told_with_that_item_and_its_symbols(ann: Workspace) -> None:
    claim_files(ann, shared_files=["a.md"], symbols={"b.zig": ["f"]}, description="split")
    claim_files(later(ann, hours=3), patterns=["c.md"])

    rows = events(ann, file="a.md")

    assert [(row["event"], row["patterns"], row.get("symbols"), row["description"]) for row in rows] == [
        ("claim_expired", ["a.md"], None, "split"),
        ("claim_granted", ["b.zig", "a.md"], ["f"], "split"),
    ]


def test_a_step_is_told_with_its_title(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    assert [(row["event"], row.get("step"), row.get("title")) for row in events(ann)] == [
        ("step_claimed", "app/1", "Part 1"),
        ("project_created", None, None),
    ]


def test_events_of_a_file_are_those_of_claims_that_cover_it_and_of_refusals(agents: Agents, ann: Workspace) -> None:
    bob = agents(ann.repository.top, "bob/cli/two")
    claim_files(ann, patterns=["src/**"], narrowable=False)
    claim_files(ann, patterns=["docs/a.md"])
    claim_files(bob, patterns=["src/a.py"])
    release_claims(ann)

    rows = events(ann, file="src/a.py")

    assert sorted((row["event"], row["agent"]) for row in rows) == [
        ("claim_granted", "ann/cli/wt"),
        ("claim_refused", "bob/cli/two"),
        ("claim_released", "ann/cli/wt"),
    ]


def test_events_since_a_moment_leave_out_what_was_before(ann: Workspace) -> None:
    begun = ann.setting.host.now()
    claim_files(ann, patterns=["a.py"])
    claim_files(later(ann, hours=2), patterns=["b.py"])

    assert [row["patterns"] for row in events(ann, since=begun + timedelta(hours=1))] == [["b.py"]]
    assert len(events(ann, since=begun)) == 2


def test_a_call_that_waits_is_told_with_what_it_waits_for(agents: Agents, ann: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    claim_files(
        agents(ann.repository.top, "bob/cli/two"), patterns=["src/a.py"], wait_seconds=300, description="mend it"
    )

    (row,) = [row for row in events(ann) if row["event"] == "waiting"]

    assert (row["patterns"], row["description"]) == (["src/a.py"], "mend it")
