"""Waiting in line: a call blocks until it is served, until its patience ends, or until its caller stops.

Who waits does so in a thread; what it waits for is done when it is seen to wait, never after a sleep.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents.json_text import parse_time
from gitcoord.errors import InvalidError, StorageError
from gitcoord.service.claims import claim_results
from gitcoord.service.claims.claims import claim_files, extend_claims, list_claims, release_claims
from gitcoord.service.claims.requests import (
    cancel_queue_request,
    list_queue,
    my_requests,
    pending_requests,
    request_release,
    respond_to_request,
)
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, later, seen

BOUND_S = 60.0  # for a hang; what is waited for comes at once


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fails where it never is."""
    tick = threading.Event()
    for _ in range(int(BOUND_S / 0.02)):
        if is_so():
            return
        tick.wait(0.02)
    pytest.fail("it never came")


class Waiter:
    """Somebody who waits in a thread."""

    def __init__(self, workspace: Workspace, **given: Any) -> None:  # noqa: ANN401
        self.patience = Patience(most_s=given.pop("most_s", BOUND_S), tell=given.pop("said", []).append)
        call = given.pop("call", lambda patience: claim_files(workspace, patience=patience, **given))
        self._pool = ThreadPoolExecutor(1)
        self.answer: Future[dict[str, Any]] = self._pool.submit(call, self.patience)
        until(lambda: bool(self.patience.waits_for) or self.answer.done())

    def result(self) -> dict[str, Any]:
        found = self.answer.result(BOUND_S)
        self._pool.shutdown()
        return found


def test_a_waiter_is_served_when_the_holder_gives_back(ann: Workspace, bob: Workspace) -> None:
    claim: Any = claim_files(ann, patterns=["src/**"])["claim"]
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)
    line: Any = list_queue(ann)["queued"]

    release_claims(ann)
    served = waiter.result()

    end = f"{parse_time(claim['expires_at']):%Y-%m-%d %H:%M} UTC"
    told = f"waiting as {line[0]['queue_id']}, place 1 in line, behind ann/cli/wt (src/** until {end})"
    assert waiter.patience.waits_for == told
    assert (served["granted"], served["queue_id"]) == (True, line[0]["queue_id"])
    assert served["claim"]["agent"] == "bob/cli/wt"
    assert "ack_by" not in served["claim"]
    assert list_queue(ann) == {"queued": []}


def test_who_waits_is_told_at_once_whom_it_waits_for_and_again_when_that_changes(
    agents: Agents, repo: Path, ann: Workspace, bob: Workspace
) -> None:
    cat = agents(repo, "cat/cli/three")
    claim_files(ann, patterns=["src/a.py"], narrowable=False)
    claim_files(cat, patterns=["src/b.py"], narrowable=False)
    said: list[str] = []
    waiter = Waiter(bob, said=said, patterns=["src/**"], wait_seconds=600)
    until(lambda: len(said) == 1)

    release_claims(ann)
    until(lambda: len(said) == 2)
    (line,) = seen(list_queue(ann))["queued"]
    release_claims(cat)
    waiter.result()

    assert ["ann/cli/wt (src/a.py until " in one for one in said] == [True, False]
    assert ["cat/cli/three (src/b.py until " in one for one in said] == [True, True]
    assert waiter.patience.way_out == f"cancel_queue_request(queue_id='{line['queue_id']}')"
    assert (line["position"], line["behind"]) == (1, [])
    assert [(row["agent"], row["item"]) for row in line["waits_for"]] == [("cat/cli/three", "src/b.py")]


def test_the_line_says_who_waits_ahead(agents: Agents, repo: Path, ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/a.py"], narrowable=False)
    for waiting in (bob, agents(repo, "cat/cli/three")):
        claim_files(waiting, patterns=["src/**"], wait_seconds=600)

    rows = seen(list_queue(ann))["queued"]

    assert [(row["agent"], row["position"], row["behind"]) for row in rows] == [
        ("bob/cli/wt", 1, []),
        ("cat/cli/three", 2, ["bob/cli/wt"]),
    ]


def test_a_waiter_across_a_remote_is_served(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    claim_files(ann, patterns=["src/**"])
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)

    release_claims(ann)

    assert waiter.result()["granted"] is True


def test_when_the_patience_of_a_call_ends_it_says_how_to_go_on(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])

    first = Waiter(bob, patterns=["src/a.py"], wait_seconds=600, most_s=0.3).result()
    going_on = Waiter(bob, queue_id=first["queue_id"])
    release_claims(ann)
    second = going_on.result()

    assert (first["granted"], first["waiting"], first["position"]) == (False, True, 1)
    assert f"claim_files(queue_id='{first['queue_id']}')" in first["next_step"]
    assert [one["agent"] for one in first["conflicts"]] == ["ann/cli/wt"]
    assert second["granted"] is True


