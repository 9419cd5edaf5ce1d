"""The pre-push hook, run by real pushes, when something is not as it should be."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.service.claims.claims import claim_files, list_claims, release_claims
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.overview import status
from tests.conftest import Clone, Git
from tests.faces.hooks.pushers import GIT_S, claimed, commit, run
from tests.faces.mcp.process import ROOT, environment
from tests.unit.service.hub import CLAIMS
from tests.unit.service.world import Agents, Shared, project, seen, write_ref


@pytest.mark.rule("HOOK-9")
def test_a_remote_that_is_gone_leaves_what_was_known_with_its_age(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    git(team.one, "branch", "first")
    commit(team.one, "src/b.py")
    assert run(team.one, "push", "origin", "main").status == 0
    commit(team.one, "src/a.py")
    elsewhere = team.remote.with_name("elsewhere.git")
    git(team.remote.parent, "clone", "--quiet", "--bare", str(team.remote), str(elsewhere))
    team.remote.rename(team.remote.with_name("gone.git"))

    done = run(team.one, "push", str(elsewhere), "main")

    assert done.status == 1
    assert "'bob/cli/two'" in done.said
    assert "the claims are as of " in done.said


@pytest.mark.rule("SAFE-7")
def test_what_was_known_of_a_remote_that_is_gone_has_what_was_claimed_here_since(
    team: Shared, agents: Agents, git: Git
) -> None:
    hook = team.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\ncat > /dev/null\n", "utf-8")
    hook.chmod(0o755)
    bob, ann = agents(team.two, "bob/cli/two"), agents(team.one, "ann/cli/one")
    claimed(bob, "src/a.py")
    git(team.one, "branch", "first")
    commit(team.one, "src/b.py")
    assert run(team.one, "push", "origin", "main").status == 0
    release_claims(bob)
    claimed(ann, "src/a.py")
    commit(team.one, "src/a.py")
    elsewhere = team.remote.with_name("elsewhere.git")
    git(team.remote.parent, "clone", "--quiet", "--bare", str(team.remote), str(elsewhere))
    team.remote.rename(team.remote.with_name("gone.git"))

    done = run(team.one, "push", str(elsewhere), "main")

    assert (done.status, "bob/cli/two" in done.said) == (0, False), done.said
    assert "the claims are as of " in done.said


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize(
    ("loss", "word"),
    [(("update-ref", CLAIMS, f"{CLAIMS}~1"), "went back"), (("update-ref", "-d", CLAIMS), "is gone")],
    ids=["back", "gone"],
)
@pytest.mark.parametrize("is_pushed_to", [True, False], ids=["file", "path"])
def test_claims_that_went_back_let_no_change_pass_that_they_held(
    team: Shared, agents: Agents, git: Git, loss: tuple[str, ...], word: str, is_pushed_to: bool
) -> None:
    for folder in (team.one, team.two) if is_pushed_to else ():
        git(folder, "config", "gitcoord.remote", f"file://{team.remote}")
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    claimed(ann, "src/b.py")
    claimed(bob, "src/a.py")
    commit(team.one, "src/c.py")
    assert run(team.one, "push", "origin", "main").status == 0
    status(ann)
    git(team.remote, *loss)
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1, done.said
    assert "'bob/cli/two'" in done.said
    assert f"{CLAIMS} {word}: this clone saw it at sequence number" in done.said


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("since", [0, 1, 2], ids=["by itself", "and another history is as long", "and longer"])
@pytest.mark.parametrize("is_pushed_to", [True, False], ids=["file", "path"])
def test_claims_that_only_a_command_saw_let_no_change_pass_where_the_remote_lost_them(
    team: Shared, agents: Agents, clone: Clone, git: Git, since: int, *, is_pushed_to: bool
) -> None:
    third = clone(team.remote, "three")
    for folder in (team.one, team.two, third):
        git(folder, "config", "gitcoord.remote", f"file://{team.remote}" if is_pushed_to else str(team.remote))
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    claimed(bob, "src/b.py")
    claimed(bob, "src/a.py")
    status(ann)
    git(team.remote, "update-ref", CLAIMS, f"{CLAIMS}~1")
    eve = agents(third, "eve/cli/three")
    for name in ("src/d.py", "src/e.py")[:since]:
        claimed(eve, name)
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1, done.said
    assert "'bob/cli/two'" in done.said
    assert f"{CLAIMS} went back: this clone saw it at sequence number 2" in done.said


@pytest.mark.rule("SAFE-9", "HOOK-9")
@pytest.mark.parametrize("enforces", [False, True])
def test_where_nothing_that_was_seen_of_the_claims_can_be_read_enforce_stops_the_push(
    team: Shared, agents: Agents, *, enforces: bool
) -> None:
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    set_policy(bob, name="enforce", value=str(enforces).lower())
    claimed(bob, "src/b.py")
    backup = team.remote.with_name("backup.git")
    shutil.copytree(team.remote, backup)
    claimed(bob, "src/a.py")
    status(ann)
    shutil.rmtree(team.remote)
    backup.rename(team.remote)
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == int(enforces), done.said
    assert f"{CLAIMS} went back: this clone saw it at sequence number" in done.said
    assert ("it is stopped (policy enforce)" in done.said) is enforces


@pytest.mark.rule("SAFE-9")
def test_claims_that_go_on_from_what_was_seen_are_judged_as_they_are(team: Shared, agents: Agents) -> None:
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    claimed(ann, "src/b.py")
    claimed(bob, "src/a.py")
    status(ann)
    release_claims(bob)
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 0, done.said
    assert "went back" not in done.said


@pytest.mark.rule("SAFE-6", "HOOK-9")
@pytest.mark.parametrize(
    ("is_pushed_to", "is_ledger"), [(True, False), (False, False), (True, True)], ids=["file", "path", "a ledger"]
)
def test_rules_that_somebody_made_unreadable_still_stop_what_cannot_be_judged(
    team: Shared, agents: Agents, git: Git, *, is_pushed_to: bool, is_ledger: bool
) -> None:
    for folder in (team.one, team.two) if is_pushed_to else ():
        git(folder, "config", "gitcoord.remote", f"file://{team.remote}")
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    set_policy(bob, name="enforce", value="true")
    bad = claimed(bob, "src/a.py")
    status(ann)
    if is_ledger:
        git(team.remote, "update-ref", "refs/coord/config", CLAIMS)
    else:
        put(team.remote, "policy.json/a.json", b"{}", ref="refs/coord/config", replaces="policy.json")
    put(team.remote, "meta.json", b'{"schema": 99, "seq": 9}', ref=CLAIMS)
    commit(team.one, "src/a.py")

    for _ in range(2):  # the first push leaves nothing that the second would go by
        done = run(team.one, "push", "origin", "main")

        assert done.status == 1, (bad["id"], done.said)
        assert "it is stopped (policy enforce)" in done.said


@pytest.mark.rule("HOOK-9")
def test_what_breaks_is_one_loud_line_and_the_push_passes(team: Shared, agents: Agents, git: Git) -> None:
    agents(team.one, "ann/cli/one")
    git(team.one, "config", "gitcoord.remote", "no-such-remote")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 0
    assert [line for line in done.ours if "NOTHING WAS CHECKED (pre-push), it goes through" in line] == done.ours


@pytest.mark.rule("HOOK-9")
def test_a_program_that_cannot_be_loaded_is_one_loud_line_too(team: Shared, agents: Agents, tmp_path: Path) -> None:
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "subprocess.py").write_text("raise ImportError('half of it is installed')\n", "utf-8")

    done = run(team.one, "push", "origin", "main", PYTHONPATH=os.pathsep.join((str(broken), str(ROOT))))

    assert done.status == 0, done.said
    assert "NOTHING WAS CHECKED (pre-push), it goes through: ImportError: half of it is installed" in done.said
    assert "Traceback" not in done.said


@pytest.mark.rule("HOOK-9")
@pytest.mark.parametrize("before", ["a command", "a push"])
def test_a_team_that_wants_it_is_stopped_by_what_breaks(team: Shared, agents: Agents, git: Git, before: str) -> None:
    """Without a server as well: whatever of this clone read the policy last has noted it."""
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    set_policy(bob, name="enforce", value="true")
    if before == "a command":
        claim_files(ann, patterns=["src/z.py"])
    else:
        commit(team.one, "src/b.py")
        assert run(team.one, "push", "origin", "main").status == 0
    git(team.one, "config", "gitcoord.remote", "no-such-remote")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "it is stopped (policy enforce)" in done.said


@pytest.mark.rule("HOOK-9")
def test_a_clone_that_never_used_gitcoord_is_left_alone(team: Shared, agents: Agents) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert (done.status, done.ours) == (0, [])
    assert not (team.one / ".git" / "gitcoord").exists()


@pytest.mark.rule("HOOK-9")
def test_a_remote_that_never_answers_is_not_waited_for(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git(team.one, "config", "gitcoord.remote", f"git://127.0.0.1:{silent.getsockname()[1]}/repo")

        done = run(team.one, "push", "origin", "main")

    assert done.status == 0
    assert "NOTHING WAS CHECKED (pre-push), it goes through" in done.said
    assert "did not answer within 3 s; and this clone has no earlier copy" in done.said
    assert done.said.splitlines()[0].endswith(" [unreachable]")


@pytest.mark.rule("HOOK-9")
def test_what_a_killed_fetch_left_is_in_no_later_ones_way(team: Shared, agents: Agents) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/c.py")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/b.py")
    assert run(team.one, "push", "origin", "main").status == 0
    claimed(bob, "src/a.py")
    own = next((team.one / ".git" / "gitcoord" / "store.git" / "refs" / "pushing").iterdir())
    (own / "claims.lock").write_text("", "utf-8")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "the claims are as of" not in done.said


@pytest.mark.rule("HOOK-9")
def test_a_claim_that_is_damaged_is_told_and_the_others_count(team: Shared, agents: Agents, git: Git) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/a.py")
    bad = claimed(bob, "src/b.py")
    agents(team.one, "ann/cli/one")
    put(team.remote, f"claims/{bad['id'][2]}/{bad['id'][3]}/{bad['id']}.json", b'{"id": 7, "pattern": "src/b.py"}')
    commit(team.one, "src/a.py", "src/b.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "'src/a.py' is claimed by 'bob/cli/two'" in done.said
    assert "documents of the claims that cannot be read, and do not count: 1." in done.said


@pytest.mark.rule("HOOK-6", "CLAIM-22")
def test_a_claim_of_a_step_that_went_on_stops_nobody(team: Shared, agents: Agents) -> None:
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    project(ann, paths=["src/a.py"])
    claim_step(bob, project="app")
    commit(team.one, "src/a.py")
    held = run(team.one, "push", "origin", "main")
    path = next(path for path in tree(team.remote, "refs/coord/steps/app") if path.startswith("steps/"))
    step = json.loads(blob(team.remote, f"refs/coord/steps/app:{path}"))
    ended = {**step, "status": "not_started"}
    put(team.remote, path, json.dumps(ended).encode(), ref="refs/coord/steps/app")

    free = run(team.one, "push", "origin", "main")

    assert (held.status, free.status) == (1, 0), free.said


def tree(repo: Path, ref: str) -> list[str]:
    return run(repo, "ls-tree", "-r", "--name-only", ref).said.split()


def blob(repo: Path, name: str) -> str:
    return run(repo, "cat-file", "blob", name).said


def put(repo: Path, path: str, data: bytes, ref: str = "refs/coord/claims", replaces: str = "") -> None:
    """Write a file into a ledger, as no writer of ours does."""
    index = {"GIT_INDEX_FILE": str(repo / "a-index")}
    file = repo / "a-file"
    file.write_bytes(data)
    made = run(repo, "hash-object", "-w", str(file)).said.strip()
    run(repo, "read-tree", ref, **index)
    run(repo, "update-index", "--force-remove", "--", replaces or path, **index)
    run(repo, "update-index", "--add", "--cacheinfo", f"100644,{made},{path}", **index)
    whole = run(repo, "write-tree", **index).said.strip()
    new = run(repo, "commit-tree", "-p", ref, "-m", "by hand", whole).said.strip()
    assert run(repo, "update-ref", ref, new).status == 0


@pytest.mark.rule("HOOK-9")
@pytest.mark.parametrize("enforce", ["true", "false"])
def test_fences_that_cannot_be_read_stop_a_team_that_wants_it(
    team: Shared, agents: Agents, git: Git, enforce: str
) -> None:
    ann = agents(team.one, "ann/cli/one")
    project(ann)
    claim_step(ann, project="app")
    set_policy(ann, name="enforce", value=enforce)
    write_ref(team.remote, "refs/coord/steps/app", {"project.json": "no document", "steps/0/1.json": "{}"})
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    commit(team.one, "src/c.py", message="work\n\nCoord-Step: app/1\nCoord-Fence: 1\nCoord-Agent: ann/cli/one")

    done = run(team.one, "push", "origin", "feat/1")

    assert done.status == (1 if enforce == "true" else 0), done.said


@pytest.mark.rule("HOOK-9")
def test_a_process_that_cannot_be_started_once_a_push_was_checked_stops_nothing(
    team: Shared, agents: Agents, git: Git, tmp_path: Path
) -> None:
    ann = agents(team.one, "ann/cli/one")
    claimed(ann, "src/a.py")
    set_policy(ann, name="enforce", value="true")
    git(team.one, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/a")
    commit(team.one, "src/a.py")
    full = "import os\ndef fork():\n    raise BlockingIOError(11, 'full')\nos.fork = fork\n"
    (tmp_path / "sitecustomize.py").write_text(full)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])

    done = run(team.one, "push", "origin", "feat/a", GITCOORD_AGENT="ann/cli/one", PYTHONPATH=path)

    assert (done.status, done.ours) == (0, [])
    assert [row["branch"] for row in seen(list_claims(ann))["claims"]] == ["main"]  # the fault was there


@pytest.mark.rule("HOOK-9", "HOOK-7")
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", ">&- 2>&-"])
def test_a_push_is_judged_where_no_one_can_read_what_the_hook_says(
    team: Shared, agents: Agents, git: Git, closed: str
) -> None:
    agents(team.one, "ann/cli/one")
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    head, old = git(team.one, "rev-parse", "HEAD"), "0" * 40
    tip = git(team.remote, "rev-parse", CLAIMS)
    hook = f'"{sys.executable}" -P -m gitcoord hook pre-push origin "$0" {closed}'

    def status(line: str) -> int:
        words = ["sh", "-c", hook, str(team.remote)]
        given = {"cwd": team.one, "env": environment(), "input": line.encode(), "timeout": GIT_S}
        return subprocess.run(words, capture_output=True, check=False, **given).returncode

    passed = status(f"refs/heads/main {head} refs/heads/main {head}\n")
    refused = status(f"(delete) {old} {CLAIMS} {tip}\n")

    assert (passed, refused) == (0, 1)
