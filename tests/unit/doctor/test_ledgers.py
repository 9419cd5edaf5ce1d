"""What is coordinated, as `doctor` sees it: damage, sessions that are over, rules that cannot be read, clocks."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.errors import ContendedError, LimitError, UnreachableError
from gitcoord.ledger.format import commits, steps_layout, trees
from gitcoord.ledger.format.meta import applied_path
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.transports.local import LocalTransport
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.doctor.check_run import Status
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, skip_step
from gitcoord.service.team.policy import set_policy
from tests.conftest import Git
from tests.hostile.crafts import Ledger, a_commit_of_the_year_9999
from tests.servers.fixtures import Servers
from tests.unit.doctor.conftest import Look
from tests.unit.service.world import Agents, Shared, later, project, store_of, write_ref

CLAIMS, BAD = "refs/coord/claims", "refs/coord/steps/bad"


def test_ledgers_of_ours_are_whole(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    found = look("ledgers", repo)

    assert (found.status, "refs/coord/steps/app" in str(found.facts["ledgers"])) == (Status.OK, True)


@pytest.mark.rule("SAFE-6")
def test_a_ledger_that_is_damaged_is_named_with_its_author_and_the_others_are_looked_at(
    look: Look, shared: Shared, agents: Agents
) -> None:
    project(agents(shared.one, "ann/cli/one"), name="good")
    write_ref(shared.remote, BAD, {"project.json": "{"})

    found = look("ledgers", shared.one)

    assert (found.status, found.facts["damaged"]) == (Status.FAIL, [BAD])
    assert "refs/coord/steps/good" in str(found.facts["ledgers"])
    assert found.text.endswith(" Written by 'Stranger <stranger@example.invalid>'.")
    assert f"it puts {BAD} back" in found.hint


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("is_home", [False, True], ids=["remote", "home"])
def test_damage_of_a_ledger_is_listed_once(
    look: Look, repo: Path, shared: Shared, agents: Agents, *, is_home: bool
) -> None:
    folder = repo if is_home else shared.one
    ann = agents(folder, "ann/cli/wt")
    project(ann, name="bad")
    claim_files(ann, patterns=["a.py"])
    write_ref(store_of(repo) if is_home else shared.remote, BAD, {"project.json": "{"})

    found = {name: look(name, folder) for name in ("refs", "rewound", "deleted", "ledgers", "audit")}

    assert [name for name, each in found.items() if BAD in each.text] == ["refs" if is_home else "ledgers"]
    assert found["audit"].facts["unread"] == [BAD]
    assert found["audit"].text.startswith("1 ledger, each is what its commands give; 1 ledger that cannot be read")


def test_where_no_ledger_can_be_read_none_is_said_to_be_sound(look: Look, shared: Shared) -> None:
    write_ref(shared.remote, BAD, {"project.json": "{"})

    assert look("audit", shared.one).status is Status.SKIP


def test_what_doctor_looks_into_comes_with_one_request(look: Look, repo: Path, servers: Servers, git: Git) -> None:
    remote = servers.remote("http")
    git(repo, "config", "gitcoord.remote", remote.url)

    def asked(*places: str) -> int:
        for place in places:
            write_ref(remote.git_dir, f"refs/coord/{place}", {"meta.json": f'{{"of": "{place}"}}'})
        before = len(servers.http().requests())
        assert look("ledgers", repo).status is Status.FAIL
        return len(servers.http().requests()) - before

    asked("relay/none")  # at first a server is asked what it can do
    assert asked("relay/one") == asked("steps/two", "heartbeats/abcdefghjk", "relay/ci", "inbox/claims/post")


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("is_home", [False, True], ids=["remote", "home"])
def test_a_ledger_of_a_newer_version_is_a_warning_and_is_put_back_to_no_older_one(
    look: Look, repo: Path, shared: Shared, agents: Agents, *, is_home: bool
) -> None:
    folder = repo if is_home else shared.one
    project(agents(folder, "ann/cli/wt"), name="new")
    newer = {"meta.json": json.dumps({"schema": 99}), "project.json": "{}"}
    write_ref(store_of(repo) if is_home else shared.remote, "refs/coord/steps/new", newer)

    found = {name: look(name, folder) for name in ("refs", "ledgers")}

    assert (found["ledgers"].status, "Upgrade gitcoord" in found["ledgers"].hint) == (Status.WARN, True)
    assert [found[name].repairs for name in found] == [(), ()]
    assert found["refs"].status is (Status.OK if is_home else Status.SKIP)


def test_a_session_that_crashed_with_a_step_is_named(look: Look, repo: Path, agents: Agents) -> None:
    ann = agents(repo, "ann/claude/wt", serve=True)
    project(ann)
    claim_step(ann)
    assert look("sessions", repo).facts["live"] == [ann.session_id]
    assert ann.session is not None
    ann.session.let_go()  # what a kill leaves: a lock that is free, and no good-bye

    found = look("sessions", repo)

    assert (found.status, found.facts["steps"]) == (Status.WARN, ["app/1"])
    assert "gitcoord step recover" in found.hint


def test_a_session_that_is_over_and_holds_nothing_is_well(look: Look, repo: Path, agents: Agents) -> None:
    ann = agents(repo, "ann/claude/wt", serve=True)
    project(ann)
    assert ann.session is not None
    ann.session.let_go()

    found = look("sessions", repo)

    assert (found.status, found.facts["over"]) == (Status.OK, [ann.session_id])


@pytest.mark.rule("SAFE-6")
def test_a_relay_that_cannot_be_read_is_named_and_begins_anew_by_a_repair(look: Look, shared: Shared) -> None:
    write_ref(shared.remote, "refs/coord/relay/chat", {"relay.json": "{"})

    before = look("ledgers", shared.one)
    said = [repair.why_ask for repair in before.repairs]
    for repair in before.repairs:
        repair.do()

    assert (before.status, before.facts["damaged"]) == (Status.FAIL, ["refs/coord/relay/chat"])
    assert said == ["no clone can read it; this relay begins anew when it runs next, with what happens from then on"]
    assert look("ledgers", shared.one).status is Status.OK


def test_heartbeats_that_nobody_touches_are_counted(look: Look, shared: Shared) -> None:
    write_ref(shared.remote, "refs/coord/heartbeats/gone", {"heartbeat.json": "{}"})  # of September 2026

    found = look("sessions", shared.one)

    assert found.status is Status.WARN
    assert found.facts["untouched"] == ["refs/coord/heartbeats/gone"]


def test_what_is_not_answered_meanwhile_is_no_damage(
    look: Look, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ref(shared.remote, "refs/coord/heartbeats/gone", {"heartbeat.json": "{}"})

    def fail(*_: object) -> None:
        message = "The remote does not answer."
        raise UnreachableError(message)

    monkeypatch.setattr(LocalTransport, "fetch", fail)
    found = look("ledgers", shared.one)

    assert (found.status, found.repairs) == (Status.WARN, ())
    assert found.text == "could not be checked: The remote does not answer."


def test_a_writer_whose_clock_is_ahead_is_named(look: Look, shared: Shared, agents: Agents) -> None:
    ann = later(agents(shared.one, "ann/cli/one"), hours=2)
    project(ann)

    found = look("clock", shared.two)

    assert (found.status, found.facts["ref"]) == (Status.WARN, "refs/coord/steps/app")
    assert "refs/coord/steps/app was written 2 h in the future" in found.text
    assert "(NTP). The next command that writes there is dated by its writer's clock again." in found.hint


@pytest.mark.rule("SAFE-6")
def test_rules_that_are_dated_in_another_millennium_say_what_ends_that_and_it_does(
    look: Look, shared: Shared, agents: Agents, git: Git
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    set_policy(ann, name="idle_minutes", value="20")
    ledger = Ledger(shared.remote, "refs/coord/config")
    git(shared.remote, "update-ref", ledger.ref, a_commit_of_the_year_9999(ledger))

    found = look("clock", shared.two)
    set_policy(ann, name="idle_minutes", value="30")

    assert re.search(r"was written 4,?\d{3} years in the future", found.text)
    assert "The next change of the rules (`gitcoord policy set`" in found.hint
    assert look("clock", shared.two).status is Status.OK


@pytest.mark.rule("SAFE-7")
def test_a_heartbeat_of_another_millennium_goes_only_with_a_person(look: Look, shared: Shared, git: Git) -> None:
    ref = "refs/coord/heartbeats/gone"
    write_ref(shared.remote, ref, {"heartbeat.json": "{}"})
    ledger = Ledger(shared.remote, ref)
    git(shared.remote, "update-ref", ref, a_commit_of_the_year_9999(ledger))

    (repair,) = look("clock", shared.two).repairs

    assert (repair.needs_person, repair.do()) == (True, f"{ref} is deleted")
    assert look("clock", shared.two).status is Status.OK


def test_a_clock_that_jumped_is_told(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann)
    host, file = ann.setting.host, repo / ".git" / "gitcoord" / "clocks.json"
    noted = {"boot": host.boot, "wall": time_text(host.now() - timedelta(hours=1)), "ticks": host.monotonic()}
    file.write_text(json.dumps(noted))

    found = look("clock", repo)

    assert (found.status, "has jumped" in found.text) == (Status.WARN, True)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("modules:\n  core: {paths: [src/**]}\n", Status.OK, "owners.yaml"),
        ("modules: [", Status.FAIL, "owners.yaml:"),
        ("modules:\n  core: {paths: [src/**], colour: red}\n", Status.WARN, "owners.yaml:2"),
        ("\udcff", Status.FAIL, "not UTF-8"),
    ],
    ids=["good", "broken", "unknown", "bytes"],
)
def test_the_ownership_file_is_read_with_its_lines(
    look: Look, repo: Path, ann: Workspace, text: str, status: Status, words: str
) -> None:
    project(ann)
    (repo / ".gitcoord").mkdir()
    (repo / ".gitcoord" / "owners.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))

    found = look("ownership", repo)

    assert (found.status, words in found.text) == (status, True)


def test_shared_rules_that_cannot_be_read_are_named(look: Look, shared: Shared) -> None:
    write_ref(shared.remote, "refs/coord/config", {"meta.json": '{"schema": 1}', "owners.yaml": "modules: ["})

    found = look("ownership", shared.one)

    assert (found.status, found.hint) == (Status.FAIL, "gitcoord owners edit")


def test_shared_rules_that_are_damaged_are_not_said_to_be_read(look: Look, shared: Shared, ann: Workspace) -> None:
    write_ref(shared.remote, "refs/coord/config", {"meta.json": "{", "policy.json": "{}"})

    found, named = look("ownership", shared.one), look("ledgers", shared.one)

    assert (found.status, named.status) == (Status.WARN, Status.FAIL)
    assert found.text == "refs/coord/config is damaged, so the default rules count, without owners."
    assert "Written by 'Stranger <" in named.text


def test_what_to_do_about_several_refs_says_of_each_which(look: Look, shared: Shared) -> None:
    refs = ["refs/coord/heartbeats/abcdefghjk", "refs/coord/plans/app"]
    for ref in refs:
        write_ref(shared.remote, ref, {"meta.json": "{"})

    found = look("ledgers", shared.one)

    assert [ref for ref in refs if ref not in found.hint] == []


def by_hand(workspace: Workspace, ref: str, path: str, **changes: Json) -> None:
    """Push a ledger with a document that somebody has changed, or a first commit with that alone."""
    setting, ref_name = workspace.setting, RefName(ref)
    objects, tip = setting.transport.objects, workspace.listed().get(ref_name)
    folder = trees.load(objects, commits.read(objects, tip).tree) if tip else trees.EMPTY
    oid = folder.file(path)
    known = json.loads(objects.read(oid)[1]) if oid else {}
    tree = trees.write(objects, folder, {path: json.dumps({**known, **changes}).encode()}).oid
    parents, who = [tip] if tip else [], setting.clone.signature
    new = commits.write(objects, tree or Oid(""), parents, who, setting.host.now(), "by hand")
    assert setting.transport.swap([RefUpdate(ref_name, tip, new)]).status is SwapStatus.WON


@pytest.mark.rule("SAFE-8")
@pytest.mark.parametrize("place", ["embedded", "path"])
def test_a_ledger_whose_number_is_at_its_end_is_named_and_begins_anew_by_a_repair(
    look: Look, repo: Path, shared: Shared, agents: Agents, place: str
) -> None:
    folder = repo if place == "embedded" else shared.one
    ann = agents(folder, "ann/cli/wt")
    by_hand(ann, CLAIMS, "meta.json", seq=limits.INTEGER)
    with pytest.raises(LimitError) as refused:
        claim_files(ann, patterns=["b.py"])

    found = look("ledgers", folder)
    said = [repair.do() for repair in found.repairs]

    assert "gitcoord doctor" in refused.value.hint
    assert "less" not in refused.value.hint
    assert (found.status, found.facts["ended"]) == (Status.FAIL, [CLAIMS])
    assert [repair.needs_person for repair in found.repairs] == [True]
    assert said == [f"{CLAIMS} is deleted; it begins anew with the next command"]
    assert look("ledgers", folder).status is Status.OK
    assert look("rewound", folder).status is look("deleted", folder).status is Status.OK
    assert claim_files(agents(folder, "ann/cli/wt"), patterns=["b.py"])["granted"]


@pytest.mark.rule("SAFE-8", "SAFE-9")
@pytest.mark.parametrize("place", ["embedded", "path"])
def test_a_forged_last_number_takes_no_sound_ledger_with_it(
    look: Look, repo: Path, shared: Shared, agents: Agents, place: str
) -> None:
    folder = repo if place == "embedded" else shared.one
    ann = agents(folder, "ann/cli/wt")
    claim_files(ann, patterns=["a.py"])
    held = ann.reader.claims(ann.listed()).content.claims
    by_hand(ann, CLAIMS, "meta.json", seq=limits.INTEGER)

    named, audited = look("ledgers", folder), look("audit", folder)
    said = [repair.do() for repair in audited.repairs]

    assert (named.facts["ended"], named.repairs, "the check `audit`" in named.hint) == ([CLAIMS], (), True)
    assert [f"{CLAIMS} is back at" in text for text in said] == [True]
    assert look("ledgers", folder).status is look("audit", folder).status is Status.OK
    ann = agents(folder, "ann/cli/wt")
    assert ann.reader.claims(ann.listed()).content.claims == held
    assert claim_files(ann, patterns=["b.py"])["granted"]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize("then", ["moved", "deleted"])
def test_a_repair_of_what_an_audit_found_takes_away_nothing_that_came_after_the_look(
    look: Look, shared: Shared, agents: Agents, then: str
) -> None:
    ann = agents(shared.one, "ann/cli/wt")
    claim_files(ann, patterns=["a.py"])
    by_hand(ann, CLAIMS, "meta.json", grants=77)
    (repair,) = look("audit", shared.one).repairs
    tip = ann.listed()[RefName(CLAIMS)]
    if then == "moved":
        assert claim_files(ann, patterns=["new.py"])["granted"]
    else:
        assert ann.setting.transport.swap([RefUpdate(RefName(CLAIMS), tip, None)]).status is SwapStatus.WON
    before = ann.listed()

    with pytest.raises(ContendedError, match="has moved meanwhile") as moved:
        repair.do()

    assert "gitcoord doctor" in moved.value.hint
    assert (ann.listed(), before.get(RefName(CLAIMS)) == tip) == (before, False)


@pytest.mark.rule("SAFE-8")
def test_a_clone_whose_counter_is_at_its_end_goes_on_under_another_id(look: Look, repo: Path, agents: Agents) -> None:
    ann = agents(repo, "ann/cli/wt")
    claim_files(ann, patterns=["a.py"])
    clone = ann.clone_id
    by_hand(ann, CLAIMS, applied_path(clone), counter=limits.INTEGER)
    with pytest.raises(LimitError, match=r"Applied\.counter"):
        claim_files(ann, patterns=["b.py"])

    found = look("ledgers", repo)

    assert f"Clone {clone} has no number left" in found.text
    assert "Delete .git/gitcoord/clone.json" in found.hint
    ann.close()
    (repo / ".git" / "gitcoord" / "clone.json").unlink()
    assert claim_files(agents(repo, "ann/cli/wt"), patterns=["b.py"])["granted"]


@pytest.mark.rule("SAFE-8")
def test_a_step_whose_fence_is_at_its_end_is_named(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann, (), ())
    by_hand(ann, "refs/coord/steps/app", steps_layout.step_path(1), fence=limits.INTEGER)
    with pytest.raises(LimitError, match=r"Step\.fence"):
        claim_step(ann, step_id="app/1")

    found = look("ledgers", repo)

    assert (found.status, "Step app/1 was given out" in found.text) == (Status.FAIL, True)
    assert "gitcoord step skip app/1" in found.hint
    skip_step(ann, step_id="app/1", reason="no fence is left")
    assert claim_step(ann, step_id="app/2")["step"]


@pytest.mark.rule("SAFE-6")
def test_a_file_that_cannot_be_read_is_removed_by_a_repair_which_keeps_a_copy(
    look: Look, repo: Path, ann: Workspace
) -> None:
    project(ann)
    claim_files(ann, patterns=["a.py"])
    setting = ann.setting
    state = ann.reader.claims(ann.listed())
    folder = trees.write(setting.transport.objects, state.folder, {"claims/q/q/x.json": b"{"})
    tree, parents = folder.oid or Oid(""), [state.tip] if state.tip else []
    who, now = setting.clone.signature, setting.host.now()
    tip = commits.write(setting.transport.objects, tree, parents, who, now, "by hand")
    assert setting.transport.swap([RefUpdate(state.ref, state.tip, tip)]).status is SwapStatus.WON
    before = look("ledgers", repo)

    said = [repair.do() for repair in before.repairs]

    assert (before.status, before.facts["left_out"]) == (Status.FAIL, ["claims/q/q/x.json"])
    assert ["removed 1 file" in text for text in said] == [True]
    assert [file.read_bytes() for file in (repo / ".git" / "gitcoord" / "removed").iterdir()] == [b"{"]
    assert look("ledgers", repo).status is Status.OK
    assert claim_files(ann, patterns=["b.py"])["claim"]
