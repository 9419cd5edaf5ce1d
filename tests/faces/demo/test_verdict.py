"""The verdict of the demonstration finds what must not be: each check fails for a ledger that breaks its rule."""

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.ledger import Entry
from gitcoord.faces.demo.plan import CART_TEXT, EDITS, TASKS, collisions, definitions, start_text, with_line
from gitcoord.faces.demo.verdict import checks_of, recovery_of

KILLED = "ann/demo/ann-1"
OTHER = "bob/demo/bob-3"
Docs = dict[int, dict[str, Json]]


def record(code: str, num: int, **facts: Json) -> dict[str, Json]:
    return {"do": code, "outcome": {"code": code, "facts": {"step_num": num, **facts}}}


def doc(num: int, status: str, agent: str = OTHER, fence: int = 1) -> dict[str, Json]:
    task = TASKS[num - 1]
    holder: dict[str, Json] = {"agent_id": agent, "clone": agent[:3], "session_id": agent[-1]} if fence else {}
    return {"step_num": num, "status": status, "fence": fence, "depends_on": [*task.after], **holder}


def history() -> list[Entry]:
    """A ledger in which all is well: step 1 is taken over from the killed agent, the rest is done in order."""
    docs: Docs = {task.num: doc(task.num, "not_started", fence=0) for task in TASKS}
    entries = [Entry("c0", "", "create", [record("project_created", 0)], dict(docs))]

    def add(num: int, step: dict[str, Json], code: str, **facts: Json) -> None:
        docs[num] = step
        entries.append(Entry(f"c{len(entries)}", "", code, [record(code, num, **facts)], dict(docs)))

    add(1, doc(1, "claimed", KILLED), "step_claimed")
    left: dict[str, Json] = {"agent_id": KILLED, "branch": "b", "fence": 1, "reason": "silent"}
    add(1, {**doc(1, "claimed", OTHER, 2), "checkpoint": left}, "step_claimed", recovered=True)
    add(1, {**doc(1, "completed", OTHER, 2), "checkpoint": left}, "step_completed")
    for task in TASKS[1:]:
        add(task.num, doc(task.num, "claimed"), "step_claimed")
        add(task.num, doc(task.num, "completed"), "step_completed")
    return entries


def failed(entries: list[Entry]) -> set[str]:
    return {check.name for check in checks_of(entries, KILLED) if not check.is_ok}


def test_a_ledger_in_which_all_is_well_passes() -> None:
    assert failed(history()) == set()


def test_the_recovery_is_found_with_its_checkpoint() -> None:
    found = recovery_of(history(), KILLED)

    assert found is not None
    assert (found.step, found.before, found.after, found.checkpoint["branch"]) == (1, KILLED, OTHER, "b")


def test_an_empty_ledger_fails() -> None:
    assert "each of 15 steps was completed exactly once" in failed([])


def test_a_step_that_is_completed_twice_is_found() -> None:
    entries = history()
    again, over = ({**entries[-1].steps, 5: doc(5, status, fence=2)} for status in ("claimed", "completed"))
    entries += [Entry("x", "", "", [], again), Entry("y", "", "", [], over)]

    assert failed(entries) == {"each of 15 steps was completed exactly once"}


def test_a_step_that_is_never_completed_is_found() -> None:
    assert "each of 15 steps was completed exactly once" in failed(history()[:-1])


def test_a_fence_that_is_given_twice_is_found() -> None:
    entries = history()
    entries[1].steps[1] = doc(1, "claimed", KILLED, 2)

    assert failed(entries) == {"no fence was given twice"}


def test_a_step_that_changes_hands_without_a_recovery_is_found() -> None:
    entries = history()
    entries[2] = Entry("c2", "", "", [record("step_claimed", 1)], entries[2].steps)

    assert failed(entries) == {"no step was held by two"}


def test_an_agent_with_two_steps_is_found() -> None:
    entries = history()
    entries[1].steps[5] = doc(5, "claimed", KILLED, 1)

    assert "no agent held two steps" in failed(entries)


def test_a_step_that_begins_too_early_is_found() -> None:
    entries = history()
    at = next(at for at, entry in enumerate(entries) if entry.steps[2]["status"] == "claimed")
    for entry in entries[1:at]:
        entry.steps[2] = doc(2, "claimed")

    assert "no step began before those it depends on" in failed(entries)


def test_a_recovery_that_did_not_happen_is_found() -> None:
    entries = history()
    for entry in entries:
        entry.steps[1] = {name: value for name, value in entry.steps[1].items() if name != "checkpoint"}

    assert failed(entries) == {"the killed agent's step was recovered by another"}


def test_the_plan_has_steps_that_would_collide() -> None:
    assert collisions() >= 5
    assert with_line(with_line(start_text(), "1: a"), "2: b").splitlines()[1:] == ["2: b", "1: a"]


def test_the_edits_of_the_cart_fit_one_on_top_of_the_other() -> None:
    texts = [CART_TEXT]
    for edit in EDITS:
        texts.append(edit.done_to(texts[-1]))

    assert len(set(texts)) == len(EDITS) + 1
    assert all(edit.new in texts[-1] and edit.old not in texts[-1] for edit in EDITS)


@pytest.mark.parametrize("definition", definitions("x"), ids=lambda one: str(one["step_num"]))
def test_steps_only_depend_on_earlier_ones(definition: dict[str, Json]) -> None:
    after = definition["depends_on"]
    assert isinstance(after, list)
    assert all(int(str(num)) < int(str(definition["step_num"])) for num in after)