@pytest.mark.parametrize(
    ("wait_seconds", "said"),
    [
        (60, "Still waiting. The wait that you asked for ends in 10 s; until then go on: "),
        (600, "Still waiting. Go on within 1 min, or the call loses its place: "),
    ],
)
def test_who_still_waits_learns_for_how_long_it_keeps_its_place(
    ann: Workspace, bob: Workspace, wait_seconds: int, said: str
) -> None:
    claim_files(ann, patterns=["src/**"])
    reply = seen(claim_files(bob, patterns=["src/a.py"], wait_seconds=wait_seconds))
    entry = bob.register().entries[reply["queue_id"]]

    text = claim_results._going_on(entry, entry.created_at + timedelta(seconds=50))

    assert text == f"{said}claim_files(queue_id='{entry.id}')."
    assert str(reply["next_step"]).startswith("Still waiting. ")


def test_the_same_call_again_goes_on_with_the_same_entry(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])

    first: Any = claim_files(bob, patterns=["src/a.py"], wait_seconds=600)
    second: Any = claim_files(bob, patterns=["src/a.py"], wait_seconds=600)
    without: Any = claim_files(bob, patterns=["src/a.py"])

    assert first["queue_id"] == second["queue_id"] == without["queue_id"]
    assert without["waiting"] is True


def test_after_the_whole_wait_the_present_conflict_is_told(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])

    refused = Waiter(bob, patterns=["src/a.py"], wait_seconds=1).result()

    assert (refused["granted"], refused["refused"]) == (False, "conflict")
    assert refused["conflicts"][0]["agent"] == "ann/cli/wt"
    assert list_queue(ann) == {"queued": []}


