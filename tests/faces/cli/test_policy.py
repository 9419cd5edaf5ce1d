"""The team's policy, from the command line."""

import json

from tests.faces.cli.conftest import Run


def test_a_policy_that_was_set_is_shown_to_everybody(run: Run) -> None:
    changed = run("policy", "set", "require_pushed", "true", "--json")

    shown = run("policy", "show", "--json")

    assert changed.status == shown.status == 0
    assert json.loads(shown.out) == json.loads(changed.out)
    policy = json.loads(shown.out)["policy"]
    assert (policy["auto_recover"], policy["require_pushed"], policy["max_claim_files"]) == (True, True, 100)


def test_an_unknown_policy_is_refused_with_those_that_exist(run: Run) -> None:
    done = run("policy", "set", "colour", "true")

    assert done.status == 2
    assert "auto_recover, strict_complete, require_pushed" in done.err


def test_auto_is_only_for_a_policy_that_depends(run: Run) -> None:
    assert run("policy", "set", "require_pushed", "auto").status == 0
    assert run("policy", "set", "auto_recover", "auto").status == 2
