"""Under which name, and in which session, an agent works."""

import hashlib
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from gitcoord.errors import InvalidError, UsageError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from tests import fork_server
from tests.conftest import AddWorktree, Git
from tests.unit.service.world import Agents, Result, Shared, crash, later, project, seen

ROOT = Path(__file__).parents[4]
SERVERS = 10  # that many cannot each wait a second for every lock that is held, one after the other
SERVE = (
    "import os, sys\nfrom pathlib import Path\n"
    "from gitcoord.runtime import open_workspace\n"
    "print('ready', flush=True)\n"
    "sys.stdin.readline()\n"
    "ws = open_workspace(Path(sys.argv[1]), os.environ, tool='claude', serve=True)\n"
    "print(ws.agent, ws.session_id, flush=True)\n"
    "sys.stdin.read()\n"
)


def test_an_agent_is_named_after_its_user_its_tool_and_its_worktree(
    agents: Agents, repo: Path, add_worktree: AddWorktree
) -> None:
    worktree = add_worktree(repo, "wt-3")

    assert agents(worktree, tool="Claude Code").agent == "test-author/claude-code/wt-3"


@pytest.mark.parametrize(
    ("user", "folder", "expected"),
    [
        ("Zoë Ångström", "café menü", "zoë-ångström/cli/café-menü"),
        ("-x --y", "a.b", "x---y/cli/a.b"),
        ("!!!", "$(x)", "unknown/cli/x"),
        ("a" * 300, "b" * 200, f"{'a' * 41}.89971909/cli/{'b' * 41}.5d01e2ea"),
    ],
)
def test_any_user_and_folder_give_a_name(
    agents: Agents, repo: Path, git: Git, user: str, folder: str, expected: str
) -> None:
    git(repo, "config", "user.name", user)
    moved = repo.rename(repo.with_name(folder))

    assert agents(moved).agent == expected


