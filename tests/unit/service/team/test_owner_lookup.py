"""Who owns what, read at the team's ref; and what changes it."""

import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents import limits
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.errors import ContendedError, InvalidError, LimitError
from gitcoord.ledger.format.records import parse_lines
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import owner_edits
from gitcoord.service.team.owner_lookup import Ownership, owned, ownership_of, show
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.watch import sync
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, commit_on, says, seen, store_of, tips, write_ref

TEXT = """\
# who
modules:
  auth: {paths: [src/auth/**], owners: [ann], severity: hard}
  web: {paths: [web/**], owners: [bob]}
shared_files:
  - package.json  # everybody's
"""
CONFIG = "refs/coord/config"


def judged(workspace: Workspace, *texts: str) -> Ownership:
    return ownership_of(workspace, [Pattern.of(text) for text in texts])


def at_ref(git: Git, repo: Path, name: str = "owners.yaml") -> str:
    return git(store_of(repo), "show", f"{CONFIG}:{name}")


def test_without_rules_nobody_minds(ann: Workspace) -> None:
    assert judged(ann, "src/**") == Ownership(None, (), is_owner=True, shared=(False,))
    assert show(ann) == {"modules": {}, "shared_files": [], "suggested_splits": [], "auto": [], "warnings": []}
    assert tips(ann) == {}


def test_what_one_clone_imports_the_other_judges_by(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")

    done = owner_edits.write(ann, text=TEXT, name="owners.yaml")

    assert (done["changed"], done["modules"], done["shared_files"]) == (True, 2, 1)
    assert judged(bob, "src/auth/a.ts") == Ownership(Severity.HARD, ("ann",), is_owner=False, shared=(False,))
    assert judged(ann, "src/auth/a.ts").is_owner
    assert judged(bob, "/package.json", "web/x") == Ownership(
        Severity.SOFT, ("bob",), is_owner=True, shared=(True, False)
    )


def test_a_listing_that_was_made_already_is_judged_by(ann: Workspace) -> None:
    before = ann.listed()
    owner_edits.write(ann, text=TEXT, name="owners.yaml")

    assert ownership_of(ann, [Pattern.of("web/x")], before).owners == ()
    assert ownership_of(ann, [Pattern.of("web/x")], ann.listed(), "bob/cli/wt").is_owner


def test_importing_the_same_again_changes_nothing(ann: Workspace) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")
    before = tips(ann)

    assert owner_edits.write(ann, text=TEXT, name="owners.yaml")["changed"] is False
    assert tips(ann) == before


def test_what_is_invalid_is_not_written_and_the_old_rules_stay(ann: Workspace) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")
    before = tips(ann)

    with pytest.raises(InvalidError, match=r"^new\.yaml:2: module 'a' has no paths\.") as caught:
        owner_edits.write(ann, text="modules:\n  a: {paths: []}\n", name="new.yaml")

    assert says(caught.value) == (2, "invalid", True)
    assert tips(ann) == before
    assert judged(ann, "web/x").owners == ("bob",)


@pytest.mark.rule("SAFE-6")
def test_rules_that_somebody_damaged_past_us_leave_those_from_before_and_say_so(
    ann: Workspace, repo: Path, git: Git, tmp_path: Path
) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")
    good = git(store_of(repo), "rev-parse", CONFIG)
    damaged = write_ref(store_of(repo), CONFIG, {"meta.json": "{}", "owners.yaml": "modules: ["})
    tree = git(store_of(repo), "rev-parse", f"{damaged}^{{tree}}")
    child = git(store_of(repo), "commit-tree", "-p", good, "-m", "by hand", tree)
    git(store_of(repo), "update-ref", CONFIG, child)

    assert judged(ann, "web/x").owners == ("bob",)
    [problem] = owned(ann).problems
    assert problem.startswith("owners.yaml:1: ")
    assert show(ann)["warnings"] == [problem]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "text", ["modules: [", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "x" * 300_000]
)
def test_damaged_rules_with_nothing_before_them_count_as_none(ann: Workspace, repo: Path, text: str) -> None:
    write_ref(store_of(repo), CONFIG, {"owners.yaml": text})

    assert judged(ann, "web/x") == Ownership(None, (), is_owner=True, shared=(False,))
    assert len(owned(ann).problems) == 1


