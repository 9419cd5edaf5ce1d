"""What a person decides about a ledger that is back or gone: each clone goes on, and no number is given twice."""

from pathlib import Path

import pytest

from gitcoord.core.documents.limits import INTEGER
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.errors import CoordError, RewoundError
from gitcoord.ledger.rewinds.restore import RESERVE
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import RefName
from gitcoord.runtime import coordinate_here, examine_here
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.doctor.check_run import Finding, Status
from gitcoord.service.doctor.rewound import rewound
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step, complete_step, recover_step
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import tick
from tests.conftest import Clone, Git
from tests.unit.doctor.conftest import Look
from tests.unit.ledger.fakes import REFS, START
from tests.unit.service.hub import APP, CLAIMS, Hub
from tests.unit.service.hub import ann as ann  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import bob as bob  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, project, seen

PUT_BACK, KEEP = 0, 1


@pytest.fixture
def eve(agents: Agents, hub: Hub, clone: Clone, git: Git) -> Workspace:
    """An agent of a clone that has seen nothing yet."""
    third = clone(hub.path, "three")
    git(third, "config", "gitcoord.remote", git(hub.two, "config", "gitcoord.remote"))
    return agents(third, "eve/cli/three")


def decide(found: Finding, which: int) -> str:
    assert found.status is Status.FAIL
    return found.repairs[which].do()


def take(agent: Workspace, num: int) -> int:
    return seen(claim_step(agent, step_id=f"app/{num}"))["step"]["fence"]


def claims_of(agent: Workspace) -> dict[str, tuple[str, int]]:
    return {one["items"][0]["pattern"]: (one["agent"], one["fence"]) for one in seen(list_claims(agent))["claims"]}


