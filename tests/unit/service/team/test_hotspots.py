"""Hot files: read from the claims ledger, and what machines make of them in `auto.yaml`."""

from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import canonical
from gitcoord.core.owners import refusal_counts
from gitcoord.core.owners.refusal_counts import RefusalCount
from gitcoord.errors import InvalidError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import Meta
from gitcoord.ledger.format.records import parse_lines
from gitcoord.remote.contract.protocol import Oid, RefUpdate, SwapStatus
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import config_ref, owner_edits
from gitcoord.service.team.config_ref import Change
from gitcoord.service.team.hotspots import counters_of, hotspots
from gitcoord.service.team.owner_lookup import owned, show
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.watch import sync, tick
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, later, seen, stopped, store_of, tips


def refuse(workspace: Workspace, counts: dict[str, int], extra: dict[str, bytes | None] | None = None) -> None:
    """Write counters as the claims ledger has them."""
    setting = workspace.setting
    now = setting.host.now()
    refusals = [RefusalCount(f"u-{text}", now.date().isoformat(), "ann", (text,), n) for text, n in counts.items()]
    made = refusal_counts.merge({}, refusals, now.date())
    edits: dict[str, bytes | None] = {path: canonical(one.dump()) for path, one in made.items()}
    edits |= {"meta.json": canonical(Meta().dump()), **(extra or {})}
    objects, ref = setting.transport.objects, setting.refs.claims
    tip = workspace.listed().get(ref)
    tree = trees.write(objects, trees.EMPTY, edits).oid or Oid("")
    commit = commits.write(objects, tree, [tip] if tip else [], setting.clone.signature, now, "counted")
    assert setting.transport.swap([RefUpdate(ref, tip, commit)]).status is SwapStatus.WON


def shared_lines(workspace: Workspace) -> list[str]:
    return [line.pattern.text for line in owned(workspace).auto.shared_files]


def test_without_claims_nothing_is_hot(ann: Workspace) -> None:
    assert hotspots(ann) == {"hotspots": [], "count": 0, "days": 30, "warnings": []}


def test_refusals_of_this_clone_count_at_once_and_once_only(agents: Agents, repo: Path, ann: Workspace) -> None:
    claim_files(ann, patterns=["a.py"], narrowable=False)
    bob = agents(repo, "bob/cli/two")
    for _ in range(13):
        claim_files(bob, patterns=["a.py"])

    before = seen(hotspots(bob))["hotspots"]
    sync(bob)
    after = seen(hotspots(bob))["hotspots"]

    assert [(row["pattern"], row["refusals"]) for row in before] == [("a.py", 13)]
    assert before == after


def test_what_was_refused_most_comes_first_with_what_to_do(ann: Workspace) -> None:
    refuse(ann, {"src/a.ts": 20, "b.ts": 60, "c.ts": 5, "d.ts": 4})

    found = seen(hotspots(ann, limit=2))

    assert found["count"] == 3
    assert [row["pattern"] for row in found["hotspots"]] == ["b.ts", "src/a.ts"]
    assert "gitcoord promote src/a.ts shared_file" in str(found["hotspots"])
    assert "gitcoord promote b.ts split" in str(found["hotspots"])


def test_what_was_promoted_is_not_suggested_again(ann: Workspace) -> None:
    refuse(ann, {"src/a.ts": 20})
    owner_edits.promote(ann, pattern="src/a.ts")

    assert "suggestion" not in str(hotspots(ann)["hotspots"])


@pytest.mark.parametrize(("days", "least"), [(0, 5), (91, 5), (30, 0)])
def test_numbers_outside_of_what_is_kept_are_invalid(ann: Workspace, days: int, least: int) -> None:
    with pytest.raises(InvalidError):
        hotspots(ann, days=days, least=least)


@pytest.mark.rule("SAFE-6")
def test_damaged_counters_are_left_out(ann: Workspace) -> None:
    stopped(ann)  # so that no day ends meanwhile
    day = ann.setting.host.now().date().isoformat()
    other = next(
        f"f{n}.ts" for n in range(99) if refusal_counts.path_of(day, f"f{n}.ts") != refusal_counts.path_of(day, "a.ts")
    )
    refuse(
        ann,
        {"a.ts": 5},
        {refusal_counts.path_of(day, other): b"{", "counters/x": b"", "counters/2026-01-01/zz.json": b"{}"},
    )

    assert [*counters_of(ann, ann.listed())] == [refusal_counts.path_of(day, "a.ts")]


def test_without_a_threshold_nothing_is_promoted(ann: Workspace) -> None:
    refuse(ann, {"a.ts": 100})
    before = tips(ann)

    assert owner_edits.promote_by_itself(ann) == {"promoted": [], "demoted": []}
    assert tips(ann) == before


def test_machines_write_their_own_file_and_take_back_what_cooled_down(ann: Workspace, repo: Path, git: Git) -> None:
    owner_edits.promote(ann, pattern="mine.ts")
    people = git(store_of(repo), "show", "refs/coord/config:owners.yaml")
    set_policy(ann, name="auto_promote_threshold", value="10")
    refuse(ann, {"src/a.ts": 10, "mine.ts": 50, "b.ts": 9})

    first = owner_edits.promote_by_itself(ann)
    before = tips(ann)
    again = owner_edits.promote_by_itself(ann)
    in_between = tips(ann)
    at_last = owner_edits.promote_by_itself(later(ann, days=15))

    assert first == {"promoted": ["src/a.ts"], "demoted": []}
    assert again == {"promoted": [], "demoted": []}
    assert in_between == before
    assert at_last == {"promoted": [], "demoted": ["src/a.ts"]}
    assert shared_lines(ann) == []
    assert git(store_of(repo), "show", "refs/coord/config:owners.yaml") == people
    assert git(store_of(repo), "show", "refs/coord/config:auto.yaml") == owner_edits.AUTO_STARTER + "shared_files:"