def test_a_ref_that_is_no_tree_of_ours_counts_as_no_rules(ann: Workspace, repo: Path, git: Git) -> None:
    blob = git(store_of(repo), "hash-object", "-w", "--stdin", "--path=x")
    del blob
    write_ref(store_of(repo), CONFIG, {"a b": "foreign"})

    assert judged(ann, "web/x").owners == ()
    assert owned(ann).problems


def test_the_record_says_who_did_what(ann: Workspace, repo: Path, git: Git) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")
    owner_edits.promote(ann, pattern="a.lock")

    message = git(store_of(repo), "log", "--format=%b", CONFIG)
    assert [(one.line["do"], one.line["args"]) for one in parse_lines(message)] == [
        ("promote", {"pattern": "a.lock", "kind": "shared_file"}),
        ("set_owners", {"from": "owners.yaml"}),
    ]


def test_the_policy_and_the_rules_live_side_by_side(ann: Workspace, repo: Path, git: Git) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")
    set_policy(ann, name="strict_complete", value="true")

    assert at_ref(git, repo) + "\n" == TEXT
    assert judged(ann, "web/x").owners == ("bob",)


def test_promoting_adds_one_line_once(ann: Workspace, repo: Path, git: Git) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")

    first = owner_edits.promote(ann, pattern="src/index.ts")
    before = tips(ann)
    second = owner_edits.promote(ann, pattern="src/index.ts")

    assert (first["changed"], second["changed"], second["already"]) == (True, False, True)
    assert at_ref(git, repo) + "\n" == TEXT + '  - "src/index.ts"\n'
    assert tips(ann) == before
    assert judged(ann, "src/index.ts").shared == (True,)


def test_what_a_wider_line_covers_is_promoted_already(ann: Workspace) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")

    assert owner_edits.promote(ann, pattern="lib/package.json")["already"] is True


def test_promoting_means_what_is_tracked(ann: Workspace, repo: Path, git: Git) -> None:
    (repo / "gen").mkdir()
    (repo / "gen" / "a").write_text("x")
    git(repo, "add", "--all")

    assert owner_edits.promote(ann, pattern="gen/")["pattern"] == "gen/"
    assert owner_edits.promote(ann, pattern="./gen")["pattern"] == "gen/**"


def test_the_first_promotion_begins_a_valid_file(ann: Workspace, repo: Path, git: Git) -> None:
    owner_edits.promote(ann, pattern="src/core/**", kind="split")
    again = owner_edits.promote(ann, pattern="src/core/**", kind="split")

    assert again["already"] is True
    assert at_ref(git, repo) + "\n" == owner_edits.STARTER + 'suggested_splits:\n  - "src/core/**"\n'
    assert judged(ann, "x").severity is Severity.SOFT


@pytest.mark.parametrize(("pattern", "kind"), [("!x", "shared_file"), ("", "split"), ("a", "nope")])
def test_what_cannot_be_promoted_is_invalid(ann: Workspace, pattern: str, kind: str) -> None:
    with pytest.raises(InvalidError):
        owner_edits.promote(ann, pattern=pattern, kind=kind)

    assert tips(ann) == {}


def test_who_edits_while_another_writes_loses_nothing_of_either(ann: Workspace) -> None:
    begun = owner_edits.editable(ann).text
    owner_edits.write(ann, text=TEXT, name="owners.yaml")

    with pytest.raises(ContendedError, match="changed meanwhile"):
        owner_edits.write(ann, text=TEXT.replace("bob", "cy"), name="owners.yaml", instead_of=begun)

    assert judged(ann, "web/x").owners == ("bob",)


def track(git: Git, repo: Path, text: str, branch: str = "main") -> str:
    (repo / ".gitcoord").mkdir(exist_ok=True)
    (repo / owner_edits.TRACKED).write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "owners")
    return git(repo, "rev-parse", "HEAD")


def test_tracked_rules_are_the_source_and_the_ref_follows(ann: Workspace, repo: Path, git: Git) -> None:
    track(git, repo, TEXT)

    first, second = owner_edits.follow_tracked(ann), owner_edits.follow_tracked(ann)
    track(git, repo, TEXT.replace("bob", "cy"))
    third = owner_edits.follow_tracked(ann)

    assert (first, second, third) == ({"followed": True}, {"followed": False}, {"followed": True})
    assert judged(ann, "web/x").owners == ("cy",)


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("how", ["write", "promote"])
def test_a_branch_that_makes_the_file_a_link_leads_nobody_out_of_the_repository(
    ann: Workspace, repo: Path, git: Git, tmp_path: Path, how: str
) -> None:
    track(git, repo, TEXT)
    outside = tmp_path / "outside"
    outside.write_text("mine\n", "utf-8")
    (repo / owner_edits.TRACKED).unlink()
    (repo / owner_edits.TRACKED).symlink_to(outside)

    with pytest.raises(InvalidError, match="symbolic link"):
        owner_edits.write(ann, text=TEXT, name="new") if how == "write" else owner_edits.promote(
            ann, pattern="README.md"
        )

    assert outside.read_text("utf-8") == "mine\n"


