"""Sentences that name a tool's call name the command of the command line instead."""

import pytest

from gitcoord.faces.cli.terminal.phrases import for_shell, result_for_shell


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("claim another: claim_step().", "claim another: `gitcoord step claim`."),
        ("claim_step(step_id='app/3')", "`gitcoord step claim app/3`"),
        ("complete_step(step_id='app/3', commit_hash=…).", "`gitcoord step complete app/3 HEAD`."),
        ("recover_step(step_id='app/3', force=true)", "`gitcoord step recover app/3 --force`"),
        ("add_steps(project='app', …)", "`gitcoord project add app FILE`"),
        ("create_project(…)", "`gitcoord project create FILE`"),
        ("get_project(name='app')", "`gitcoord project show app`"),
        ("get_project(name, offset=50)", "`gitcoord project show --offset 50`"),
        ("Claim without step_id to get another.", "Claim without a step's id to get another."),
        ("names itself with agent_id.", "names itself with --as."),
        ("Ask: request_release(claim_id='c-1', reason=…).", "Ask: `gitcoord request file c-1 --reason TEXT`."),
        ("release_claims(claim_ids=['c-1']).", "`gitcoord claim release c-1`."),
        ("release_claims()", "`gitcoord claim release`"),
        ("it ends at 2026-11-21T11:04:24.237Z.", "it ends at 2026-11-21 11:04 UTC."),
        ("claim_files(queue_id='q-1').", "`gitcoord claim add --queue q-1`."),
        ("claim_files(patterns=['src/**', 'a.py']).", "`gitcoord claim add 'src/**' a.py`."),
        ("Claim again: claim_files(…).", "Claim again: `gitcoord claim add PATTERN`."),
        (
            "respond_to_request(request_id='r-1', decision=approved|denied).",
            "`gitcoord request answer r-1 approved|denied`.",
        ),
        ("Call again with wait_seconds.", "Call again with --wait."),
        ("the same claim_files(…, wait_seconds=300).", "the same `gitcoord claim add PATTERN --wait 300`."),
        ("claim_files(patterns=['a b'], wait_seconds=300)", "`gitcoord claim add 'a b' --wait 300`"),
        ("print(x) and foo_bar(1)", "print(x) and foo_bar(1)"),
        ("", ""),
    ],
)
def test_a_call_becomes_a_command(said: str, expected: str) -> None:
    assert for_shell(said) == expected


def test_a_call_to_wait_is_the_one_that_was_asked_for_and_others_are_not() -> None:
    wait, less = "the same claim_files(…, wait_seconds=300)", "Claim a smaller part: claim_files(…)"

    assert for_shell(wait, ["src/a b.py", "c.py"]) == "the same `gitcoord claim add 'src/a b.py' c.py --wait 300`"
    assert for_shell(wait, ["x" * 201]) == "the same `gitcoord claim add PATTERN --wait 300`"
    assert for_shell(less, ["c.py"]) == "Claim a smaller part: `gitcoord claim add PATTERN`"


def test_what_to_do_in_a_result_is_a_command_and_its_other_texts_stay() -> None:
    result = {"why": "claim_step() did.", "next_step": "claim_step()", "rows": [{"hint": "claim_step()", "n": 1}]}

    assert result_for_shell(result) == {
        "why": "claim_step() did.",
        "next_step": "`gitcoord step claim`",
        "rows": [{"hint": "`gitcoord step claim`", "n": 1}],
    }
