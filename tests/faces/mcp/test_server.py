"""The whole server as the SDK's own client sees it, over stdio, in both eras of the protocol."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal

import mcp_types as types
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from gitcoord.faces.mcp.results import RESULT_BYTES_MAX
from tests.conftest import AddWorktree, Git, MakeRepo
from tests.faces.mcp.conftest import Serve
from tests.faces.mcp.process import ANSWER_S, environment

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "auto"]
Connect = Callable[..., AbstractAsyncContextManager[Client]]
STEPS = [
    {"step_num": 1, "branch": "one", "title": "First"},
    {"step_num": 2, "branch": "two", "depends_on": [1], "scope": "api"},
]


@pytest.fixture(params=["legacy", "auto"])
def connect(request: pytest.FixtureRequest) -> Connect:
    def start(cwd: Path, *arguments: str) -> Client:
        command = ["-m", "gitcoord", "mcp", *arguments]
        server = StdioServerParameters(command=sys.executable, args=command, cwd=cwd, env=environment())
        return Client(server, mode=request.param, read_timeout_seconds=ANSWER_S)

    return start


async def call(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    assert not result.is_error, content.text
    assert json.loads(content.text) == result.structured_content
    assert len(content.text.encode()) <= RESULT_BYTES_MAX
    return json.loads(content.text)


async def error(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    assert result.is_error
    assert result.structured_content is None
    return content.text


async def test_a_project_is_worked_through(connect: Connect, repo: Path, git: Git) -> None:
    head = git(repo, "rev-parse", "HEAD")
    async with connect(repo) as client:
        created = await call(client, "create_project", name="app", base_commit="HEAD", steps=STEPS)
        claimed = await call(client, "claim_step")
        again = await call(client, "claim_step")
        started = await call(client, "start_step", step_id="1")
        completed = await call(client, "complete_step", step_id="app/1", commit_hash=head[:10], notes="done")
        await call(client, "heartbeat")
        second = await call(client, "claim_step", project="app", scope="api")
        failed = await call(client, "fail_step", step_id="app/2", reason="blocked")
        nothing = await call(client, "claim_step")
        retried = await call(client, "claim_step", step_id="app/2")
        await call(client, "complete_step", step_id="app/2", commit_hash="HEAD")
        project = await call(client, "get_project", name="app")
        events = await call(client, "get_agent_events", limit=3)
        metrics = await call(client, "get_metrics", project="app")

    assert created["project"]["steps"] == 2
    assert claimed["step"]["id"] == again["step"]["id"] == "app/1"
    assert again["already"] is True
    assert started["step"]["status"] == "in_progress"
    assert completed["unblocked"] == [2]
    assert second["step"]["base"][0]["commit_hash"] == head
    assert failed["step"]["status"] == "failed"
    assert nothing["step"] is None
    assert nothing["why"]
    assert retried["step"]["fence"] > second["step"]["fence"]
    assert project["project"]["status"] == "completed"
    assert events["count"] == 3
    assert metrics


async def test_a_plan_is_changed(connect: Connect, repo: Path) -> None:
    async with connect(repo) as client:
        await call(client, "create_project", name="app", base_commit="HEAD", steps=json.dumps(STEPS))
        await call(client, "add_steps", project="app", steps=[{"step_num": 3, "branch": "three"}])
        updated = await call(client, "update_step", step_id="app/3", priority=5, depends_on="[1]")
        skipped = await call(client, "skip_step", step_id="app/1", reason="exists already")
        available = await call(client, "get_available_steps", project="app")
        stale = await call(client, "detect_stale_work", timeout_minutes=15)
        recovered = await call(client, "recover_step", step_id="app/2")
        aborted = await call(client, "abort_project", name="app", reason="not needed")
        listed = await call(client, "list_projects", status="aborted")

    assert updated["step"]["priority"] == 5
    assert skipped["step"]["status"] == "skipped"
    assert {step["step_num"] for step in available["steps"]} == {2, 3}
    assert stale == {"steps": [], "count": 0}
    assert recovered["step"] is None or recovered["already"]
    assert aborted["project"]["status"] == "aborted"
    assert [one["name"] for one in listed["projects"]] == ["app"]


async def test_mistakes_are_texts_with_code_and_hint(connect: Connect, repo: Path) -> None:
    async with connect(repo) as client:
        unknown = await error(client, "claim_step", projct="app")
        missing = await error(client, "create_project", name="app")
        kind = await error(client, "get_project", name="app", limit="all")
        nowhere = await error(client, "get_step", step_id="none/1")
        nonsense = await error(client, "get_step", step_id="no such id")
        cycle = await error(
            client,
            "create_project",
            name="app",
            base_commit="HEAD",
            steps=[
                {"step_num": 1, "branch": "a", "depends_on": [2]},
                {"step_num": 2, "branch": "b", "depends_on": [1]},
            ],
        )
        with pytest.raises(MCPError) as tool:
            await client.call_tool("no_such_tool", {})

    assert unknown.startswith("[usage] claim_step has no argument 'projct'. Did you mean 'project'?")
    assert missing == (
        "[usage] create_project needs 'base_commit', 'steps'. Call create_project(name=…, base_commit=…, steps=…)."
    )
    assert kind == '[invalid] limit is a whole number, not "all".'
    assert nowhere.startswith("[not_found] There is no project 'none'.")
    assert nonsense.startswith("[invalid] ")
    assert cycle.startswith("[invalid] ")
    assert tool.value.error.code == types.INVALID_PARAMS


async def test_a_project_of_500_steps_is_shown_in_pages_that_fit(connect: Connect, repo: Path) -> None:
    steps = [
        {"step_num": num, "branch": f"branch-{num}", "title": f"A title that says something about step {num}"}
        for num in range(1, 501)
    ]
    seen: list[int] = []
    offset = 0
    async with connect(repo) as client:
        await call(client, "create_project", name="big", base_commit="HEAD", steps=steps)
        while offset is not None:
            page = await call(client, "get_project", name="big", offset=offset, limit=200)
            seen += [step["step_num"] for step in page["steps"]]
            offset = page.get("next_offset")
        await call(client, "get_available_steps", limit=500)
        await call(client, "get_agent_events")
        await call(client, "get_metrics")

    assert seen == list(range(1, 501))


async def test_outside_a_repository_each_call_says_so_and_the_server_goes_on(
    connect: Connect, tmp_path: Path, git: Git
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    async with connect(folder) as client:
        tools = await client.list_tools()
        first = await error(client, "claim_step")
        second = await error(client, "list_projects")
        with pytest.raises(MCPError) as resource:
            await client.read_resource("coord://status")
        git(folder, "init", "--quiet")
        later = await call(client, "list_projects")

    assert tools.tools
    assert first.startswith("[repository] ")
    assert first == second
    assert "[repository]" in resource.value.error.message
    assert later["count"] == 0


async def test_a_linked_worktree_and_a_subfolder_share_the_projects(
    connect: Connect, repo: Path, add_worktree: AddWorktree
) -> None:
    worktree = add_worktree(repo, "side")
    inner = repo / "src" / "deep"
    inner.mkdir(parents=True)
    async with connect(worktree) as client:
        await call(client, "create_project", name="app", base_commit="HEAD", steps=STEPS)
    async with connect(inner) as client:
        claimed = await call(client, "claim_step")

    assert claimed["step"]["agent_id"].endswith("/repo")


async def test_resources_and_templates_are_read(connect: Connect, repo: Path) -> None:
    async with connect(repo) as client:
        await call(client, "create_project", name="app", base_commit="HEAD", steps=STEPS)
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        status = (await client.read_resource("coord://status")).contents[0]
        project = (await client.read_resource("coord://projects/app")).contents[0]
        claims = (await client.read_resource("coord://claims")).contents[0]
        notices = (await client.read_resource("coord://notices")).contents[0]
        missing = []
        for uri in ("coord://projects/none", "coord://nonsense", "coord://projects/a/b", "file:///etc/passwd"):
            with pytest.raises(MCPError) as caught:
                await client.read_resource(uri)
            missing.append((caught.value.error.code, caught.value.error.data))

    assert [one.uri for one in listed] == ["coord://status", "coord://claims", "coord://notices"]
    assert [one.uri_template for one in templates] == ["coord://projects/{name}"]
    assert isinstance(status, types.TextResourceContents)
    assert json.loads(status.text)["projects"][0]["name"] == "app"
    assert isinstance(project, types.TextResourceContents)
    assert json.loads(project.text)["project"]["name"] == "app"
    assert isinstance(claims, types.TextResourceContents)
    assert json.loads(claims.text) == {"claims": [], "count": 0, "queued": []}
    assert isinstance(notices, types.TextResourceContents)
    assert (json.loads(notices.text)["notices"], json.loads(notices.text)["count"]) == ([], 0)
    assert {code for code, _ in missing} == {types.INVALID_PARAMS}
    assert missing[0][1] == {"uri": "coord://projects/none"}


async def test_prompts_say_what_to_do(connect: Connect, repo: Path) -> None:
    async with connect(repo) as client:
        names = [one.name for one in (await client.list_prompts()).prompts]
        start = (await client.get_prompt("start-work", {"project": "app"})).messages[0].content
        over = (await client.get_prompt("hand-over")).messages[0].content
        for name, arguments in (("no-such-prompt", {}), ("hand-over", {"nonsense": "x"})):
            with pytest.raises(MCPError) as caught:
                await client.get_prompt(name, arguments)
            assert caught.value.error.code == types.INVALID_PARAMS

    assert names == ["start-work", "hand-over"]
    assert isinstance(start, types.TextContent)
    assert "claim_step(project='app')" in start.text
    assert isinstance(over, types.TextContent)
    assert "every step that you hold" in over.text


async def test_the_project_folder_of_the_tool_is_used_where_the_cwd_is_no_repository(
    serve: Serve, make_repo: MakeRepo, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    server = serve(folder, env={"CLAUDE_PROJECT_DIR": str(make_repo("project"))})
    server.initialize(client="claude-code")

    server.call("create_project", name="app", base_commit="HEAD", steps=STEPS)

    assert server.call("claim_step")["step"]["agent_id"] == "test-author/claude-code/project"