@pytest.mark.rule("SAFE-8")
def test_rules_that_would_be_too_large_to_read_are_not_written(ann: Workspace) -> None:
    """What a person imports may have just the size that is taken; a promotion adds a line."""
    text = TEXT + "#" * (limits.OWNERS_BYTES - len(TEXT) - 1) + "\n"
    owner_edits.write(ann, text=text, name="owners.yaml")
    before = tips(ann)

    with pytest.raises(LimitError, match=str(limits.OWNERS_BYTES)):
        owner_edits.promote(ann, pattern="README.md")

    assert tips(ann) == before
    assert judged(ann, "src/auth/a.ts").is_owner


def test_tracked_rules_that_are_invalid_change_nothing(ann: Workspace, repo: Path, git: Git) -> None:
    track(git, repo, TEXT)
    owner_edits.follow_tracked(ann)
    track(git, repo, "modules: {}\n")

    done = owner_edits.follow_tracked(ann)

    assert done["followed"] is False
    assert ".gitcoord/owners.yaml:1: there are no modules" in str(done["warnings"])
    assert judged(ann, "web/x").owners == ("bob",)


def test_a_file_on_another_branch_is_no_source(ann: Workspace, repo: Path, git: Git) -> None:
    (repo / ".gitcoord").mkdir()
    commit_on(git, repo, "feat", **{owner_edits.TRACKED: TEXT})

    assert owner_edits.follow_tracked(ann) == {"followed": False}
    assert owner_edits.editable(ann).file is None


def test_a_clone_that_fetched_less_changes_nothing_back(agents: Agents, shared: Shared, git: Git) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    track(git, shared.one, TEXT)
    git(shared.one, "push", "--quiet")
    git(shared.two, "pull", "--quiet")
    track(git, shared.one, TEXT.replace("bob", "cy"))
    git(shared.one, "push", "--quiet")
    owner_edits.follow_tracked(ann)

    behind = owner_edits.follow_tracked(bob)

    assert behind == {"followed": False}
    assert judged(bob, "web/x").owners == ("cy",)


def test_where_rules_are_tracked_a_promotion_is_made_in_the_worktree(ann: Workspace, repo: Path, git: Git) -> None:
    track(git, repo, TEXT)
    owner_edits.follow_tracked(ann)
    before = tips(ann)

    done = owner_edits.promote(ann, pattern="src/index.ts")
    again = owner_edits.promote(ann, pattern="src/index.ts")

    assert (done["file"], done["changed"], again["changed"]) == (owner_edits.TRACKED, True, False)
    assert (repo / owner_edits.TRACKED).read_text() == TEXT + '  - "src/index.ts"\n'
    assert tips(ann) == before


def test_a_worktree_without_the_tracked_rules_says_where_to_go(ann: Workspace, repo: Path, git: Git) -> None:
    track(git, repo, TEXT)
    git(repo, "switch", "--quiet", "--create", "old", "HEAD~1")

    with pytest.raises(InvalidError, match="this worktree does not have it"):
        owner_edits.promote(ann, pattern="src/index.ts")


PROGRAM = """
import os, sys
from pathlib import Path
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.runtime import open_workspace
from gitcoord.service.team.owner_lookup import ownership_of
found = ownership_of(open_workspace(Path(sys.argv[1]), os.environ, tool="cli"), [Pattern.of("web/x")])
print(found.owners, any(name.startswith("ruamel") for name in sys.modules))
"""


def test_who_has_no_rules_does_not_import_the_parser(ann: Workspace, repo: Path) -> None:
    def run() -> str:
        words = [sys.executable, "-c", PROGRAM, str(repo)]
        return subprocess.run(words, capture_output=True, encoding="utf-8", check=True, timeout=60).stdout.strip()

    without = run()
    owner_edits.write(ann, text=TEXT, name="owners.yaml")

    assert without == "() False"
    assert run() == "('bob',) True"


