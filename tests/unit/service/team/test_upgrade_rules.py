"""`upgrade --rules`: a person decides from when on older versions only read."""

import json
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.errors import ContendedError, DeniedError, UnreachableError
from gitcoord.ledger.format.meta import RULES, WRITER
from gitcoord.remote.contract.protocol import SwapOutcome, SwapStatus
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.team.upgrade_rules import upgrade_rules
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, damage, project, seen, store_of, tips, write_ref

RAISED = (RULES, WRITER)


def asked(git: Git, remote: Path, ref: str) -> tuple[int, int]:
    """Return the versions that a ledger asks for, as plain git reads it."""
    meta = json.loads(git(remote, "show", f"{ref}:meta.json"))
    return meta["rules"], meta["writer_min"]


def test_every_ledger_is_raised_and_those_that_come_later_begin_there(agents: Agents, shared: Shared, git: Git) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann, name="old")
    claim_files(ann, patterns=["README.md"])
    before = {ref: asked(git, shared.remote, ref) for ref in tips(ann)}

    result = seen(upgrade_rules(ann))
    project(bob, name="new")

    refs = ["refs/coord/claims", "refs/coord/config", "refs/coord/steps/old"]
    assert (result["raised"], result["ledgers"], result["unread"], result["older"]) == (True, refs, [], [])
    assert before == {"refs/coord/claims": (1, 1), "refs/coord/steps/old": (1, 1)}
    assert {ref: asked(git, shared.remote, ref) for ref in tips(ann)} == dict.fromkeys(
        [*refs, "refs/coord/steps/new"], RAISED
    )


def test_work_and_decisions_go_on_from_a_raised_ledger(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), name="app")
    upgrade_rules(ann)

    taken = seen(claim_step(ann, project="app"))
    set_policy(ann, name="strict_complete", value="true")

    assert taken["step"]["id"] == "app/1"
    assert asked(git, store_of(repo), "refs/coord/config") == RAISED
    assert asked(git, store_of(repo), "refs/coord/steps/app") == RAISED


def test_a_second_time_changes_nothing(ann: Workspace) -> None:
    project(ann)
    upgrade_rules(ann)
    before = tips(ann)

    again = seen(upgrade_rules(ann))

    assert (again["raised"], again["ledgers"], tips(ann)) == (True, [], before)


def old_beat(writer: dict[str, int], seconds_ago: str) -> dict[str, str]:
    beat = {"clone": "zzz", "seq": 1, "beaten_at": seconds_ago, "interval_s": 60}
    return {"heartbeat.json": json.dumps({**beat, "sessions": [{"id": "s", "agents": ["zoe/cli/wt"], **writer}]})}


@pytest.mark.parametrize(
    ("writer", "force", "raised"), [({}, False, False), ({"writer": WRITER}, False, True), ({}, True, True)]
)
def test_a_live_clone_of_an_older_version_is_named_and_stops_it(
    ann: Workspace, repo: Path, writer: dict[str, int], force: bool, raised: bool
) -> None:
    project(ann)
    now = ann.setting.host.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    write_ref(store_of(repo), "refs/coord/heartbeats/zzz", old_beat(writer, now))
    before = tips(ann)

    result = seen(upgrade_rules(ann, force=force))

    older = [] if writer else [{"clone": "zzz", "agents": ["zoe/cli/wt"]}]
    assert (result["raised"], result["older"], tips(ann) != before) == (raised, older, raised)
    assert raised or result["why"] == "1 live clone runs an older gitcoord."


def test_an_older_clone_that_was_silent_for_long_stops_nobody(ann: Workspace, repo: Path) -> None:
    project(ann)
    write_ref(store_of(repo), "refs/coord/heartbeats/zzz", old_beat({}, "2026-01-01T00:00:00.000Z"))

    assert seen(upgrade_rules(ann))["raised"] is True


@pytest.mark.rule("SAFE-6")
def test_a_damaged_ledger_is_named_and_left_as_it_is(ann: Workspace, repo: Path) -> None:
    project(ann)
    damage(repo, "broken")
    before = tips(ann)["refs/coord/steps/broken"]

    result = seen(upgrade_rules(ann))

    assert (result["unread"], tips(ann)["refs/coord/steps/broken"]) == (["refs/coord/steps/broken"], before)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (SwapStatus.DENIED, DeniedError),
        (SwapStatus.UNREACHABLE, UnreachableError),
        (SwapStatus.LOST, ContendedError),
        (SwapStatus.UNKNOWN, ContendedError),
    ],
)
def test_what_was_not_raised_is_an_error_that_says_why(
    ann: Workspace, status: SwapStatus, error: type[Exception]
) -> None:
    project(ann)
    before = tips(ann)
    transport = ann.setting.transport

    class Refusing:
        """The transport, but every swap ends in one way."""

        def __getattr__(self, name: str) -> object:
            return getattr(transport, name)

        def swap(self, _updates: object) -> SwapOutcome:
            return SwapOutcome(status, "not today")

    host = replace(ann.setting.host, sleep=lambda _: None)
    ann.setting = replace(ann.setting, transport=Refusing(), host=host)

    with pytest.raises(error):
        upgrade_rules(ann)

    ann.setting = replace(ann.setting, transport=transport)
    assert tips(ann) == before
