"""The stream gives each event once, in order, and any process goes on from a cursor."""

from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.relay.relay import Position
from gitcoord.errors import InvalidError
from gitcoord.ledger.format import commits
from gitcoord.remote.contract.protocol import RefUpdate, SwapStatus
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.events import cursor as cursors
from gitcoord.service.events import event_stream
from gitcoord.service.events.event_stream import START, Page
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, damage, later, project


def words(page: Page) -> list[Any]:
    return [row["event"] for row in page.rows]


def now(workspace: Workspace) -> str:
    return event_stream.read(workspace, None).cursor


def test_without_a_cursor_nothing_is_given_and_it_begins_now(ann: Workspace) -> None:
    claim_files(ann, patterns=["before.zig"])

    first = event_stream.read(ann, None)
    claim_files(ann, patterns=["a.zig"])

    assert (first.rows, first.has_more) == ([], False)
    assert [row["patterns"] for row in event_stream.read(ann, first.cursor).rows] == [["a.zig"]]


def test_from_the_start_everything_is_given_whatever_the_size_of_a_page(ann: Workspace) -> None:
    project(ann, (), paths=["a.zig"])
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    claim_files(ann, patterns=["b.zig"])
    release_claims(ann)
    whole = event_stream.read(ann, START)

    page, paged = event_stream.read(ann, START, 1), list[dict[str, Any]]()
    while page.rows or page.has_more:
        paged += page.rows
        page = event_stream.read(ann, page.cursor, 1)

    assert {"project_created", "step_claimed", "step_completed", "claim_granted", "claim_released"} < {*words(whole)}
    assert [row["id"] for row in paged] == [row["id"] for row in whole.rows]
    assert not whole.has_more


def test_every_row_has_a_cursor_to_go_on_from_behind_it(ann: Workspace) -> None:
    project(ann, ())
    claim_files(ann, patterns=["a.zig"])
    claim_files(ann, patterns=["b.zig"])
    rows = event_stream.read(ann, START).rows

    rest = [event_stream.read(ann, str(row["cursor"])).rows for row in rows]

    ids = [row["id"] for row in rows]
    assert [[row["id"] for row in found] for found in rest] == [ids[number:] for number in range(1, len(ids) + 1)]


def test_another_clone_goes_on_from_the_same_cursor(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    cursor = now(ann)
    claim_files(bob, patterns=["a.zig"])

    assert words(event_stream.read(bob, cursor)) == words(event_stream.read(ann, cursor)) == ["claim_granted"]


def test_the_same_remote_by_another_address_takes_the_cursor(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.zig"])
    cursor = now(ann)
    git(shared.two, "config", "remote.origin.url", f"file://{shared.remote}")
    bob = agents(shared.two, "bob/cli/two")
    claim_files(bob, patterns=["b.zig"])

    assert [row["patterns"] for row in event_stream.read(bob, cursor).rows] == [["b.zig"]]


def test_a_cursor_of_another_remote_is_refused(ann: Workspace, agents: Agents, shared: Shared) -> None:
    claim_files(ann, patterns=["a.zig"])
    bob = agents(shared.one, "bob/cli/one")
    claim_files(bob, patterns=["a.zig"])

    with pytest.raises(InvalidError, match="is not of") as caught:
        event_stream.read(bob, now(ann))

    assert "begin with what happens from now on" in caught.value.hint


@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_went_back_waits_and_the_others_go_on(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.zig"])
    before = git(shared.remote, "rev-parse", "refs/coord/claims")
    claim_files(ann, patterns=["b.zig"])
    cursor = now(ann)
    git(shared.remote, "update-ref", "refs/coord/claims", before)
    project(ann, ())

    assert words(event_stream.read(ann, cursor)) == ["project_created"]


def test_where_a_position_is_gone_what_is_not_older_is_given(ann: Workspace) -> None:
    claim_files(ann, patterns=["a.zig"])
    claims = ann.setting.refs.claims
    gone = Position(ledger=claims, commit="f" * 40, at=later(ann, seconds=5).setting.host.now())
    cursor = cursors.parse(now(ann)).moved(gone).text
    claim_files(later(ann, seconds=5), patterns=["b.zig"])

    assert [row["patterns"] for row in event_stream.read(ann, cursor).rows] == [["b.zig"]]


def test_a_roll_brings_nothing_again(ann: Workspace) -> None:
    claim_files(ann, patterns=["a.zig"])
    cursor, setting = now(ann), ann.setting
    tip, objects = ann.listed()[setting.refs.claims], setting.transport.objects
    head = f'{{"now":"2026-11-29T12:00:00Z","rules":1,"replaces":"{tip}"}}'
    tree = commits.read(objects, tip).tree
    rolled = commits.write(objects, tree, [], setting.clone.signature, setting.host.now(), f"rolled\n\n{head}")
    assert setting.transport.swap([RefUpdate(setting.refs.claims, tip, rolled)]).status is SwapStatus.WON
    claim_files(ann, patterns=["b.zig"])

    assert [row["patterns"] for row in event_stream.read(ann, cursor).rows] == [["b.zig"]]


def test_a_damaged_ledger_is_named_and_the_others_go_on(ann: Workspace, repo: Path) -> None:
    cursor = now(ann)
    damage(repo, "broken")
    claim_files(ann, patterns=["a.zig"])

    assert words(event_stream.read(ann, cursor)) == ["claim_granted"]
    assert "refs/coord/steps/broken" in str(ann.oddities())


def test_a_refusal_says_so(agents: Agents, repo: Path) -> None:
    ann, bob = agents(repo, "ann/cli/wt"), agents(repo, "bob/cli/wt")
    claim_files(ann, patterns=["a.zig"])
    cursor = now(ann)
    claim_files(bob, patterns=["a.zig"])
    claim_files(bob, patterns=["b.zig"])

    found = [(row["event"], row["outcome"], row["agent"]) for row in event_stream.read(ann, cursor).rows]

    assert sorted(found) == [("claim_granted", "done", "bob/cli/wt"), ("claim_refused", "refused", "bob/cli/wt")]
