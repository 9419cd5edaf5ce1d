"""Where a clone coordinates: the team's file counts as the default branch of the remote has it, and nothing else."""

import itertools
import json
import os
import shutil
from pathlib import Path

import pytest

from gitcoord import assets
from gitcoord.errors import UsageError
from gitcoord.faces.hooks.git.hook_repository import Here
from gitcoord.runtime import follow_team, placement_here
from gitcoord.service.claims.claims import claim_files, list_claims, release_claims
from gitcoord.service.place.follow_remote import Following
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.source.checkout import push_hook, team_file
from gitcoord.source.checkout.repository import open_repository
from tests.conftest import Clone, Git, MakeBare, MakeRepo
from tests.unit.service.world import Agents, Result

pytestmark = pytest.mark.rule("SEC-5")
FILE = ".gitcoord/config"
URL = "https://git.example/team/app.git"


def say(git: Git, repo: Path, text: str, branch: str | None = None) -> None:
    """Commit the team's file."""
    if branch:
        git(repo, "switch", "--quiet", "-C", branch)
    (repo / ".gitcoord").mkdir(exist_ok=True)
    (repo / FILE).write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "where we coordinate")


def names(remote: str, *more: str) -> str:
    return "\n".join(["[gitcoord]", f"\tremote = {remote}", *more, ""])


@pytest.fixture
def team(make_repo: MakeRepo, make_bare: MakeBare, git: Git) -> Path:
    """The repository of a team, whose default branch is `master` and has a file that names origin."""
    remote, first = make_bare("team.git"), make_repo("first")
    git(remote, "symbolic-ref", "HEAD", "refs/heads/master")
    say(git, first, names("origin"), "master")
    git(first, "push", "--quiet", str(remote), "master")
    return remote


@pytest.fixture
def fresh(team: Path, clone: Clone) -> Path:
    return clone(team, "fresh")


def test_a_fresh_clone_follows_at_once_and_says_nothing(agents: Agents, team: Path, fresh: Path, clone: Clone) -> None:
    ann, bob = agents(fresh, "ann/cli/w"), agents(clone(team, "second"), "bob/cli/w")

    mine: Result = claim_files(ann, patterns=["README.md"])
    theirs: Result = claim_files(bob, patterns=["README.md"])

    assert (ann.remote_url, mine["granted"], theirs["granted"]) == (str(team), True, False)
    assert "seen_by" not in mine


def test_the_first_grant_of_a_fresh_clone_says_once_that_its_pushes_are_not_checked(
    agents: Agents, fresh: Path
) -> None:
    ann = agents(fresh, "ann/cli/w")

    claim_files(ann, patterns=["README.md"])
    first = [note["message"] for note in take_notices(ann) if note["notice"] == "no_push_hook"]
    claim_files(ann, patterns=["other.md"])
    again = [note for note in take_notices(ann) if note["notice"] == "no_push_hook"]

    assert (first, again) == ([push_hook.MISSING], [])


def test_a_fresh_clone_with_the_hooks_is_not_told_that_they_are_missing(agents: Agents, fresh: Path) -> None:
    (fresh / ".git/hooks").mkdir(exist_ok=True)
    shutil.copy(assets.hooks() / "pre-push", fresh / ".git/hooks/pre-push")
    ann = agents(fresh, "ann/cli/w")

    claim_files(ann, patterns=["README.md"])

    assert "no_push_hook" not in [note["notice"] for note in take_notices(ann)]


def test_the_namespace_and_the_name_of_the_repository_are_followed_too(
    agents: Agents, team: Path, clone: Clone, git: Git
) -> None:
    writer = clone(team, "writer")
    say(git, writer, names("origin", "\tnamespace = refs/heads/agents/coord", "\trepo = app"))
    git(writer, "push", "--quiet")

    ann = agents(clone(team, "second"), "ann/cli/w")
    claim_files(ann, patterns=["README.md"])

    assert ann.repo == "app"
    assert git(team, "for-each-ref", "--format=%(refname)", "refs/heads/agents/coord/claims")


