"""Who borrows another's name, session or folder gets neither what that one holds nor its name (SAFE-10)."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.service.claims.claims import claim_files, list_claims, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, recover_step
from tests.conftest import Git, MakeRepo
from tests.unit.service.world import Agents, Result, Shared, project

pytestmark = pytest.mark.rule("SAFE-10")
NAME, SESSION = "ann/claude/one", "s-ann"
Impostor = Callable[[Agents, Shared, Git], Workspace]


def in_another_clone(agents: Agents, shared: Shared, _: Git) -> Workspace:
    return agents(shared.two, NAME, tool="claude", session=SESSION, serve=True)


def a_command_line_of_another_clone(agents: Agents, shared: Shared, _: Git) -> Workspace:
    return agents(shared.two, NAME, env={"GITCOORD_SESSION": SESSION})


def a_second_server(agents: Agents, shared: Shared, _: Git) -> Workspace:
    return agents(shared.one, NAME, tool="claude", session=SESSION, serve=True)


def a_server_of_another_name(agents: Agents, shared: Shared, _: Git) -> Workspace:
    return agents(shared.one, "bob/claude/one", tool="claude", session=SESSION, serve=True)


def in_another_worktree(agents: Agents, shared: Shared, git: Git) -> Workspace:
    git(shared.one, "worktree", "add", "--quiet", "-b", "work", str(shared.one.parent / "linked"))
    return agents(shared.one.parent / "linked", NAME, tool="claude", session=SESSION, serve=True)


def in_a_copy(agents: Agents, shared: Shared, _: Git) -> Workspace:
    copy = shutil.copytree(shared.one, shared.one.parent / "copy" / "one", symlinks=True)
    return agents(copy, NAME, tool="claude", session=SESSION, serve=True)


@pytest.mark.parametrize(
    "impostor",
    [
        in_another_clone,
        a_command_line_of_another_clone,
        a_second_server,
        a_server_of_another_name,
        in_another_worktree,
        in_a_copy,
    ],
    ids=lambda impostor: str(impostor.__name__),
)
def test_who_goes_by_the_name_and_the_session_of_an_agent_that_lives_gets_nothing_of_it(
    impostor: Impostor, agents: Agents, shared: Shared, git: Git
) -> None:
    ann = agents(shared.one, NAME, tool="claude", session=SESSION, serve=True)
    project(ann, (), ())
    claim_step(ann)
    claim_files(ann, patterns=["README.md"])

    other = impostor(agents, shared, git)
    claimed: Result = claim_files(other, patterns=["README.md"])
    released: Result = release_claims(other)
    taken: Result = claim_step(other, step_id="app/1")
    recovered: Result = recover_step(other, step_id="app/1")
    completed: Result = complete_step(other, step_id="app/1", commit_hash="HEAD")
    held: Result = list_claims(ann)

    assert (other.agent, other.clone_id) != (ann.agent, ann.clone_id)
    assert (claimed["refused"], released["released"], taken["refused"]) == ("conflict", [], "held")
    assert (recovered["refused"], completed["refused"]) == ("alive", "not_holder")
    assert [claim["agent"] for claim in held["claims"]] == [NAME]
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")
    assert done["step"]["status"] == "completed"


def test_worktrees_whose_folders_are_called_alike_are_of_different_agents(
    agents: Agents, shared: Shared, git: Git, tmp_path: Path
) -> None:
    folders = [shared.one, tmp_path / "x" / "one", tmp_path / "y" / "one"]
    for number, folder in enumerate(folders[1:]):
        git(shared.one, "worktree", "add", "--quiet", "-b", f"work-{number}", str(folder))

    main, first, second = (agents(folder) for folder in folders)
    server = agents(folders[2], tool="claude", serve=True)
    granted: Result = claim_files(main, patterns=["README.md"])
    refused: list[Result] = [claim_files(other, patterns=["README.md"]) for other in (first, second, server)]
    shared_with: Result = claim_files(server, patterns=["b.py"])
    kept_out: Result = claim_files(main, patterns=["b.py"])

    names = [workspace.agent for workspace in (main, first, second, server)]
    assert names == [f"test-author/{name}" for name in ("cli/one", "cli/one-wt", "cli/one1", "claude/one1")]
    assert (granted["granted"], [result["refused"] for result in refused]) == (True, ["conflict"] * 3)
    assert (shared_with["granted"], kept_out["refused"]) == (True, "conflict")


LONG = "fix-the-thing-that-is-broken-in-the-parser-of-postings"


@pytest.mark.parametrize(
    "folders",
    [
        ("app", "x/app", "app-wt", "y/app-wt"),
        ("app", f"x/{LONG}", f"y/{LONG}"),
        ("Main", "main", "x/MAIN", "x/main"),
        ("app", "Feature X", "feature-x", "x/FEATURE-X"),
    ],
    ids=["like main", "long", "case of main", "case"],
)
def test_no_two_worktrees_of_a_clone_are_of_one_agent_and_none_is_renamed_by_another(
    folders: tuple[str, ...], agents: Agents, make_repo: MakeRepo, git: Git, tmp_path: Path
) -> None:
    repo = make_repo(tmp_path / folders[0])
    git(repo, "config", "gitcoord.remote", ".")
    tops, names = [repo], [agents(repo).agent]
    for number, folder in enumerate(folders[1:]):
        tops.append(tmp_path / "linked" / folder)
        git(repo, "worktree", "add", "--quiet", "-b", f"work-{number}", str(tops[-1]))
        names.append(agents(tops[-1]).agent)

    later = [agents(top).agent for top in tops]
    for top in tops[1:-1]:
        git(repo, "worktree", "remove", "--force", str(top))

    assert len(set(names)) == len(tops)
    assert later == names
    assert [agents(top).agent for top in (tops[0], tops[-1])] == [names[0], names[-1]]


@pytest.mark.parametrize("is_half_removed", [True, False])
def test_names_stay_where_one_worktree_is_removed_by_half_and_where_all_others_go(
    agents: Agents, make_repo: MakeRepo, git: Git, tmp_path: Path, is_half_removed: bool
) -> None:
    repo, folders = (
        make_repo(tmp_path / "app"),
        [tmp_path / "x" / "lib", tmp_path / "y" / "lib", tmp_path / "y" / "app"],
    )
    git(repo, "config", "gitcoord.remote", ".")
    for number, folder in enumerate(folders):
        git(repo, "worktree", "add", "--quiet", "-b", f"work-{number}", str(folder))
    names = [agents(top).agent for top in folders[1:]]

    if is_half_removed:
        (repo / ".git" / "worktrees" / "lib" / "commondir").unlink()
        for kept in (repo / ".git" / "worktrees").glob("*/gitcoord-name"):
            kept.unlink()
    else:
        git(repo, "worktree", "remove", "--force", str(folders[0]))

    assert [agents(top).agent for top in folders[1:]] == names
    assert [name.partition("/cli/")[2] for name in names] == ["lib1", "app-wt"]
    assert agents(repo).agent not in names


def test_where_the_main_worktree_is_renamed_as_a_linked_one_is_called_they_are_of_two_agents(
    agents: Agents, make_repo: MakeRepo, git: Git, tmp_path: Path
) -> None:
    repo, linked = make_repo(tmp_path / "app"), tmp_path / "x" / "lib"
    git(repo, "config", "gitcoord.remote", ".")
    git(repo, "worktree", "add", "--quiet", "-b", "work", str(linked))
    before = agents(linked)
    before.close()

    repo = repo.rename(tmp_path / "Lib")
    git(repo, "worktree", "repair", str(linked))

    names = [agents(top).agent.partition("/cli/")[2] for top in (repo, linked)]
    assert (before.agent.partition("/cli/")[2], names) == ("lib", ["lib", "lib-wt"])


@pytest.mark.parametrize("is_first", [True, False])
def test_a_main_worktree_whose_git_directory_is_elsewhere_is_called_as_no_linked_one_is(
    agents: Agents, make_repo: MakeRepo, git: Git, tmp_path: Path, is_first: bool
) -> None:
    main, linked = make_repo(tmp_path / "src" / "lib"), tmp_path / "y" / "lib"
    git(main, "init", "--quiet", "--separate-git-dir", str(tmp_path / "store.git"))
    git(main, "config", "gitcoord.remote", ".")
    before = [agents(main).agent] if is_first else []
    git(main, "worktree", "add", "--quiet", "-b", "work", str(linked))

    names = [agents(top).agent for top in ((main, linked) if is_first else (linked, main))]

    assert [name.partition("/cli/")[2] for name in names] == ["lib", "lib-wt"]
    assert before in ([], names[:1])
