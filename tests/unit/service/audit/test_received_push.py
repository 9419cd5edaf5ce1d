"""What a server's hook refuses of forged pushes, judged in process: each of these is made with git alone."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pygit2
import pytest
from pygit2.enums import FileMode, ObjectType

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.errors import StorageError
from gitcoord.faces.receive import judge
from gitcoord.ledger.format import commits, steps_layout
from gitcoord.ledger.format.meta import RULES
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from tests.unit.service.audit.forge import Change, Forger, with_line, with_tree
from tests.unit.service.world import Agents, Shared, project

CLAIMS, CONFIG = "refs/coord/claims", "refs/coord/config"
NOTHING, GREATEST = "0" * 40, 2**53 - 1
pytestmark = pytest.mark.rule("SEC-3")


@pytest.fixture
def ann(agents: Agents, shared: Shared) -> Workspace:
    ann = agents(shared.one, "ann/cli/one")
    set_policy(ann, name="idle_minutes", value="90")
    for pattern in ("a.py", "b.py", "c.py"):
        claim_files(ann, patterns=[pattern])
    return ann


@pytest.fixture
def claims(ann: Workspace, shared: Shared) -> Forger:
    assert ann
    return Forger(shared.remote, CLAIMS)


def refusals(forger: Forger, old: str, new: str, ref: str | None = None) -> list[str]:
    lines = f"{old} {new} {ref or forger.ref}\n"
    return [refusal.why for refusal in judge(lines.encode(), forger.path, {**os.environ})]


def instead(forger: Forger, *changes: Change) -> list[str]:
    """Return the refusals of the last commit, changed, as if it was not pushed yet."""
    raw = forger.raw(forger.commits[-1])
    for change in changes:
        raw = change(raw)
    return refusals(forger, forger.commits[-2], forger.write("commit", raw))


def special(forger: Forger, at: datetime, line: Json, **meta: Json) -> str:
    """Put a commit on top that says it is no command's, and changes numbers; return its id."""
    now = f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    tree = forger.tree_with(forger.commits[-1], "meta.json", at=now, **meta)
    message = f"special\n\n{compact({'now': now, 'rules': RULES})}\n{compact(line)}"
    return forger.add(tree, message, at=int(at.timestamp()))


def with_file(forger: Forger, path: str, text: str) -> str:
    """Return the last commit's tree with one file more."""
    repository, index = forger.repository, pygit2.Index()
    tree = repository[forger.tree_of(forger.commits[-1])]
    assert isinstance(tree, pygit2.Tree)
    index.read_tree(tree)
    index.add(pygit2.IndexEntry(path, repository.odb.write(ObjectType.BLOB, text.encode()), FileMode.BLOB))
    return str(index.write_tree(repository))


def decided(claims: Forger, *tips: str, what: str = "restored", replaced: str | None = None) -> None:
    """Record that the claims may go from a tip, the last one, to others, as anyone may who pushes."""
    said: Json = {"ledger": "claims", "what": what, "seen": 10**6, "replaced": replaced or claims.commits[-1]}
    decisions: list[Json] = [{**said, "tip": tip} for tip in tips] or [said]
    config = Forger(claims.path, CONFIG)
    config.add(with_file(config, "rewinds.json", compact({"decisions": decisions})), "config: a decision")


def test_the_last_commit_as_it_was_written_is_taken(claims: Forger) -> None:
    assert instead(claims) == []


def test_what_names_older_rules_is_not_taken_as_it_is(claims: Forger) -> None:
    tree = claims.tree_with(claims.commits[-1], "meta.json", grants=77)

    found = instead(claims, with_tree(tree), with_line(0, lambda head: head.update(rules=1)))

    assert found == [f"was written by rules 1, and here it is judged by {RULES}: upgrade gitcoord where it was written"]


@pytest.mark.rule("SAFE-9")
def test_what_a_decision_puts_in_place_is_replayed(claims: Forger) -> None:
    old, earlier = claims.commits[-1], claims.commits[-2]
    forged = claims.add(claims.tree_with(earlier, "meta.json", grants=77), "claims: by hand", parents=[earlier])
    begun = claims.add(claims.tree_of(forged), "claims: anew", parents=[])
    claims.point(old)
    decided(claims, earlier, begun)

    assert refusals(claims, old, earlier) == []
    assert "has no record" in refusals(claims, old, forged)[0]
    assert "begins with what cannot be replayed" in refusals(claims, old, begun)[0]


