"""Ledgers that somebody else wrote, damaged or hostile: named, left alone, and no other command breaks."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.service.claims.claims import check_conflicts, list_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import abort_project, add_steps, create_project, get_project, list_projects
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step, complete_step, recover_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import sync
from tests.conftest import Git, MakeBare
from tests.unit.service.world import (
    Agents,
    Result,
    Shared,
    damage,
    plan,
    project,
    says,
    seen,
    store_of,
    tips,
    write_ref,
)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "files",
    [
        {"project.json": "{"},
        {"meta.json": "{}"},
        {"meta.json": "[]", "project.json": "{}"},
        {"README.md": "not a ledger"},
        {},
        {"meta.json": '{"schema": 1}', "project.json": '{"name": "other", "base_commit": "1"}'},
    ],
    ids=["no-json", "no-project", "no-object", "stranger", "empty", "another-name"],
)
def test_a_tip_that_is_not_ours_is_left_alone_and_named(agents: Agents, shared: Shared, files: dict[str, str]) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann, name="good")
    write_ref(shared.remote, "refs/coord/steps/bad", files)
    before = tips(ann)

    for call in (
        lambda: claim_step(ann, project="bad"),
        lambda: get_project(ann, name="bad"),
        lambda: create_project(ann, name="bad", base_commit="HEAD", steps=plan(())),
        lambda: abort_project(ann, name="bad", reason="x"),
    ):
        with pytest.raises(CoordError) as caught:
            call()
        assert says(caught.value) == (5, "damaged", True)
        assert "refs/coord/steps/bad" in str(caught.value)
    assert tips(ann) == before
    assert claim_step(ann)["step"]
    assert len(seen(status(ann))["oddities"]) == 1


@pytest.mark.rule("SEC-4")
def test_of_thousands_of_bad_refs_a_result_names_a_few_and_counts_the_rest(ann: Workspace, repo: Path) -> None:
    project(ann)
    tip = write_ref(store_of(repo), "refs/coord/steps/bad-0000", {"project.json": "{"})
    (store_of(repo) / "packed-refs").write_text(
        "# pack-refs with: sorted\n" + "".join(f"{tip} refs/coord/steps/bad-{number:04}\n" for number in range(1, 3000))
    )

    shown = seen(status(ann))

    assert (len(shown["oddities"]), shown["oddities"][-1]["message"]) == (
        21,
        "A person has to look at 2980 more refs like these.",
    )
    assert [row["name"] for row in shown["projects"]] == ["app"]
    assert len(json.dumps(shown)) < 20_000


@pytest.mark.rule("SAFE-6")
def test_a_damaged_object_of_the_store_is_named_and_other_projects_go_on(
    agents: Agents, repo: Path, ann: Workspace, git: Git
) -> None:
    project(ann, name="bad")
    project(ann, name="good")
    store = store_of(repo)
    tip = git(store, "rev-parse", "refs/coord/steps/bad:project.json")
    for pack in (store / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=store, input=data, check=True)
    path = store / "objects" / tip[:2] / tip[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-4])
    before = tips(ann)
    fresh = agents(repo, "ann/cli/wt")

    with pytest.raises(CoordError) as caught:
        claim_step(fresh, project="bad")

    assert says(caught.value) == (5, "damaged", True)
    assert tips(ann) == before
    assert claim_step(fresh)["step"]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("shared_remote", [False, True], ids=["the store", "a remote"])
def test_a_damaged_ref_is_named_wherever_its_project_is_missed(
    agents: Agents, repo: Path, make_bare: MakeBare, git: Git, shared_remote: bool
) -> None:
    place = make_bare() if shared_remote else store_of(repo)
    git(repo, "config", "gitcoord.remote", str(place) if shared_remote else ".")
    bob = agents(repo, "bob/claude/wt", serve=True)
    project(bob, name="good")
    project(bob, name="app")
    if not shared_remote:
        _ = store_of(repo)
    (place / "refs" / "coord" / "steps" / "app").write_text("garbage\n")

    shown = [seen(call(bob))["oddities"] for call in (status, list_projects, sync)]
    for call in (
        lambda: project(bob, name="App"),
        lambda: claim_step(bob, project="app"),
        lambda: get_project(bob, name="app"),
        lambda: get_step(bob, step_id="app/1"),
    ):
        with pytest.raises(CoordError) as caught:
            call()
        assert says(caught.value) == (5, "damaged", True)
        assert str(caught.value) == "The ref 'refs/coord/steps/app' holds no object id."

    assert [[row["ref"] for row in rows] for rows in shown] == [["refs/coord/steps/app"]] * 3
    assert all(row["message"] and row["next_step"] for rows in shown for row in rows)
    assert [one["notice"] for one in take_notices(bob)] == ["damaged"]
    assert (place / "refs" / "coord" / "steps" / "app").read_text() == "garbage\n"
    assert claim_step(bob)["step"]


@pytest.mark.parametrize(
    ("meta", "reading"), [({"schema": 2, "writer_min": 2}, False), ({"schema": 1, "writer_min": 9}, True)]
)
def test_a_ledger_of_a_newer_version_is_not_written(
    agents: Agents, shared: Shared, git: Git, meta: dict[str, int], reading: bool
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    documents = {
        "meta.json": json.dumps(meta),
        "project.json": git(shared.remote, "show", "refs/coord/steps/app:project.json"),
    }
    write_ref(shared.remote, "refs/coord/steps/app", documents)
    before = tips(ann)

    with pytest.raises(CoordError) as caught:
        add_steps(ann, project="app", steps=plan(()))

    assert says(caught.value) == (1, "newer_schema", True)
    assert "Upgrade gitcoord" in caught.value.hint
    assert (list_projects(ann)["count"] == 1) is reading
    assert tips(ann) == before


@pytest.mark.rule("SEC-1", "SAFE-6")
@pytest.mark.parametrize("branch", ["--upload-pack=touch pwned", "*", "x" * 1_000, "HEAD"])
def test_a_hostile_branch_in_a_ledger_of_others_runs_nothing(
    agents: Agents, shared: Shared, git: Git, branch: str
) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    claim_step(bob)
    step = json.loads(git(shared.remote, "show", "refs/coord/steps/app:steps/0/1.json"))
    rewrite_step(shared.remote, git, {**step, "branch": branch, "claimed_at": None, "last_activity": None})

    results: list[Result] = [
        recover_step(ann, step_id="app/1"),
        claim_step(ann),
        get_step(ann, step_id="app/1"),
        complete_step(ann, step_id="app/1", commit_hash="HEAD"),
    ]

    assert [bool(result["step"]) for result in results] == [True] * 4
    assert [*shared.one.rglob("pwned"), *shared.two.rglob("pwned"), *shared.remote.rglob("pwned")] == []


@pytest.mark.rule("SEC-1", "SAFE-6")
@pytest.mark.parametrize("text", ["a\nnotice: b", "a\0b", "\x1b[31m", "a\u202eb", "x" * 1_025])
@pytest.mark.parametrize("field", ["branch", "scope", "agent_id", "commit_hash"])
def test_a_name_that_no_sentence_could_have_is_damage(
    agents: Agents, shared: Shared, git: Git, field: str, text: str
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    step = json.loads(git(shared.remote, "show", "refs/coord/steps/app:steps/0/1.json"))
    rewrite_step(shared.remote, git, {**step, field: text})

    with pytest.raises(CoordError) as caught:
        get_step(ann, step_id="app/1")

    assert says(caught.value) == (5, "damaged", True)
    assert f"has in '{field}' what is no line" in str(caught.value)


def rewrite_step(git_dir: Path, git: Git, step: dict[str, Json]) -> None:
    """Let a stranger who knows the format push another step 1 of `app`."""
    (git_dir / "draft.json").write_text(json.dumps({name: one for name, one in step.items() if one is not None}))
    blob = git(git_dir, "hash-object", "-w", "draft.json")
    index = {"GIT_INDEX_FILE": str(git_dir / "draft.index")}
    words = [f"--git-dir={git_dir}"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in index.items():
            patch.setenv(name, value)
        git(git_dir, *words, "read-tree", "refs/coord/steps/app")
        git(git_dir, *words, "update-index", "--cacheinfo", f"100644,{blob},steps/0/1.json")
        tree = git(git_dir, *words, "write-tree")
    commit = git(git_dir, "commit-tree", "-p", "refs/coord/steps/app", "-m", "by a stranger", tree)
    git(git_dir, "update-ref", "refs/coord/steps/app", commit)


def test_a_damaged_project_of_the_embedded_store_is_not_written_over(ann: Workspace, repo: Path) -> None:
    project(ann)
    damage(repo, "app")
    before = tips(ann)

    with pytest.raises(CoordError) as caught:
        project(ann)

    assert says(caught.value) == (5, "damaged", True)
    assert tips(ann) == before


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "asked", [lambda ann: check_conflicts(ann, files=["a.py"]), list_claims], ids=["check", "list"]
)
def test_an_answer_that_only_reads_names_the_claim_that_it_does_not_count(
    agents: Agents, shared: Shared, asked: Callable[[Workspace], object]
) -> None:
    meta = json.dumps({"schema": 1, "rules": 1, "writer_min": 1, "seq": 1, "grants": 1})
    write_ref(shared.remote, "refs/coord/claims", {"meta.json": meta, "claims/a/b/c-ab.json": "{"})
    ann = agents(shared.one, "ann/cli/one")

    asked(ann)

    told = [(one["notice"], one["path"]) for one in take_notices(ann)]
    assert told == [("left_out", "claims/a/b/c-ab.json")]
