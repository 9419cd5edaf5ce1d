"""What was left out of a clone is brought before it is read, and what does not come is said."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.ledger.format import commits
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.copies.whole_history import AGAIN_S
from gitcoord.service.claims import history
from gitcoord.service.claims.claims import claim_files, extend_claims, list_claims, release_claims
from gitcoord.service.dashboard.dashboard import Dashboard
from gitcoord.service.events import cursor as cursors
from gitcoord.service.events import event_stream
from gitcoord.service.session import earlier_history
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.activity import metrics
from gitcoord.service.steps.step_views import get_agent_events
from tests.unit.left_out import LeftOut
from tests.unit.service.world import seen

FILES = ("a.zig", "b.zig", "c.zig")


@pytest.fixture
def tips(ann: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeftOut:
    """Ann's clone, with the last commit of the claims alone; it notes whether the remote is asked under the lock."""
    for name in FILES:
        claim_files(ann, patterns=[name])
        release_claims(ann)
    transport = ann.setting.transport
    tip, *older = (oid for oid, _ in commits.walk(transport.objects, ann.listed()[ann.setting.refs.claims]))
    is_held: Callable[[], bool] = getattr(ann.lock, "_is_owned")  # noqa: B009 - no public name has it
    left_out = LeftOut(transport.objects, {*older}, is_held)
    monkeypatch.setattr(transport, "objects", left_out.objects(tmp_path, [tip]))
    return left_out


def past(workspace: Workspace) -> None:
    list_claims(workspace, active_only=False)


@pytest.mark.parametrize("read", [get_agent_events, metrics, past, lambda ann: Dashboard(ann).panels()])
def test_the_remote_is_asked_before_the_lock_is_taken(
    ann: Workspace, tips: LeftOut, read: Callable[[Workspace], object]
) -> None:
    read(ann)

    assert (tips.asked, tips.lacking) == ([False], set())


def test_an_agent_that_names_a_claim_that_is_gone_does_not_wait_for_history(ann: Workspace, tips: LeftOut) -> None:
    released = release_claims(ann, claim_ids=["c-7k2m9q"])
    extended = extend_claims(ann, claim_ids=["c-7k2m9q"], ttl_hours=1)

    assert (released["not_found"], extended["refused"], tips.asked) == (["c-7k2m9q"], "not_found", [])


def test_a_cursor_that_may_be_in_what_is_not_here_is_not_called_wrong(ann: Workspace, tips: LeftOut) -> None:
    mark = cursors.parse(event_stream.read(ann, None).cursor)
    older = {ledger: bytes.fromhex(min(tips.lacking))[:8] + entry[8:] for ledger, entry in mark.entries.items()}
    given, tips.is_away = mark._replace(place=b"\0\0\0\0", entries=older).text, True

    with pytest.raises(UnreachableError):
        event_stream.read(ann, given)


@pytest.mark.parametrize("moves", [False, True], ids=["the same tip", "a new tip"])
def test_a_dashboard_shows_what_came_since(ann: Workspace, tips: LeftOut, *, moves: bool) -> None:
    looked, tips.is_away = Dashboard(ann), True
    away = seen(looked.panels())
    tips.is_away, tips.now = False, tips.now + AGAIN_S
    if moves:
        claim_files(ann, patterns=["d.zig"])

    back = seen(looked.panels())

    assert away["timeline"]["complete_since"] is not None
    anew = seen(Dashboard(ann).panels())
    for panel in ("timeline", "metrics", "events"):
        assert back[panel] == anew[panel]
    assert back["timeline"]["complete_since"] is None


def test_what_is_whole_is_walked_once_while_something_else_is_left_out(
    ann: Workspace, tips: LeftOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boundary of a ledger that is deleted stays."""
    transport, tip = ann.setting.transport, ann.listed()[ann.setting.refs.claims]
    before = commits.read(tips.inner, tip)
    gone = commits.write(tips.inner, before.tree, [Oid("9" * 40)], ann.setting.clone.signature, before.committed_at, "")
    tips.lacking.clear()
    monkeypatch.setattr(transport, "objects", tips.objects(tmp_path, [gone]))
    read = list[Oid]()
    plain = LeftOut.read
    monkeypatch.setattr(LeftOut, "read", lambda self, oid: (read.append(oid), plain(self, oid))[1])

    assert earlier_history.bring(ann, (tip,))
    walked = len(read)
    assert earlier_history.bring(ann, (tip,))

    assert (walked > len(FILES), read[walked:], ann.whole) == (True, [tip], {tip})


def test_a_search_that_read_nothing_does_not_say_that_it_read_all(ann: Workspace, tips: LeftOut) -> None:
    tips.lacking.add(ann.listed()[ann.setting.refs.claims])

    assert history.ended(ann, lambda _: True).since is not None
