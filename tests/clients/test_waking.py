"""Clients wired by `init` show their model what others ask of it, without a call of ours, and let it stop once told.

As in `test_edits`: the model is a script, everything else is real.
"""

import json
import time
from collections.abc import Callable, Sequence

import pytest

from gitcoord.faces.mcp.channel import VARIABLE
from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.clients.driving import run, wire
from tests.clients.endpoint import Call, Look, Request, Say
from tests.clients.programs import INSTALL_S, NAMES, Name
from tests.clients.test_edits import BOB, OWN, Stage, command
from tests.clients.test_edits import stage as stage  # noqa: PLC0414 - a fixture, exported to pytest

pytestmark = [
    pytest.mark.external,
    pytest.mark.torture,
    pytest.mark.timeout(2 * INSTALL_S),  # the first test may have to wait for the download
]

Install = Callable[[Name], Sequence[str]]
COMES_S = 60  # a bound for a hang
ASKS = f"{BOB} asks for your claim"


def ask(stage: Stage) -> Look:
    """Let bob ask for what the client's agent holds, and wait until hooks can see it."""

    def at() -> None:
        (held,) = [row for row in stage.bob.call("list_claims")["claims"] if row["agent"] != BOB]
        stage.bob.call("request_release", claim_id=held["id"], reason="the fix", wait_seconds=0)
        me, end = stage.top / ".git/gitcoord/snapshot/me.json", time.monotonic() + COMES_S
        while not any(row["news"] for row in json.loads(me.read_text("utf-8"))["sessions"]):
            assert time.monotonic() < end, "the request never came"

    return Look(at)


def shows(turn: Request) -> int:
    """Return how often a model was shown, in all that it is sent, that it is asked."""
    return json.dumps(turn.body).count(ASKS)


@pytest.mark.rule("HOOK-14")
@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
def test_a_model_that_would_stop_is_told_once_that_it_is_asked(program: Install, stage: Stage, name: Name) -> None:
    wire(name, stage.top, stage.env)

    script = [Call("claim_files", {"patterns": [OWN]}), ask(stage), Say("All done."), Say("I ask a person.")]
    done = run(name, program(name), script, stage.top, stage.env)

    assert [shows(turn) > 0 for turn in done.turns] == [False, False, True]


@pytest.mark.rule("HOOK-14")
@pytest.mark.parametrize("name", NAMES)
def test_a_model_at_work_is_told_with_the_next_result_of_its_own_tools(
    program: Install, stage: Stage, name: Name
) -> None:
    wire(name, stage.top, stage.env)

    script = [Call("claim_files", {"patterns": [OWN]}), ask(stage), command(name, "true"), Say("One."), Say("Two.")]
    done = run(name, program(name), script, stage.top, stage.env)

    assert [shows(turn) > 0 for turn in done.turns[:3]] == [False, False, True]


def test_claude_code_goes_on_with_the_handshake_where_a_channel_is_wanted(program: Install, stage: Stage) -> None:
    wire("claude", stage.top, stage.env)

    done = run("claude", program("claude"), [Say()], stage.top, {**stage.env, VARIABLE: "1"})

    assert done.shown_tools == tools_of("work").keys()
