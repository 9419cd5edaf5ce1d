"""Commits that a person or a repair made: what `doctor --repair`, publishing and removing leave is sound."""

from pathlib import Path

import pytest

from gitcoord.ledger.format import commits, trees
from gitcoord.remote.contract.protocol import Oid, RefUpdate, SwapStatus
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.steps.step_work import claim_step
from tests.unit.doctor.conftest import Look
from tests.unit.doctor.conftest import look as look  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.audit.forge import Forger, with_line
from tests.unit.service.world import Agents, Shared, project, seen

CLAIMS = "refs/coord/claims"
PUT_BACK, KEEP = 0, 1


@pytest.mark.parametrize("decided", [PUT_BACK, KEEP], ids=["put back", "kept"])
@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_went_back_is_sound_again_once_a_person_has_decided(
    agents: Agents, shared: Shared, look: Look, decided: int
) -> None:
    ann, claims = agents(shared.one, "ann/cli/one"), Forger(shared.remote, CLAIMS)
    for name in ("a.py", "b.py", "c.py"):
        claim_files(ann, patterns=[name])
    audit(ann)
    claims.point(claims.commits[0])
    claims.add(claims.tree_of(claims.commits[0]), "by hand")
    before = seen(audit(ann))

    look("rewound", shared.one).repairs[decided].do()
    claim_files(agents(shared.one, "ann/cli/one"), patterns=["d.py"])

    after = seen(audit(agents(shared.one, "ann/cli/one")))
    assert {finding["problem"] for finding in before["findings"]} == {"rewritten", "went_back"}
    assert after["clean"] == (decided == PUT_BACK), "what was kept has a commit by hand in it"
    assert [finding["problem"] for finding in after["findings"]] == ([] if decided == PUT_BACK else ["record"])


def test_a_repair_that_changes_more_than_numbers_is_named(agents: Agents, shared: Shared) -> None:
    ann, claims = agents(shared.one, "ann/cli/one"), Forger(shared.remote, CLAIMS)
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    path = next(iter(ann.reader.claims(ann.listed()).content.claims))
    record = '{"now":"2027-01-15T08:00:00.000Z","rules":2}\n{"by":"bob","repaired":{"ledger":"kept"}}'
    known = ann.reader.claims(ann.listed()).folder
    file = next(name for name, _ in trees.changes(trees.EMPTY, known) if path in name)

    forged = claims.add(claims.tree_with(claims.commits[-1], file, agent="bob/cli/two"), f"kept claims\n\n{record}")

    (finding,) = seen(audit(ann))["findings"]
    assert (finding["commit"], finding["problem"]) == (forged, "repair")


def test_what_was_removed_because_it_cannot_be_read_is_all_that_its_commit_removes(
    agents: Agents, shared: Shared, look: Look
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.py"])
    setting, state = ann.setting, ann.reader.claims(ann.listed())
    folder = trees.write(setting.transport.objects, state.folder, {"claims/q/q/x.json": b"{"})
    who, now, parents = setting.clone.signature, setting.host.now(), [state.tip] if state.tip else []
    tip = commits.write(setting.transport.objects, folder.oid or Oid(""), parents, who, now, "by hand")
    assert setting.transport.swap([RefUpdate(state.ref, state.tip, tip)]).status is SwapStatus.WON
    for repair in look("ledgers", shared.one).repairs:
        repair.do()
    claim_files(ann, patterns=["b.py"])

    whole, since = seen(audit(ann, full=True)), seen(audit(ann, since_commit=tip))

    assert [(finding["commit"], finding["problem"]) for finding in whole["findings"]] == [(tip, "record")]
    assert (since["clean"], [row["commits"] for row in since["ledgers"]]) == (True, [2])


@pytest.mark.rule("STORE-2")
def test_a_ledger_that_was_published_begins_with_the_tree_that_was_published(
    agents: Agents, shared: Shared, repo: Path
) -> None:
    home = agents(repo, "ann/cli/wt")
    project(home, ())
    claim_step(home)
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=str(shared.remote))
    claim_files(ann, patterns=["a.py"])
    claim_step(ann, step_id="app/1")

    result = seen(audit(ann))

    rows = {row["ledger"].rpartition("/")[2]: row for row in result["ledgers"]}
    assert result["clean"]
    assert (rows["app"]["begin"], rows["claims"]["begin"]) == ("published", "first")
    assert rows["app"]["after"] == Forger(shared.remote, "refs/coord/steps/app").commits[0]


def test_an_id_that_was_given_twice_is_said_before_what_follows_from_it(agents: Agents, shared: Shared) -> None:
    ann, claims = agents(shared.one, "ann/cli/one"), Forger(shared.remote, CLAIMS)
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    clone = ann.clone_id

    def again(line: dict[str, object]) -> None:
        line.update(id=f"{clone}.1", events=[{"event": "claim_granted"}])

    made = claims.rewrite({1: with_line(1, again)})

    found = [row for row in seen(audit(agents(shared.two, "bob/cli/two")))["findings"] if row["problem"] == "outcome"]
    assert [row["commit"] for row in found] == [made[1]]
    assert f'has the command "{clone}.1", where "{clone}.2" is next' in found[0]["message"]
