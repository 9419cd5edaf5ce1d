"""The examples of pages are true: their commands, run as they stand, print what stands there."""

import re
from pathlib import Path

import pytest

from tests.conftest import AddWorktree, Git, MakeRepo
from tests.packaging.programs import ROOT
from tests.site import transcripts

_SOURCE = "export function handleLogin() {}\nexport function logout() {}\n"
AGENTS = {"ann": "ann/claude-code/wt-1", "bob": "bob/claude-code/wt-2", "ann2": "ann/codex/wt-3"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def worked_example() -> list[transcripts.Line]:
    return [*transcripts.lines(page("claims.md").partition("## Worked example")[2].partition("\n## ")[0], AGENTS)]


@pytest.fixture
def worktrees(make_repo: MakeRepo, add_worktree: AddWorktree, git: Git) -> dict[str, Path]:
    one = make_repo("shop")
    (one / "src" / "auth").mkdir(parents=True)
    (one / "src" / "auth" / "login.ts").write_text(_SOURCE, encoding="utf-8")
    git(one, "add", "--all")
    git(one, "commit", "--quiet", "--message", "login")
    return {"ann": one, "bob": add_worktree(one, "wt-2"), "ann2": add_worktree(one, "wt-3")}


@pytest.mark.docs
def test_the_worked_example_of_claims_prints_what_it_says(worktrees: dict[str, Path]) -> None:
    ids: dict[str, str] = {}

    for line in worked_example():
        if "--wait 300" in line.command:
            continue  # it stands in line until the last command frees what it waits for
        ids = transcripts.ids_of(line, worktrees[line.who], ids, {"GITCOORD_AGENT": AGENTS[line.who]})

    assert len(ids) >= 3


@pytest.mark.docs
def test_the_worked_example_has_commands_of_all_three() -> None:
    assert {line.who for line in worked_example()} == set(AGENTS)


@pytest.mark.docs
def test_the_transcript_of_the_readme_is_true(make_repo: MakeRepo, add_worktree: AddWorktree, git: Git) -> None:
    one = make_repo("wt-1")
    git(one, "config", "user.name", "ann")
    worktrees = {"wt-1": one, "wt-2": add_worktree(one, "wt-2")}
    (one / "plan.yaml").write_text(plan_of(page("concepts.md")), encoding="utf-8")
    _ = transcripts.printed(one, "gitcoord project create plan.yaml", {})
    ids: dict[str, str] = {}

    for line in transcripts.lines((ROOT / "README.md").read_text(encoding="utf-8"), worktrees):
        ids = transcripts.ids_of(line, worktrees[line.who], ids, {})

    assert len(ids) == 1


def plan_of(text: str) -> str:
    [plan] = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return plan


@pytest.fixture
def clones(make_repo: MakeRepo, git: Git, tmp_path: Path) -> dict[str, Path]:
    first = make_repo("first")
    (first / "src").mkdir()
    for name in ("prices.py", "importer.py"):
        (first / "src" / name).write_text("def main(): ...\n", encoding="utf-8")
    git(first, "add", "--all")
    git(first, "commit", "--quiet", "--message", "sources")
    git(tmp_path, "clone", "--quiet", "--bare", str(first), "shop.git")
    for name in ("ann", "bob"):
        git(tmp_path, "clone", "--quiet", "shop.git", name)
        git(tmp_path / name, "config", "user.name", name)
        git(tmp_path / name, "config", "gitcoord.remote", "origin")
    return {name: tmp_path / name for name in ("ann", "bob")}


@pytest.mark.docs
def test_the_concepts_are_shown_as_they_are(clones: dict[str, Path]) -> None:
    text = page("concepts.md")
    (clones["ann"] / "plan.yaml").write_text(plan_of(text), encoding="utf-8")
    ids: dict[str, str] = {}

    found = [*transcripts.lines(text, clones)]
    for line in found:
        ids = transcripts.ids_of(line, clones[line.who], ids, {})

    assert {line.who for line in found} == {"ann", "bob"}


def test_a_line_that_is_not_printed_is_found(tmp_path: Path) -> None:
    line = transcripts.Line("ann", "git check-ref-format --branch main", ("mian",))

    with pytest.raises(AssertionError, match="does not print 'mian' but \\['main'\\]"):
        _ = transcripts.ids_of(line, tmp_path, {}, {})
