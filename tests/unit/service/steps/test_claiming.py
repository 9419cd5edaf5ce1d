"""Taking steps: what a claim returns, when it is refused, which step is meant, and for whom."""

from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.steps.rules.take import LOOKED_AT_MAX
from gitcoord.errors import InvalidError, NotFoundError
from gitcoord.service.claims.claims import claim_files, release_by_force
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import abort_project, create_project
from gitcoord.service.steps.step_views import detect_stale_work, get_available_steps
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step, start_step, update_step
from gitcoord.service.team import owner_edits
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Result, Shared, commit_on, crash, later, plan, project, seen, tips


def test_a_claim_returns_the_step_and_how_to_begin(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    base = git(repo, "rev-parse", "HEAD")

    result: Result = claim_step(ann)

    assert set(result) == {"step", "next_step"}
    step = result["step"]
    assert (step["id"], step["status"], step["agent_id"], step["fence"]) == ("app/1", "claimed", "ann/cli/wt", 1)
    assert (step["base"], step["base_commit"], step["project"]) == ([], base, "app")
    assert result["next_step"] == (
        f"Begin with: `git switch -c feat/1 {base[:12]}`. "
        "When it is committed: complete_step(step_id='app/1', commit_hash=…)."
    )


def test_a_claim_after_others_says_where_they_ended(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), (), (1, 2))
    commits = [commit_on(git, repo, f"feat/{num}") for num in (1, 2)]
    for num, commit in enumerate(commits, start=1):
        claim_step(ann, step_id=f"app/{num}")
        complete_step(ann, step_id=f"app/{num}", commit_hash=commit)

    result: Result = claim_step(ann)

    assert result["step"]["base"] == [
        {"step_num": num, "branch": f"feat/{num}", "commit_hash": commit} for num, commit in enumerate(commits, start=1)
    ]
    assert "base_commit" not in result["step"]
    begin = f"git switch -c feat/3 {commits[0][:12]} && git merge --no-edit {commits[1][:12]}"
    assert begin in result["next_step"]


def test_a_claim_says_which_steps_it_passed_over_and_why(ann: Workspace) -> None:
    steps = [{**one, "paths": [f"src/{one['step_num']}.py"]} for one in plan((), ())]
    create_project(ann, name="app", base_commit="HEAD", steps=steps)
    claim_files(ann, patterns=["src/1.py"], agent_id="tests")

    result: Result = claim_step(ann)

    assert result["step"]["id"] == "app/2"
    (passed,) = result["passed_over"]
    assert (passed["step_num"], result["passed_over_count"]) == (1, 1)
    assert passed["why"] == "ann/cli/wt/tests holds what you ask for: src/1.py."
    (conflict,) = passed["conflicts"]
    assert conflict.keys() == {
        *("your_pattern", "your_symbols", "agent", "claim_id", "item", "items", "branch", "description", "expires_at"),
        *("overlap", "example", "symbol_overlap", "holder_life", "holder_seen", "free_at"),
    }


@pytest.mark.rule("SEC-1")
def test_a_branch_that_a_shell_would_act_on_is_quoted_in_the_command_to_copy(ann: Workspace) -> None:
    create_project(ann, name="app", base_commit="HEAD", steps=[{"step_num": 1, "branch": "a$(touch${IFS}pwned)"}])

    result: Result = claim_step(ann)

    assert "git switch -c 'a$(touch${IFS}pwned)' " in result["next_step"]


@pytest.mark.rule("STEP-4")
def test_claiming_twice_gives_the_same_step_and_writes_nothing(ann: Workspace) -> None:
    project(ann, (), ())
    first: Result = claim_step(ann)
    before = tips(ann)

    again: Result = claim_step(ann)

    assert (again["already"], again["step"]) == (True, first["step"])
    assert tips(ann) == before


def test_a_second_step_by_number_is_refused_while_the_first_is_unfinished(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)

    result: Result = claim_step(ann, step_id="app/2")

    assert (result["step"], result["refused"], result["step_num"]) == (None, "holds_another", 1)
    assert "agent_id" in result["next_step"]


def test_sub_agents_take_steps_of_their_own_and_may_use_the_full_name(ann: Workspace) -> None:
    project(ann, (), (), ())

    steps = [seen(claim_step(ann, agent_id=name))["step"] for name in ("tests", "ann/cli/wt/docs", "ann/cli/wt")]

    assert [(one["step_num"], one["agent_id"]) for one in steps] == [
        (1, "ann/cli/wt/tests"),
        (2, "ann/cli/wt/docs"),
        (3, "ann/cli/wt"),
    ]


