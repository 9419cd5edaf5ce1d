"""`gc`: long ledgers are rolled, leftovers go, the store is packed; agents, readers and positions go on across it."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.errors import ContendedError, CoordError, RewoundError
from gitcoord.ledger.archive.past_claims import past_claims
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files, list_claims, release_claims
from gitcoord.service.events import event_stream
from gitcoord.service.place import path_copies
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.activity import metrics
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_views import get_agent_events as event_log
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.upkeep.gc import gc
from tests.conftest import Clone, Git
from tests.servers.fixtures import Servers
from tests.unit.ledger.fakes import Interleaved, Lossy, Wrapped
from tests.unit.service.hub import CLAIMS, Hub
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import (
    Agents,
    Result,
    Shared,
    damage,
    later,
    project,
    seen,
    stopped,
    store_of,
    tips,
    write_ref,
)

START = datetime(2020, 1, 1, tzinfo=UTC)
ARCHIVE = "refs/coord/archive/claims/1"
FEW = 3  # commits after which these ledgers are rolled


def claims(agent: Workspace, names: Sequence[str]) -> None:
    for name in names:
        assert seen(claim_files(agent, patterns=[name]))["granted"] is True


def over(agent: Workspace, transport: Wrapped) -> None:
    """Have a workspace swap over this transport."""
    agent.setting = replace(agent.setting, transport=transport)
    agent.combiner = Combiner(agent.setting.clone.folder, agent.setting.host, Transactions(agent.setting))


def patterns(agent: Workspace) -> set[str]:
    rows = seen(list_claims(agent))["claims"]
    return {item["pattern"] for row in rows for item in row["items"]}


@pytest.mark.rule("SAFE-9")
def test_a_long_ledger_is_rolled_and_every_clone_goes_on(hub: Hub, agents: Agents, git: Git) -> None:
    ann, bob = agents(hub.one, "ann/cli/one"), agents(hub.two, "bob/cli/two")
    claims(ann, ["a.zig", "b.zig"])
    claims(bob, ["c.zig", "d.zig"])
    before = git(hub.path, "rev-parse", CLAIMS)

    done = seen(gc(ann, rolled_after=FEW))
    claims(bob, ["e.zig"])
    claims(ann, ["f.zig"])

    assert done["rolled"] == [{"ref": CLAIMS, "commits": 4, "archive": ARCHIVE}]
    assert done["problems"] == []
    assert git(hub.path, "rev-parse", ARCHIVE) == before
    assert git(hub.path, "rev-list", "--count", CLAIMS) == "3"
    assert git(hub.path, "rev-parse", f"{CLAIMS}~2^{{tree}}") == git(hub.path, "rev-parse", f"{before}^{{tree}}")
    assert patterns(ann) == patterns(bob) == {f"{name}.zig" for name in "abcdef"}


def words(agent: Workspace, cursor: str | None) -> list[list[str]]:
    return [row["patterns"] for row in seen_rows(agent, cursor)]


def seen_rows(agent: Workspace, cursor: str | None) -> list[Result]:
    return [dict(row) for row in event_stream.read(agent, cursor).rows]


@pytest.mark.rule("SAFE-9")
def test_a_clone_that_was_away_goes_on_and_misses_no_event(hub: Hub, agents: Agents, git: Git) -> None:
    ann, bob = agents(hub.one, "ann/cli/one"), agents(hub.two, "bob/cli/two")
    claims(bob, ["a.zig"])
    cursor = event_stream.read(bob, None).cursor
    claims(ann, ["b.zig", "c.zig", "d.zig", "e.zig"])
    gc(ann, rolled_after=FEW)
    claims(ann, ["f.zig"])

    fresh = agents(hub.two, "bob/cli/two")
    happened = words(fresh, cursor)
    claims(fresh, ["g.zig"])

    assert happened == [["b.zig"], ["c.zig"], ["d.zig"], ["e.zig"], ["f.zig"]]
    assert patterns(ann) == patterns(fresh) == {f"{name}.zig" for name in "abcdefg"}
    assert git(hub.path, "rev-list", "--count", CLAIMS) == "3"


def test_a_new_clone_begins_with_the_roll_and_brings_no_archive(
    hub: Hub, agents: Agents, clone: Clone, git: Git
) -> None:
    ann = agents(hub.one, "ann/cli/one")
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    gc(ann, rolled_after=FEW)
    three = clone(hub.path, "three")
    git(three, "config", "gitcoord.remote", git(hub.one, "config", "gitcoord.remote"))

    zoe = agents(three, "zoe/cli/three")
    claims(zoe, ["e.zig"])

    archived = git(hub.path, "rev-parse", ARCHIVE)
    assert patterns(zoe) == {f"{name}.zig" for name in "abcde"}
    is_shared = zoe.setting.transport.name == "local"  # then the objects are the remote's
    assert zoe.setting.transport.objects.has(Oid(archived)) is is_shared


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("has_tree", [True, False], ids=["another tip", "another tree"])
def test_what_only_looks_like_a_roll_stops_every_clone(hub: Hub, agents: Agents, git: Git, *, has_tree: bool) -> None:
    ann, bob = agents(hub.one, "ann/cli/one"), agents(hub.two, "bob/cli/two")
    claims(ann, ["a.zig", "b.zig"])
    claims(bob, ["c.zig"])
    ann.listed()
    named = git(hub.path, "rev-parse", f"{CLAIMS}~1" if has_tree else CLAIMS)
    tree = f"{CLAIMS}^{{tree}}" if has_tree else f"{CLAIMS}~1^{{tree}}"
    false = git(hub.path, "commit-tree", tree, "-m", f'roll\n\n{{"replaces":"{named}"}}')
    git(hub.path, "update-ref", CLAIMS, false)

    for agent in (ann, bob):
        with pytest.raises(RewoundError):
            claim_files(agent, patterns=["d.zig"])


def test_what_was_given_before_a_roll_is_answered_after_it(hub: Hub, agents: Agents) -> None:
    ann, bob = agents(hub.one, "ann/cli/one"), agents(hub.two, "bob/cli/two")
    project(ann, (), (), (), name="app")
    for _ in range(2):
        step = seen(claim_step(ann, project="app"))["step"]["id"]
        complete_step(ann, step_id=step, commit_hash="HEAD")
    held = seen(claim_step(ann, project="app"))["step"]
    gc(bob, rolled_after=FEW)

    again = seen(claim_step(ann, project="app"))["step"]
    done = seen(complete_step(ann, step_id=held["id"], commit_hash="HEAD"))

    assert (again["id"], again["fence"]) == (held["id"], held["fence"])
    assert done["step"]["status"] == "completed"
    assert [row["status"] for row in seen(list_projects(bob))["projects"]] == ["completed"]


def test_log_and_metrics_go_on_across_a_roll(hub: Hub, agents: Agents) -> None:
    ann = agents(hub.one, "ann/cli/one")
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    release_claims(ann)
    before = seen(event_log(ann)), seen(metrics(ann))["activity"]
    past = past_claims(ann.setting.transport.objects, ann.listed()[RefName(CLAIMS)], START)

    gc(ann, rolled_after=FEW)

    after = seen(event_log(ann)), seen(metrics(ann))["activity"]
    now = past_claims(ann.setting.transport.objects, ann.listed()[RefName(CLAIMS)], START)
    assert after[0]["events"] == before[0]["events"]
    assert {**after[1], "since": ""} == {**before[1], "since": ""}
    assert (now.claims, now.is_cut) == (past.claims, False)


@pytest.mark.parametrize("what", ["a claim", "another gc"])
def test_what_another_clone_writes_meanwhile_is_neither_lost_nor_done_twice(
    hub: Hub, agents: Agents, git: Git, what: str
) -> None:
    ann, bob = agents(hub.one, "ann/cli/one"), agents(hub.two, "bob/cli/two")
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])

    def meanwhile() -> None:
        if what == "a claim":
            claims(bob, ["e.zig"])
        else:
            gc(bob, rolled_after=FEW)

    over(ann, Interleaved(ann.setting.transport, [meanwhile]))
    done = seen(gc(ann, rolled_after=FEW))

    is_ours = what == "a claim"
    assert done["rolled"] == ([{"ref": CLAIMS, "commits": 5, "archive": ARCHIVE}] if is_ours else [])
    assert done["problems"] == []
    assert git(hub.path, "for-each-ref", "--format=%(refname)", "refs/coord/archive") == ARCHIVE
    assert git(hub.path, "rev-list", "--count", CLAIMS) == "1"
    assert patterns(bob) == {f"{name}.zig" for name in ("abcde" if is_ours else "abcd")}


@pytest.mark.parametrize("word", ["landed", "gone"])
def test_a_roll_without_an_answer_is_looked_for(hub: Hub, agents: Agents, git: Git, word: str) -> None:
    ann = agents(hub.one, "ann/cli/one")
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    over(ann, Lossy(ann.setting.transport, [word]))

    done = seen(gc(ann, rolled_after=FEW))

    assert done["rolled"] == [{"ref": CLAIMS, "commits": 4, "archive": ARCHIVE}]
    assert git(hub.path, "for-each-ref", "--format=%(refname)", "refs/coord/archive") == ARCHIVE
    assert git(hub.path, "rev-list", "--count", CLAIMS) == "1"


def test_an_archive_without_its_roll_goes_and_the_ledger_is_rolled(ann: Workspace, repo: Path, git: Git) -> None:
    claims(ann, ["a.zig", "b.zig"])
    store = store_of(repo)
    git(store, "update-ref", ARCHIVE, CLAIMS)  # as a crash between two swaps leaves it
    claims(ann, ["c.zig", "d.zig"])
    tip = git(store_of(repo), "rev-parse", CLAIMS)

    done = seen(gc(ann, rolled_after=FEW))

    assert done["rolled"] == [{"ref": CLAIMS, "commits": 4, "archive": ARCHIVE}]
    assert (
        git(store_of(repo), "for-each-ref", "--format=%(refname) %(objectname)", "refs/coord/archive")
        == f"{ARCHIVE} {tip}"
    )


def test_a_remote_that_takes_one_ref_at_a_time_gets_the_archive_first(
    agents: Agents, servers: Servers, repo: Path
) -> None:
    remote = servers.remote("daemon")
    remote.git("config", "receive.advertiseAtomic", "false")
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    transport = Interleaved(ann.setting.transport, [])
    over(ann, transport)

    done = seen(gc(ann, rolled_after=FEW))

    assert [[update.ref for update in swap] for swap in transport.swaps][-2:] == [[ARCHIVE], [CLAIMS]]
    assert (done["rolled"], done["problems"]) == ([{"ref": CLAIMS, "commits": 4, "archive": ARCHIVE}], [])


def archives_at(git: Git, place: Path) -> list[str]:
    return git(place, "for-each-ref", "--format=%(refname)", "refs/coord/archive").split()


def rolled_thrice(agent: Workspace) -> list[str]:
    """Roll the claims three times; return the archives."""
    for number in range(3):
        claims(agent, [f"{name}{number}.zig" for name in "abcd"])
        gc(agent, rolled_after=FEW)
    return [f"refs/coord/archive/claims/{number}" for number in (1, 2, 3)]


def test_several_rolls_have_an_archive_each_and_all_stay_until_they_are_audited(
    ann: Workspace, repo: Path, git: Git
) -> None:
    every = rolled_thrice(ann)

    done = seen(gc(ann, rolled_after=FEW))

    expected = {"refs": every, "kept": 2, "deleted": [], "unaudited": every[:1]}
    assert (done["rolled"], done["archives"]) == ([], expected)
    assert archives_at(git, store_of(repo)) == every
    assert len(seen(event_log(ann))["events"]) == 12


def test_an_archive_beyond_those_that_are_kept_goes_once_an_audit_has_passed_it(
    hub: Hub, agents: Agents, git: Git
) -> None:
    ann = agents(hub.one, "ann/cli/one")
    every = rolled_thrice(ann)
    assert seen(audit(ann))["findings"] == []

    tried = seen(gc(ann, dry_run=True, rolled_after=FEW))
    before = archives_at(git, hub.path)
    done = seen(gc(ann, rolled_after=FEW))

    expected = {"refs": every[1:], "kept": 2, "deleted": every[:1], "unaudited": []}
    assert (tried["archives"], before) == ({**expected, "refs": every}, every)
    assert (done["archives"], done["problems"]) == (expected, [])
    assert archives_at(git, hub.path) == every[1:]
    claims(ann, ["e.zig"])
    assert seen(audit(ann))["findings"] == []


def test_a_policy_of_0_keeps_every_archive(ann: Workspace, repo: Path, git: Git) -> None:
    set_policy(ann, name="archives_kept", value="0")
    every = rolled_thrice(ann)
    audit(ann)

    done = seen(gc(ann, rolled_after=FEW))

    assert done["archives"] == {"refs": every, "kept": 0, "deleted": [], "unaudited": []}
    assert archives_at(git, store_of(repo)) == every


def test_a_dry_run_says_the_same_and_changes_nothing(ann: Workspace, repo: Path) -> None:
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    for number in range(7):
        write_ref(store_of(repo), f"refs/coord/heartbeats/old{number}", {"heartbeat.json": "{}"})
    before = tips(ann)

    tried = seen(gc(later(ann, days=300), dry_run=True, rolled_after=FEW))
    unchanged = tips(ann) == before
    done = seen(gc(ann, rolled_after=FEW))

    assert unchanged
    assert [tried[name] for name in ("rolled", "deleted")] == [done[name] for name in ("rolled", "deleted")]
    assert len(done["deleted"]) == 7
    assert (tried["dry_run"], tried["store"]["after"], done["dry_run"]) == (True, None, False)


def test_nothing_is_rolled_or_deleted_where_refs_are_branches(agents: Agents, shared: Shared, git: Git) -> None:
    for folder in (shared.one, shared.two):
        git(folder, "config", "gitcoord.namespace", "refs/heads/team/coord")
    ann = agents(shared.one, "ann/cli/one")
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    before = git(shared.remote, "for-each-ref")

    done = seen(gc(later(ann, days=30), rolled_after=FEW))

    assert (done["rolled"], done["deleted"], git(shared.remote, "for-each-ref")) == ([], [], before)


@pytest.mark.rule("SAFE-6")
def test_a_damaged_ledger_is_left_alone_and_named(ann: Workspace, repo: Path) -> None:
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    damage(repo, "broken")

    done = seen(gc(ann, rolled_after=FEW))

    assert [row["ref"] for row in done["problems"]] == ["refs/coord/steps/broken"]
    assert [row["ref"] for row in done["rolled"]] == [CLAIMS]


@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_went_back_is_not_rolled(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig", "e.zig"])
    git(shared.remote, "update-ref", CLAIMS, f"{CLAIMS}~1")
    before = tips(ann)

    done = seen(gc(ann, rolled_after=FEW))

    assert (done["rolled"], tips(ann)) == ([], before)


def test_the_store_is_packed_and_keeps_what_a_ledger_is_put_back_from(hub: Hub, agents: Agents, git: Git) -> None:
    ann = stopped(agents(hub.one, "ann/cli/one"))  # so that the copy takes no time
    claims(ann, ["a.zig", "b.zig", "c.zig"])
    ann.listed()
    marked = git(hub.path, "rev-parse", CLAIMS)
    if ann.setting.transport.name == "local":
        path_copies.keep(ann)
    git(hub.path, "update-ref", CLAIMS, f"{CLAIMS}~1")
    store = store_of(hub.one)
    for path in (path for path in (store / "objects").rglob("*") if path.is_file()):
        os.utime(path, (1, 1))  # long before any grace

    done = seen(gc(ann, rolled_after=FEW))

    assert done["store"]["after"]["loose"] == 0
    assert done["store"]["after"]["packs"] == 1
    assert git(store, "cat-file", "-t", marked) == "commit"
    assert git(store, "fsck", "--connectivity-only", "--no-dangling") == ""


def test_what_nothing_names_goes_from_the_store_after_its_grace(ann: Workspace, repo: Path, git: Git) -> None:
    claims(ann, ["a.zig"])
    store = store_of(repo)
    lost = [str(pygit2.Repository(str(store)).create_blob(text)) for text in (b"old", b"new")]
    os.utime(store / "objects" / lost[0][:2] / lost[0][2:], (1, 1))

    gc(ann)

    found = [path.parent.name + path.name for path in (store / "objects").glob("??/*")]
    assert found == [lost[1]]
    claims(ann, ["b.zig"])
    assert patterns(ann) == {"a.zig", "b.zig"}


def test_a_second_gc_in_the_same_clone_is_refused(ann: Workspace, agents: Agents, repo: Path) -> None:
    claims(ann, ["a.zig", "b.zig", "c.zig", "d.zig"])
    bob, refused = agents(repo, "bob/cli/wt"), list[CoordError]()

    def meanwhile() -> None:
        with pytest.raises(ContendedError) as caught:
            gc(bob, rolled_after=FEW)
        refused.append(caught.value)

    over(ann, Interleaved(ann.setting.transport, [meanwhile]))
    done = seen(gc(ann, rolled_after=FEW))

    assert [str(error) for error in refused] == ["Another gitcoord gc is at work in this clone; nothing was changed."]
    assert len(done["rolled"]) == 1
    assert seen(gc(bob, rolled_after=FEW))["rolled"] == []
