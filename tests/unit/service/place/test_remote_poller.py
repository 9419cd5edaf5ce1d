"""The lookout: one session of a clone asks a remote that costs something, the others read what it saw."""

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.readers import own_swaps
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Oid, RefFault, RefName
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.claims.requests import request_release
from gitcoord.service.place.remote_poller import POLL_S, POLL_WAITED_S, wait_for_news
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, recover_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import TICK_S, tick
from tests.conftest import Git
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Shared, later, project, seen, stopped


class Counting:
    """A transport that counts how often the remote is read."""

    def __init__(self, workspace: Workspace) -> None:
        self._inner = workspace.setting.transport
        self.reads = 0

        self.name, self.objects = self._inner.name, self._inner.objects
        self.is_far, self.atomic = self._inner.is_far, self._inner.atomic
        self.sends_checks = self._inner.sends_checks
        self.fetch, self.swap = self._inner.fetch, self._inner.swap

    @property
    def faults(self) -> Sequence[RefFault]:
        return self._inner.faults

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.reads += 1
        return self._inner.read(prefixes)


@pytest.fixture
def url(servers: Servers, shared: Shared, git: Git) -> str:
    """A remote that is reached by the git program, and has the code."""
    url = servers.remote("path-hook").url
    git(shared.one, "push", "--quiet", url, "main")
    return url


@pytest.fixture
def three(agents: Agents, shared: Shared, url: str) -> list[Workspace]:
    """Sessions of one clone."""
    return [agents(shared.one, f"ann/claude/{num}", serve=True, GITCOORD_REMOTE=url) for num in range(3)]


@pytest.fixture
def bob(agents: Agents, shared: Shared, url: str) -> Workspace:
    """Somebody in another clone."""
    return agents(shared.two, "bob/cli/two", GITCOORD_REMOTE=url)


def counting(workspace: Workspace) -> Counting:
    count = Counting(workspace)
    workspace.setting = replace(workspace.setting, transport=count)
    workspace.reader = Reader(count, workspace.setting.refs)
    return count


def ticks(sessions: Sequence[Workspace], counts: Sequence[Counting]) -> list[int]:
    """Let every session look once; return how often each has asked the remote so far."""
    for one in sessions:
        assert tick(one).next_s == TICK_S
    return [one.reads for one in counts]


def test_one_session_asks_for_all_and_every_session_is_told(three: list[Workspace], bob: Workspace) -> None:
    counts = [counting(one) for one in three]
    before = ticks(three, counts)
    project(bob)

    soon = [tick(one).changed for one in three]
    later(three[0], seconds=POLL_S + 1)
    told = [tick(one).changed for one in three]

    assert soon == [[], [], []]
    assert told == [["coord://status", "coord://projects/app"]] * 3
    assert (before, [one.reads for one in counts]) == ([1, 0, 0], [2, 0, 0])


def test_a_lost_step_is_told_to_a_session_that_does_not_ask(three: list[Workspace], bob: Workspace) -> None:
    project(bob)
    claim_step(three[1])
    ticks(three, [counting(one) for one in three])
    recover_step(bob, step_id="app/1", force=True)
    claim_step(bob)

    tick(later(three[0], seconds=POLL_S + 1))
    tick(three[1])

    assert [one["notice"] for one in take_notices(three[1])] == ["step_lost"]


def snapshot_lines(workspace: Workspace) -> list[str]:
    """Return who holds what, as hooks of the clone read it."""
    folder = workspace.setting.clone.folder / snapshot_files.SNAPSHOT
    rows = [
        json.loads(line.rpartition("\t")[2])
        for file in sorted(folder.iterdir())
        if file.name != snapshot_files.ME
        for line in file.read_text("utf-8").splitlines()
    ]
    return [row["agent"] for row in rows]


@pytest.mark.rule("SAFE-7")
def test_what_another_session_saw_before_a_step_was_given_does_not_take_it(
    three: list[Workspace], bob: Workspace
) -> None:
    project(bob, (), ())
    ticks(three, [counting(one) for one in three])
    claim_step(bob, step_id="app/2")
    tick(later(three[0], seconds=POLL_S + 1))
    claim_step(three[1])

    tick(three[1])

    assert [one["notice"] for one in take_notices(three[1])] == []
    assert three[1].fences.all() == {"app/1": 1}


@pytest.mark.rule("SAFE-7")
def test_what_hooks_read_has_what_the_clone_was_granted_since_the_remote_was_asked(
    three: list[Workspace], bob: Workspace
) -> None:
    claim_files(bob, patterns=["src/a.py"])
    counts = [counting(one) for one in three]
    ticks(three, counts)
    before = snapshot_lines(three[0])
    release_claims(bob)
    claim_files(three[1], patterns=["src/a.py"])

    tick(three[0])

    assert (before, snapshot_lines(three[0])) == (["bob/cli/two"], ["ann/claude/1"])
    assert counts[0].reads == 1