@pytest.mark.parametrize("name", ["bob/cli/wt", "ann/cli/wt-2", "/", "a b", "-x", "../x", "x" * 200, "a\0b"])
def test_nobody_acts_for_somebody_else(ann: Workspace, name: str) -> None:
    project(ann)
    before = tips(ann)

    with pytest.raises(InvalidError):
        claim_step(ann, agent_id=name)

    assert tips(ann) == before


def test_two_agents_of_one_clone_get_two_steps(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), ())
    bob = agents(repo, "bob/cli/wt")

    nums = [seen(claim_step(who))["step"]["step_num"] for who in (ann, bob)]

    assert nums == [1, 2]


# --- nothing to give


@pytest.mark.rule("STEP-12")
def test_nothing_available_says_why_and_when_to_ask_again(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), (1,))
    claim_step(ann)
    before = tips(ann)

    result: Result = claim_step(agents(repo, "bob/cli/wt"), project="app")

    assert result == {
        "step": None,
        "refused": "nothing_available",
        "why": "Project 'app' has no available step: ann/cli/wt holds step 1, for which 1 step waits.",
        "next_step": "Ask again in 60 s, or when a step that is held completes.",
        "project": "app",
        "held": [{"step_num": 1, "agent": "ann/cli/wt"}],
        "failed": [],
        "stale": 0,
        "ask_again_s": 60,
    }
    assert tips(ann) == before


def test_no_project_at_all_says_to_create_one(ann: Workspace) -> None:
    result: Result = claim_step(ann)

    assert (result["step"], result["refused"]) == (None, "no_active_project")
    assert "create_project" in result["next_step"]