def test_a_lone_waiter_wakes_by_itself_when_the_holder_s_time_is_over(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"], ttl_hours=1 / 3600)
    ahead = later(bob, seconds=29)  # one second of the claim, and thirty of the allowance for others

    served = Waiter(ahead, patterns=["src/a.py"], wait_seconds=600).result()

    assert served["granted"] is True


def test_a_waiter_takes_note_that_the_holder_extended(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"], ttl_hours=1)
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)

    extend_claims(ann, ttl_hours=8)
    release_claims(ann)

    assert waiter.result()["granted"] is True


def test_who_stops_waiting_leaves_the_line(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)

    waiter.patience.stop()
    stopped = waiter.result()
    release_claims(ann)

    assert stopped["granted"] is False
    assert list_queue(ann) == {"queued": []}
    assert list_claims(ann)["count"] == 0


def test_who_was_served_at_the_moment_it_stopped_is_told_with_the_next_reply(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    waiting: Any = claim_files(bob, patterns=["src/a.py"], wait_seconds=600)
    release_claims(ann)
    waiter = Patience()
    waiter.stop()

    claim_files(bob, queue_id=waiting["queue_id"], patience=waiter)
    told = [one for one in take_notices(bob) if one["notice"] == "queue_grant"]

    assert len(told) == 1
    assert list_claims(bob)["count"] == 1


def test_who_waits_can_be_cancelled_by_itself_only(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    waiting: Any = claim_files(bob, patterns=["src/a.py"], wait_seconds=600)
    one = waiting["queue_id"]

    foreign = cancel_queue_request(ann, queue_id=one)
    mine: Any = my_requests(bob)
    own = cancel_queue_request(bob, queue_id=one)
    again = cancel_queue_request(bob, queue_id=one)
    unknown = cancel_queue_request(bob, queue_id="q-00000000")
    over: Any = claim_files(bob, queue_id=one)

    assert [row["queue_id"] for row in mine["queued"]] == [one]
    assert [done["cancelled"] for done in (foreign, own, again, unknown)] == [False, True, False, False]
    assert (over["granted"], over["refused"]) == (False, "not_waiting")


def test_a_circle_of_waiters_is_refused_with_the_circle(ann: Workspace, bob: Workspace) -> None:
    held: Any = claim_files(ann, patterns=["/a.py"])
    claim_files(bob, patterns=["/b.py"])
    claim_files(ann, patterns=["/b.py"], wait_seconds=60)

    refused: Any = claim_files(bob, patterns=["/a.py"], wait_seconds=60)

    assert refused["refused"] == "circle"
    assert refused["circle"] == ["bob/cli/wt", "ann/cli/wt", "bob/cli/wt"]
    assert f"request_release(claim_id='{held['claim']['id']}', reason=…)" in refused["next_step"]


def test_the_urgent_one_is_served_first_and_an_unknown_urgency_is_normal(
    agents: Agents, ann: Workspace, bob: Workspace, repo: Path
) -> None:
    claim_files(ann, patterns=["src/**"])
    claim_files(bob, patterns=["src/a.py"], wait_seconds=60, urgency="whenever")
    other = agents(repo, "bob/cli/other")

    urgent: Any = claim_files(other, patterns=["src/a.py"], wait_seconds=60, urgency="BLOCKING")
    line: Any = list_queue(ann)["queued"]

    assert urgent["position"] == 1
    assert [row["urgency"] for row in line] == ["normal", "blocking"]


def test_other_calls_of_the_same_workspace_go_on_while_one_waits(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)

    meanwhile = claim_files(bob, patterns=["docs/**"])
    waiter.patience.stop()

    assert meanwhile["granted"] is True
    assert waiter.result()["granted"] is False


def test_a_waiter_without_a_line_is_refused(ann: Workspace) -> None:
    with pytest.raises(InvalidError):
        claim_files(ann, queue_id="c-00000000")
    assert claim_files(ann, queue_id="q-00000000")["refused"] == "not_waiting"


def test_a_waiter_is_served_where_the_git_program_has_to_be_asked(agents: Agents, shared: Shared, git: Git) -> None:
    for repo in (shared.one, shared.two):
        git(repo, "config", "gitcoord.remote", shared.remote.as_uri())
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    claim_files(ann, patterns=["src/**"])
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)

    release_claims(ann)

    assert ann.setting.transport.name == "gitcli"
    assert waiter.result()["granted"] is True


@pytest.fixture
def far(agents: Agents, shared: Shared, git: Git) -> tuple[Workspace, Workspace, Workspace]:
    """Two sessions of one clone and one of another, where the git program has to be asked."""
    for repo in (shared.one, shared.two):
        git(repo, "config", "gitcoord.remote", shared.remote.as_uri())
    return agents(shared.one, "ann/cli/one"), agents(shared.one, "ann/cli/two"), agents(shared.two, "bob/cli/two")


def test_who_waits_for_an_answer_does_not_go_by_what_another_session_saw_before_it_asked(
    far: tuple[Workspace, Workspace, Workspace],
) -> None:
    other, ann, bob = far
    held: Any = claim_files(bob, patterns=["src/**"])["claim"]
    tick(other)

    waiter = Waiter(
        ann, call=lambda patience: request_release(ann, claim_id=held["id"], reason="It waits.", patience=patience)
    )
    asked: Any = pending_requests(bob)["pending"]
    respond_to_request(bob, request_id=asked[0]["id"], decision="approved")

    assert waiter.result()["claim"]["agent"] == "ann/cli/two"


def test_who_waits_in_line_does_not_ask_again_and_again_by_what_another_session_saw_before(
    far: tuple[Workspace, Workspace, Workspace], shared: Shared, git: Git
) -> None:
    other, ann, bob = far
    claim_files(bob, patterns=["src/**"])
    tick(other)
    waits = claim_files(ann, patterns=["src/a.py"], wait_seconds=600, patience=Patience(most_s=0))
    before = int(git(shared.remote, "rev-list", "--count", "refs/coord/claims"))

    again = claim_files(ann, queue_id=str(waits["queue_id"]), patience=Patience(most_s=1))

    assert again["waiting"] is True
    assert int(git(shared.remote, "rev-list", "--count", "refs/coord/claims")) == before + 1


def test_a_remote_that_goes_away_while_one_waits_is_asked_again(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    claim_files(ann, patterns=["src/**"])
    waiter = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)
    away = shared.remote.with_name("away.git")

    shared.remote.rename(away)
    threading.Event().wait(0.3)  # a few looks in vain; nothing is asserted of them but that the wait goes on
    away.rename(shared.remote)
    release_claims(ann)

    assert waiter.result()["granted"] is True


def test_a_disk_that_fills_up_while_one_waits_is_tried_again_and_said_when_the_patience_is_over(
    agents: Agents, shared: Shared
) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    claim_files(ann, patterns=["src/**"])
    until_room = Waiter(bob, patterns=["src/a.py"], wait_seconds=600)
    for_a_moment = Waiter(agents(shared.two, "eve/cli/two"), patterns=["src/b.py"], wait_seconds=600, most_s=10)
    lock = shared.two / ".git" / "gitcoord" / "lock"

    lock.rename(lock.with_name("aside"))
    lock.mkdir()  # nothing can be written without it, as on a full disk
    release_claims(ann)
    with pytest.raises(StorageError, match=r"lock' cannot be made"):
        for_a_moment.result()
    threading.Event().wait(0.3)  # the other has asked in vain by now, too; nothing is asserted but that it goes on
    lock.rmdir()

    assert until_room.result()["granted"] is True
