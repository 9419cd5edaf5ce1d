"""What users' mistakes look like to `doctor`: each is a sentence with what to do."""

import os
import subprocess
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.transports.memory import MemoryRemote, MemoryTransport
from gitcoord.runtime import examine_here
from gitcoord.service.doctor.check_run import Status
from gitcoord.service.doctor.remote import write
from gitcoord.service.doctor.site import SitePlace
from tests.conftest import AddWorktree, Clone, Git, MakeBare, MakeRepo
from tests.servers.fixtures import Servers
from tests.unit.doctor.conftest import Look

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def _program(folder: Path, name: str, text: str) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_this_machine_has_what_is_needed(look: Look, repo: Path) -> None:
    for name in ("git", "python", "grammars"):
        assert look(name, repo).status is Status.OK


@pytest.mark.parametrize(
    ("says", "text"),
    [
        ("echo git version 2.30.1", "git 2.30.1 is too old."),
        ("echo no idea", "git does not say which version it is: no idea."),
        ("exit 3", "git does not say which version it is: nothing."),
    ],
)
def test_a_git_that_is_too_old_or_none_is_named_everywhere(
    look: Look, repo: Path, tmp_path: Path, says: str, text: str
) -> None:
    env = _program(tmp_path / "bin", "git", says)

    for name in ("git", "repository"):
        found = look(name, repo, env=env)
        assert (Status.FAIL, text) == (found.status, found.text)
        assert "Install git 2.34 or newer" in found.hint


def test_without_git_all_that_needs_it_is_left_out(look: Look, repo: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}

    found = look("git", repo, env=env)

    assert (found.status, found.text) == (Status.FAIL, "git is not installed.")
    assert look("ledgers", repo, env=env).status is Status.SKIP


def test_outside_of_a_repository_the_machine_is_still_looked_at(look: Look, tmp_path: Path) -> None:
    found = look("repository", tmp_path)

    assert (found.status, "is not inside a git repository" in found.text) == (Status.FAIL, True)
    assert "git init" in found.hint
    assert look("git", tmp_path).status is Status.OK
    assert look("store", tmp_path).status is Status.SKIP


def test_a_bare_repository_says_where_to_go(look: Look, make_bare: MakeBare) -> None:
    found = look("repository", make_bare())

    assert (found.status, found.hint) == (Status.FAIL, "Run gitcoord in a clone or a worktree of it.")


def test_a_sha256_repository_can_coordinate_within_itself_and_not_through_one(
    look: Look, make_repo: MakeRepo, make_bare: MakeBare, git: Git
) -> None:
    repo, remote = make_repo("wide", object_format="sha256"), make_bare("wide.git", object_format="sha256")
    git(repo, "push", "--quiet", str(remote), "main")

    assert look("repository", repo).facts["object_format"] == "sha256"
    assert look("remote", repo).status is Status.OK
    git(repo, "config", "gitcoord.remote", str(remote))
    found = [look("remote", repo), look("write", repo)]

    assert Status.FAIL in [one.status for one in found]
    assert "sha1" in " ".join(f"{one.text} {one.hint}" for one in found)