@pytest.mark.parametrize("how", ["checked out", "committed to the default branch here", "pushed to a branch", "a tag"])
def test_a_branch_moves_nobody(
    agents: Agents, team: Path, fresh: Path, clone: Clone, git: Git, make_bare: MakeBare, how: str
) -> None:
    lever = clone(team, "lever")
    git(lever, "remote", "add", "evil", str(make_bare("evil.git")))
    git(fresh, "remote", "add", "evil", str(make_bare("evil2.git")))
    here = fresh if "here" in how or how == "checked out" else lever
    say(git, here, names("evil"), "master" if "default" in how else "pr")
    if how == "pushed to a branch":
        git(lever, "push", "--quiet", "origin", "pr")
    if how == "a tag":
        git(lever, "tag", "refs/remotes/origin/HEAD")
        git(lever, "push", "--quiet", "origin", "--tags")
        git(fresh, "remote", "set-head", "origin", "--delete")
    git(fresh, "fetch", "--quiet", "--tags")

    assert agents(fresh, "ann/cli/w").remote_url == str(team)


@pytest.mark.parametrize(
    ("remote", "counts"),
    [
        ("origin", True),
        ("https://git.example/team/other.git", True),
        ("https://git.example/other/app.git", False),
        ("https://evil.example/team/app.git", False),
        ("http://git.example/team/app.git", False),
        ("https://git.example:444/team/app.git", False),
        ("https://ann:secret@git.example/team/app.git", False),
        ("https://git.example/team/../evil/app.git", False),
        ("https://git.example/team/%2e%2e/app.git", False),
        ("git@git.example:team/app.git", False),
        ("ssh://git.example/team/app.git", False),
        ("ext::sh -c evil", False),
        ("file:///srv/team/app.git", False),
        ("/srv/app.git", False),
        ("folder", False),
        ("../folder", False),
        (".", False),
        ("-x", False),
        ("", False),
    ],
)
def test_the_file_names_a_remote_of_this_clone_or_a_repository_beside_one(
    fresh: Path, git: Git, remote: str, counts: bool
) -> None:
    (fresh / "folder").mkdir()
    say(git, fresh, names(remote))
    git(fresh, "update-ref", "refs/remotes/origin/master", "HEAD")
    git(fresh, "remote", "set-url", "origin", URL)

    found = placement_here(fresh, {"HOME": "/"})

    assert (found.follows.get("gitcoord.remote") == remote, not found.warning) == (counts, counts)
    assert counts or found.warning.startswith("Only this clone sees this: .gitcoord/config names ")


@pytest.mark.parametrize("url", ["git@git.example:team/app.git", "ssh://git@git.example/team/app.git"])
def test_over_ssh_the_account_counts(fresh: Path, git: Git, url: str) -> None:
    git(fresh, "remote", "set-url", "origin", url)
    for remote in (url.replace("app", "other"), url.replace("git@", "root@")):
        say(git, fresh, names(remote))
        git(fresh, "update-ref", "refs/remotes/origin/master", "HEAD")

        found = placement_here(fresh, {"HOME": "/"})

        assert bool(found.follows) is ("root@" not in remote)


def test_other_keys_are_ignored_by_name_and_nothing_is_included(fresh: Path, git: Git, tmp_path: Path) -> None:
    (tmp_path / "more").write_text(names("evil"), encoding="utf-8")
    more = f"[include]\n\tpath = {tmp_path / 'more'}\n[core]\n\tsshCommand = evil\n"
    say(git, fresh, names("origin", "\tprogram = /tmp/evil") + more)
    git(fresh, "update-ref", "refs/remotes/origin/master", "HEAD")

    found = team_file.read(open_repository(fresh, {"HOME": "/"}), "origin", lambda _remote: None)

    assert found is not None
    assert found.settings == {"gitcoord.remote": "origin"}
    assert found.ignored == ("gitcoord.program", "include.path", "core.sshcommand")


@pytest.mark.parametrize("text", ["[gitcoord", "\0", "[gitcoord]\n\tremote\n", "#" * 20_000])
def test_a_file_that_cannot_be_read_counts_for_nothing_and_is_told(fresh: Path, git: Git, text: str) -> None:
    say(git, fresh, text)
    git(fresh, "update-ref", "refs/remotes/origin/master", "HEAD")

    found = placement_here(fresh, {"HOME": "/"})

    assert (found.follows, FILE in found.warning) == ({}, True)


