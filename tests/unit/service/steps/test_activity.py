"""What happened in the last days: the numbers are those that plain git counts from the records."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitcoord.errors import InvalidError, NotFoundError
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import activity
from gitcoord.service.steps.activity import Activity
from gitcoord.service.steps.step_views import get_metrics
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step
from gitcoord.service.team.hotspots import hotspots
from tests.conftest import Git
from tests.unit.service.world import Agents, Result, Shared, later, loosened, project, stopped, store_of

CLAIMS = "refs/coord/claims"


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def lines(git: Git, store: Path, ref: str = CLAIMS) -> Iterator[dict[str, Any]]:
    """Read the lines of all records with the git program alone."""
    for commit in git(store, "rev-list", ref).split():
        body = git(store, "show", "--no-patch", "--format=%B", commit)
        if '{"record":"record.json"}' in body:
            body = git(store, "show", f"{commit}:record.json")
        yield from (json.loads(line) for line in body.splitlines() if line.startswith("{"))


def resolve_much(ann: Workspace, bob: Workspace) -> None:
    """Narrow twice and coexist three times; once of each for a call that waited."""
    claim_files(ann, patterns=["a.zig"])
    claim_files(bob, symbols={"a.zig": ["f"]})
    claim_files(ann, symbols={"b.zig": ["f"], "c.zig": ["f"]})
    claim_files(bob, symbols={"b.zig": ["g"]})
    claim_files(bob, symbols={"c.zig": ["g"]})
    whole: Result = claim_files(ann, patterns=["d.zig"], narrowable=False)
    claim_files(bob, symbols={"d.zig": ["f"]}, wait_seconds=300, patience=Patience(most_s=0))
    release_claims(ann, claim_ids=[whole["claim"]["id"]])


def test_automatic_resolutions_are_those_that_git_counts(ann: Workspace, bob: Workspace, repo: Path, git: Git) -> None:
    resolve_much(stopped(ann), stopped(bob))  # so that no day ends meanwhile
    events = [event["event"] for line in lines(git, store_of(repo)) for event in line.get("events", ())]
    counts = Counter(event for event in events if event in {"auto_coexist", "auto_narrow"})

    result: Result = activity.auto_resolutions(ann)

    today = ann.setting.host.now().date().isoformat()
    assert counts.keys() == {"auto_coexist", "auto_narrow"}
    assert result["series"] == [{"repo": None, "day": today, **counts}]
    assert (result["days"], result["complete_since"]) == (30, None)


def test_refusals_by_day_are_those_that_git_counts(ann: Workspace, bob: Workspace, repo: Path, git: Git) -> None:
    claim_files(ann, patterns=["a.py", "b.py"])
    for patterns in (["a.py"], ["a.py"], ["a.py", "b.py"], ["b.py"]):
        claim_files(bob, patterns=patterns)
    before: Result = activity.refusals(ann)
    claim_files(bob, patterns=["c.py"])

    after: Result = activity.refusals(ann)

    counts = Counter[str]()
    for line in lines(git, store_of(repo)):
        for refusal in line.get("refusals", ()):
            counts.update(dict.fromkeys(refusal["patterns"], refusal["count"]))
    assert counts == {"a.py": 3, "b.py": 2}
    assert {row["pattern"]: row["refusals"] for row in after["series"]} == counts
    assert [row["pattern"] for row in after["series"]] == ["a.py", "b.py"]
    assert before["series"] == after["series"]
    sums: Result = hotspots(ann, least=1)
    assert {row["pattern"]: row["refusals"] for row in sums["hotspots"]} == counts


def test_each_repository_has_its_own_rows(agents: Agents, shared: Shared, git: Git) -> None:
    spaces: dict[str, Workspace] = {}
    for folder, name in ((shared.one, "web"), (shared.two, "api")):
        git(folder, "config", "gitcoord.repo", name)
        for agent in ("ann", "bob"):
            spaces[name + agent] = agents(folder, f"{agent}/cli/wt")
    for name in ("web", "api", "api"):
        claim_files(spaces[f"{name}ann"], symbols={"a.zig": ["f"]})
        claim_files(spaces[f"{name}bob"], symbols={"a.zig": ["g"]})
        claim_files(spaces[f"{name}ann"], patterns=["whole.py"])
        claim_files(spaces[f"{name}bob"], patterns=["whole.py"])
        release_claims(spaces[f"{name}bob"])

    resolved: Result = activity.auto_resolutions(spaces["webann"])
    refused: Result = activity.refusals(spaces["apiann"])

    assert [(row["repo"], row["auto_coexist"]) for row in resolved["series"]] == [("api", 2), ("web", 1)]
    assert [(row["repo"], row["refusals"]) for row in refused["series"]] == [("api", 2), ("web", 1)]


def test_a_resolution_for_a_waiter_is_in_the_repository_of_its_claim(agents: Agents, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.repo", "web")
    ann, bob = agents(repo, "ann/cli/wt"), agents(repo, "bob/cli/wt")
    resolve_much(ann, bob)
    held: Result = claim_files(ann, symbols={"e.zig": ["f", "g"]})
    claim_files(agents(repo, "bob/cli/two"), symbols={"e.zig": ["h"]})
    claim_files(bob, symbols={"e.zig": ["g"]}, wait_seconds=300, patience=Patience(most_s=0))
    release_claims(ann, claim_ids=[held["claim"]["id"]])

    result: Result = activity.auto_resolutions(ann)

    assert {row["repo"] for row in result["series"]} == {"web"}


def test_what_happened_before_the_first_day_is_left_out(ann: Workspace, bob: Workspace) -> None:
    resolve_much(ann, bob)
    in_a_week = later(ann, days=7)

    assert activity.auto_resolutions(in_a_week, days=7)["series"] == []
    assert activity.auto_resolutions(in_a_week, days=8)["series"] != []


@pytest.mark.parametrize("days", [0, -1, 91])
def test_days_that_cannot_be_are_invalid(ann: Workspace, days: int) -> None:
    with pytest.raises(InvalidError, match="days is"):
        activity.auto_resolutions(ann, days=days)


def test_a_project_that_is_not_there_is_an_error(ann: Workspace) -> None:
    with pytest.raises(NotFoundError):
        list(Activity(ann, project="nope").occurrences())


def test_a_long_history_is_cut_and_says_from_when_it_is_complete(ann: Workspace, bob: Workspace) -> None:
    resolve_much(ann, bob)
    some, whole = Activity(ann, commits_max=2), Activity(ann)

    few, every = [*some.occurrences()], [*whole.occurrences()]

    assert 0 < len(few) < len(every)
    assert some.complete_since is not None
    assert whole.complete_since is None


def test_a_history_that_was_cut_off_says_from_when_it_is_complete(
    ann: Workspace, bob: Workspace, repo: Path, git: Git
) -> None:
    resolve_much(ann, bob)
    commit = git(store_of(repo), "rev-list", CLAIMS).split()[-2]
    (loosened(repo) / "objects" / commit[:2] / commit[2:]).unlink()

    result: Result = activity.auto_resolutions(ann)

    assert result["series"] != []
    assert result["complete_since"] is not None


def test_steps_claims_and_waits_of_some_days_are_those_that_git_counts(
    ann: Workspace, bob: Workspace, repo: Path, git: Git
) -> None:
    project(ann, (), (), ())
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    claim_step(bob)
    fail_step(bob, step_id="app/2", reason="later")
    recover_step(ann, step_id="app/2")
    claim_step(bob)
    recover_step(ann, step_id="app/2", force=True)
    resolve_much(ann, bob)
    claim_files(bob, patterns=["a.zig"])
    claim_files(bob, patterns=["z.py"])
    steps, claims = [*lines(git, store_of(repo), "refs/coord/steps/app")], [*lines(git, store_of(repo))]
    codes = Counter(line["outcome"]["code"] for line in steps if "do" in line)
    events = Counter(event["event"] for line in claims for event in line.get("events", ()))
    waiting = {
        line["outcome"]["facts"]["queue_id"] for line in claims if line.get("outcome", {}).get("code") == "waiting"
    }
    refused = sum(refusal["count"] for line in claims for refusal in line.get("refusals", ()) if "event" in refusal)

    result: Result = activity.metrics(ann, days=1)

    found = result["activity"]
    of_git = {**codes, **events, "queued": len(waiting), "claim_refused": refused}
    assert found["totals"] == {kind: of_git.get(kind, 0) for kind in found["totals"]}
    assert found["totals"]["step_recovered"] == 2
    assert {row["agent"]: row["step_recovered"] for row in found["by_agent"]} == {"ann/cli/wt": 0, "bob/cli/wt": 2}
    assert found["waited_seconds"]["average"] >= 0
    assert result["counts"] == get_metrics(ann)["counts"]


def test_a_project_has_what_happened_to_its_steps_alone(ann: Workspace) -> None:
    project(ann, (), name="one")
    project(ann, (), name="Two")
    claim_step(ann, step_id="Two/1")
    claim_files(ann, patterns=["a.py"])

    result: Result = activity.metrics(ann, project="TWO")

    assert {kind: count for kind, count in result["activity"]["totals"].items() if count} == {"step_claimed": 1}
    assert "claim_granted" not in result["activity"]["totals"]


def test_an_agent_has_what_concerns_it_and_its_sub_agents(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(ann, patterns=["b.py"], agent_id="tests")
    claim_files(bob, patterns=["c.py"])

    result: Result = activity.metrics(bob, agent_id="ann/cli/wt")

    assert [row["agent"] for row in result["activity"]["by_agent"]] == ["ann/cli/wt", "ann/cli/wt/tests"]
    assert result["activity"]["totals"]["claim_granted"] == 2
