"""The team's policy, from the command line."""

import json
from pathlib import Path

import pytest

from gitcoord.service.inputs.policy_input import purposes
from gitcoord.service.team.policy import fields
from tests.conftest import Git
from tests.faces.cli.conftest import Run


def test_a_policy_that_was_set_is_shown_to_everybody(run: Run) -> None:
    changed = run("policy", "set", "require_pushed", "true", "--json")

    shown = run("policy", "show", "--json")

    assert changed.status == shown.status == 0
    assert json.loads(shown.out) == json.loads(changed.out)
    policy = json.loads(shown.out)["policy"]
    assert (policy["auto_recover"], policy["require_pushed"], policy["max_claim_files"]) == (True, True, 100)


@pytest.mark.rule("HOOK-9")
def test_hooks_know_at_once_that_the_team_enforces(run: Run, repo: Path) -> None:
    mark = repo / ".git" / "gitcoord" / "snapshot" / "enforce"

    seen = [(run("policy", "set", "enforce", value).status, mark.exists()) for value in ("true", "false")]

    assert seen == [(0, True), (0, False)]


def test_an_unknown_policy_is_refused_with_those_that_exist(run: Run) -> None:
    done = run("policy", "set", "colour", "true")

    assert done.status == 2
    assert "auto_recover, strict_complete, require_pushed" in done.err


def test_auto_is_only_for_a_policy_that_depends(run: Run) -> None:
    assert run("policy", "set", "require_pushed", "auto").status == 0
    assert run("policy", "set", "auto_recover", "auto").status == 2


def test_every_policy_is_explained_where_it_is_shown(run: Run) -> None:
    lines = run("policy", "show").out.splitlines()

    assert lines[0].split() == ["POLICY", "VALUE", "PURPOSE"]
    assert [*purposes()] == fields()
    assert all(line.endswith(purposes()[line.split()[0]]) for line in lines[1:])


def test_setting_one_policy_shows_that_one(run: Run) -> None:
    assert run("policy", "set", "auto_claim", "false").out == "auto_claim is false for everyone\n"


def test_the_log_says_what_was_set_or_promoted_and_why_a_claim_was_refused(run: Run, repo: Path, git: Git) -> None:
    for name in ("a.py", "b.py"):
        (repo / name).touch()
    git(repo, "add", "--all")
    run("policy", "set", "max_claim_files", "1")
    run("promote", "README.md")
    refused = run("claim", "add", "*.py")
    run("claim", "add", "new.md")

    shown = run("log").out

    assert refused.status == 1
    assert "max_claim_files = 1" in shown
    assert "README.md  " in shown
    assert "too_large" in shown


def test_a_misspelt_policy_is_suggested_and_list_is_another_word_for_show(run: Run) -> None:
    assert "Did you mean 'require_pushed'?" in run("policy", "set", "require_push", "true").err
    assert run("policy", "list").out == run("policy", "show").out
