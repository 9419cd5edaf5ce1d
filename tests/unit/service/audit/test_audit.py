"""The audit of real repositories: what is honest is clean, and each way to forge a ledger is found and named.

A fresh clone audits: it has seen nothing, so that only the replay can find what is wrong.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pygit2
import pytest

from gitcoord.errors import InvalidError, NotFoundError
from gitcoord.ledger.audit import checkpoint
from gitcoord.ledger.format.meta import RULES
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.team.upgrade_rules import upgrade_rules
from tests.conftest import Clone, Git
from tests.unit.service.audit.forge import Forger, with_line, with_tree
from tests.unit.service.world import Agents, Result, Shared, project, seen

CLAIMS, APP = RefName("refs/coord/claims"), RefName("refs/coord/steps/app")


@pytest.fixture
def ann(agents: Agents, shared: Shared) -> Workspace:
    """An agent that has worked: a project with paths, claims, a refusal, a policy."""
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    set_policy(ann, name="idle_minutes", value="90")
    project(ann, (), (1,), paths=["README"])
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    claim_files(bob, patterns=["a.py", "b.py"], description="two files")
    claim_files(ann, patterns=["c.py"])
    claim_files(ann, patterns=["b.py"])
    release_claims(bob)
    claim_files(ann, patterns=["d.py"])
    return ann


@pytest.fixture
def claims(shared: Shared, ann: Workspace) -> Forger:
    return Forger(shared.remote, CLAIMS)


@pytest.fixture
def auditor(agents: Agents, shared: Shared, ann: Workspace, tmp_path: Path, clone: Clone, git: Git) -> Workspace:
    """A clone that is made when all has been written."""
    fresh = clone(shared.remote, tmp_path / "three")
    git(fresh, "config", "gitcoord.remote", "origin")
    return agents(fresh, "bob/cli/three")


def findings(result: object) -> list[Result]:
    """Return what was found by replaying; a clone that beat may say besides that a ledger is shorter than it was."""
    found: Any = result
    return [finding for finding in found["findings"] if finding["problem"] != "went_back"]


def only(result: object) -> Result:
    (finding,) = findings(result)
    return finding


def row(result: object, ref: str = CLAIMS) -> Result:
    found: Any = result
    return next(ledger for ledger in found["ledgers"] if ledger["ledger"] == ref)


def test_what_was_honestly_written_is_clean_to_the_last_commit(auditor: Workspace, claims: Forger) -> None:
    result = seen(audit(auditor))

    assert (result["clean"], result["findings"], result["warnings"], result["rules"]) == (True, [], [], RULES)
    assert {ledger["ledger"] for ledger in result["ledgers"]} == {CLAIMS, APP}
    assert (row(result)["commits"], row(result)["begin"]) == (len(claims.commits), "first")
    assert row(result)["tip"] == claims.commits[-1]
    assert "not_replayed" not in row(result)


def test_the_next_audit_goes_on_where_this_one_ended(auditor: Workspace, ann: Workspace) -> None:
    before = row(audit(auditor))["tip"]
    again = row(audit(auditor))
    claim_files(ann, patterns=["e.py"])

    third = row(audit(auditor))

    assert (again["begin"], again["commits"]) == ("checkpoint", 0)
    assert (third["begin"], third["after"], third["commits"]) == ("checkpoint", before, 1)
    assert row(audit(auditor, full=True))["begin"] == "first"


def test_a_commit_by_hand_is_named_with_its_author(auditor: Workspace, claims: Forger) -> None:
    forged = claims.add(claims.tree_with(claims.commits[-1], "meta.json", seq=99), "fix the numbers")

    finding = only(audit(auditor))

    assert (finding["commit"], finding["problem"], finding["author"]) == (forged, "record", "bob <bob@example.invalid>")
    assert "has no record: no gitcoord wrote it" in finding["message"]


def test_a_document_that_was_changed_is_named_with_its_field(auditor: Workspace, claims: Forger) -> None:
    number = len(claims.commits) - 1
    path = _a_claim(claims, claims.commits[number])
    made = claims.rewrite({number: with_tree(claims.tree_with(claims.commits[number], path, agent="bob/cli/two"))})

    finding = only(audit(auditor))

    assert (finding["commit"], finding["problem"]) == (made[number], "document")
    assert [row["document"] for row in finding["differences"]] == [path]
    assert finding["differences"][0]["field"] == "agent"
    assert finding["differences"][0]["found"] == '"bob/cli/two"'
    assert finding["clone"]


def test_what_was_changed_in_the_middle_is_named_though_all_behind_it_goes_on_from_it(
    auditor: Workspace, claims: Forger
) -> None:
    path = _a_claim(claims, claims.commits[3])
    tree = claims.tree_with(claims.commits[3], path, description="something else")

    made = claims.rewrite({3: with_tree(tree)})

    assert only(audit(auditor))["commit"] == made[3]


def test_a_command_that_was_left_out_is_noticed_by_the_next_one(auditor: Workspace, claims: Forger) -> None:
    left_out = len(claims.commits) - 2

    made = claims.rewrite({}, without=left_out)

    assert only(audit(auditor))["commit"] == made[left_out]


def test_an_outcome_that_was_changed_is_named(auditor: Workspace, claims: Forger) -> None:
    made = claims.rewrite({1: with_line(1, lambda line: line["outcome"].update(code="claim_denied"))})

    finding = only(audit(auditor))

    assert (finding["commit"], finding["problem"]) == (made[1], "outcome")
    assert finding["differences"][0]["field"] == "outcome.code"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_time_that_was_forged_in_the_record_is_named(auditor: Workspace, claims: Forger, hours: int) -> None:
    def forge(head: dict[str, Any]) -> None:
        at = datetime.fromisoformat(head["now"]) + timedelta(hours=hours)
        head["now"] = f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"

    made = claims.rewrite({2: with_line(0, forge)})

    finding = only(audit(auditor))

    assert (finding["commit"], finding["problem"]) == (made[2], "time")


def test_a_time_that_was_forged_in_record_and_date_does_not_give_the_tree(auditor: Workspace, claims: Forger) -> None:
    last = len(claims.commits) - 1

    def forge(raw: bytes) -> bytes:
        at = datetime.now(UTC) + timedelta(hours=1)
        text = f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
        dated = re.sub(rb"> \d+ \+0000", f"> {int(at.timestamp())} +0000".encode(), raw)
        return with_line(0, lambda head: head.update(now=text))(dated)

    made = claims.rewrite({last: forge})

    finding = only(audit(auditor))

    assert (finding["commit"], finding["problem"]) == (made[last], "document")


def test_a_command_that_was_given_other_arguments_does_not_give_the_tree(auditor: Workspace, claims: Forger) -> None:
    last = len(claims.commits) - 1

    made = claims.rewrite({last: with_line(1, lambda line: line["args"]["wishes"][0].update(pattern="z.py"))})

    assert only(audit(auditor))["commit"] == made[last]


def test_rules_that_the_team_never_had_are_named(auditor: Workspace, claims: Forger, shared: Shared) -> None:
    config = Forger(shared.remote, "refs/coord/config")
    lenient = config.write("commit", config.raw(config.commits[-1]).replace(b"ann", b"bob"))

    made = claims.rewrite({2: with_line(0, lambda head: head["checks"].update({"refs/coord/config": lenient}))})

    finding = only(audit(auditor))
    assert (finding["commit"], finding["problem"]) == (made[2], "team_rules")


def test_a_history_that_was_pushed_by_force_is_named_by_who_audited_what_was_there(
    auditor: Workspace, claims: Forger, ann: Workspace
) -> None:
    audit(auditor)
    claims.point(claims.commits[-3])

    result = seen(audit(auditor))

    assert not result["clean"]
    problems = {finding["problem"]: finding for finding in result["findings"]}
    assert {"rewritten", "went_back"} <= problems.keys()
    assert "gitcoord doctor --repair" in problems["went_back"]["next_step"]


def test_after_the_rules_were_raised_no_older_version_writes(
    auditor: Workspace, claims: Forger, ann: Workspace
) -> None:
    upgrade_rules(ann, force=True)
    claim_files(ann, patterns=["e.py"])
    assert seen(audit(auditor))["clean"]
    last = len(claims.commits) - 1

    made = claims.rewrite({last: with_line(0, lambda head: head.update(rules=1))})

    finding = only(audit(auditor, full=True))
    assert (finding["commit"], finding["problem"]) == (made[last], "rules")


def test_what_another_version_decided_is_taken_and_counted(auditor: Workspace, claims: Forger) -> None:
    claims.rewrite({1: with_line(0, lambda head: head.update(rules=1))})

    result = audit(auditor)

    assert (findings(result), row(result)["not_replayed"]) == ([], {"1": 1})
    assert row(result)["commits"] == len(claims.commits) - 1


def test_a_roll_is_followed_into_its_archive(auditor: Workspace, claims: Forger, ann: Workspace) -> None:
    count = len(claims.commits)
    _roll(claims, claims.tree_of(claims.commits[-1]))
    claim_files(ann, patterns=["e.py"])

    result = audit(auditor)

    assert (findings(result), row(result)["commits"], row(result)["begin"]) == ([], count + 2, "first")


def test_a_roll_with_another_tree_is_named(auditor: Workspace, claims: Forger) -> None:
    tip = claims.commits[-1]
    rolled = _roll(claims, claims.tree_with(tip, _a_claim(claims, tip), agent="bob/cli/two"))

    finding = only(audit(auditor))

    assert (finding["commit"], finding["problem"]) == (rolled, "roll")


def test_a_ledger_that_cannot_be_read_stops_no_other(auditor: Workspace, claims: Forger, shared: Shared) -> None:
    app = Forger(shared.remote, APP)
    broken = app.add(app.write("tree", b"40000 ..\0" + bytes.fromhex(app.tree_of(app.commits[-1]))), "x")

    result = audit(auditor)

    finding = only(result)
    assert (finding["ledger"], finding["commit"]) == (APP, broken)
    assert row(result)["clean"]
    assert not row(result, APP)["clean"]


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"now":"2026-11-29T00:00:00.000Z","rules":2}\n' + "{" * 5_000,
        '{"now":5,"rules":2}',
        '{"now":"2026-11-29T00:00:00.000Z","rules":2}',
        '{"now":"2026-11-29T00:00:00.000Z","rules":2}\n{"do":"\u202e","by":3}',
        '{"now":"2026-11-29T00:00:00.000Z","rules":2}\n{"do":"raise_rules","args":{"rules":"many"}}',
        '{"now":"2026-11-29T00:00:00.000Z","rules":2}\n{"repaired":{},"by":"bob"}',
        '{"record":"record.json"}',
        "{\x1b[31m",
    ],
    ids=["deep", "deep-line", "no-time", "no-command", "odd-command", "odd-rules", "repair", "no-file", "escape"],
)
def test_a_hostile_record_is_a_finding_and_no_more(auditor: Workspace, claims: Forger, body: str) -> None:
    path = _a_claim(claims, claims.commits[-1])
    forged = claims.add(claims.tree_with(claims.commits[-1], path, agent="x"), f"x\n\n{body}")

    finding = only(audit(auditor))

    assert finding["commit"] == forged
    assert finding["message"].isprintable()


def test_only_a_part_is_audited_where_that_is_asked_for(auditor: Workspace, claims: Forger) -> None:
    middle = claims.commits[1]

    since = row(audit(auditor, ledger="claims", since_commit=middle[:10]))
    dated = row(audit(auditor, project="app", since=datetime.now(UTC) + timedelta(hours=1)), APP)

    assert (since["begin"], since["after"], since["commits"]) == ("since", middle, len(claims.commits) - 2)
    assert (dated["begin"], dated["commits"]) == ("since", 0)
    assert row(audit(auditor))["begin"] == "first"


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"project": "none"}, NotFoundError, "no project"),
        ({"ledger": "none"}, NotFoundError, "no ledger"),
        ({"project": "app", "ledger": "claims"}, InvalidError, "a ledger were given"),
        ({"since_commit": "abc"}, InvalidError, "not the id of a commit"),
        ({"since_commit": "abcdef0123"}, NotFoundError, "No ledger has a commit"),
        ({"since_commit": "abcdef0", "since": datetime.now(UTC)}, InvalidError, "a time were given"),
    ],
)
def test_what_makes_no_sense_is_refused(
    auditor: Workspace, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        audit(auditor, **asked)


def test_a_checkpoint_that_was_changed_counts_for_nothing(auditor: Workspace) -> None:
    audit(auditor)
    file = auditor.setting.place_folder / checkpoint.FILE
    kept = json.loads(file.read_text(encoding="utf-8"))
    kept[CLAIMS]["seq"] += 1
    file.write_text(json.dumps(kept), encoding="utf-8")

    result = audit(auditor)

    assert (row(result)["begin"], row(result, APP)["begin"]) == ("first", "checkpoint")


def test_a_checkpoint_tells_which_history_is_not_needed_any_more(auditor: Workspace, claims: Forger) -> None:
    folder, objects = auditor.setting.place_folder, auditor.setting.transport.objects
    first = Oid(claims.commits[0])

    before = checkpoint.has_passed(objects, folder, CLAIMS, first)
    audit(auditor)

    assert (before, checkpoint.has_passed(objects, folder, CLAIMS, first)) == (False, True)
    assert not checkpoint.has_passed(objects, folder, RefName("refs/coord/steps/none"), first)


def _a_claim(claims: Forger, commit: str) -> str:
    """Return where a claim lies in the tree of a commit."""
    path, found = "claims", claims.repository[commit].tree["claims"]
    while isinstance(found, pygit2.Tree):
        found = next(iter(found))
        path = f"{path}/{found.name}"
    return path


def _roll(claims: Forger, tree: str) -> str:
    tip, archive = claims.commits[-1], "refs/coord/archive/claims/1"
    Forger(claims.path, archive).point(tip)
    at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    head = {"archive": archive, "by": "ann/cli/one", "now": f"{at}Z", "replaces": tip, "rules": RULES}
    return claims.add(tree, f"roll claims\n\n{json.dumps(head, separators=(',', ':'))}", parents=[])
