"""What commands print with `--json` is described: each has a schema, and a day of a team is as the schemas say.

That nothing else is printed, `conftest` holds for every command that any test of the command line runs.
"""

import os
from contextlib import closing
from pathlib import Path

from gitcoord.core.documents.events import Event
from gitcoord.runtime.workspace import open_workspace
from gitcoord.service.claims import claims
from gitcoord.service.schemas import catalog
from gitcoord.service.schemas.result_kinds import RESULTS
from tests.conftest import AddWorktree, Git
from tests.faces.cli.conftest import Run
from tests.faces.cli.test_help import ALL
from tests.schemas.checks import faults, result_faults

_NO_JSON = {"mcp", "hook"}


def test_every_command_has_a_schema_of_its_result() -> None:
    assert {" ".join(words) for words in ALL} - _NO_JSON == RESULTS.keys()
    assert {f"results/{words.replace(' ', '_')}" for words in RESULTS} <= {*catalog.names()}


def test_a_field_that_is_not_described_or_of_another_type_is_found() -> None:
    assert result_faults(["queue", "list", "--json"], '{"queued":[],"more":1}') != []
    assert result_faults(["queue", "list", "--json"], '{"queued":null}') == [
        "results/queue_list.queued: None is not of type 'array'"
    ]
    assert result_faults(["queue", "list", "--json"], '{"refused":"x","why":"y","facts":1}') == []
    assert faults("results/queue_list", {"error": {"code": "usage"}}) != []


def test_claims_and_requests_of_two_worktrees_are_as_their_schemas_say(
    run: Run, repo: Path, add_worktree: AddWorktree
) -> None:
    other = add_worktree(repo, "wt-2")
    mine = run("claim", "add", "src/**", "--json").json["claim"]["id"]
    symbols = run("claim", "add", "README.md", "--hours", "2", "--json").json

    refused = run("claim", "add", "src/a.py", "--json", cwd=other)
    filed = run("request", "file", mine, "--reason", "a fix", "--wait", "0", "--json", cwd=other).json["request"]["id"]
    with closing(open_workspace(other, os.environ, tool="cli")) as workspace:
        assert claims.claim_files(workspace, patterns=["src/b.py"], wait_seconds=600)["waiting"] is True
    asked = [run("request", "list", "--json"), run("request", "list", "--mine", "--json", cwd=other)]
    held = [run(*words.split(), "--json") for words in ("status", "claim list", "queue list", "agents list")]
    extended = run("claim", "extend", mine, "--hours", "8", "--json")
    answered = run("request", "answer", filed, "approved", "--json")
    waited = run("request", "wait", filed, "--timeout", "0", "--json", cwd=other)
    released = run("claim", "release", symbols["claim"]["id"], "--json")
    gone = run("claim", "release", "c-00000000", "--json")
    cancelled = run("queue", "cancel", "q-00000000", "--json")
    after = [run(*words.split(), "--json") for words in ("claim list --all", "log", "hotspots --min 1")]

    done = [*asked, *held, extended, answered, waited, released, *after]
    assert [(command.status, command.out) for command in done if command.status] == []
    assert [(command.status, "error" in command.json) for command in (refused, gone, cancelled)] == [(1, False)] * 3
    events = {event["event"]: event for event in after[1].json["events"]}
    assert events.keys() >= {"claim_granted", "claim_released", "request_filed", "request_answered"}
    assert [fault for word in events.keys() & {*Event} for fault in faults(f"events/{word}", events[word])] == []
    assert [claim["ended"] for claim in after[0].json["claims"] if "ended" in claim] == ["released", "approved"]


def test_a_project_from_its_plan_to_its_end_is_as_its_schemas_say(run: Run, repo: Path, plan: str, git: Git) -> None:
    (repo / "more.yaml").write_text("steps:\n  - {step_num: 4, title: More}\n", encoding="utf-8")
    words = [
        f"project create {plan} --check",
        f"project create {plan}",
        "project add app more.yaml --check",
        "project add app more.yaml",
        "step claim",
        "step heartbeat app/1",
        "step heartbeat",
        "step fail 1 --reason late",
        "status",
        "step list",
        "step recover 1",
        "step skip 3 --reason no",
        "step show 2",
        "step claim 4",
        "step complete 4",
        "metrics",
        "project show app",
        "project list",
        "project abort app --reason over",
        "log",
        "project delete app --yes",
    ]

    done = {line: run(*line.split(), "--json") for line in words}

    assert {line: (command.status, command.out) for line, command in done.items() if command.status} == {}