@pytest.mark.rule("STEP-7")
def test_all_done_says_so(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert done["project_completed"] is True
    assert claim_step(ann)["refused"] == "no_active_project"
    assert claim_step(ann, project="app")["refused"] == "project_ended"


def test_scopes_narrow_and_a_scope_without_a_step_says_so(ann: Workspace) -> None:
    create_project(ann, name="app", base_commit="HEAD", steps=[*plan((), scope="db"), {"step_num": 2, "scope": "ui"}])

    none: Result = claim_step(ann, scope="api")
    found: Result = claim_step(ann, scope="ui")

    assert (none["step"], none["refused"]) == (None, "nothing_available")
    assert none["why"] == "No step of project 'app' has scope 'api'."
    assert none["next_step"] == "Its scopes: 'db', 'ui'. Claim without a scope: claim_step()."
    assert found["step"]["step_num"] == 2


def test_without_a_project_the_oldest_active_one_with_a_step_gives_it(ann: Workspace) -> None:
    for name in ("gone", "old", "new"):
        project(ann, name=name)
    abort_project(ann, name="gone", reason="no")

    ids = [seen(claim_step(ann, agent_id=name))["step"]["id"] for name in ("a", "b")]

    assert ids == ["old/1", "new/1"]


@pytest.mark.rule("STEP-10")
def test_a_step_of_an_aborted_project_is_given_back_to_its_holder_and_to_no_one_else(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    project(ann, (), ())
    claim_step(ann)
    abort_project(ann, name="app", reason="no")

    own: Result = claim_step(ann)
    other: Result = claim_step(agents(repo, "bob/cli/wt"))
    failed: Result = fail_step(ann, step_id="app/1", reason="stuck")

    assert (own["step"]["id"], own["already"]) == ("app/1", True)
    assert (other["step"], other["why"]) == (None, "There is no active project.")
    assert failed["next_step"] == "Take another one: claim_step()."


def test_an_active_project_comes_before_one_that_was_aborted(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), name="gone")
    claim_step(ann)
    partner = agents(repo, "ann/claude-code/wt")
    project(ann, (), (), name="new")
    claim_step(partner, step_id="new/1")
    abort_project(ann, name="gone", reason="no")
    claim_step(ann, step_id="new/2")

    both: Result = claim_step(ann)
    other: Result = claim_step(partner)

    assert both["step"]["id"] == "new/2"
    assert other["step"]["id"] == "new/1"


@pytest.mark.parametrize(("num", "code"), [(1, "held"), (2, "blocked"), (3, "settled")])
def test_a_named_step_that_cannot_be_given_says_why(
    agents: Agents, repo: Path, ann: Workspace, num: int, code: str
) -> None:
    project(ann, (), (1,), ())
    claim_step(ann, agent_id="x", step_id="app/3")
    complete_step(ann, agent_id="x", step_id="app/3", commit_hash="HEAD")
    claim_step(ann, step_id="app/1")
    before = tips(ann)

    result: Result = claim_step(agents(repo, "bob/cli/wt"), step_id=f"app/{num}")

    assert (result["step"], result["refused"], result["step_num"]) == (None, code, num)
    assert result["why"].startswith(f"Step app/{num} ")
    assert tips(ann) == before


@pytest.mark.rule("STEP-8")
def test_a_failed_step_is_taken_again_by_its_number_with_a_checkpoint(ann: Workspace) -> None:
    project(ann, (), (1,))
    claim_step(ann)
    failed: Result = fail_step(ann, step_id="app/1", reason="no database here")

    nothing: Result = claim_step(ann, project="app")
    again: Result = claim_step(ann, step_id="app/1")

    assert failed["blocked"] == [2]
    assert nothing["failed"] == [1]
    assert nothing["next_step"] == "Retry a failed step by its number: claim_step(step_id='app/1')."
    assert (again["recovered"], again["step"]["fence"]) == (True, 2)
    assert again["step"]["checkpoint"]["reason"] == "no database here"


# --- which step is meant


def test_a_bare_number_means_the_only_active_project(ann: Workspace) -> None:
    project(ann, (), name="done")
    abort_project(ann, name="done", reason="over")
    project(ann, (), ())

    assert seen(claim_step(ann, step_id="2"))["step"]["id"] == "app/2"
    assert seen(start_step(ann, step_id=" 2 "))["step"]["status"] == "in_progress"


def test_a_bare_number_with_several_active_projects_is_a_question(ann: Workspace) -> None:
    project(ann, name="one")
    project(ann, name="two")

    with pytest.raises(InvalidError, match=r"Step 1 of which project\? 2 are active \(one, two\)") as caught:
        claim_step(ann, step_id="1")

    assert caught.value.hint == "Give '<project>/<number>'."
    assert seen(claim_step(ann, project="two", step_id="1"))["step"]["id"] == "two/1"


def test_of_many_active_projects_the_first_are_named_and_that_there_are_more(ann: Workspace) -> None:
    for number in range(6):
        project(ann, name=f"p{number}")

    with pytest.raises(InvalidError, match=r"6 are active \(p0, p1, p2, p3, p4, …\)"):
        claim_step(ann, step_id="1")


def test_a_bare_number_with_no_active_project_is_a_question(ann: Workspace) -> None:
    with pytest.raises(InvalidError, match="None is active"):
        claim_step(ann, step_id="1")


def test_a_step_id_in_another_case_is_the_same_step_all_the_way(ann: Workspace) -> None:
    project(ann, (), (), name="MyApp")

    claimed: Result = claim_step(ann, step_id="myapp/2")
    started: Result = start_step(ann, step_id="MYAPP/2")
    done: Result = complete_step(ann, step_id="myApp/2", commit_hash="HEAD")

    assert [one["step"]["id"] for one in (claimed, started, done)] == ["MyApp/2"] * 3
    assert ann.fences.all() == {}


@pytest.mark.parametrize(
    "step_id",
    ["", "app", "app/", "/1", "app/0", "app/-1", "app/1.5", "app/x", "../x/1", "0", "\uff11"],
)
def test_what_is_not_the_id_of_a_step_is_invalid(ann: Workspace, step_id: str) -> None:
    project(ann)

    with pytest.raises(InvalidError) as caught:
        start_step(ann, step_id=step_id)

    assert caught.value.hint


def test_an_unknown_step_or_project_is_not_found_with_what_there_is(ann: Workspace) -> None:
    project(ann, (), ())

    with pytest.raises(NotFoundError, match="has no step 7") as no_step:
        claim_step(ann, step_id="app/7")
    with pytest.raises(NotFoundError, match="'nope'") as no_project:
        claim_step(ann, project="nope")

    assert "1 to 2" in no_step.value.hint
    assert "list_projects" in no_project.value.hint


def test_a_step_of_another_project_than_the_one_named_is_invalid(ann: Workspace) -> None:
    project(ann)

    with pytest.raises(InvalidError, match="is not of project 'other'"):
        claim_step(ann, project="other", step_id="app/1")


# --- recovery


@pytest.mark.rule("STEP-9")
def test_a_live_step_is_taken_only_by_force_and_the_evidence_is_shown(agents: Agents, repo: Path, git: Git) -> None:
    bob = agents(repo, "bob/cli/wt", serve=True)
    ann = agents(repo, "ann/cli/wt")
    project(ann)
    claim_step(bob)
    tip = commit_on(git, repo, "feat/1")

    refused: Result = recover_step(ann, step_id="app/1")
    forced: Result = recover_step(ann, step_id="app/1", force=True)

    assert (refused["refused"], refused["agent"], refused["life"]) == ("alive", "bob/cli/wt", "live")
    assert {"last_seen", "last_commit"} <= set(refused)
    assert "force=true" in refused["next_step"]
    assert (forced["forced"], forced["from"], forced["step"]["status"]) == (True, "bob/cli/wt", "not_started")
    assert forced["step"]["checkpoint"]["commit"] == tip


def test_a_holder_puts_its_own_step_back_at_any_time(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    result: Result = recover_step(ann, step_id="app/1")
    again: Result = recover_step(ann, step_id="app/1")

    assert (result["step"]["status"], result["from"]) == ("not_started", "ann/cli/wt")
    assert again["already"] is True


@pytest.mark.rule("SAFE-7")
def test_where_no_check_can_be_sent_what_is_shown_as_stale_is_what_can_be_taken_over(
    agents: Agents, servers: Servers, shared: Shared, git: Git
) -> None:
    url = servers.remote("path-hook").url
    git(shared.one, "push", "--quiet", url, "main")
    ann = agents(shared.one, "ann/cli/one", GITCOORD_REMOTE=url)
    bob = agents(shared.two, "bob/claude/two", serve=True, GITCOORD_REMOTE=url)
    project(ann)
    claim_step(bob)
    crash(bob)

    shown: list[object] = []
    for minutes in (10, 11):
        later(ann, minutes=minutes)
        (row,) = seen(status(ann))["projects"]
        listed = [one["id"] for one in seen(detect_stale_work(ann))["steps"]]
        shown.append((row["held"][0]["life"], listed, bool(claim_step(ann)["step"])))

    assert not ann.setting.transport.sends_checks
    assert shown == [("quiet", [], False), ("stale", ["app/1"], True)]


# --- paths that have owners


@pytest.mark.rule("CLAIM-5")
def test_a_step_whose_paths_are_others_hard_place_is_passed_over_where_the_policy_says_so(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    rules = "modules:\n  auth: {paths: [src/auth/**], owners: [ann], severity: hard}\n"
    owner_edits.write(ann, text=rules, name="owners.yaml")
    set_policy(ann, name="hard_requires_owner", value="true")
    bob = agents(repo, "bob/cli/wt")
    project(ann, (), (), (), paths=["src/auth/a.py"])
    update_step(ann, step_id="app/2", paths=["src/auth/b.py"])
    update_step(ann, step_id="app/3", paths=["docs/**"])

    listed = seen(get_available_steps(bob))["steps"]
    other: Result = claim_step(bob)
    nothing: Result = claim_step(bob, agent_id="tests")
    named: Result = claim_step(bob, step_id="app/1", agent_id="tests")
    own: Result = claim_step(ann)

    why = "This place belongs to ann, and policy hard_requires_owner is on."
    assert [row.get("paths_held") for row in listed] == [why, why, None]
    assert (other["step"]["id"], [row["why"] for row in other["passed_over"]]) == ("app/3", [why, why])
    assert "Passed over, because you cannot have their paths: step 1, 2." in nothing["why"]
    assert (named["refused"], named["why"]) == ("not_owner", f"Step app/1 has paths that you may not claim: {why}")
    assert (own["step"]["id"], "warnings" in own) == ("app/1", False)


@pytest.mark.rule("CLAIM-6")
def test_a_shared_file_of_a_step_is_claimed_as_one(ann: Workspace) -> None:
    owner_edits.write(
        ann, text="modules:\n  app: {paths: [src/**]}\nshared_files: [package.json]\n", name="owners.yaml"
    )
    project(ann, paths=["src/**", "/package.json"])

    given: Result = claim_step(ann)

    (claim,) = ann.register().claims.values()
    assert [(item.kind, item.expires_at - claim.created_at) for item in claim.items] == [
        ("file", timedelta(days=7)),
        ("shared_file", timedelta(hours=2)),
    ]
    assert given["warnings"] == [
        "'/package.json' is a shared file: it is yours for 2 hours, and longer while you beat."
    ]


def test_a_step_whose_paths_are_others_hard_place_is_granted_with_a_warning(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    rules = "modules:\n  auth: {paths: [src/auth/**], owners: [ann], severity: hard}\n"
    owner_edits.write(ann, text=rules, name="owners.yaml")
    project(ann, (), (), paths=["src/auth/a.py"])
    update_step(ann, step_id="app/2", paths=["src/auth/b.py"])

    other: Result = claim_step(agents(repo, "bob/cli/wt"))
    own: Result = claim_step(ann, agent_id="tests")

    text = "The step's paths are in a place of severity hard, owned by 'ann': agree with an owner first."
    assert (other["step"]["id"], other["warnings"]) == ("app/1", [text])
    assert (own["step"]["id"], "warnings" in own) == ("app/2", False)


def test_what_owners_are_to_be_told_of_asks_the_remote_nothing_once_it_is_decided(
    agents: Agents, servers: Servers, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = servers.remote("path-hook")
    git(repo, "remote", "add", "origin", remote.url)
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "config", "gitcoord.remote", "origin")
    ann, bob = agents(repo, "ann/cli/wt"), agents(repo, "bob/cli/wt")
    rules = "modules:\n  auth: {paths: [src/auth/**], owners: [ann], severity: hard}\n"
    owner_edits.write(ann, text=rules, name="owners.yaml")
    set_policy(ann, name="hard_requires_owner", value="true")
    project(ann, (), paths=["src/auth/a.py"])
    asked, submit, listing = list[str](), Workspace.submit, freshness.listed
    monkeypatch.setattr(Workspace, "submit", lambda *call, **named: (submit(*call, **named), asked.clear())[0])
    monkeypatch.setattr(freshness, "listed", lambda of: (asked.append("refs"), listing(of))[1])

    refused: Result = claim_files(bob, patterns=["src/auth/b.py"])
    after_refusal = [*asked]
    set_policy(ann, name="hard_requires_owner", value="false")
    given: Result = claim_step(bob)

    assert (refused["refused"], after_refusal) == ("not_owner", [])
    assert "which belongs to ann." in refused["warnings"][-1]
    assert (given["step"]["id"], len(given["warnings"]), asked) == ("app/1", 1, [])


AUTH = "modules:\n  auth: {{paths: [src/auth/**], owners: [{owners}], severity: {severity}}}\n"


@pytest.mark.parametrize("kind", ["path", "path-hook", "http"])
@pytest.mark.parametrize("named", [{}, {"project": "app"}], ids=["any-project", "project"])
def test_the_rules_of_now_decide_which_step_is_given(
    agents: Agents, servers: Servers, shared: Shared, kind: str, named: dict[str, str]
) -> None:
    """Another clone changed the owners, and then the severity, since the caller last listed the refs."""
    url = str(shared.remote) if kind == "path" else servers.remote(kind).url
    ann = agents(shared.one, "ann/cli/one", GITCOORD_REMOTE=url)
    bob = agents(shared.two, "bob/cli/two", GITCOORD_REMOTE=url)
    set_policy(ann, name="hard_requires_owner", value="true")
    owner_edits.write(ann, text=AUTH.format(owners="ann", severity="hard"), name="owners.yaml")
    project(ann, paths=["src/auth/a.py"])
    before: Result = claim_step(bob, **named)
    owner_edits.write(ann, text=AUTH.format(owners="ann, bob", severity="hard"), name="owners.yaml")

    as_owner: Result = claim_step(bob, **named)
    recover_step(bob, step_id="app/1")
    owner_edits.write(ann, text=AUTH.format(owners="ann", severity="soft"), name="owners.yaml")
    claim_step(ann)
    status(bob)
    owner_edits.write(ann, text=AUTH.format(owners="ann", severity="hard"), name="owners.yaml")
    stale: Result = claim_step(later(bob, hours=1), **named)

    assert (before["step"], as_owner["step"]["id"], stale["step"]) == (None, "app/1", None)
    for refused in (before, stale):
        assert "you cannot have their paths: step 1." in refused["why"]


@pytest.mark.rule("STEP-12")
@pytest.mark.parametrize(
    ("policy", "todo"),
    [
        ({"hard_requires_owner": "true"}, "Ask an owner of their paths to do them, or to add you: ann, cat."),
        ({"max_claim_files": "1"}, "Correct the paths: update_step(step_id='app/1', paths=…)."),
    ],
)
def test_steps_that_no_time_gives_the_caller_are_not_waited_for(
    agents: Agents, repo: Path, ann: Workspace, policy: dict[str, str], todo: str
) -> None:
    for name, value in policy.items():
        set_policy(ann, name=name, value=value)
    owner_edits.write(ann, text=AUTH.format(owners="ann, cat", severity="hard"), name="owners.yaml")
    project(ann, (), (), paths=["src/auth/new.py", "src/auth/newer.py"])

    lasting: Result = claim_step(agents(repo, "bob/cli/wt"))
    update_step(ann, step_id="app/2", paths=["docs/**"])
    claim_files(ann, patterns=["docs/a.md"], agent_id="tests")
    passing: Result = claim_step(agents(repo, "bob/cli/wt"))

    assert (lasting["refused"], lasting["next_step"]) == ("nothing_available", todo)
    assert "ask_again_s" not in lasting
    assert (passing["next_step"], passing["ask_again_s"]) == ("Ask again in 60 s, or when a claim on them ends.", 60)


@pytest.mark.rule("STEP-2", "CLAIM-5")
@pytest.mark.parametrize("named", [{"project": "app"}, {}])
def test_a_free_step_is_found_behind_any_number_that_are_for_their_owners(
    agents: Agents, repo: Path, ann: Workspace, named: dict[str, str]
) -> None:
    owner_edits.write(ann, text=AUTH.format(owners="ann", severity="hard"), name="owners.yaml")
    set_policy(ann, name="hard_requires_owner", value="true")
    count = LOOKED_AT_MAX + 1
    project(ann, *[()] * count, paths=["src/auth/a.py"])
    update_step(ann, step_id=f"app/{count}", paths=["docs/**"])
    project(ann, name="later")
    bob = agents(repo, "bob/cli/wt")

    listed = seen(get_available_steps(bob, project="app", limit=count))["steps"]
    result: Result = claim_step(bob, **named)

    assert ["paths_held" in row for row in listed] == [True] * (count - 1) + [False]
    assert (result["step"]["id"], result["passed_over_count"]) == (f"app/{count}", count - 1)


@pytest.mark.rule("CLAIM-6")
def test_a_shared_file_of_a_step_that_ran_out_is_not_called_yours(ann: Workspace) -> None:
    text = "modules:\n  app: {paths: [src/**]}\nshared_files: [package.json]\n"
    owner_edits.write(ann, text=text, name="owners.yaml")
    project(ann, paths=["src/**", "/package.json"])
    claim_step(ann)

    in_time: Result = claim_step(later(ann, hours=1))
    too_late: Result = claim_step(later(ann, hours=3))
    claim_files(ann, patterns=["/package.json"])
    claimed_again: Result = claim_step(ann)

    assert in_time["warnings"] == [
        "'/package.json' is a shared file: it is yours for 2 hours, and longer while you beat."
    ]
    assert too_late["warnings"] == [
        "Your claim of these paths of the step has ended. To claim them: claim_files(patterns=['/package.json'])."
    ]
    assert "warnings" not in claimed_again


def test_who_resumes_a_step_whose_claim_cannot_be_made_again_is_warned(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    owner_edits.write(ann, text=AUTH.format(owners="ann", severity="soft"), name="owners.yaml")
    project(ann, paths=["src/auth/a.py"])
    bob = agents(repo, "bob/cli/wt", session="one")
    claim_step(bob)
    (claim_id,) = ann.register().claims
    release_by_force(ann, claim_ids=[claim_id], reason="needed")
    owner_edits.write(ann, text=AUTH.format(owners="ann", severity="hard"), name="owners.yaml")
    set_policy(ann, name="hard_requires_owner", value="true")

    resumed: Result = claim_step(agents(repo, "bob/cli/wt", session="two"))

    assert (resumed["resumed"], ann.register().claims) == (True, {})
    assert resumed["warnings"][-1] == (
        "Your claim of these paths of the step has ended. To claim them: claim_files(patterns=['src/auth/a.py'])."
    )