def test_sync_follows_the_tracked_rules_and_says_what_is_wrong_with_them(ann: Workspace, repo: Path, git: Git) -> None:
    track(git, repo, TEXT)
    first = sync(ann)
    track(git, repo, "modules: [")
    second = sync(ann)

    assert first["oddities"] == []
    assert judged(ann, "web/x").owners == ("bob",)
    assert ".gitcoord/owners.yaml:1: " in str(second["oddities"])


def test_a_foreign_ref_does_not_break_sync(ann: Workspace, repo: Path, git: Git) -> None:
    write_ref(store_of(repo), CONFIG, {"README.md": "mine"})
    track(git, repo, TEXT)

    assert "was not written by gitcoord" in str(sync(ann)["oddities"])


def test_a_claim_carries_what_the_rules_say_of_its_place(ann: Workspace) -> None:
    owner_edits.write(ann, text=TEXT, name="owners.yaml")

    claim = seen(claim_files(ann, patterns=["src/auth/a.ts", "/package.json"]))["claim"]

    assert (claim["severity"], claim["owners"]) == ("hard", ["ann"])
    assert [item.get("kind", "file") for item in claim["items"]] == ["file", "shared_file"]


def test_who_does_not_own_a_strict_place_is_refused_where_the_team_says_so(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    owner_edits.write(ann, text=TEXT, name="owners.yaml")
    set_policy(ann, name="hard_requires_owner", value="true")

    refused, granted = claim_files(bob, patterns=["src/auth/a.ts"]), claim_files(ann, patterns=["src/auth/a.ts"])

    assert (refused["granted"], granted["granted"]) == (False, True)


@pytest.fixture
def two_repositories(agents: Agents, shared: Shared, git: Git) -> tuple[Workspace, Workspace]:
    """Two repositories that share a remote for coordination."""
    git(shared.one, "config", "gitcoord.repo", "org/one")
    git(shared.two, "config", "gitcoord.repo", "../two")
    git(shared.one, "switch", "--quiet", "main")
    return agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")


def test_of_several_repositories_on_one_remote_each_is_judged_by_its_own_tracked_rules(
    two_repositories: tuple[Workspace, Workspace], shared: Shared, git: Git
) -> None:
    ann, bob = two_repositories
    track(git, shared.one, TEXT)
    git(shared.one, "push", "--quiet")
    track(git, shared.two, TEXT.replace("[bob]", "[ann]"))
    git(shared.two, "update-ref", "refs/remotes/origin/main", "HEAD")

    followed = [owner_edits.follow_tracked(one) for one in (ann, bob, ann, bob)]

    assert [one["followed"] for one in followed] == [True, True, False, False]
    assert (judged(ann, "web/x").owners, judged(bob, "web/x").owners) == (("bob",), ("ann",))


def test_a_repository_that_tracks_no_rules_is_judged_by_the_team_s(
    two_repositories: tuple[Workspace, Workspace], shared: Shared, git: Git
) -> None:
    ann, bob = two_repositories
    track(git, shared.one, TEXT)
    git(shared.one, "push", "--quiet")
    owner_edits.follow_tracked(ann)
    alone = judged(bob, "web/x").owners

    owner_edits.write(bob, text=TEXT.replace("[bob]", "[ann]"), name="owners.yaml")

    assert alone == ()
    assert (judged(ann, "web/x").owners, judged(bob, "web/x").owners) == (("bob",), ("ann",))


def test_rules_of_a_repository_s_own_are_changed_where_they_count(
    two_repositories: tuple[Workspace, Workspace], shared: Shared, git: Git
) -> None:
    ann, bob = two_repositories
    track(git, shared.one, TEXT)
    git(shared.one, "push", "--quiet")
    owner_edits.follow_tracked(ann)
    git(shared.one, "rm", "--quiet", ".gitcoord/owners.yaml")
    git(shared.one, "commit", "--quiet", "--message", "no rules in here")
    git(shared.one, "push", "--quiet")

    begun = owner_edits.editable(ann)
    owner_edits.write(ann, text=begun.text.replace("[bob]", "[ann, bob]"), name="owners.yaml", instead_of=begun.text)
    owner_edits.promote(ann, pattern="/lock")

    assert judged(ann, "web/x").owners == ("ann", "bob")
    assert judged(ann, "/lock").shared == (True,)
    assert judged(bob, "web/x", "/lock") == Ownership(None, (), is_owner=True, shared=(False, False))
