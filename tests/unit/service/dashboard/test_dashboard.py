"""What the panels say: each number is the one that a script with plain git counts from the ledgers."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gitcoord.core.documents.json_schema import schema_of
from gitcoord.errors import InvalidError
from gitcoord.service.dashboard.dashboard import Dashboard, panels
from gitcoord.service.schemas.dashboard_answers import DashboardShown
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.team.deletion import delete_project
from gitcoord.service.upkeep.gc import gc
from tests.unit.service.dashboard.busy_team import busy
from tests.unit.service.world import Agents, Result, damage, later, project, seen, store_of


def said(workspace: Workspace, **more: int) -> Result:
    return seen(panels(workspace, **more))


def git_lines(store: Path, *words: str) -> list[str]:
    return subprocess.run(["git", *words], cwd=store, capture_output=True, text=True, check=True).stdout.splitlines()


class Counted:
    """The ledgers as plain git has them: every document of the tips, and every line of the records."""

    def __init__(self, store: Path) -> None:
        self.docs: dict[str, dict[str, Any]] = {}
        self.lines: list[tuple[str, dict[str, Any]]] = []
        for ref in git_lines(store, "for-each-ref", "--format=%(refname)", "refs/coord/"):
            for path in git_lines(store, "ls-tree", "-r", "--name-only", ref):
                if path.endswith(".json"):
                    text = "\n".join(git_lines(store, "show", f"{ref}:{path}"))
                    self.docs[f"{ref.removeprefix('refs/coord/')}/{path}"] = json.loads(text)
            for commit in git_lines(store, "rev-list", ref):
                body = git_lines(store, "show", "--no-patch", "--format=%B", commit)
                if '{"record":"record.json"}' in body:
                    body = git_lines(store, "show", f"{commit}:record.json")
                self.lines += [(ref, json.loads(line)) for line in body if line.startswith("{")]

    def below(self, folder: str) -> list[dict[str, Any]]:
        return [doc for path, doc in self.docs.items() if path.startswith(folder)]

    def outcomes(self, code: str) -> int:
        found = (line.get("outcome", {}) for _, line in self.lines)
        return sum(1 for row in found if row.get("code") == code and not row.get("facts", {}).get("already"))

    def events(self, word: str) -> int:
        return sum(1 for _, line in self.lines for event in line.get("events", ()) if event["event"] == word)

    def refusals(self) -> Counter[str]:
        counts = Counter[str]()
        for _, line in self.lines:
            for refusal in line.get("refusals", ()):
                counts.update(dict.fromkeys(refusal["patterns"], refusal["count"]))
        return counts


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def test_each_number_is_the_one_that_plain_git_counts(ann: Workspace, bob: Workspace, repo: Path) -> None:
    busy(ann, bob)

    result = said(ann)

    git = Counted(store_of(repo))
    steps = {name: git.below(f"steps/{name}/steps/") for name in ("shop", "docs")}
    by_status = {name: Counter(step.get("status", "not_started") for step in rows) for name, rows in steps.items()}
    rows = {row["name"]: row for row in result["projects"]["rows"]}
    assert {name: row["counts"] for name, row in rows.items()} == by_status
    assert {name: row["steps"] for name, row in rows.items()} == {name: len(found) for name, found in steps.items()}
    shown = [(step["step_num"], step["depends_on"]) for step in rows["shop"]["shown"]]
    assert shown == sorted((step["step_num"], step.get("depends_on", [])) for step in steps["shop"])
    claims = {doc["id"]: doc for doc in git.below("claims/claims/")}
    assert {row["id"]: len(row["items"]) for row in result["claims"]["rows"]} == {
        name: len(doc["items"]) for name, doc in claims.items()
    }
    assert {row["queue_id"] for row in result["waiting"]["rows"]} == {doc["id"] for doc in git.below("claims/queue/")}
    assert {row["id"] for row in result["requests"]["rows"]} == {doc["id"] for doc in git.below("claims/requests/")}
    held = Counter(doc["agent"] for doc in claims.values())
    assert {row["agent"]: len(row["claims"]) for row in result["agents"]["rows"]} == held
    assert {row["pattern"]: row["refusals"] for row in result["hot_files"]["hotspots"]} == git.refusals()
    [day] = result["heat_map"]["series"]
    assert (day["auto_coexist"], day["auto_narrow"]) == (git.events("auto_coexist"), git.events("auto_narrow"))
    sums = result["metrics"]["activity"]["totals"]
    of_steps = ("step_claimed", "step_completed", "step_failed", "step_recovered")
    assert {word: sums[word] for word in of_steps} == {word: git.outcomes(word) for word in of_steps}
    of_claims = ("claim_granted", "claim_released", "request_filed", "auto_coexist", "auto_narrow")
    assert {word: sums[word] for word in of_claims} == {word: git.events(word) for word in of_claims}
    assert sums["claim_refused"] == git.refusals().total() == 6
    spans = [span["how"] for lane in result["timeline"]["agents"] for span in lane["spans"]]
    going = sum(1 for rows in steps.values() for step in rows if step.get("status") in {"claimed", "in_progress"})
    ended = {"completed": git.outcomes("step_completed"), "failed": git.outcomes("step_failed")}
    assert Counter(spans) == {"going": going, **ended}


def test_a_damaged_ledger_is_named_and_the_others_are_shown(ann: Workspace, bob: Workspace, repo: Path) -> None:
    busy(ann, bob)
    damage(repo, "docs")

    result = said(ann)

    assert [row["ref"] for row in result["oddities"]] == ["refs/coord/steps/docs"]
    assert ("damaged", "refs/coord/steps/docs") in {(row["kind"], row["about"]) for row in result["attention"]["rows"]}
    assert [row["name"] for row in result["projects"]["rows"]] == ["shop"]
    assert len(result["claims"]["rows"]) > 0


def test_a_team_that_has_nothing_has_empty_panels(ann: Workspace) -> None:
    result = said(ann)

    names = ("attention", "agents", "projects", "claims", "waiting", "requests")
    assert {name: result[name]["rows"] for name in names} == {name: [] for name in names}
    assert (result["timeline"]["agents"], result["heat_map"]["series"]) == ([], [])
    assert result["deliveries"] == {"relays": [], "tails": []}


def test_what_was_read_once_is_not_read_again_and_gives_the_same(ann: Workspace, bob: Workspace) -> None:
    looked = Dashboard(ann)
    for number in range(3):
        project(ann, (), name=f"p{number}")
        claim_step(bob, step_id=f"p{number}/1")
        looked.panels()

    carried, anew = seen(looked.panels()), said(ann)

    changing = {"attention", "agents"}
    assert {name: facts for name, facts in carried.items() if name not in changing} == {
        name: facts for name, facts in anew.items() if name not in changing
    }


def test_history_is_read_in_parts_and_says_from_when_it_is_complete(ann: Workspace, bob: Workspace) -> None:
    busy(ann, bob)
    parts = Dashboard(ann)

    first = last = seen(parts.panels(commits_max=2))
    incomplete = parts.is_complete
    while not parts.is_complete:
        last = seen(parts.panels(commits_max=2))

    assert (incomplete, first["metrics"]["activity"]["complete_since"] is None) == (False, False)
    assert last["metrics"] == said(ann)["metrics"]
    assert last["timeline"] == said(ann)["timeline"]


def test_a_ledger_that_is_another_one_now_is_read_anew(ann: Workspace) -> None:
    project(ann, (), (), name="one")
    claim_step(ann, step_id="one/1")
    looked = Dashboard(ann)
    looked.panels()
    complete_step(ann, step_id="one/1", commit_hash="HEAD")
    delete_project(ann, name="one")
    project(ann, (), (), name="one")

    assert seen(looked.panels())["timeline"]["spans"] == 0


def test_a_ledger_that_was_rolled_goes_on(ann: Workspace) -> None:
    project(ann, (), (), name="one")
    claim_step(ann, step_id="one/1")
    looked = Dashboard(ann)
    looked.panels()
    complete_step(ann, step_id="one/1", commit_hash="HEAD")
    gc(ann, rolled_after=1)

    assert seen(looked.panels())["timeline"] == seen(Dashboard(ann).panels())["timeline"] == said(ann)["timeline"]
    assert seen(looked.panels())["timeline"]["spans"] == 1


def test_what_happened_before_the_first_day_is_left_out(ann: Workspace, bob: Workspace) -> None:
    busy(ann, bob)
    in_a_week = later(ann, days=7)

    assert said(in_a_week, days=7)["heat_map"]["series"] == []
    assert said(in_a_week, days=8)["heat_map"]["series"] != []


@pytest.mark.parametrize("days", [0, 91])
def test_days_that_cannot_be_are_invalid(ann: Workspace, days: int) -> None:
    with pytest.raises(InvalidError, match="days is"):
        panels(ann, days=days)


def test_every_field_is_described(ann: Workspace, bob: Workspace) -> None:
    busy(ann, bob)
    schema: Any = json.loads(json.dumps(schema_of("dashboard", DashboardShown)))
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part and part["title"] != "CallerNotice":
            part["additionalProperties"] = False

    found = [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(said(ann))))]

    assert found == []