def test_a_remote_is_asked_once_which_branch_it_calls_head(fresh: Path, git: Git, team: Path) -> None:
    git(fresh, "remote", "set-head", "origin", "--delete")

    first = placement_here(fresh, {"HOME": "/"})
    git(team, "symbolic-ref", "HEAD", "refs/heads/elsewhere")
    again = placement_here(fresh, {"HOME": "/"})

    assert first.follows == again.follows == {"gitcoord.remote": "origin"}


def test_what_is_held_in_the_store_stays_there_until_init(
    agents: Agents, team: Path, make_repo: MakeRepo, git: Git
) -> None:
    repo = make_repo("begun")
    git(repo, "remote", "add", "origin", str(team))
    before: Result = claim_files(agents(repo, "ann/cli/w"), patterns=["README.md"])
    git(repo, "fetch", "--quiet")
    git(repo, "remote", "set-head", "origin", "master")

    ann = agents(repo, "ann/cli/w")
    still: Result = claim_files(ann, patterns=["other.md"])
    follow_team(repo, {"HOME": "/"}, {"gitcoord.remote": "origin"})
    moved = agents(repo, "ann/cli/w")

    assert before["seen_by"].startswith("Only this clone sees this; origin is ")
    assert next(iter(still)) == "seen_by"
    assert still["seen_by"].startswith("Only this clone sees this; the team coordinates through 'origin'")
    assert (ann.remote_url, moved.remote_url) == (None, str(team))
    assert [claim["agent"] for claim in moved_claims(moved)] == ["ann/cli/w", "ann/cli/w"]


def moved_claims(workspace: Workspace) -> list[dict[str, str]]:
    found: Result = list_claims(workspace)
    return list(found["claims"])


def test_a_store_in_which_nothing_is_held_any_more_is_fresh(
    agents: Agents, team: Path, make_repo: MakeRepo, git: Git
) -> None:
    repo = make_repo("begun")
    git(repo, "remote", "add", "origin", str(team))
    ann = agents(repo, "ann/cli/w")
    claim_files(ann, patterns=["README.md"])
    release_claims(ann)
    git(repo, "fetch", "--quiet")
    git(repo, "remote", "set-head", "origin", "master")

    assert agents(repo, "ann/cli/w").remote_url == str(team)


def test_a_clone_that_follows_stays_when_the_file_changes_and_says_so(
    agents: Agents, team: Path, fresh: Path, git: Git, make_bare: MakeBare
) -> None:
    git(fresh, "remote", "add", "second", str(make_bare("second.git")))
    claim_files(agents(fresh, "ann/cli/w"), patterns=["README.md"])
    say(git, fresh, names("second"))
    git(fresh, "push", "--quiet", "origin", "HEAD:master")

    ann = agents(fresh, "ann/cli/w")
    told: Result = claim_files(ann, patterns=["other.md"])

    assert ann.remote_url == str(team)
    assert "through 'origin' see this; .gitcoord/config says 'second' now" in told["seen_by"]


def test_a_session_that_runs_follows_when_the_file_arrives(
    agents: Agents, team: Path, make_repo: MakeRepo, git: Git
) -> None:
    repo = make_repo("early")
    git(repo, "remote", "add", "origin", str(team))
    git(team, "symbolic-ref", "HEAD", "refs/heads/none-yet")
    ann = agents(repo, "ann/claude/w", serve=True)
    undecided = ann.warning
    git(team, "symbolic-ref", "HEAD", "refs/heads/master")
    git(repo, "fetch", "--quiet")
    git(repo, "remote", "set-head", "origin", "master")

    granted: Result = claim_files(ann, patterns=["README.md"])

    assert undecided.startswith("Only this clone sees this")
    assert (ann.remote_url, "seen_by" in granted) == (str(team), False)


def test_what_a_person_set_counts_before_the_file(agents: Agents, fresh: Path, git: Git) -> None:
    git(fresh, "config", "gitcoord.remote", ".")

    alone = agents(fresh, "ann/cli/w")

    assert (alone.remote_url, alone.warning) == (None, "")


