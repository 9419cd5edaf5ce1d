"""A ledger that goes back or disappears under the clones that use it: on a path, by git over file://, over http."""

import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.errors import RewoundError
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.service.claims.claims import check_conflicts, claim_files, list_claims
from gitcoord.service.claims.requests import list_queue
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import sync, tick
from tests.conftest import Clone, Git, MakeBare
from tests.unit.service.hub import APP, CLAIMS, Hub
from tests.unit.service.hub import ann as ann  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import bob as bob  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, Result, project, seen


def head(hub: Hub) -> str:
    return hub.git(hub.one, "rev-parse", "HEAD")


@pytest.mark.rule("SAFE-9")
def test_a_file_that_was_claimed_is_not_given_out_again_after_a_forced_push(
    hub: Hub, ann: Workspace, bob: Workspace
) -> None:
    claim_files(bob, patterns=["b.py"])
    claim_files(ann, patterns=["a.py"])
    list_claims(bob)  # it has seen ann's claim
    hub.rewind(CLAIMS)

    for agent in (ann, bob):
        with pytest.raises(RewoundError, match="claims went back: this clone saw") as caught:
            claim_files(agent, patterns=["a.py"])
        assert "gitcoord doctor --repair" in caught.value.hint
        assert (caught.value.code, caught.value.exit_status, caught.value.where) == ("rewound", 5, CLAIMS)


@pytest.mark.rule("SAFE-9")
def test_what_only_tries_is_stopped_by_a_ledger_that_went_back_and_what_only_shows_is_not(
    hub: Hub, ann: Workspace, bob: Workspace
) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"], wait_seconds=1)
    claim_files(ann, patterns=["c.py"])
    hub.rewind(CLAIMS)

    with pytest.raises(RewoundError, match="claims went back"):
        check_conflicts(ann, files=["a.py"])

    assert list_claims(ann)["count"] == 1
    assert len(seen(list_queue(ann))["queued"]) == 1


@pytest.mark.rule("SAFE-9")
def test_a_step_that_was_completed_is_not_given_out_again_after_a_backup_was_restored(
    hub: Hub, ann: Workspace, bob: Workspace
) -> None:
    project(ann)
    backup = hub.copy()
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash=head(hub))
    seen(get_step(bob, step_id="app/1"))
    hub.restore(backup)

    for agent in (ann, bob):
        with pytest.raises(RewoundError, match="steps/app went back"):
            claim_step(agent, step_id="app/1")
        with pytest.raises(RewoundError, match="steps/app went back"):
            claim_step(agent)


@pytest.mark.rule("SAFE-9")
def test_after_a_push_with_mirror_nothing_is_given_out_and_nobody_hears_that_there_is_no_project(
    hub: Hub, ann: Workspace, bob: Workspace
) -> None:
    project(ann)
    claim_step(ann)
    claim_files(ann, patterns=["a.py"])
    status(bob)
    hub.mirror()

    for agent in (ann, bob):
        with pytest.raises(RewoundError, match="claims is gone"):
            claim_files(agent, patterns=["a.py"])
        with pytest.raises(RewoundError, match="steps/app is gone"):
            get_step(agent, step_id="app/1")
    with pytest.raises(RewoundError, match="steps/app is gone"):
        complete_step(ann, step_id="app/1", commit_hash=head(hub))
    assert hub.git(hub.path, "for-each-ref", "refs/coord") == ""


@pytest.mark.rule("SAFE-9")
def test_other_ledgers_go_on_and_what_is_read_comes_with_a_warning(hub: Hub, ann: Workspace, agents: Agents) -> None:
    project(ann, (), ())
    project(ann, name="web")
    claim_step(ann, step_id="app/1")
    hub.rewind(APP)
    fresh = agents(hub.one, "ann/cli/other")

    taken: Result = claim_step(fresh)

    assert taken["step"]["id"] == "web/1"
    assert [one["ref"] for one in take_notices(fresh) if one["notice"] == "rewound"] == [APP]
    assert claim_files(fresh, patterns=["a.py"])["granted"]
    shown = seen(status(fresh))
    assert [one["ref"] for one in shown["oddities"]] == [APP]
    assert {row["name"] for row in shown["projects"]} == {"app", "web"}


@pytest.mark.rule("SAFE-9")
def test_what_a_listing_and_a_command_both_find_is_said_once(hub: Hub, ann: Workspace, agents: Agents) -> None:
    project(ann, (), ())
    project(ann, name="web")
    claim_step(ann, step_id="app/1")
    hub.rewind(APP)
    fresh = agents(hub.one, "ann/claude/other", serve=True)

    claim_step(fresh)

    assert [one["ref"] for one in take_notices(fresh) if one["notice"] == "rewound"] == [APP]


@pytest.mark.rule("SAFE-9")
def test_a_notice_that_comes_while_another_thread_takes_notices_is_neither_lost_nor_shown_again(
    hub: Hub, ann: Workspace
) -> None:
    project(ann, (), ())
    project(ann, name="web")
    claim_step(ann, step_id="app/1")
    hub.rewind(APP)
    may_others_take: list[bool] = []

    def could_take() -> bool:
        took = ann.lock.acquire(blocking=False)
        if took:
            ann.lock.release()
        return took

    class Watched(list[CallerNotice]):
        """Notices that look, whenever one is added, whether another thread could take them at that moment."""

        def append(self, notice: CallerNotice, /) -> None:
            with ThreadPoolExecutor(1) as pool:
                may_others_take.append(pool.submit(could_take).result())
            super().append(notice)

        def __iadd__(self, notices: Iterable[CallerNotice], /) -> Self:
            for notice in notices:
                self.append(notice)
            return self

    ann.notices = Watched()
    claim_step(ann)  # a command finds it
    ann.listed()
    list_claims(ann)

    assert may_others_take == [False]


