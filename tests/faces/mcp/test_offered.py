"""What an agent is told to do next, it can do: no sentence names a tool that its set does not have."""

import json
from pathlib import Path

import mcp_types as types
import pytest
from mcp.client.client import Client
from mcp.server.lowlevel.server import Server

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp import calls
from gitcoord.faces.mcp.calls import Context
from gitcoord.faces.mcp.prompts import prompt
from gitcoord.faces.mcp.results import phrase, phrased
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.faces.mcp.workplace import Workplace
from gitcoord.service.steps import projects
from gitcoord.service.steps.projects import PAGE
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import environment

EVERY, WORK = tools_of("all"), tools_of("work")
SEE = Call.of("list_projects")
SAME = Call.of("claim_files", files=["a; b. c"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sentence("Take the next one: ", Call.of("claim_step"), "."), "Take the next one: claim_step()."),
        ("", ""),
        (
            sentence("Create one: ", Call.of("create_project", ...), "; see ", SEE, "."),
            "Create one: create_project (not yours: ask your lead); see list_projects (not yours: ask your lead).",
        ),
        (
            sentence("Claim another: ", Call.of("claim_step"), "; or see ", SEE, "."),
            "Claim another: claim_step(); or see list_projects (not yours: ask your lead).",
        ),
        (
            sentence("Wait: ", SAME, ". Or wait: ", SAME, " or ", SEE, "."),
            f"Wait: {SAME.spelled}. Or wait: {SAME.spelled} or list_projects (not yours: ask your lead).",
        ),
        (sentence("See ", Call.of("my_requests"), "."), "See my_requests (of `gitcoord mcp --tools all`)."),
        ("Written by others: create_project(…).", "Written by others: create_project(…)."),
    ],
)
def test_a_worker_is_told_whom_to_ask_for_what_it_cannot_do(text: str, expected: str) -> None:
    assert phrase(text, WORK) == expected
    assert phrase(text, EVERY) == text


def test_sentences_of_ours_are_phrased_and_data_of_others_is_not() -> None:
    see = sentence("See ", SEE, ".")
    result: dict[str, Json] = {
        "step": {"title": "call list_projects()", "next_step": "list_projects()"},
        "next_step": see,
        "notices": [{"notice": "x", "next_step": see}],
    }

    told = phrased(result, WORK)

    ask = "See list_projects (not yours: ask your lead)."
    assert told == {"step": result["step"], "next_step": ask, "notices": [{"notice": "x", "next_step": ask}]}


@pytest.mark.anyio
async def test_a_resource_names_only_what_is_offered(repo: Path) -> None:
    workplace = Workplace(repo, environment())
    steps: list[dict[str, Json]] = [{"step_num": num, "branch": f"b{num}", "title": "x"} for num in range(1, PAGE + 2)]
    projects.create_project(workplace.open(), name="app", base_commit="HEAD", steps=steps)

    async def read(ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return await calls.read_resource(workplace, ["claim_step"], ctx, params.uri)

    async with Client(Server("test", on_read_resource=read)) as client:
        (content,) = (await client.read_resource("coord://projects/app")).contents
    workplace.close()

    assert isinstance(content, types.TextResourceContents)
    assert json.loads(content.text)["next_step"] == "1 more steps: get_project (not yours: ask your lead)."


def test_a_prompt_names_only_what_every_set_has() -> None:
    for name in ("start-work", "hand-over"):
        text = str(prompt(name, {}).messages[0].content)
        assert not [one for one in EVERY if one in text and one not in WORK]


@pytest.mark.parametrize(("tools", "named"), [("work", False), ("all", True)])
def test_a_server_names_what_it_offers(serve: Serve, repo: Path, tools: str, named: bool) -> None:
    server = serve(repo, "--tools", tools)
    server.initialize()

    refused = server.call("claim_step")
    error = server.request("tools/call", {"name": "get_project", "arguments": {"name": "nowhere"}})

    for text in (refused["next_step"], error["result"]["content"][0]["text"]):
        assert ("list_projects()" in text) is named
        assert ("ask your lead" in text) is not named