@pytest.mark.parametrize("knows_head", [True, False])
def test_the_settings_are_read_again_after_a_fetch_of_the_default_branch_where_no_person_decided(
    agents: Agents, fresh: Path, team: Path, git: Git, *, knows_head: bool
) -> None:
    git(fresh, "config", "gitcoord.remote", str(team))
    if not knows_head:
        git(fresh, "remote", "set-head", "origin", "--delete")
    ann = agents(fresh, "ann/claude/w", serve=True)
    assert isinstance(ann.place, Following)
    claim_files(ann, patterns=["README.md"])
    asked, numbers = list[str](), itertools.count()
    wanted, ann.place.wanted = ann.place.wanted, lambda: (asked.append("git"), wanted())[1]

    def times(branch: str) -> int:
        commit = git(fresh, "commit-tree", "-m", f"no. {next(numbers)}", "HEAD^{tree}")
        git(fresh, "update-ref", f"refs/remotes/origin/{branch}", commit)
        asked.clear()
        claim_files(ann, patterns=["a.py"])
        claim_files(ann, patterns=["a.py"])
        return len(asked)

    assert times("master") == 0
    git(fresh, "config", "--unset", "gitcoord.remote")
    assert (times("other"), ann.remote_url) == (2, str(team))  # that it follows the file now is a change, too
    assert [times("other"), times("master")] == [0 if knows_head else 1, 1]
    git(fresh, "pack-refs", "--all")
    assert times("master") == 1


def test_a_session_whose_own_setting_is_taken_away_follows_the_file_and_stays_when_that_changes(
    agents: Agents, fresh: Path, team: Path, git: Git
) -> None:
    git(fresh, "config", "gitcoord.remote", str(team))
    ann = agents(fresh, "ann/claude/w", serve=True)
    claim_files(ann, patterns=["README.md"])
    git(fresh, "config", "--unset", "gitcoord.remote")
    claim_files(ann, patterns=["a.py"])
    say(git, fresh, names("origin", "\tnamespace = refs/heads/agents/coord"), "master")
    git(fresh, "push", "--quiet", "origin", "master")

    told: Result = claim_files(ann, patterns=["b.py"])

    assert (ann.remote_url, ann.setting.refs.namespace) == (str(team), "refs/coord")
    assert f"{FILE} says 'origin' with another namespace or name of this repository now" in told["seen_by"]
    listed: Result = list_claims(ann)
    assert {item["pattern"] for claim in listed["claims"] for item in claim["items"]} == {"README.md", "a.py", "b.py"}


def test_a_head_of_the_remote_that_a_power_cut_has_zeroed_is_none(agents: Agents, fresh: Path, team: Path) -> None:
    ann = agents(fresh, "ann/claude/w", serve=True)
    (fresh / ".git/refs/remotes/origin/HEAD").write_bytes(b"\0" * 32)

    claim_files(ann, patterns=["a.py"])

    assert ann.remote_url == str(team)


def test_a_folder_is_no_remote_though_the_remote_of_that_name_is_gone(
    agents: Agents, fresh: Path, make_bare: MakeBare, git: Git
) -> None:
    agents(fresh, "ann/cli/w")
    git(fresh, "remote", "remove", "origin")
    make_bare(fresh / "origin")

    with pytest.raises(UsageError):
        agents(fresh, "ann/cli/w")


def test_each_grant_says_who_sees_it_where_nobody_decided(agents: Agents, make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    git(repo, "remote", "add", "origin", "ssh://ann:secret@127.0.0.1:1/app.git")
    ann = agents(repo, "ann/cli/w")
    steps = [{"step_num": 1, "branch": "a"}]

    grants: list[Result] = [
        create_project(ann, name="app", base_commit="HEAD", steps=steps),
        claim_step(ann, project="app"),
        claim_files(ann, patterns=["README.md"]),
    ]
    refused: Result = claim_files(agents(repo, "bob/cli/w"), patterns=["README.md"])

    assert [next(iter(grant)) for grant in grants] == ["seen_by"] * 3
    assert grants[0]["seen_by"].startswith("Only this clone sees this; origin is ssh://")
    assert ("seen_by" in refused, "secret" in json.dumps(grants)) == (False, False)


def test_the_hooks_of_git_look_where_the_clone_coordinates(agents: Agents, team: Path, fresh: Path) -> None:
    agents(fresh, "ann/cli/w")

    place = Here.around(str(fresh), str(fresh / ".git/gitcoord"), os.environ)
    elsewhere = Here.around(str(fresh), str(fresh / ".git/gitcoord"), {**os.environ, "GITCOORD_REMOTE": URL})

    assert (place.where().url, elsewhere.where().url) == (str(team), URL)
