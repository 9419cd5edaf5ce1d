"""Bad input, end to end: a sentence, what to do, the right exit status; and nothing is written."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import abort_project, add_steps, create_project, get_project, list_projects
from gitcoord.service.steps.step_views import get_agent_events, get_step
from gitcoord.service.steps.step_work import (
    claim_step,
    complete_step,
    fail_step,
    heartbeat,
    recover_step,
    skip_step,
    start_step,
    update_step,
)
from tests.conftest import Git, MakeBare, MakeRepo
from tests.unit.service.world import Agents, Result, plan, project, says, tips

LONG = "x" * 10_000
BAD_NAMES = ["../x", "-x", "a..b", "a\x1b[31mb", "a\nb", "a\0b", "", ".", "a/b", "a b", "a.lock", "ü", LONG, "\ud800"]
BAD_NAME_IDS = ["up", "option", "dots", "escape", "newline", "nul", "empty", "dot", "slash", "space", "lock",
                "unicode", "long", "surrogate"]  # fmt: skip

Call = Callable[[Workspace], Mapping[str, Json]]


@pytest.mark.rule("NAME-1", "SEC-1")
@pytest.mark.parametrize("name", BAD_NAMES, ids=BAD_NAME_IDS)
def test_a_bad_name_of_a_project_is_refused_everywhere(ann: Workspace, name: str) -> None:
    project(ann)
    before = tips(ann)
    calls: list[Call] = [
        lambda ws: create_project(ws, name=name, base_commit="HEAD", steps=plan(())),
        lambda ws: add_steps(ws, project=name, steps=plan(())),
        lambda ws: abort_project(ws, name=name, reason="x"),
        lambda ws: get_project(ws, name=name),
        lambda ws: get_step(ws, step_id=f"{name}/1"),
        lambda ws: start_step(ws, step_id=f"{name}/1"),
        *([lambda ws: claim_step(ws, project=name), lambda ws: get_agent_events(ws, project=name)] if name else []),
    ]

    for call in calls:
        with pytest.raises(CoordError) as caught:
            call(ann)
        assert says(caught.value) == (2, "invalid", True)
    assert tips(ann) == before


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        ([], "invalid", "There are no steps"),
        ([{}], "invalid", "step_num"),
        ([{"step_num": "one"}], "invalid", "step_num"),
        ([{"step_num": 0}], "invalid", "from 1 to 999999999"),
        ([{"step_num": -1}], "invalid", "from 1 to 999999999"),
        ([{"step_num": 10**12}], "invalid", "not the number of a step"),
        ([{"step_num": True}], "invalid", "step_num"),
        ([{"step_num": 1}, {"step_num": 1}], "invalid", "given twice"),
        ([{"step_num": 1, "depends_on": [2]}], "invalid", "does not exist"),
        ([{"step_num": 1, "depends_on": [1]}], "invalid", "itself"),
        ([{"step_num": 1, "depends_on": "2"}], "invalid", "depends_on"),
        ([{"step_num": 1, "depends_on": [2]}, {"step_num": 2, "depends_on": [1]}], "invalid", "circle: 1 → 2 → 1"),
        ([{"step_num": 1, "branch": "-x"}], "invalid", "not a legal name of a branch"),
        ([{"step_num": 1, "branch": "a..b"}], "invalid", "not a legal name of a branch"),
        ([{"step_num": 1, "branch": LONG}], "invalid", "not a legal name of a branch"),
        ([{"step_num": 1, "branch": "b\x9b31m"}], "invalid", "not a legal name of a branch"),
        ([{"step_num": 1, "branch": "b"}, {"step_num": 2, "branch": "b"}], "invalid", "have the same branch"),
        ([{"step_num": 1, "colour\x1b": "red"}], "invalid", "unknown fields"),
        ([{"step_num": 1, "priority": 10**9}], "invalid", "priority"),
        ([{"step_num": 1, "title": "\ud800"}], "invalid", "title"),
        ([{"step_num": 1, "title": "x" * 70_000}], "invalid", "title"),
        ([{"step_num": 1, "title": None}], "invalid", "title"),
    ],
)  # fmt: skip
@pytest.mark.rule("STEP-1")
def test_a_bad_plan_is_refused_whole_with_what_is_wrong(
    ann: Workspace, steps: list[dict[str, Json]], code: str, words: str
) -> None:
    with pytest.raises(CoordError) as caught:
        create_project(ann, name="app", base_commit="HEAD", steps=steps)

    assert says(caught.value)[:2] == (2, code)
    assert words in str(caught.value)
    assert tips(ann) == {}


CANNOT_BE_KEPT: dict[str, Call] = {
    "description-surrogate": lambda ws: create_project(
        ws, name="new", base_commit="HEAD", steps=plan(()), description="\ud800"
    ),
    "description-long": lambda ws: create_project(
        ws, name="new", base_commit="HEAD", steps=plan(()), description="x" * 10**6
    ),
    "stale-zero": lambda ws: create_project(ws, name="new", base_commit="HEAD", steps=plan(()), stale_minutes=0),
    "stale-huge": lambda ws: create_project(ws, name="new", base_commit="HEAD", steps=plan(()), stale_minutes=10**9),
    "base-missing": lambda ws: create_project(ws, name="new", base_commit="1" * 40, steps=plan(())),
    "base-long": lambda ws: create_project(ws, name="new", base_commit=LONG, steps=plan(())),
    "base-nul": lambda ws: create_project(ws, name="new", base_commit="a\0b", steps=plan(())),
    "title-surrogate": lambda ws: update_step(ws, step_id="app/1", title="\ud800"),
    "title-long": lambda ws: update_step(ws, step_id="app/1", title="x" * 10**6),
    "branch": lambda ws: update_step(ws, step_id="app/1", branch="a..b"),
    "depends-on-itself": lambda ws: update_step(ws, step_id="app/1", depends_on=[1]),
    "reason-surrogate": lambda ws: fail_step(ws, step_id="app/1", reason="\ud800"),
    "reason-empty": lambda ws: skip_step(ws, step_id="app/1", reason=""),
    "worktree-surrogate": lambda ws: start_step(ws, step_id="app/1", worktree="\ud800"),
    "scope-surrogate": lambda ws: claim_step(ws, scope="\ud800"),
    "scope-long": lambda ws: claim_step(ws, scope="x" * 10**6),
    "notes-surrogate": lambda ws: complete_step(ws, step_id="app/1", commit_hash="HEAD", notes="\ud800"),
    "files-surrogate": lambda ws: complete_step(ws, step_id="app/1", commit_hash="HEAD", files_modified=["\udcff"]),
}


@pytest.mark.parametrize("call", CANNOT_BE_KEPT.values(), ids=CANNOT_BE_KEPT)
def test_text_and_numbers_that_cannot_be_kept_are_refused(ann: Workspace, call: Call) -> None:
    project(ann)
    before = tips(ann)

    with pytest.raises(CoordError) as caught:
        call(ann)

    assert says(caught.value)[:2] == (2, "invalid")
    assert tips(ann) == before


UNKNOWN: dict[str, Call] = {
    "claim-project": lambda ws: claim_step(ws, project="nope"),
    "claim-of-project": lambda ws: claim_step(ws, step_id="nope/1"),
    "claim-step": lambda ws: claim_step(ws, step_id="app/9"),
    "start": lambda ws: start_step(ws, step_id="app/9"),
    "heartbeat": lambda ws: heartbeat(ws, step_id="nope/1"),
    "complete-step": lambda ws: complete_step(ws, step_id="app/9", commit_hash="HEAD"),
    "complete-project": lambda ws: complete_step(ws, step_id="nope/1", commit_hash="HEAD"),
    "fail": lambda ws: fail_step(ws, step_id="app/9", reason="x"),
    "recover-step": lambda ws: recover_step(ws, step_id="app/9"),
    "recover-project": lambda ws: recover_step(ws, step_id="nope/1"),
    "skip": lambda ws: skip_step(ws, step_id="app/9", reason="x"),
    "update": lambda ws: update_step(ws, step_id="app/9", title="x"),
    "get-step": lambda ws: get_step(ws, step_id="app/9"),
    "get-project": lambda ws: get_project(ws, name="nope"),
    "abort": lambda ws: abort_project(ws, name="nope", reason="x"),
    "add": lambda ws: add_steps(ws, project="nope", steps=plan(())),
}


@pytest.mark.parametrize("call", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_project_or_step_is_not_found(ann: Workspace, call: Call) -> None:
    project(ann)
    before = tips(ann)

    with pytest.raises(CoordError) as caught:
        call(ann)

    assert says(caught.value) == (2, "not_found", True)
    assert tips(ann) == before


# --- repositories


def test_where_there_is_no_usable_repository_it_is_said(agents: Agents, make_bare: MakeBare, repo: Path) -> None:
    outside = repo.parent / "outside"
    outside.mkdir()

    for folder in (outside, make_bare(), repo / ".git", repo / "gone", repo / "README.md"):
        with pytest.raises(CoordError) as caught:
            agents(folder)
        assert says(caught.value)[:2] == (2, "repository")
    assert not (repo / ".git" / "gitcoord").exists()


def test_a_shallow_clone_coordinates_and_guesses_no_files(agents: Agents, make_repo: MakeRepo, git: Git) -> None:
    source = make_repo("source")
    base = git(source, "rev-parse", "HEAD")
    git(source, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(source.parent, "clone", "--quiet", "--depth=1", source.as_uri(), "shallow")
    ann = agents(source.parent / "shallow", "ann/cli/wt")

    with pytest.raises(CoordError) as caught:
        create_project(ann, name="app", base_commit=base, steps=plan(()))
    project(ann)
    claim_step(ann)
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert says(caught.value) == (2, "invalid", True)
    assert "git fetch --unshallow" in caught.value.hint
    assert done["step"]["files_modified"] == []


def test_a_submodule_is_a_clone_of_its_own(agents: Agents, make_repo: MakeRepo, git: Git) -> None:
    outer, inner = make_repo("outer"), make_repo("inner")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib")
    above, below = agents(outer, "ann/cli/outer"), agents(outer / "lib", "ann/cli/lib")

    project(below, name="of-the-submodule")

    assert above.clone_id != below.clone_id
    assert list_projects(above)["count"] == 0