@pytest.mark.rule("SAFE-9")
def test_a_decision_is_about_the_tip_that_it_names(claims: Forger) -> None:
    old, earlier = claims.commits[-1], claims.commits[-2]
    decided(claims, what="deleted", replaced=earlier)
    assert "would be deleted" in refusals(claims, old, NOTHING)[0]
    decided(claims, what="deleted")
    assert "would lose its history" in refusals(claims, old, earlier)[0]
    assert refusals(claims, old, NOTHING) == []
    decided(claims, old, replaced=earlier)
    assert "would lose its history" in refusals(claims, old, earlier)[0]
    decided(claims, claims.commits[0])
    assert "would be deleted" in refusals(claims, old, NOTHING)[0]
    assert refusals(claims, old, earlier) == []


@pytest.mark.parametrize(
    ("line", "meta", "why"),
    [
        ({"do": "raise_rules", "args": {"rules": 99, "writer_min": 1}}, {"rules": 99}, "raises the rules to 99"),
        ({"do": "raise_rules", "args": {"rules": 2, "writer_min": 99}}, {"writer_min": 99}, "did not have"),
        ({"repaired": {}}, {"writer_min": 99}, "changes meta.json"),
        ({"repaired": {}}, {"seq": GREATEST}, "changes meta.json"),
        ({"repaired": {}}, {"seq": 0}, "changes meta.json"),
        ({"repaired": {}}, {"grants": GREATEST}, "changes meta.json"),
    ],
)
def test_a_special_commit_stops_no_writer(claims: Forger, line: Json, meta: dict[str, Json], why: str) -> None:
    old = claims.commits[-1]

    assert why in refusals(claims, old, special(claims, datetime.now(UTC), line, **meta))[0]


def test_a_repair_drops_no_counter_and_no_outcome(claims: Forger) -> None:
    old = claims.commits[-1]
    index = pygit2.Index()
    tree = claims.repository[claims.tree_of(old)]
    assert isinstance(tree, pygit2.Tree)
    index.read_tree(tree)
    path = next(entry.path for entry in index if entry.path.startswith("applied/"))
    changed = claims.tree_with(old, path, outcomes={})
    index.remove(path)
    head = compact({"now": "2026-11-29T00:00:00.000Z", "rules": RULES})

    for forged in (changed, str(index.write_tree(claims.repository))):
        new = claims.add(forged, f"repair\n\n{head}\n{compact({'repaired': {}})}", parents=[old])
        assert f"changes {path}" in refusals(claims, old, new)[0]


@pytest.mark.rule("SEC-8", "SAFE-9")
def test_what_is_older_than_a_policy_comes_back_by_the_decision_that_took_it_away(
    claims: Forger,
) -> None:
    tip, config = claims.commits[-1], Forger(claims.path, CONFIG)
    config.add(config.tree_with(config.commits[-1], "policy.json", pin_agents="ann/*=x@example.invalid"), "pins")
    claims.repository.references.delete(CLAIMS)

    assert "the commit" in refusals(claims, NOTHING, tip)[0]
    claims.point(tip)
    decided(claims, what="deleted")
    claims.repository.references.delete(CLAIMS)
    assert refusals(claims, NOTHING, tip) == []
    claims.point(tip)
    decided(claims, tip, what="mended", replaced="no id")
    claims.repository.references.delete(CLAIMS)
    (why,) = refusals(claims, NOTHING, tip)
    assert tip in why


