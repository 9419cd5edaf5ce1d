"""A disk that is full is said as that: an exit status of its own, what cannot be written, and to make room.

What a power cut or a full disk took from the copy of a remote's ledgers is brought again.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.contract.store.damage import emptied
from tests.faces.cli.conftest import PROGRAM_TIMEOUT_S, ROOT, Done, Run
from tests.servers.fixtures import Servers


def on_a_full_disk(repo: Path, *words: str) -> Done:
    """Run gitcoord where no file can grow, which is what a program sees of a full disk."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "gitcoord", *words],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PROGRAM_TIMEOUT_S,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_command_on_a_full_disk_does_nothing_and_says_to_make_room(run: Run, repo: Path) -> None:
    assert run("claim", "add", "src/a.py").status == 0

    refused = on_a_full_disk(repo, "claim", "add", "src/b.py")
    as_json = on_a_full_disk(repo, "claim", "add", "src/b.py", "--json")
    held = json.loads(run("claim", "list", "--json").out)["claims"]

    assert (refused.status, refused.out) == (5, "")
    assert refused.err.startswith("error: ")
    assert "cannot be written: File too large." in refused.err
    assert refused.err.endswith("\nhint: Make room on the disk.\n")
    error = json.loads(as_json.out)["error"]
    assert (as_json.status, error["code"], error["hint"]) == (5, "storage", "Make room on the disk.")
    assert [item["pattern"] for claim in held for item in claim["items"]] == ["src/a.py"]


def test_the_first_command_of_a_clone_on_a_full_disk_leaves_nothing_half_made(run: Run, repo: Path) -> None:
    refused = on_a_full_disk(repo, "claim", "add", "src/a.py")

    again = run("claim", "add", "src/a.py")

    assert (refused.status, "hint: Make room on the disk" in refused.err) == (5, True)
    assert again.status == 0


def test_what_only_looks_answers_on_a_full_disk(run: Run, repo: Path) -> None:
    assert run("claim", "add", "src/a.py").status == 0

    found = on_a_full_disk(repo, "claim", "list")

    assert (found.status, "src/a.py" in found.out) == (0, True)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("damage", [emptied, Path.unlink])
def test_commands_go_on_whichever_pack_was_lost(
    lost: int, damage: Callable[[Path], None], repo: Path, git: Git, run: Run, servers: Servers
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote("http").url)
    folder = repo / ".git" / "gitcoord" / "store.git" / "objects" / "pack"
    packs: list[set[Path]] = [set()]
    for path in ("zero.py", "one.py", "two.py"):
        assert run("claim", "add", path).status == 0
        packs.append({*folder.glob("*.pack")})
    for pack in packs[2 + lost] - packs[1 + lost]:
        damage(pack)

    listed = run("claim", "list", "--all")
    added = run("claim", "add", "three.py")
    looked = run("doctor")

    assert listed.status == 0, listed.err
    assert all(path in listed.out for path in ("zero.py", "one.py", "two.py"))
    assert added.status == 0, added.err
    assert "could not be checked" not in looked.out
    assert "three.py" in run("claim", "list", "--all").out


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", ["path-hook", "daemon"])
@pytest.mark.parametrize("damage", [emptied, Path.unlink])
def test_commands_go_on_whatever_was_lost_of_what_git_fetched(
    kind: str, damage: Callable[[Path], None], repo: Path, git: Git, run: Run, servers: Servers
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote(kind).url)
    store = repo / ".git" / "gitcoord" / "store.git"
    for path in ("zero.py", "one.py"):
        assert run("claim", "add", path).status == 0
    lost = [path for path in (store / "objects").rglob("*") if path.is_file()]
    for path in lost:
        damage(path)

    listed = run("claim", "list", "--all")
    added = run("claim", "add", "two.py")

    assert lost
    assert listed.status == 0, listed.err
    assert added.status == 0, added.err
    assert all(path in run("claim", "list", "--all").out for path in ("zero.py", "one.py", "two.py"))
    aside = {path.name.partition(".")[0] for path in (store / "damaged").glob("*")}
    assert aside == (set() if damage is Path.unlink else {path.parent.name + path.name for path in lost})


def _tip(repo: Path, git: Git, ref: str) -> str:
    store = repo / ".git" / "gitcoord" / "store.git"
    return git(store, "ls-remote", git(repo, "config", "gitcoord.remote").strip(), ref).split()[0]


def _zeroed_policy(repo: Path, git: Git) -> None:
    store = repo / ".git" / "gitcoord" / "store.git"
    _zeroed(repo, git, git(store, "rev-parse", f"{_tip(repo, git, 'refs/coord/config')}:policy.json").strip())


def _zeroed(repo: Path, git: Git, blob: str) -> None:
    """Zero what packs have of a blob."""
    store = repo / ".git" / "gitcoord" / "store.git"
    for pack in (store / "objects" / "pack").glob("*.pack"):
        for line in git(store, "verify-pack", "-v", str(pack.with_suffix(".idx"))).splitlines():
            if line.startswith(blob):
                size, begin = map(int, line.split()[3:5])
                data = pack.read_bytes()
                pack.unlink()  # not in place: libgit2 may have mapped it
                pack.write_bytes(data[: begin + 2] + bytes(size - 2) + data[begin + size :])


@pytest.mark.rule("SAFE-6")
def test_a_damaged_copy_of_the_teams_rules_is_brought_again_though_older_ones_are_whole(
    repo: Path, git: Git, run: Run, servers: Servers
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote("http").url)
    for minutes in ("33", "44"):
        assert run("policy", "set", "idle_minutes", minutes).status == 0
    _zeroed_policy(repo, git)

    shown = json.loads(run("policy", "show", "--json").out)

    assert shown["policy"]["idle_minutes"] == 44


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", ["http", "daemon"])
def test_a_damaged_copy_of_what_was_carried_out_is_brought_again(
    kind: str, repo: Path, git: Git, run: Run, servers: Servers
) -> None:
    """Which command of which clone was the last one, which a write reads once it has read the ledger."""
    git(repo, "config", "gitcoord.remote", servers.remote(kind).url)
    for path in ("zero.py", "one.py"):
        assert run("claim", "add", path).status == 0
    store = repo / ".git" / "gitcoord" / "store.git"
    git(store, "repack", "-a", "-d", "--keep-unreachable", "--quiet")
    (line,) = git(store, "ls-tree", "-r", _tip(repo, git, "refs/coord/claims"), "applied").splitlines()
    _zeroed(repo, git, line.split()[2])

    added = run("claim", "add", "two.py")

    assert added.status == 0, added.err
    assert all(path in run("claim", "list", "--all").out for path in ("zero.py", "one.py", "two.py"))


@pytest.mark.rule("SAFE-6")
def test_what_is_whole_of_a_damaged_copy_answers_while_the_remote_is_away(
    repo: Path, git: Git, run: Run, tmp_path: Path
) -> None:
    servers = Servers(tmp_path / "servers")
    git(repo, "config", "gitcoord.remote", servers.remote("http").url)
    assert run("claim", "add", "zero.py").status == 0
    assert run("policy", "set", "idle_minutes", "33").status == 0
    for path in (repo / ".git" / "gitcoord" / "store.git" / "objects" / "pack").iterdir():
        path.unlink()
    assert run("claim", "list").status == 0
    _zeroed_policy(repo, git)
    servers.stop()

    answers = [run(*words) for words in (("claim", "list"), ("status",), ("claim", "list"))]

    assert [answer.status for answer in answers] == [0, 0, 0], answers
    assert all("The remote did not answer" in answer.err for answer in answers)
    assert "zero.py" in answers[2].out