def test_the_environment_names_the_agent_before_the_worktree_and_the_worktree_before_the_clone(
    agents: Agents, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    worktree = add_worktree(repo, "wt-3")
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", "gitcoord.agent", "of/the/clone")
    git(worktree, "config", "--worktree", "gitcoord.agent", "of/the/worktree")

    names = [agents(repo).agent, agents(worktree).agent, agents(worktree, "of/the/environment").agent]

    assert names == ["of/the/clone", "of/the/worktree", "of/the/environment"]


@pytest.mark.rule("NAME-1")
@pytest.mark.parametrize(
    "name", ["a b", "../x", "-x", "a/", "/a", "a//b", "a/b/c/d/e/f/g", "a\nb", "a\x1b[31m", "\udcff", "x" * 201, "a;b"]
)
def test_a_name_that_cannot_be_one_is_invalid_with_what_can(agents: Agents, repo: Path, name: str) -> None:
    with pytest.raises(InvalidError, match="cannot be the name of an agent") as caught:
        agents(repo, name)

    assert (caught.value.exit_status, "ann/claude-code/wt-3" in caught.value.hint) == (2, True)
    assert str(caught.value).isprintable()


def test_without_a_user_the_agent_is_asked_for_its_name(agents: Agents, repo: Path, hermetic: Path) -> None:
    (hermetic / ".gitconfig").write_text("", encoding="utf-8")

    with pytest.raises(UsageError, match="git does not know your name") as caught:
        agents(repo)

    assert caught.value.exit_status == 2
    assert "git config --global user.name" in caught.value.hint
    assert agents(repo, "ann/cli/wt").agent == "ann/cli/wt"


# --- names that are taken


def test_servers_of_one_name_get_numbers_and_are_told(agents: Agents, repo: Path) -> None:
    servers = [agents(repo, "ann/claude/wt", serve=True) for _ in range(3)]

    assert [one.agent for one in servers] == ["ann/claude/wt", "ann/claude/wt-2", "ann/claude/wt-3"]
    assert [take_notices(one) for one in servers] == [
        [],
        *(
            [
                {
                    "notice": "name_changed",
                    "message": f"ann/claude/wt is at work in another session; here you are ann/claude/wt-{num}.",
                    "agent": f"ann/claude/wt-{num}",
                }
            ]
            for num in (2, 3)
        ),
    ]


@pytest.mark.parametrize("session", ["", "one-of-a-tool"])
def test_servers_that_start_at_the_same_moment_get_different_names_and_sessions(
    ann: Workspace, repo: Path, session: str
) -> None:
    env = {
        **ann.repository.env,
        "GITCOORD_AGENT": "bob/claude/wt",
        "GITCOORD_SESSION": session,
        "PYTHONPATH": str(ROOT),
    }
    servers = [
        fork_server.start([sys.executable, "-c", SERVE, str(repo)], env=env, stdin=PIPE, stdout=PIPE, encoding="utf-8")
        for _ in range(SERVERS)
    ]
    pipes = [(one.stdin, one.stdout) for one in servers if one.stdin and one.stdout]
    ready = [said.readline() for _, said in pipes]
    for told, _ in pipes:
        told.write("now\n")
        told.flush()

    names, sessions = zip(*(said.readline().split() for _, said in pipes), strict=True)
    for one in servers:
        one.communicate(timeout=60)

    assert ready == ["ready\n"] * SERVERS
    assert {*names} == {"bob/claude/wt", *(f"bob/claude/wt-{num}" for num in range(2, SERVERS + 1))}
    assert len(set(sessions)) == SERVERS


def test_a_second_server_of_one_session_has_a_name_of_its_own(agents: Agents, repo: Path) -> None:
    names = [agents(repo, "a/b/c", serve=True, session="s1").agent for _ in range(2)]

    assert names == ["a/b/c", "a/b/c-2"]


def test_a_name_that_is_live_in_another_clone_gets_a_number(agents: Agents, shared: Shared) -> None:
    agents(shared.one, "root/claude/app", serve=True)

    assert agents(shared.two, "root/claude/app", serve=True).agent == "root/claude/app-2"


@pytest.mark.parametrize("end", ["close", "crash"])
def test_a_name_is_free_again_when_its_session_is_over(agents: Agents, repo: Path, end: str) -> None:
    first = agents(repo, "ann/claude/wt", serve=True)
    first.close() if end == "close" else crash(first)

    assert agents(repo, "ann/claude/wt", serve=True).agent == "ann/claude/wt"


def test_a_name_of_a_clone_that_ended_in_order_is_free_there_too(agents: Agents, shared: Shared) -> None:
    agents(shared.one, "root/claude/app", serve=True).close()

    assert agents(shared.two, "root/claude/app", serve=True).agent == "root/claude/app"


def test_two_agents_of_one_name_do_not_take_each_other_s_steps(agents: Agents, repo: Path) -> None:
    first, second = (agents(repo, "ann/claude/wt", serve=True) for _ in range(2))
    project(first, (), ())

    nums = [seen(claim_step(one))["step"]["step_num"] for one in (first, second)]

    assert nums == [1, 2]


def test_sub_agents_are_listed_as_soon_as_they_act(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/claude/wt", serve=True)
    project(ann)
    claim_step(ann, agent_id="tests")

    result: Result = status(ann)

    assert [(row["agent"], row["on"]) for row in result["agents"]] == [
        ("ann/claude/wt", []),
        ("ann/claude/wt/tests", ["app/1"]),
    ]


# --- sessions


def test_the_session_of_a_command_line_follows_from_the_agent(agents: Agents, repo: Path) -> None:
    first, again, other = agents(repo, "a/b/c"), agents(repo, "a/b/c"), agents(repo, "a/b/d")

    assert first.session_id == again.session_id
    assert first.session_id != other.session_id
    assert first.session_id.startswith("cli-")


def test_a_server_draws_a_session_of_its_own(agents: Agents, repo: Path) -> None:
    one, two = (agents(repo, "a/b/c", serve=True) for _ in range(2))

    assert len({one.session_id, two.session_id}) == 2


def test_the_tool_s_own_id_wins_over_the_environment_s(agents: Agents, repo: Path) -> None:
    tool = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"

    assert agents(repo, serve=True, session=tool, GITCOORD_SESSION="pinned").session_id == tool
    assert agents(repo, serve=True, GITCOORD_SESSION="pinned").session_id == "pinned"
    assert agents(repo, GITCOORD_SESSION="Pinned-2").session_id == "pinned-2"


@pytest.mark.rule("NAME-1", "SEC-1")
@pytest.mark.parametrize("given", ["../../etc/x", "a b", "a/b", "x" * 300, "a\nb", "ü", "-x", ".", "a.lock", "\udcff"])
def test_a_session_id_that_cannot_be_a_file_is_hashed(agents: Agents, repo: Path, given: str) -> None:
    session = agents(repo, serve=True, session=given).session_id

    assert session == hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    assert (repo / ".git" / "gitcoord" / "sessions" / f"{session}.json").is_file()


def test_a_second_server_of_one_session_is_one_more_identity(agents: Agents, repo: Path) -> None:
    first, second = (agents(repo, "a/b/c", serve=True, session="s1") for _ in range(2))

    assert (first.session_id, second.session_id) == ("s1", "s1-2")


def test_an_alias_of_a_session_is_the_same_session(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/codex/wt", serve=True, session="s1")
    project(ann)
    claim_step(ann)
    ann.add_alias("thread-7")

    assert ann.setting.sessions.state("thread-7").locked is True


def test_closing_for_good_leaves_no_grace(agents: Agents, repo: Path) -> None:
    bob, ann = agents(repo, "bob/claude/wt", serve=True), agents(repo, "ann/cli/wt")
    project(ann)
    claim_step(bob)
    bob.close(final=True)

    assert claim_step(later(ann, seconds=1))["recovered"] is True


def test_closing_twice_is_closing_once(agents: Agents, repo: Path) -> None:
    bob = agents(repo, "bob/claude/wt", serve=True)

    bob.close()
    bob.close(final=True)

    assert bob.session is None


def test_a_session_is_resumed_on_the_same_session_id_without_asking(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    first = agents(repo, "bob/claude/wt", serve=True, session="s1")
    claim_step(first)
    first.close()

    second = agents(repo, "bob/claude/wt", serve=True, session="s1")
    done: Result = complete_step(second, step_id="app/1", commit_hash="HEAD")

    assert done["step"]["status"] == "completed"


def test_an_agent_is_told_that_others_do_not_see_it_where_nobody_decided_that(
    agents: Agents, shared: Shared, git: Git
) -> None:
    said: list[list[str]] = []
    for setting in (["--unset", "gitcoord.remote"], ["gitcoord.remote", "."]):
        git(shared.one, "config", *setting)
        ann = agents(shared.one, "ann/claude/wt", serve=True)
        said.append([str(one["notice"]) for one in take_notices(ann)])
        ann.close()

    assert said == [["only_this_clone"], []]


def test_who_ends_while_others_of_the_clone_go_on_takes_no_push_from_a_budget_that_is_spent(
    agents: Agents, shared: Shared, git: Git
) -> None:
    git(shared.one, "config", "gitcoord.pushesPerMinute", "6")
    first, second, last = (
        agents(shared.one, f"ann/claude/wt-{number}", session=f"s-{number}", serve=True) for number in range(3)
    )
    found: list[str] = []
    for ends, spent in ((first, 0), (second, 6), (last, 6)):
        first.setting.push_budget.note(spent)
        ends.close()
        found.append(git(shared.remote, "for-each-ref", "--format=%(objectname)", "refs/coord/heartbeats"))

    assert found[0] == found[1]
    assert found[2] != found[1]