def test_a_worktree_whose_folder_was_deleted_is_named(
    look: Look, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    gone = add_worktree(repo, "gone")
    for path in (gone / "README.md", gone / ".git"):
        path.unlink()
    gone.rmdir()

    found = look("worktrees", repo)

    assert (Status.WARN, [str(gone)]) == (found.status, found.facts["gone"])
    assert "git worktree prune" in found.hint


def test_a_worktree_that_its_repository_forgot_is_told(
    look: Look, repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    moved = add_worktree(repo, "before").rename(repo.parent / "after")
    git(repo, "worktree", "prune", "--expire=now")

    found = look("repository", moved)

    assert (found.status, "does not know any more" in found.text) == (Status.FAIL, True)
    assert "git worktree repair" in found.hint


def test_a_detached_head_and_a_branch_without_commits_are_named(
    look: Look, repo: Path, git: Git, tmp_path: Path
) -> None:
    assert look("head", repo).facts["branch"] == "main"
    git(repo, "checkout", "--quiet", "--detach")
    git(tmp_path, "init", "--quiet", "fresh")

    detached, fresh = look("head", repo), look("head", tmp_path / "fresh")

    assert (detached.status, detached.hint[detached.hint.index("git switch") :][:10]) == (Status.WARN, "git switch")
    assert (fresh.status, fresh.text) == (Status.WARN, "Branch main has no commit yet.")


def test_a_shallow_clone_and_a_submodule_are_told(look: Look, repo: Path, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repo}", "shallow")
    git(tmp_path, "init", "--quiet", "outer")
    git(tmp_path / "outer", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "inner")

    shallow, inner = look("repository", tmp_path / "shallow"), look("repository", tmp_path / "outer" / "inner")

    assert (shallow.status, shallow.hint) == (Status.WARN, "git fetch --unshallow")
    assert (inner.status, inner.facts["submodule"]) == (Status.OK, True)


@pytest.mark.rule("SAFE-10")
def test_a_name_that_is_set_for_several_worktrees_is_a_warning(look: Look, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.agent", "ann/cli/wt")
    alone = look("identity", repo)
    git(repo, "worktree", "add", "--quiet", "-b", "work", str(repo.parent / "linked"))
    of_all = look("identity", repo)
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", "--unset", "gitcoord.agent")
    git(repo, "config", "--worktree", "gitcoord.agent", "ann/cli/wt")

    of_one = look("identity", repo)

    assert (alone.status, of_all.status, of_one.status) == (Status.OK, Status.WARN, Status.OK)
    assert "--scope worktree" in of_all.hint


def test_what_would_break_worktrees_of_a_bare_repository_is_not_advised(
    look: Look, repo: Path, git: Git, tmp_path: Path
) -> None:
    bare, worktree = tmp_path / "bare.git", tmp_path / "linked"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "--quiet", "-b", "work", str(worktree))
    git(worktree, "config", "gitcoord.agent", "ann/cli/wt")

    found = look("identity", worktree)

    assert (found.status, found.hint) == (
        Status.WARN,
        "Set GITCOORD_AGENT=person/tool/worktree in the environment of each.",
    )


def test_nobody_works_here_without_a_name(look: Look, repo: Path, git: Git) -> None:
    assert look("identity", repo).facts["agent"] == "test-author/cli/repo"
    git(repo, "config", "user.name", " ")

    found = look("identity", repo)

    assert (found.status, "user.name" in found.hint) == (Status.FAIL, True)


def test_settings_that_mean_nothing_are_named(look: Look, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remot", "origin")
    git(repo, "config", "gitcoord.beatSeconds", "often")

    found = look("settings", repo)

    assert found.status is Status.WARN
    assert "gitcoord.remot is not a setting of gitcoord" in found.text
    assert "gitcoord.beatSeconds is 'often'" in found.text


def test_a_branch_that_is_named_like_the_place_of_the_refs_is_reported(look: Look, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.namespace", "refs/heads/agents/coord")
    assert look("settings", repo).status is Status.OK
    git(repo, "branch", "agents")

    found = look("settings", repo)

    assert (found.status, "refs/heads/agents is named like" in found.text) == (Status.FAIL, True)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/nowhere/at/all.git", "/nowhere/at/all.git"),
        ("https://127.0.0.1:9/x.git", "https://127.0.0.1:9/x.git"),
        ("nosuch", "'nosuch' is neither a remote of this repository nor a URL."),
    ],
)
def test_a_wrong_url_is_a_sentence_and_the_rest_goes_on(look: Look, repo: Path, git: Git, url: str, words: str) -> None:
    git(repo, "config", "gitcoord.remote", url)

    found = look("remote", repo)

    assert (found.status, words in found.text) == (Status.FAIL, True)
    assert found.hint
    assert look("ledgers", repo).status is Status.SKIP
    assert look("identity", repo).status is Status.OK


@pytest.mark.rule("SEC-2")
def test_a_proxy_in_the_way_is_named_without_its_password(look: Look, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", "https://ann:hunter2@127.0.0.1:9/x.git")

    found = look("remote", repo, env={"https_proxy": "http://ann:hunter2@127.0.0.1:9", "no_proxy": ""})

    assert "A proxy is set in https_proxy (http://***@127.0.0.1:9)" in found.hint
    assert "hunter2" not in repr([found, look("settings", repo)])


def test_a_remote_is_tried_by_writing_and_says_who_shares_it(
    look: Look, make_bare: MakeBare, clone: Clone, repo: Path, git: Git
) -> None:
    remote = make_bare()
    git(repo, "config", "gitcoord.remote", f"file://{remote}")

    found, written = look("remote", repo), look("write", repo)

    assert (found.status, found.facts["sharing"]) == (
        Status.OK,
        "shared with 0 other clones that had a session recently",
    )
    assert (written.status, written.facts["atomic"]) == (Status.OK, True)
    seconds: Json = written.facts["seconds"]
    assert isinstance(seconds, list)
    assert len(seconds) == 2
    assert git(remote, "for-each-ref", "refs/coord") == ""


def test_a_remote_that_refuses_says_so_with_what_to_do(look: Look, make_bare: MakeBare, repo: Path, git: Git) -> None:
    remote = make_bare()
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    git(repo, "config", "gitcoord.remote", str(remote))

    found = look("write", repo)

    assert (found.status, found.facts["code"]) == (Status.FAIL, "denied")
    assert "right to push refs/coord/*" in found.hint


def test_offline_asks_no_remote(look: Look, make_bare: MakeBare, repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", f"file://{make_bare()}")

    for name in ("remote", "write", "ledgers"):
        assert look(name, repo, offline=True).status is Status.SKIP


@pytest.mark.parametrize(
    ("url", "interval", "status", "pushes"),
    [
        ("https://github.com/team/code.git", "150", Status.OK, 6),
        ("git@github.com:team/code.git", "10", Status.WARN, 6),
        ("ssh://git@gitlab.com/team/code.git", "60", Status.OK, 600),
        ("https://git.example.invalid/code.git", "5", Status.OK, None),
    ],
)
def test_what_a_host_asks_for_is_compared_with_the_beats(
    look: Look, repo: Path, git: Git, url: str, interval: str, status: Status, pushes: int | None
) -> None:
    git(repo, "config", "gitcoord.remote", url)
    git(repo, "config", "gitcoord.beatSeconds", interval)

    found = look("limits", repo, offline=True)

    assert (status, pushes) == (found.status, found.facts["pushes_per_minute"])


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("remote.origin.mirror", "true", "remote.origin.mirror is set"),
        ("remote.origin.push", "+refs/*:refs/*", "a push with --prune deletes them"),
        ("remote.origin.push", "refs/coord/*:refs/coord/*", "a push with --prune deletes them"),
        ("remote.origin.fetch", "+refs/*:refs/*", "a fetch brings refs/coord/*"),
    ],
)
def test_settings_that_would_delete_or_copy_the_refs_are_warned_of(
    look: Look, repo: Path, git: Git, key: str, value: str, words: str
) -> None:
    git(repo, "remote", "add", "origin", "https://example.invalid/x.git")
    git(repo, "config", "remote.origin.push", "refs/heads/*:refs/heads/*")
    assert look("mirrors", repo).status is Status.OK
    git(repo, "config", "--add", key, value)

    found = look("mirrors", repo)

    assert (found.status, words in found.text) == (Status.WARN, True)
    assert found.hint.startswith("git config")


def test_a_repository_that_has_copies_of_the_refs_is_told(look: Look, repo: Path, git: Git) -> None:
    git(repo, "update-ref", "refs/coord/claims", "HEAD")

    found = look("mirrors", repo)

    assert (found.status, "git update-ref --stdin" in found.hint) == (Status.WARN, True)


@pytest.mark.parametrize(
    ("url", "seconds", "status"),
    [
        ("ssh://git@example.invalid/x.git", [3.1, 2.7], Status.WARN),
        ("git@example.invalid:x.git", [3.1, 2.7], Status.WARN),
        ("git@example.invalid:x.git", [3.1, 0.4], Status.OK),  # the first connection only is slow
        ("https://example.invalid/x.git", [3.1, 2.7], Status.OK),
    ],
)
def test_two_slow_pushes_in_a_row_over_ssh_may_need_a_person(
    repo: Path, url: str, seconds: list[Json], status: Status
) -> None:
    site = examine_here(repo, os.environ)
    found: dict[str, Json] = {"transport": "gitcli", "atomic": True, "seconds": [*seconds]}
    site.place = SitePlace(url, url, Refs(), MemoryTransport(MemoryRemote()), 150, None, lambda: found)

    told = write(site)

    assert told.status is status
    assert ("security key" in told.text) is (status is Status.WARN)


def test_a_remote_without_atomic_works_and_is_told(look: Look, servers: Servers, repo: Path, git: Git) -> None:
    remote = servers.remote("no-atomic")
    git(repo, "config", "gitcoord.remote", remote.url)

    found = look("write", repo, env=remote.env)

    assert (found.status, found.facts["atomic"]) == (Status.WARN, False)


@AS_ROOT
def test_a_repository_of_another_user_is_told_with_git_s_remedy(look: Look, repo: Path) -> None:
    subprocess.run(["chown", "-R", "65534", str(repo)], check=True)

    found = look("repository", repo)

    assert (found.status, "safe.directory" in found.hint) == (Status.FAIL, True)


def _may_be_written(folder: Path) -> bool:
    """Whether a read-only folder stays one for this user: not for root."""
    folder.chmod(0o555)
    return os.access(folder, os.W_OK)


def test_where_nothing_can_be_written_it_is_said_and_the_rest_goes_on(look: Look, repo: Path) -> None:
    folder = repo / ".git"
    try:
        if _may_be_written(folder):
            pytest.skip("root writes to read-only folders")
        found = look("store", repo)
        others = [look(name, repo) for name in ("identity", "remote", "mirrors", "ledgers")]
    finally:
        folder.chmod(0o755)

    assert (found.status, "cannot be written: Permission denied" in found.text) == (Status.FAIL, True)
    assert Status.FAIL not in {one.status for one in others}
