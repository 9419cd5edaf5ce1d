"""Which remote a workspace coordinates through, and how it gets there."""

from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from gitcoord.errors import CoordError, InvalidError, UsageError
from gitcoord.runtime import ONE_CLONE
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.notices import take_notices
from tests.conftest import AddWorktree, Git, MakeBare
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, project


@pytest.fixture
def remote(make_bare: MakeBare) -> Path:
    return make_bare()


@pytest.fixture
def repo(repo: Path, remote: Path, git: Git) -> Path:
    """A repository whose `origin` is `remote`; no remote is named for coordination yet."""
    git(repo, "remote", "add", "origin", str(remote))
    return repo


def hooked(remote: Path) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\ncat >/dev/null\n", encoding="utf-8")
    hook.chmod(0o755)


def configured(remote: Path, key: str, value: str) -> None:
    pygit2.Repository(str(remote)).config[key] = value


@pytest.mark.parametrize("named", ["", "."])
def test_without_a_remote_the_store_of_the_clone_is_the_place(agents: Agents, repo: Path, git: Git, named: str) -> None:
    git(repo, "config", "gitcoord.remote", named)

    ann = agents(repo)

    assert (ann.setting.transport.name, ann.remote_name, ann.remote_url) == ("local", ONE_CLONE, None)
    assert type(ann.setting.transport).__name__ == "HomeTransport"


def test_a_remote_on_an_unguarded_path_is_driven_in_this_process(
    agents: Agents, repo: Path, remote: Path, git: Git
) -> None:
    git(repo, "config", "gitcoord.remote", "origin")

    ann = agents(repo)

    assert type(ann.setting.transport).__name__ == "LocalTransport"
    assert (ann.remote_name, ann.remote_url) == (str(remote), str(remote))


@pytest.mark.parametrize(
    "guard",
    [
        hooked,
        lambda remote: configured(remote, "core.sharedRepository", "group"),
        lambda remote: configured(remote, "transfer.hideRefs", "refs/x"),
    ],
    ids=["hook", "shared", "hidden"],
)
def test_a_remote_on_a_guarded_path_is_pushed_to_by_git(
    agents: Agents, repo: Path, remote: Path, guard: Callable[[Path], object]
) -> None:
    guard(remote)

    ann = agents(repo, GITCOORD_REMOTE="origin")

    assert ann.setting.transport.name == "gitcli"
    assert project(ann)["project"]


def test_a_file_url_is_pushed_to_by_git(agents: Agents, repo: Path, remote: Path) -> None:
    ann = agents(repo, GITCOORD_REMOTE=remote.as_uri())

    assert (ann.setting.transport.name, ann.remote_name) == ("gitcli", remote.as_uri())
    assert project(ann)["project"]


@pytest.mark.parametrize(
    ("kind", "name"), [("http", "smarthttp"), ("no-atomic", "smarthttp"), ("ssh", "smartssh"), ("daemon", "gitcli")]
)
def test_a_server_is_reached_by_http_by_ssh_or_with_git_and_steps_are_taken_there(
    agents: Agents, servers: Servers, repo: Path, kind: str, name: str
) -> None:
    remote = servers.remote(kind)
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url, env=remote.env)
    project(ann)

    claimed = claim_step(ann)

    assert ann.setting.transport.name == name
    assert claimed["step"]
    assert [*remote.refs()] == ["refs/coord/steps/app"]


@pytest.mark.parametrize("named", ["origin", "../remote.git", "absolute"])
def test_a_path_is_named_by_its_remote_or_itself(agents: Agents, repo: Path, remote: Path, named: str) -> None:
    ann = agents(repo, GITCOORD_REMOTE=str(remote) if named == "absolute" else named)

    assert ann.remote_url == str(remote)
    assert type(ann.setting.transport).__name__ == "LocalTransport"


@pytest.mark.parametrize("guarded", [False, True])
def test_a_remote_with_a_relative_path_is_where_git_has_it(
    agents: Agents, repo: Path, remote: Path, git: Git, guarded: bool
) -> None:
    git(repo, "remote", "set-url", "origin", "../remote.git")
    (repo / "below").mkdir()
    if guarded:
        hooked(remote)

    ann = agents(repo / "below", "ann/cli/wt", GITCOORD_REMOTE="origin")
    project(ann)

    assert git(remote, "for-each-ref", "--format=%(refname)") == "refs/coord/steps/app"


