"""Projects that only a newer version may write, or that are damaged: a claim that names none passes them over.

It says so, and which ones.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json, canonical
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import WRITER
from gitcoord.remote.contract.protocol import Oid, RefUpdate, SwapStatus
from tests.unit.ledger.fakes import SIGNATURE, START, World, code, fact


def raise_version(world: World, project: str, **meta: Json) -> None:
    """Write the project's meta as a newer version does."""
    transport, state = world.plain(), world.state(project)
    assert state.tip
    transport.fetch([state.tip])
    content = canonical({**state.meta.dump(), **meta})
    folder = trees.write(transport.objects, state.folder, {"meta.json": content})
    assert folder.oid
    tip = commits.write(transport.objects, folder.oid, [state.tip], SIGNATURE, START, "upgrade")
    assert transport.swap([RefUpdate(state.ref, state.tip, tip)]).status is SwapStatus.WON


def two_projects(folder: Path, newer: Mapping[str, Json]) -> World:
    world = World(folder)
    ann = world.clone("ann")
    ann.create("old")
    world.clock.advance(seconds=1)
    ann.create("young")
    raise_version(world, "old", **newer)
    return world


NEWER = pytest.mark.parametrize("newer", [{"writer_min": WRITER + 1}, {"schema": 2}], ids=["to write", "to read"])


@NEWER
@pytest.mark.rule("LIVE-1")
def test_a_claim_without_a_project_takes_from_the_next_one_and_names_what_was_passed_over(
    tmp_path: Path, newer: Mapping[str, Json]
) -> None:
    world = two_projects(tmp_path, newer)

    reply = world.clone("bob").claim(None)

    assert (code(reply), reply.project) == ("step_claimed", "young")
    assert [(notice.notice, notice.extra["projects"]) for notice in reply.notices] == [("passed_over", ["old"])]
    assert "Upgrade gitcoord" in reply.notices[0].message


@NEWER
def test_a_refusal_names_what_was_passed_over_as_well(tmp_path: Path, newer: Mapping[str, Json]) -> None:
    world = two_projects(tmp_path, newer)
    bob = world.clone("bob")
    for at in range(3):
        bob.claim("young", f"bob/{at}")

    reply = bob.claim(None)

    assert code(reply) == "nothing_available"
    assert [notice.notice for notice in reply.notices] == ["passed_over"]


@NEWER
def test_a_claim_on_that_very_project_is_refused_with_what_to_do(tmp_path: Path, newer: Mapping[str, Json]) -> None:
    world = two_projects(tmp_path, newer)

    reply = world.clone("bob").claim("old")

    assert reply.failure is not None
    error = reply.failure.as_error()
    assert (error.code, error.exit_status) == ("newer_schema", 1)
    assert error.hint.startswith("Upgrade gitcoord here")


def test_where_everything_is_of_a_newer_version_the_claim_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("ann").create("old")
    raise_version(world, "old", writer_min=WRITER + 1)

    assert code(world.clone("bob").claim(None)) == "newer_schema"


def damage(world: World, project: str) -> None:
    """Write something that is no project where one is."""
    transport, state = world.plain(), world.state(project)
    assert state.tip
    transport.fetch([state.tip])
    folder = trees.write(transport.objects, state.folder, {"project.json": b"{"})
    tip = commits.write(transport.objects, folder.oid or Oid(""), [state.tip], SIGNATURE, START, "by hand")
    assert transport.swap([RefUpdate(state.ref, state.tip, tip)]).status is SwapStatus.WON


@pytest.mark.rule("SAFE-6")
def test_a_claim_without_a_project_names_what_is_damaged(tmp_path: Path) -> None:
    world = two_projects(tmp_path, {"writer_min": WRITER + 1})
    world.clone("ann").create("broken")
    damage(world, "broken")

    reply = world.clone("bob").claim(None)

    assert (code(reply), reply.project) == ("step_claimed", "young")
    assert sorted(notice.notice for notice in reply.notices) == ["damaged", "passed_over"]
    [told] = [notice for notice in reply.notices if notice.notice == "damaged"]
    assert told.extra["ref"] == "refs/coord/steps/broken"
    assert "refs/coord/steps/broken" in told.message
    assert told.next_step


@pytest.mark.rule("SAFE-6")
def test_where_the_only_project_is_damaged_the_claim_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("ann").create("broken")
    damage(world, "broken")

    reply = world.clone("bob").claim(None)

    assert reply.failure is not None
    assert (reply.failure.code, "refs/coord/steps/broken" in reply.failure.message) == ("damaged", True)


def test_who_passes_nothing_over_is_told_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()

    reply = ann.claim(None)

    assert (fact(reply, "step_num"), reply.notices) == (1, ())