@pytest.mark.rule("SAFE-9")
def test_a_session_is_told_and_keeps_what_it_was_given(hub: Hub, agents: Agents) -> None:
    ann = agents(hub.one, "ann/claude/one", serve=True)
    project(ann)
    claim_step(ann)
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    tick(ann)
    take_notices(ann)
    for ref in (APP, CLAIMS):
        hub.rewind(ref)

    sync(ann)
    tick(ann)

    told = take_notices(ann)
    assert sorted((one["notice"], one["ref"]) for one in told) == [("rewound", CLAIMS), ("rewound", APP)]
    assert ann.fences.all() == {"app/1": 1}
    snapshot = hub.one / ".git" / "gitcoord" / "snapshot"
    assert any("b.py" in path.read_text() for path in snapshot.iterdir() if path.name != "me")


@pytest.mark.rule("SAFE-9")
def test_a_history_that_others_went_on_from_is_noticed_by_its_descent(
    hub: Hub, ann: Workspace, bob: Workspace, agents: Agents, clone: Clone, git: Git
) -> None:
    claim_files(bob, patterns=["b.py"])
    claim_files(ann, patterns=["a.py"])
    list_claims(bob)
    hub.rewind(CLAIMS)
    third = clone(hub.path, "three")
    git(third, "config", "gitcoord.remote", git(hub.two, "config", "gitcoord.remote"))
    eve = agents(third, "eve/cli/three")
    for name in ("c.py", "d.py"):
        assert claim_files(eve, patterns=[name])["granted"]

    with pytest.raises(RewoundError, match="without that commit"):
        claim_files(bob, patterns=["e.py"])


@pytest.mark.rule("SAFE-9")
def test_the_rules_of_a_team_that_are_back_are_not_written_over(hub: Hub, ann: Workspace, bob: Workspace) -> None:
    set_policy(bob, name="idle_minutes", value="20")
    set_policy(ann, name="idle_minutes", value="30")
    status(bob)
    hub.rewind("refs/coord/config")

    for agent in (ann, bob):
        with pytest.raises(RewoundError, match="config went back"):
            set_policy(agent, name="idle_minutes", value="40")
        assert [one["ref"] for one in seen(status(agent))["oddities"]] == ["refs/coord/config"]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["file"], indirect=True)
def test_what_was_seen_counts_at_another_url_of_the_same_ledger_and_not_in_another_of_its_name(
    hub: Hub, ann: Workspace, bob: Workspace, agents: Agents, make_bare: MakeBare, git: Git
) -> None:
    project(ann)
    claim_step(ann)
    status(bob)
    moved, other = hub.path.with_name("moved.git"), make_bare("other.git")
    shutil.copytree(hub.path, moved)
    git(moved, "update-ref", APP, f"{APP}~1")

    for folder, name in ((hub.one, "ann/cli/one"), (hub.two, "bob/cli/two")):
        for url in (str(moved), f"file://{moved}"):
            with pytest.raises(RewoundError, match="steps/app went back"):
                claim_step(agents(folder, name, GITCOORD_REMOTE=url))
    elsewhere = agents(hub.one, "ann/cli/one", GITCOORD_REMOTE=f"file://{other}")
    project(elsewhere)
    assert seen(claim_step(elsewhere))["step"]["fence"] == 1


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["path", "file"], indirect=True)
@pytest.mark.parametrize("since", [0, 2], ids=["as it was copied", "when it had gone on"])
@pytest.mark.parametrize("has_other", [False, True], ids=["", "and another of its name"])
def test_a_move_to_an_older_copy_is_noticed_by_who_first_wrote_after_it_was_made(
    hub: Hub, ann: Workspace, agents: Agents, make_bare: MakeBare, since: int, *, has_other: bool
) -> None:
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    older = hub.copy()
    for name in ("c.py", "d.py")[:since]:
        claim_files(ann, patterns=[name])
    assert claim_files(agents(hub.two, "bob/cli/two"), patterns=["e.py"])["granted"]
    if has_other:
        elsewhere = agents(hub.two, "bob/cli/two", GITCOORD_REMOTE=f"file://{make_bare('other.git')}")
        for name in "fghijklm":
            assert claim_files(elsewhere, patterns=[f"{name}.py"])["granted"]
    url = str(older) if "://" not in hub.git(hub.two, "config", "gitcoord.remote") else f"file://{older}"

    with pytest.raises(RewoundError, match=f"claims went back: this clone saw it at sequence number {since + 3} "):
        claim_files(agents(hub.two, "bob/cli/two", GITCOORD_REMOTE=url), patterns=["f.py"])


@pytest.mark.rule("SAFE-9")
def test_a_clone_that_has_seen_nothing_hears_of_it_by_the_heartbeats(
    hub: Hub, agents: Agents, clone: Clone, git: Git
) -> None:
    ann = agents(hub.one, "ann/claude/one", serve=True)
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    beat_now(ann.setting, ann.combiner, force=True)
    hub.rewind(CLAIMS)
    third = clone(hub.path, "three")
    git(third, "config", "gitcoord.remote", git(hub.two, "config", "gitcoord.remote"))
    eve = agents(third, "eve/cli/three")

    with pytest.raises(RewoundError, match=f"clone {ann.clone_id} saw it at sequence number 2, and the remote has 1"):
        claim_files(eve, patterns=["b.py"])
    assert [one["ref"] for one in seen(status(agents(third, "eve/cli/three")))["oddities"]] == [CLAIMS]