def test_what_is_pushed_on_top_of_a_decision_has_no_history_read(
    claims: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, (first, *_, old, new) = Forger(claims.path, CONFIG), claims.commits
    config.add(config.tree_with(config.commits[-1], "policy.json", pin_agents="zoe=zoe@example.invalid"), "pins")
    decided(claims, old, replaced=old)
    seen, read = list[str](), commits.read
    monkeypatch.setattr(commits, "read", lambda objects, at: (seen.append(at), read(objects, at))[1])

    assert refusals(claims, old, new) == []

    assert new in seen
    assert first not in seen


def test_what_cannot_be_looked_at_is_no_damage(claims: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_objects: object, _tip: object) -> None:
        message = "The disk does not answer."
        raise StorageError(message)

    monkeypatch.setattr("gitcoord.ledger.audit.received_push.check_whole", fail)

    old = claims.commits[-1]
    for new in (NOTHING, claims.commits[-2]):
        assert refusals(claims, old, new) == ["cannot be judged: The disk does not answer."]


@pytest.mark.rule("SAFE-9")
def test_a_repair_that_moves_numbers_on_is_taken_where_it_was_decided(claims: Forger) -> None:
    old = claims.commits[-1]
    seq = claims.file(old, "meta.json")["seq"]
    new = special(claims, datetime.now(UTC), {"repaired": {}}, seq=seq + 1000)

    assert "a repair, and the team's rules have no decision" in refusals(claims, old, new)[0]
    decided(claims, new, what="kept", replaced=old)
    assert refusals(claims, old, new) == []


@pytest.mark.rule("SAFE-9", "STEP-4")
def test_a_repair_leaves_the_fence_of_a_step_that_is_held(ann: Workspace, shared: Shared) -> None:
    project(ann, (), ())
    claim_step(ann, step_id="app/1")
    steps = Forger(shared.remote, "refs/coord/steps/app")
    old, now = steps.commits[-1], datetime.now(UTC)
    head = compact({"now": f"{now.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z", "rules": RULES})

    def repair(number: int, said: Json, *parents: str) -> list[str]:
        path = steps_layout.step_path(number)
        tree = steps.tree_with(old, path, fence=steps.file(old, path).get("fence", 0) + 1000)
        new = steps.add(tree, f"x\n\n{head}\n{compact({'repaired': said})}", parents=[old, *parents])
        return [why for why in refusals(steps, old, new) if "no decision" not in why]

    assert "a new fence, which both histories have alike" in repair(1, {})[0]
    assert "a new fence, which both histories have alike" in repair(1, {"other": steps.commits[0]}, old)[0]
    assert repair(1, {"other": steps.commits[0]}, steps.commits[0]) == []
    assert repair(1, {"other": "f" * 40}) == []
    assert repair(2, {}) == []


@pytest.mark.rule("TIME-1")
def test_a_time_far_ahead_is_found_below_the_tip_as_well(claims: Forger) -> None:
    old, now = claims.commits[-1], datetime.now(UTC)
    special(claims, now + timedelta(days=365), {"repaired": {}})

    new = special(claims, now, {"repaired": {}})

    assert refusals(claims, old, new)[0].startswith("was written at ")


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ({"limit_factor": -1}, "no writer does"),
        ({"limit_factor": 0}, "no writer does"),
        ({"beat_s": 10**9}, "no writer does"),
        ({"may_sweep": False, "over_by": "2200-01-01T00:00:00.000Z"}, "ends what others hold by"),
    ],
)
def test_no_one_is_judged_by_limits_that_no_writer_has(claims: Forger, head: dict[str, Json], why: str) -> None:
    assert why in instead(claims, with_line(0, lambda line: line.update(head)))[0]


def test_a_command_joins_no_histories(claims: Forger) -> None:
    def joined(raw: bytes) -> bytes:
        return raw.replace(b"\nauthor ", f"\nparent {claims.commits[0]}\nauthor ".encode(), 1)

    assert "joins histories" in instead(claims, joined)[0]


@pytest.mark.parametrize(
    "ref",
    ["refs/coord", "refs/Coord/claims", "refs/coord/steps/App", "refs/coord/\u2028x", "refs/coord/claims\u2028x"],
)
def test_a_name_that_only_looks_like_one_of_ours_is_refused(claims: Forger, ref: str) -> None:
    assert "no ref of gitcoord's" in refusals(claims, NOTHING, claims.commits[-1], ref)[0]


def test_a_name_with_an_odd_line_end_that_is_there_stops_no_push(claims: Forger) -> None:
    Forger(claims.path, "refs/coord/probe/x\u2028y").point(claims.commits[0])

    assert instead(claims) == []


@pytest.mark.parametrize("line", [b"deadbeef\n", b"a b refs/coord/claims\n", b"\r\n"])
def test_a_line_that_is_none_of_gits_is_not_passed_over(claims: Forger, line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        judge(line, claims.path, {**os.environ})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda config: with_file(config, "policy.json", "{" * 1000), "no gitcoord reads"),
        (lambda config: config.tree_with(config.commits[-1], "meta.json", writer_min=99), "writer 99"),
        (lambda config: config.tree_of(str(config.repository.references[CLAIMS].target)), "as rules of a team"),
    ],
)
def test_rules_of_the_team_that_stop_every_clone_are_refused(
    claims: Forger, change: Callable[[Forger], str], why: str
) -> None:
    config = Forger(claims.path, CONFIG)
    old = config.commits[-1]

    assert why in refusals(config, old, config.add(change(config), "config: x"))[0]


def test_a_heartbeat_is_of_the_clone_that_its_ref_names(claims: Forger, ann: Workspace) -> None:
    beat_now(ann.setting, ann.combiner, force=True)
    own = next(ref for ref in claims.repository.references if ref.startswith("refs/coord/heartbeats/"))
    tip = Forger(claims.path, own).commits[-1]

    assert refusals(claims, NOTHING, tip, own) == []
    assert "no heartbeat of the clone other" in refusals(claims, NOTHING, tip, "refs/coord/heartbeats/other")[0]


def test_an_archive_is_of_the_ledger_that_is_rolled(claims: Forger) -> None:
    old, new = claims.commits[-2:]
    lines = f"{old} {new} {CLAIMS}\n{NOTHING} {old} refs/coord/archive/steps/app/1\n"

    (refusal,) = judge(lines.encode(), claims.path, {**os.environ})

    assert (refusal.ref, "no roll of this push" in refusal.why) == ("refs/coord/archive/steps/app/1", True)
