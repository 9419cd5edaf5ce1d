"""An agent's sandbox: what is here is read, all else ends at once and names the tool to call; nothing is a bug.

Every command, hook and tool together take some minutes (`make torture`); here a few of each.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWorktree, Git, MakeRepo
from tests.faces.sandboxes import Said, Sandbox, sandboxed
from tests.hostile.callers import HELLO, call, lines
from tests.reference.command_pages import commands
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest

WHOLE, DISK, NETWORK = Sandbox(), Sandbox(network=False), Sandbox(disk=False)
RIGHTS = Sandbox(disk=False, rights=True)
PLAN = """\
name: app
steps:
  - {step_num: 1, title: Data model, branch: feat/model, paths: [/model.py]}
  - {step_num: 2, title: Endpoints, branch: feat/api}
"""
MORE = "steps:\n  - {step_num: 3, title: Manual}\n"
SECOND = PLAN.replace("name: app", "name: two")
RULES = "modules:\n  text:\n    paths: [/docs/]\n    owners: [ann]\n"
# What a command is called with, by what it comes to where all was read before and nothing can be asked now.
READS = {
    "agents list": "",
    "agents show": "bob/cli/repo",
    "agents stale": "",
    "claim check": "/free.py",
    "claim list": "",
    "dashboard": "--export page.html",
    "hotspots": "",
    "log": "",
    "metrics": "",
    "metrics auto-resolutions": "",
    "metrics hotspots": "",
    "owners show": "",
    "policy show": "",
    "predict": "",
    "project list": "",
    "project show": "app",
    "queue list": "",
    "request list": "",
    "status": "",
    "step available": "",
    "step list": "",
    "step show": "app/1",
    "step stale": "",
}
CALLS = {  # those that a tool does as well
    "claim add": "/free.py --wait 300",
    "claim extend": "c-00000000",
    "claim release": "",
    "project abort": "app --reason x",
    "project add": "app more.yaml",
    "project create": "plan2.yaml",
    "queue cancel": "q-00000000",
    "request answer": "r-00000000 denied",
    "request file": "{bobs} --reason x",
    "request wait": "r-00000000",
    "step claim": "",
    "step complete": "app/1 HEAD",
    "step fail": "app/1 --reason x",
    "step heartbeat": "app/1",
    "step recover": "app/1 --force",
    "step skip": "app/2 --reason x",
    "step start": "app/1",
    "step update": "app/2 --title x",
}
OTHERS = {
    "audit": "",
    "config set": "beatSeconds 60",
    "gc": "",
    "init": "--yes --tool none",
    "land": "",
    "owners edit": "",
    "owners import": "owners.yaml",
    "policy set": "auto_recover false",
    "project delete": "app --yes",
    "promote": "README.md",
    "relay": "--url http://127.0.0.1:9/ --secret-env HOME --once",
    "relay pull-requests": "--repo ann/shop --format github --secret-env HOME --once",
    "relay purge": "--name x --yes",
    "relay retry": "--name x",
    "relay stats": "",
    "relay tail": "",
    "sync": "",
    "uninstall": "--yes",
    "verify": "--base HEAD",
    "watch": "--plain --once",
}
ELSEWHERE = {  # no ledger is read, or a file of another tool; or a test of its own
    "config check", "config get", "config list", "demo", "doctor", "hook", "import coord", "import hq", "mcp",
    "owners check", "schema", "upgrade", "worktree in-use",
}  # fmt: skip


def made(folder: Path, words: str, agent: str = "ann/cli/repo") -> Said:
    done = sandboxed(Sandbox(disk=False, network=False), folder, *words.split(), GITCOORD_AGENT=agent)
    assert done.status == 0, done.out + done.err
    return done


@pytest.fixture
def repo(servers: Servers, make_repo: MakeRepo, git: Git) -> Path:
    """A clone of a server that has read what ann and bob hold there."""
    remote, repo = servers.remote("http"), make_repo()
    git(repo, "remote", "add", "origin", remote.url)
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "config", "gitcoord.remote", "origin")
    made(repo, "claim add /src/", "bob/cli/repo")
    return repo


def place_gone(repo: Path) -> None:
    shutil.rmtree(repo / ".git" / "gitcoord" / "places")


def never_used(repo: Path) -> None:
    shutil.rmtree(repo / ".git" / "gitcoord")


def nothing(_: Path) -> None: ...


def test_in_a_sandbox_what_is_here_is_read_and_a_claim_names_the_tool_to_call(repo: Path) -> None:
    read, claimed = (
        sandboxed(WHOLE, repo, *words, "--json") for words in (("claim", "list"), ("claim", "add", "/free.py"))
    )
    place_gone(repo)
    unread, refused = (sandboxed(WHOLE, repo, *words) for words in (("step", "available"), ("claim", "add", "/f.py")))
    away = sandboxed(NETWORK, repo, "claim", "add", "/free.py", "--wait", "300")

    assert (read.status, read.json["fresh"], read.json["count"]) == (0, False, 1)
    assert (claimed.status, claimed.json["error"]["code"]) == (5, "storage")
    assert "call the tool claim_files of" in claimed.json["error"]["hint"]
    assert (unread.status, refused.status, away.status) == (5, 5, 5)
    assert "may not write the git folder and has no network" in unread.err
    assert "call the tool get_available_steps of" in unread.err
    assert "call the tool claim_files of" in refused.err
    assert "has no network. In an agent's sandbox, call the tool claim_files of" in away.err


def test_in_a_sandbox_doctor_says_to_leave_it_and_not_to_make_the_folder_writable(repo: Path) -> None:
    said = sandboxed(WHOLE, repo, "doctor", "--json").json["checks"]

    hints = {check["id"]: check["hint"] for check in said if check["status"] == "fail"}
    assert set(hints) == {"store", "remote"}
    assert {
        hint.partition(". In an agent's sandbox, have this command run outside of it;")[0] for hint in hints.values()
    } == {"Here gitcoord may not write the git folder", "Here gitcoord may not write the git folder and has no network"}


def test_in_a_sandbox_the_edit_hook_stops_what_is_held_and_lets_the_rest_pass(
    make_repo: MakeRepo, add_worktree: AddWorktree
) -> None:
    repo = make_repo()
    two = add_worktree(repo, "two")
    made(repo, "claim add /held.py", "bob/cli/repo")

    held, free = (sandboxed(WHOLE, two, "hook", "edit", given=edit(path)) for path in ("held.py", "free.py"))

    assert (held.status, held.json["hookSpecificOutput"]["permissionDecision"]) == (0, "deny")
    assert "bob/cli/repo" in held.out
    assert free.status == 0
    assert (
        "could not claim this file by itself (Read-only file system): call the tool claim_files."
        in free.json["hookSpecificOutput"]["additionalContext"]
    )


def edit(path: str) -> str:
    event = {"hook_event_name": "PreToolUse", "session_id": "s-1", "tool_name": "Write"}
    return json.dumps({**event, "tool_input": {"file_path": path, "content": "x"}})


def test_a_server_in_a_sandbox_answers_and_says_how_it_is_to_be_started(repo: Path) -> None:
    given = lines(*HELLO, call(2, "claim_files", patterns=["/free.py"]), call(3, "get_project", name="app"))

    said = sandboxed(WHOLE, repo, "mcp", given=given)

    answers = {row["id"]: row["result"] for row in map(json.loads, said.out.splitlines())}
    texts = [answers[number]["content"][0]["text"] for number in (2, 3)]
    assert said.status == 0
    assert answers[1]["serverInfo"]["name"] == "gitcoord"
    for text in texts:
        assert text.startswith("[storage] ")
        assert "ask a person to let your tool start `gitcoord mcp` outside of it" in text
    assert said.err == ""


State = Callable[[Path], None]
STATES = pytest.mark.parametrize("state", [nothing, place_gone, never_used])


def said_of(name: str, words: str, sandbox: Sandbox, repo: Path) -> Said:
    as_json = () if name in {"relay", "relay pull-requests", "watch", "dashboard"} else ("--json",)
    return sandboxed(sandbox, repo, *name.split(), *words.split(), *as_json)


def faults(name: str, said: Said, sandbox: Sandbox, *, is_known: bool) -> list[str]:
    """Return what must not be; `is_known`: what the server has was read here before."""
    text = said.out + said.err
    found = ["a traceback"] if "Traceback" in text else []
    if said.status not in {0, 1, 2, 5}:
        found.append("a bug")
    if not sandbox.network:
        return found  # what is asked of the server may be no mistake of the sandbox's
    if name in READS and is_known:
        is_old = '"fresh":false' in text or "The remote did not answer" in text
        is_verdict = name == "claim check"  # what was free a moment ago is no yes
        return [*found, *(["no answer from here"] if not is_old or said.status != 5 * is_verdict else [])]
    instead = "call the tool" if name in CALLS else "In an agent's sandbox, "
    if said.status != 5 or instead not in text:
        found.append("no word of what to do")
    return found


@pytest.mark.torture
@STATES
@pytest.mark.parametrize("sandbox", [WHOLE, DISK, RIGHTS], ids=["whole", "disk", "rights"])
def test_no_command_in_a_sandbox_waits_or_is_a_bug(sandbox: Sandbox, state: State, repo: Path) -> None:
    """By what is here of the server, and by what is taken away."""
    for name, text in (("plan.yaml", PLAN), ("more.yaml", MORE), ("plan2.yaml", SECOND), ("owners.yaml", RULES)):
        (repo / name).write_text(text, encoding="utf-8")
    made(repo, "project create plan.yaml")
    made(repo, "step claim 1")
    bobs = next(row["id"] for row in made(repo, "claim list --json").json["claims"] if row["agent"] == "bob/cli/repo")
    state(repo)
    if sandbox.rights:
        close(repo / ".git")
    every = {command.words for group in commands().values() for command in group}

    found = {
        name: (wrong, said)
        for name, words in (READS | CALLS | OTHERS).items()
        for said in (said_of(name, words.format(bobs=bobs), sandbox, repo),)
        if (wrong := faults(name, said, sandbox, is_known=state is nothing))
    }

    assert found == {}
    assert every == {*READS, *CALLS, *OTHERS, *ELSEWHERE}


def close(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)


@pytest.mark.torture
@STATES
@pytest.mark.parametrize("sandbox", [WHOLE, DISK, NETWORK], ids=["whole", "disk", "network"])
def test_no_hook_stops_git_because_of_a_sandbox(sandbox: Sandbox, state: State, repo: Path, git: Git) -> None:
    head, zero = git(repo, "rev-parse", "HEAD"), "0" * 40
    (repo / "message.txt").write_text("text\n", encoding="utf-8")
    state(repo)
    hooks = {
        f"pre-push origin {git(repo, 'remote', 'get-url', 'origin')}": f"refs/heads/x {head} refs/heads/x {zero}\n",
        "pre-commit": "",
        "prepare-commit-msg message.txt": "",
        f"post-checkout {head} {head} 1": "",
        "post-merge 0": "",
        "edit": edit("free.py"),
    }

    for words, given in hooks.items():
        said = sandboxed(sandbox, repo, "hook", *words.split(), given=given)
        assert (said.status, "Traceback" in said.err) == (0, False), words
    if sandbox.disk:
        assert sandboxed(sandbox, repo, "hook", "sync").status == 5