def test_a_promoted_line_says_when_and_the_record_says_what(ann: Workspace, repo: Path, git: Git) -> None:
    stopped(ann)  # so that no day ends meanwhile
    set_policy(ann, name="auto_promote_threshold", value="10")
    refuse(ann, {"src/a.ts": 10})

    owner_edits.promote_by_itself(ann)

    today = ann.setting.host.now().date().isoformat()
    text = git(store_of(repo), "show", "refs/coord/config:auto.yaml")
    assert text.endswith(f'shared_files:\n  - "src/a.ts"  # auto-promoted={today}')
    assert show(ann)["auto"] == [{"pattern": "src/a.ts", "auto_promoted": today}]
    record = next(parse_lines(git(store_of(repo), "log", "-1", "--format=%b", "refs/coord/config")))
    assert record.line["do"] == "auto_promote"
    assert "'auto_promote': ['src/a.ts']" in str(record.line["outcome"])


def test_three_files_of_a_folder_become_the_folder_and_a_pinned_line_stays(
    ann: Workspace, repo: Path, git: Git
) -> None:
    set_policy(ann, name="auto_promote_threshold", value="10")
    refuse(ann, {"src/a.ts": 10, "src/b.ts": 10})
    owner_edits.promote_by_itself(ann)
    refuse(ann, {"src/a.ts": 10, "src/b.ts": 10, "src/c.ts": 10})

    assert owner_edits.promote_by_itself(ann) == {"promoted": ["src/**"], "demoted": ["src/a.ts", "src/b.ts"]}
    assert shared_lines(ann) == ["src/**"]


@pytest.mark.rule("SAFE-6")
def test_while_a_file_is_damaged_machines_write_nothing(ann: Workspace) -> None:
    set_policy(ann, name="auto_promote_threshold", value="1")
    refuse(ann, {"src/a.ts": 10})
    edits: dict[str, bytes | None] = {"auto.yaml": b"shared_files: ["}
    config_ref.write(ann, "it", lambda _: Change("by hand", "x", {}, edits, "x", {}))

    assert owner_edits.promote_by_itself(ann) == {"promoted": [], "demoted": []}


def test_days_are_those_of_the_clock_that_was_passed_in(ann: Workspace) -> None:
    refuse(ann, {"a.ts": 5})

    assert hotspots(later(ann, days=40), days=30)["count"] == 0


def test_a_watcher_promotes_when_the_claims_moved(ann: Workspace) -> None:
    set_policy(ann, name="auto_promote_threshold", value="10")
    tick(ann)
    refuse(ann, {"src/a.ts": 10})

    tick(ann)

    assert shared_lines(ann) == ["src/a.ts"]


def test_a_watcher_of_a_quiet_repository_takes_back_what_cooled_down(ann: Workspace) -> None:
    set_policy(ann, name="auto_promote_threshold", value="10")
    refuse(ann, {"src/a.ts": 10})
    tick(ann)
    promoted, claims = shared_lines(ann), ann.listed()[ann.setting.refs.claims]

    tick(later(ann, days=15))

    assert (promoted, shared_lines(ann)) == (["src/a.ts"], [])
    assert ann.listed()[ann.setting.refs.claims] == claims


def test_a_watcher_that_starts_takes_back_what_cooled_down_before_anybody_claims(ann: Workspace) -> None:
    text = owner_edits.AUTO_STARTER + 'shared_files:\n  - "src/a.ts"  # auto-promoted=2026-01-01\n'
    config_ref.write(ann, "it", lambda _: Change("by hand", "x", {}, {"auto.yaml": text.encode()}, "x", {}))
    set_policy(ann, name="auto_promote_threshold", value="10")

    tick(ann)

    assert shared_lines(ann) == []


@pytest.mark.parametrize("repo_of_other", ["other", None], ids=["of another name", "without one"])
def test_what_is_refused_in_one_repository_is_not_hot_in_another(
    agents: Agents, shared: Shared, git: Git, repo_of_other: str | None
) -> None:
    git(shared.one, "config", "gitcoord.repo", "org/one")
    if repo_of_other:
        git(shared.two, "config", "gitcoord.repo", repo_of_other)
    ann, bob = agents(shared.one, "ann/cli/wt"), agents(shared.one, "bob/cli/wt")
    other = agents(shared.two, "ann/cli/wt-2")
    set_policy(ann, name="auto_promote_threshold", value="2")
    claim_files(ann, patterns=["a.ts"])
    for _ in range(2):
        claim_files(bob, patterns=["a.ts"])
    sync(bob)

    counts = [hotspots(one, least=1)["count"] for one in (ann, other)]
    elsewhere = owner_edits.promote_by_itself(other)

    assert counts == [1, 0]
    assert elsewhere == {"promoted": [], "demoted": []}
    assert (shared_lines(ann), shared_lines(other)) == (["a.ts"], [])


def test_sync_promotes_as_well(ann: Workspace) -> None:
    set_policy(ann, name="auto_promote_threshold", value="10")
    refuse(ann, {"src/a.ts": 10})

    assert sync(ann)["oddities"] == []
    assert shared_lines(ann) == ["src/a.ts"]