def test_the_environment_wins_over_the_configuration(agents: Agents, repo: Path, make_bare: MakeBare, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", "origin")
    other = make_bare("other.git")

    assert agents(repo, GITCOORD_REMOTE=str(other)).remote_url == str(other)
    assert agents(repo, GITCOORD_REMOTE="").remote_name.endswith("remote.git")


def test_a_worktree_may_coordinate_elsewhere(
    agents: Agents, repo: Path, add_worktree: AddWorktree, git: Git, remote: Path
) -> None:
    worktree = add_worktree(repo, "wt-2")
    git(repo, "config", "gitcoord.remote", "origin")

    assert agents(worktree).remote_url == agents(repo).remote_url == str(remote)


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize(
    "named", ["nowhere", "-x", "--upload-pack=touch pwned", "a\nb", "origin/", "../none", "\udcff"]
)
def test_what_is_neither_a_remote_nor_a_url_is_invalid_with_what_to_do(agents: Agents, repo: Path, named: str) -> None:
    with pytest.raises(InvalidError, match="remote") as caught:
        agents(repo, GITCOORD_REMOTE=named)

    assert caught.value.exit_status == 2
    assert caught.value.hint
    assert str(caught.value).isprintable()
    assert list(repo.parent.rglob("pwned")) == []


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("url", ["ext::sh -c 'touch pwned'", "fd::17", "ssh://-oProxyCommand=touch pwned/x"])
def test_a_url_that_would_run_a_program_is_refused_and_runs_nothing(agents: Agents, repo: Path, url: str) -> None:
    ann = agents(repo, GITCOORD_REMOTE=url)

    with pytest.raises(CoordError) as caught:
        list_projects(ann)

    assert caught.value.exit_status in {5, 6}
    assert [*repo.parent.rglob("pwned"), *Path().glob("pwned")] == []


@pytest.mark.rule("SEC-2")
def test_credentials_of_a_url_are_shown_and_stored_nowhere(agents: Agents, repo: Path, git: Git) -> None:
    git(repo, "remote", "add", "secret", "https://me:hunter2@127.0.0.1:9/app.git?token=hunter2")

    ann = agents(repo, serve=True, GITCOORD_REMOTE="secret")
    with pytest.raises(CoordError) as caught:
        project(ann)

    shown = f"{ann.remote_name} {caught.value} {caught.value.hint} {take_notices(ann)}"
    assert "hunter2" not in shown
    assert "127.0.0.1:9/app.git" in ann.remote_name
    written = [path for path in (repo / ".git" / "gitcoord").rglob("*") if path.is_file()]
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []


# --- the namespace


@pytest.mark.parametrize(
    "namespace", ["refs/coord", "refs/coord/", "refs/heads/agents/coord", "refs/heads/a.b-c/coord"]
)
def test_a_namespace_that_can_be_is_used(agents: Agents, repo: Path, git: Git, namespace: str) -> None:
    git(repo, "config", "gitcoord.namespace", namespace)

    assert agents(repo).setting.refs.namespace == namespace.rstrip("/")


@pytest.mark.parametrize(
    "namespace",
    ["refs/heads/coord", "refs/heads/a/b/coord", "refs/notes/coord", "coord", "refs/heads/a..b/coord",
     "refs/heads/-x/coord", "refs/heads/a.lock/coord", "refs/heads/.a/coord", "refs/heads/*/coord", "refs/coord/x"],
)  # fmt: skip
def test_a_namespace_that_cannot_be_is_a_mistake(agents: Agents, repo: Path, git: Git, namespace: str) -> None:
    git(repo, "config", "gitcoord.namespace", namespace)

    with pytest.raises(UsageError, match=r"gitcoord\.namespace is") as caught:
        agents(repo)

    assert caught.value.hint == "Use refs/coord or refs/heads/<prefix>/coord."


# --- how often a clone beats


@pytest.mark.parametrize(
    ("configured", "environment", "expected"),
    [("", "", 60), ("90", "", 90), ("90", "30", 30), ("1", "", 5), ("9999", "", 600), ("x", "", 60), ("-5", "", 60),
     ("", "٣", 60)],
)  # fmt: skip
def test_the_interval_of_beats_is_bounded(
    agents: Agents, repo: Path, git: Git, configured: str, environment: str, expected: int
) -> None:
    git(repo, "config", "gitcoord.beatSeconds", configured)

    assert agents(repo, GITCOORD_BEAT_SECONDS=environment).setting.beats.interval_s == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [("https://example.invalid/a.git", 150), ("git@example.invalid:a.git", 150), ("http://127.0.0.1:9/a.git", 60),
     ("ssh://git@localhost/a.git", 60)],
)  # fmt: skip
def test_a_far_remote_is_beaten_to_less_often(agents: Agents, repo: Path, url: str, expected: int) -> None:
    assert agents(repo, GITCOORD_REMOTE=url).setting.beats.interval_s == expected