@pytest.mark.rule("SAFE-7")
def test_a_reply_asks_for_nothing_that_was_answered_since_the_claims_were_read(
    three: list[Workspace], bob: Workspace
) -> None:
    mine = seen(claim_files(three[1], patterns=["src/a.py"]))["claim"]["id"]
    request_release(bob, claim_id=mine, reason="please", wait_seconds=0)
    three[1].register()
    asked = [one["notice"] for one in take_notices(three[1])]
    release_claims(three[1])

    assert (asked, take_notices(three[1])) == (["request_pending"], [])


@pytest.mark.rule("SAFE-7")
def test_only_a_listing_that_began_before_our_write_is_put_right_by_it(three: list[Workspace], bob: Workspace) -> None:
    setting = three[1].setting
    ref, folder, reader = setting.refs.claims, setting.place_folder, Reader(setting.transport, setting.refs)
    claim_files(bob, patterns=["src/a.py"])
    old = {ref: setting.transport.read([ref])[ref]}
    claim_files(three[1], patterns=["src/b.py"])
    own = own_swaps.newest(folder)[ref]

    began = [own.at, own.at + timedelta(milliseconds=1)]
    seen_then = [own_swaps.ordered(folder, old, at, reader) for at in began]

    assert own.tip == setting.transport.read([ref])[ref]
    assert seen_then == [{ref: own.tip}, old]


@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_went_back_is_told_and_hooks_go_on_by_what_was_there(
    three: list[Workspace], bob: Workspace, url: str, git: Git
) -> None:
    claim_files(bob, patterns=["src/a.py"])
    refs, folder = three[1].setting.refs, Path(url)
    old = git(folder, "rev-parse", refs.claims)
    claim_files(three[1], patterns=["src/b.py"])
    tick(later(three[0], seconds=POLL_S + 1))
    before = snapshot_lines(three[0])
    git(folder, "update-ref", refs.claims, old)

    tick(later(three[0], seconds=POLL_S + 1))

    assert len(before) == 2
    assert snapshot_lines(three[0]) == before
    assert [one["notice"] for one in take_notices(three[0])] == ["rewound"]


def test_when_the_one_that_asks_ends_the_next_does(three: list[Workspace]) -> None:
    counts = [counting(one) for one in three]
    ticks(three, counts)
    three[0].close()

    for one in three[1:]:
        later(one, seconds=POLL_S + 1)

    assert ticks(three[1:], counts[1:]) == [1, 0]


def test_who_does_not_ask_still_asks_when_nothing_was_seen_for_two_intervals(three: list[Workspace]) -> None:
    counts = [counting(one) for one in three]
    ticks(three, counts)
    hung = three[1:]

    for one in hung:
        later(one, seconds=2 * POLL_S - 1)
    fresh = ticks(hung, counts)
    for one in hung:
        later(one, seconds=2)
    old = ticks(hung, counts)

    assert (fresh, old) == ([1, 0, 0], [1, 1, 1])


def test_while_somebody_of_the_clone_waits_the_remote_is_asked_often_and_then_less(three: list[Workspace]) -> None:
    asks = three[0]
    count = counting(asks)
    tick(asks)
    folder, host = asks.setting.clone.folder, three[1].setting.host
    wait_for_news(folder, host, 120)
    stopped(asks)  # what a busy machine takes for a look is not counted

    reads: list[int] = []
    for _ in range(40):
        later(asks, seconds=1)
        tick(asks)
        reads.append(count.reads)

    first = [at + 1 for at in range(1, 40) if reads[at] != reads[at - 1]]
    assert [first[0], *(b - a for a, b in itertools.pairwise(first))] == [4, 3, 5, 7, 11]
    assert POLL_WAITED_S == 3


def test_when_nobody_waits_any_more_the_remote_is_asked_rarely(three: list[Workspace]) -> None:
    asks = three[0]
    count = counting(asks)
    tick(asks)
    wait_for_news(asks.setting.clone.folder, asks.setting.host, 60)
    wait_for_news(asks.setting.clone.folder, asks.setting.host, 1)
    tick(later(asks, seconds=POLL_WAITED_S))
    tick(later(asks, seconds=60))
    before = count.reads

    tick(later(asks, seconds=POLL_S - 1))

    assert (before, count.reads) == (2, 2)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"watched_at": 1}', '{"refs": []}'])
def test_a_damaged_note_of_what_was_seen_counts_as_none(three: list[Workspace], content: str) -> None:
    counts = [counting(one) for one in three]
    ticks(three, counts)
    (note,) = (three[0].setting.clone.folder / "watch").glob("*.json")
    note.write_text(content)

    assert ticks(three[1:], counts) == [1, 1, 1]


def test_where_no_note_can_be_made_everybody_asks(three: list[Workspace]) -> None:
    (three[0].setting.clone.folder / "watch").write_text("in the way")

    assert ticks(three, [counting(one) for one in three]) == [1, 1, 1]