@pytest.mark.rule("SAFE-9")
def test_what_a_clone_saw_is_put_back_whole_and_everybody_goes_on(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        claim_files(ann, patterns=[name])
    before = claims_of(bob)
    tip = hub.git(hub.path, "rev-parse", CLAIMS)
    hub.rewind(CLAIMS, 2)

    found = look("rewound", hub.one)
    said = [repair.do() for repair in found.repairs]

    assert (found.facts["rewound"], found.facts["lacks"], found.facts["written_since"]) == (
        [CLAIMS],
        ["claim c.py for ann/cli/one", "claim b.py for ann/cli/one"],
        [],
    )
    assert "It lacks 'claim c.py for ann/cli/one'; 'claim b.py for ann/cli/one'." in found.text
    assert said == [f"{CLAIMS} is at {tip[:12]} again: nothing is lost", f"{CLAIMS} needs no decision any more"]
    assert look("rewound", hub.one).status is Status.OK
    assert claims_of(bob) == before
    assert claim_files(bob, patterns=["a.py"])["granted"] is False
    assert claim_files(bob, patterns=["d.py"])["granted"]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("which", [PUT_BACK, KEEP], ids=["put back", "kept"])
def test_whichever_of_two_histories_a_person_keeps_no_fence_is_given_twice(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace, eve: Workspace, which: int
) -> None:
    project(ann, (), ())
    take(ann, 1)
    recover_step(ann, step_id="app/1")
    lost = {take(ann, 1)}
    claim_files(ann, patterns=["a.py"])
    claim_files(ann, patterns=["b.py"])
    status(bob)
    hub.rewind(APP, 3)
    hub.rewind(CLAIMS)
    lost |= {take(eve, 1)}
    claim_files(eve, patterns=["b.py"])

    for _ in range(2):
        decide(look("rewound", hub.two), which)

    assert look("rewound", hub.two).status is Status.OK
    holder, others = (ann, [bob, eve]) if which == PUT_BACK else (eve, [bob, ann])
    assert seen(get_step(bob, step_id="app/1"))["step"]["agent_id"] == holder.agent
    assert claims_of(bob)["b.py"][0] == holder.agent
    assert take(holder, 1) > max(lost)
    for agent in others:
        assert claim_files(agent, patterns=["b.py"])["granted"] is False
        assert claim_files(agent, patterns=[f"{agent.agent}.py"])["granted"]
    given = [fence for _, fence in claims_of(bob).values()]
    assert len(given) == len(set(given))
    assert min(fence for name, (_, fence) in claims_of(bob).items() if "/" in name) > RESERVE


@pytest.mark.rule("SAFE-9")
def test_the_other_history_stays_in_the_new_one(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace, eve: Workspace, git: Git
) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(ann, patterns=["b.py"])
    ours = git(hub.path, "rev-parse", CLAIMS)
    status(bob)
    hub.rewind(CLAIMS)
    claim_files(eve, patterns=["b.py"])
    theirs = git(hub.path, "rev-parse", CLAIMS)

    decide(look("rewound", hub.two), PUT_BACK)

    assert git(hub.path, "log", "-1", "--format=%P", CLAIMS).split() == [ours, theirs]
    assert look("ledgers", hub.two).status is Status.OK


@pytest.mark.rule("SAFE-9")
def test_after_a_backup_was_restored_its_state_is_accepted_by_all_once_one_has_decided(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace, git: Git
) -> None:
    project(ann)
    claim_files(ann, patterns=["a.py"])
    backup = hub.copy()
    given = take(ann, 1)
    complete_step(ann, step_id="app/1", commit_hash=git(hub.one, "rev-parse", "HEAD"))
    claim_files(ann, patterns=["b.py"])
    status(bob)
    hub.restore(backup)

    found = look("rewound", hub.one)
    said = [repair.do() for repair in found.repairs if repair.text.startswith("accept")]
    said += [repair.do() for repair in look("rewound", hub.one).repairs]

    assert [one.split(" stays")[0] for one in said] == [CLAIMS, APP]
    assert take(bob, 1) > given
    assert claim_files(bob, patterns=["b.py"])["granted"]
    assert claim_files(ann, patterns=["a.py"])["granted"]
    assert [look("rewound", folder).status for folder in (hub.one, hub.two)] == [Status.OK, Status.OK]


@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_is_rightly_gone_is_gone_for_all(look: Look, hub: Hub, ann: Workspace, bob: Workspace) -> None:
    project(ann)
    project(ann, name="web")
    status(bob)
    hub.git(hub.path, "update-ref", "-d", APP)
    with pytest.raises(RewoundError):
        project(bob)

    decide(look("deleted", hub.one), KEEP)

    assert look("deleted", hub.one).status is look("deleted", hub.two).status is Status.OK
    project(bob, (), ())
    assert take(ann, 2) == 1


@pytest.mark.rule("SAFE-9")
def test_who_never_saw_it_may_accept_what_is_there_and_gives_no_fence_twice(
    look: Look, hub: Hub, agents: Agents, eve: Workspace
) -> None:
    ann = agents(hub.one, "ann/claude/one", serve=True)
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    beat_now(ann.setting, ann.combiner, force=True)
    hub.rewind(CLAIMS)

    found = look("rewound", eve.repository.top)
    accept, unheard = found.repairs
    said = [accept.do(), unheard.do()]

    assert f"clone {ann.clone_id} saw it" in found.text
    assert said[1] == f"{REFS.heartbeat(ann.clone_id)} needs no decision any more"
    assert claim_files(eve, patterns=["b.py"])["granted"]
    assert claim_files(ann, patterns=["c.py"])["granted"]
    assert min(claims_of(eve)[name][1] for name in ("b.py", "c.py")) > RESERVE


def tell(hub: Hub, git: Git, clone_id: str, seen: dict[str, int]) -> RefName:
    """Let anybody who may push write a heartbeat of a clone, without a session."""
    beat = Heartbeat(clone=clone_id, beaten_at=START, seen=seen)
    file = hub.path / "forged.json"
    file.write_bytes(beat.encode())
    blob = git(hub.path, "hash-object", "-w", str(file))
    git(hub.path, "read-tree", "--empty")
    git(hub.path, "update-index", "--add", "--cacheinfo", f"100644,{blob},heartbeat.json")
    commit = git(hub.path, "commit-tree", git(hub.path, "write-tree"), "-m", "beat")
    git(hub.path, "update-ref", REFS.heartbeat(clone_id), commit)
    return REFS.heartbeat(clone_id)


@pytest.mark.rule("SAFE-9", "SAFE-6")
@pytest.mark.parametrize("ledger", ["claims", "steps/app"], ids=["back", "gone"])
def test_a_heartbeat_that_says_more_than_can_have_been_written_stops_nobody_and_is_taken_out(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace, git: Git, ledger: str
) -> None:
    claim_files(ann, patterns=["a.py"])
    beat = tell(hub, git, "stranger", {ledger: INTEGER})

    for agent, name in ((ann, "b.py"), (bob, "c.py")):
        assert claim_files(agent, patterns=[name])["granted"]
        project(agent, name=name.removesuffix(".py"))
    project(bob)
    site = examine_here(hub.two, {})
    found = rewound(site)
    said = [repair.do() for repair in found.repairs]

    assert rewound(site).status is Status.OK
    assert (found.status, found.facts) == (Status.WARN, {"overstated": [beat]})
    assert said == [f"{beat} is deleted"]
    assert look("rewound", hub.two).status is Status.OK


@pytest.mark.rule("SAFE-9", "SAFE-6")
@pytest.mark.parametrize("which", [0, 1], ids=["accept the ledger", "delete the heartbeat"])
@pytest.mark.parametrize("ledger", ["claims", "steps/app"], ids=["back", "gone"])
def test_a_heartbeat_that_alone_says_more_is_decided_upon_by_anybody(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace, git: Git, ledger: str, which: int
) -> None:
    claim_files(ann, patterns=["a.py"])
    beats = [tell(hub, git, "liar", {ledger: 5000}), tell(hub, git, "fool", {ledger: INTEGER})]
    check = "rewound" if ledger == "claims" else "deleted"

    found = look(check, hub.two)
    said = found.repairs[which].do()

    assert "clone liar saw it at sequence number 5000" in found.text
    assert [beats[0] in found.repairs[1].text, beats[0] in said] == [True, which == 1]
    assert look(check, hub.two).status is not Status.FAIL
    for agent, name in ((ann, "b.py"), (bob, "c.py")):
        assert claim_files(agent, patterns=[name])["granted"]
    project(bob)


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("what", ["put back", "kept", "deleted"])
def test_what_is_decided_has_numbers_that_everybody_can_read_whatever_a_heartbeat_says(
    look: Look, hub: Hub, ann: Workspace, bob: Workspace, git: Git, what: str
) -> None:
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    tell(hub, git, "stranger", {"claims": INTEGER})
    if what == "deleted":
        git(hub.path, "update-ref", "-d", CLAIMS)
    else:
        hub.rewind(CLAIMS)

    found = look("deleted" if what == "deleted" else "rewound", hub.one)
    said = found.repairs[0 if what == "put back" else 1].do()

    assert said
    assert claim_files(bob, patterns=["c.py"])["granted"]


@pytest.mark.rule("SAFE-9")
def test_a_decision_about_what_has_moved_since_is_not_carried_out(
    look: Look, hub: Hub, ann: Workspace, eve: Workspace
) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(ann, patterns=["b.py"])
    hub.rewind(CLAIMS)
    found = look("rewound", hub.one)
    claim_files(eve, patterns=["c.py"])
    tip = hub.git(hub.path, "rev-parse", CLAIMS)

    for repair in found.repairs:
        with pytest.raises(CoordError, match="moved since"):
            repair.do()

    assert hub.git(hub.path, "rev-parse", CLAIMS) == tip


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["path"], indirect=True)
def test_where_the_lost_commits_are_nowhere_it_says_so(look: Look, hub: Hub, ann: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    backup = hub.copy()
    claim_files(ann, patterns=["b.py"])
    hub.restore(backup)

    found = look("rewound", hub.one)

    assert [repair.text for repair in found.repairs] == [f"accept {CLAIMS} as it is now"]
    assert f"The commit of {CLAIMS} is not here" in found.hint


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["path"], indirect=True)
@pytest.mark.parametrize("is_gone", [False, True], ids=["back", "gone"])
def test_what_a_watcher_copied_of_a_remote_on_a_path_is_put_back_after_a_backup_was_restored(
    look: Look, hub: Hub, agents: Agents, bob: Workspace, is_gone: bool
) -> None:
    ann = agents(hub.one, "ann/claude/one", serve=True)
    backup = hub.copy() if is_gone else None
    claim_files(ann, patterns=["a.py"])
    backup = backup or hub.copy()
    for name in ("b.py", "c.py"):
        claim_files(ann, patterns=[name])
    tick(ann)
    before = claims_of(bob)
    hub.restore(backup)

    found = look("deleted" if is_gone else "rewound", hub.one)
    said = decide(found, PUT_BACK)

    assert "again: nothing is lost" in said
    assert claims_of(bob) == before
    assert look("ledgers", hub.two).status is look("rewound", hub.two).status is Status.OK
    assert claim_files(bob, patterns=["c.py"])["granted"] is False
    assert hub.git(hub.path, "fsck", "--connectivity-only", "--no-dangling") == ""


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("hub", ["path"], indirect=True)
def test_what_came_after_the_last_copy_is_lost_and_its_fence_is_not_given_twice(
    look: Look, hub: Hub, agents: Agents, bob: Workspace
) -> None:
    ann = agents(hub.one, "ann/claude/one", serve=True)
    claim_files(ann, patterns=["a.py"])
    backup = hub.copy()
    claim_files(ann, patterns=["b.py"])
    tick(ann)
    claim_files(ann, patterns=["c.py"])
    given = claims_of(bob)["c.py"][1]
    hub.restore(backup)

    said = decide(look("rewound", hub.one), PUT_BACK)

    assert "what came after that is lost" in said
    assert [*claims_of(bob)] == ["a.py", "b.py"]
    assert claim_files(bob, patterns=["c.py"])["granted"]
    assert claims_of(bob)["c.py"][1] > given
    assert look("rewound", hub.two).status is look("ledgers", hub.one).status is Status.OK


@pytest.mark.parametrize("hub", ["path"], indirect=True)
def test_a_store_that_begins_anew_is_not_gone(agents: Agents, repo: Path, git: Git, hub: Hub) -> None:
    project(agents(repo, "ann/cli/wt"))
    git(repo, "config", "gitcoord.remote", str(hub.path))
    project(agents(repo, "ann/cli/wt"), name="there")
    git(repo, "config", "--unset", "gitcoord.remote")

    coordinate_here(repo, {})

    ann = agents(repo, "ann/cli/wt")
    project(ann)
    assert ann.setting.refs.steps("app") in ann.listed()
