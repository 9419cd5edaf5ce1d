"""Claude Code and Codex, as they are, at work with us: what their model is shown, and what becomes of its calls."""

import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from gitcoord.errors import NotFoundError
from gitcoord.faces.mcp.instructions import instructions
from gitcoord.faces.mcp.tools import tools_of
from gitcoord.service import reading, steps
from tests.bench.places import fill, repository, workspace
from tests.clients.driving import NAMES, Name, run, wire
from tests.clients.endpoint import Call, Say
from tests.clients.programs import INSTALL_S, Programs

pytestmark = [
    pytest.mark.external,
    pytest.mark.torture,
    pytest.mark.timeout(2 * INSTALL_S),  # the first test may have to wait for the download
    pytest.mark.parametrize("name", NAMES),
]

Place = tuple[Path, dict[str, str]]
RUNS = 3
CLOSED_S = 10  # the client may be gone a moment before the server is


def test_every_first_request_has_our_tools_and_instructions(programs: Programs, name: Name) -> None:
    for _ in range(RUNS):
        with repository() as (top, env):
            wire(name, top, env)

            done = run(name, programs, [Say()], top, env)

        assert done.shown_tools == tools_of("work").keys()
        assert json.dumps(instructions("work"))[1:-1] in json.dumps(done.turns[0].body)


def test_a_claim_is_really_made_and_the_model_is_shown_our_json(programs: Programs, place: Place, name: Name) -> None:
    top, env = place
    other = workspace(top, env, "somebody/else/here")
    fill(other, 1, 2)
    wire(name, top, env)

    done = run(name, programs, [Call("claim_step"), Say()], top, env)

    (result,) = done.shown_results
    shown = json.loads(result)["step"]
    held = reading.get_step(other, step_id="p000/1")["step"]
    assert isinstance(held, dict)
    assert (shown["id"], shown["status"], held["status"]) == ("p000/1", "claimed", "claimed")
    assert shown["agent_id"] == held["agent_id"] == f"bench/{'claude-code' if name == 'claude' else 'codex'}/repository"


def test_an_error_reaches_the_model_as_our_sentence(programs: Programs, place: Place, name: Name) -> None:
    top, env = place
    with pytest.raises(NotFoundError) as raised:
        steps.start_step(workspace(top, env, "somebody/else/here"), step_id="app/1")
    wire(name, top, env)

    done = run(name, programs, [Call("start_step", {"step_id": "app/1"}), Say()], top, env)

    assert done.shown_results == [f"[not_found] {raised.value} {raised.value.hint}"]


def test_the_session_is_the_clients_own_and_closes_with_it(programs: Programs, place: Place, name: Name) -> None:
    top, env = place
    wire(name, top, env)

    done = run(name, programs, [Call("get_available_steps"), Say()], top, env)

    (file,) = (top / ".git" / "gitcoord" / "sessions").glob("*.json")
    end = time.monotonic() + CLOSED_S
    while not (session := json.loads(file.read_text())).get("closed_at") and time.monotonic() < end:
        time.sleep(0.05)
    assert datetime.fromisoformat(session["closed_at"])
    assert done.session in {session["id"], *session.get("aliases", [])}
