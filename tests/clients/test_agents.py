"""Claude Code, Codex, Gemini CLI and opencode at work with us: what their model is shown, what becomes of its calls."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gitcoord.errors import NotFoundError
from gitcoord.faces.cli.wiring import texts
from gitcoord.faces.mcp.instructions import instructions
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.service.steps import step_views, step_work
from tests.bench.places import fill, repository, workspace
from tests.clients.driving import AGENTS, run, session_of, wire
from tests.clients.endpoint import Call, Look, Say
from tests.clients.programs import INSTALL_S, NAMES, Name

pytestmark = [
    pytest.mark.external,
    pytest.mark.torture,
    pytest.mark.timeout(2 * INSTALL_S),  # the first test may have to wait for the download
    pytest.mark.parametrize("name", NAMES),
]

Place = tuple[Path, dict[str, str]]
Install = Callable[[Name], Sequence[str]]
RUNS = 3
ENDED_S = 30  # what its hook has started does so


def test_every_first_request_has_our_tools_and_instructions(program: Install, name: Name) -> None:
    for _ in range(RUNS):
        with repository() as (top, env):
            wire(name, top, env)

            done = run(name, program(name), [Say()], top, env)

        assert done.shown_tools == tools_of("work").keys()
        told = texts.body().strip() if name == "opencode" else instructions("work")  # it shows AGENTS.md alone
        assert json.dumps(told)[1:-1] in json.dumps(done.turns[0].body)


def test_a_claim_is_really_made_and_the_model_is_shown_our_json(program: Install, place: Place, name: Name) -> None:
    top, env = place
    other = workspace(top, env, "somebody/else/here")
    fill(other, 1, 2)
    wire(name, top, env)

    rows: list[Any] = []
    look = Look(lambda: rows.append(step_views.get_step(other, step_id="p000/1")["step"]))
    done = run(name, program(name), [Call("claim_step"), look, Say()], top, env)

    (result,), (held,) = done.shown_results, rows
    shown = json.loads(result[result.index("{") : result.rindex("}") + 1])["step"]  # some put it into words of theirs
    assert (shown["id"], shown["status"], held["status"]) == ("p000/1", "claimed", "claimed")
    assert shown["agent_id"] == held["agent_id"] == f"bench/{AGENTS[name]}/repository"


def test_an_error_reaches_the_model_as_our_sentence(program: Install, place: Place, name: Name) -> None:
    top, env = place
    with pytest.raises(NotFoundError) as raised:
        step_work.start_step(workspace(top, env, "somebody/else/here"), step_id="app/1")
    wire(name, top, env)

    done = run(name, program(name), [Call("start_step", {"step_id": "app/1"}), Say()], top, env)

    (result,) = done.shown_results
    assert f"[not_found] {raised.value}" in result


def test_the_session_is_the_clients_own_and_ends_with_it(program: Install, place: Place, name: Name) -> None:
    top, env = place
    wire(name, top, env)
    sessions = top / ".git" / "gitcoord" / "sessions"

    seen: list[str] = []
    look = Look(lambda: seen.extend(file.stem for file in sessions.glob("*.json")))
    done = run(name, program(name), [Call("get_available_steps"), look, Say()], top, env)

    assert seen == [session_of(top, done.session)]
    end = time.monotonic() + ENDED_S
    while (left := [*sessions.glob("*.json")]) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left
