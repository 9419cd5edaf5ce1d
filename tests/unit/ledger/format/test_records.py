"""Records and history: the audit trail is in the message, or in the tree where it is long, and is read back."""

import json
from pathlib import Path

import pytest

from gitcoord.core.steps.step_commands import FailStep, SkipStep
from gitcoord.ledger.archive import history
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import RECORD
from gitcoord.ledger.format.records import INLINE_BYTES_MAX, message_of, parse_lines
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.transports.memory import MemoryObjects
from tests.unit.ledger.fakes import BASE_COMMIT, SIGNATURE, START, World, fact

NOW = '{"now":"2026-11-21T09:30:00.000Z","rules":2}'


def test_a_commit_says_who_did_what_and_on_what_ground(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 2)
    ann.claim()

    tip = world.state().tip
    assert tip
    title, _, body = commits.read(world.remote.objects, tip).message.partition("\n\n")
    head, line = (json.loads(text) for text in body.splitlines())

    assert title == "claim app/1 for ann"
    assert head == {"now": "2026-11-21T09:30:00.000Z", "rules": 2}
    assert line["do"] == "claim_step"
    assert line["id"] == "ann.2"
    assert line["by"] == {"agent": "ann", "clone": "ann", "session": "s-ann"}
    assert line["outcome"]["facts"]["fence"] == 1


def test_a_record_over_four_kilobytes_is_a_file_of_its_commit_and_gone_in_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 400)
    long = world.state()
    ann.claim()
    short = world.state()

    assert long.tip
    message = commits.read(world.remote.objects, long.tip).message
    assert message == 'create app for ann\n\n{"record":"record.json"}\n'
    assert long.folder.file(RECORD)
    assert short.folder.file(RECORD) is None
    assert world.did() == ["create_project", "claim_step"]
    arguments = world.events()[0].record.line["args"]
    assert isinstance(arguments, dict)
    assert len(arguments["steps"]) == 400  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("size", "is_inline"), [(INLINE_BYTES_MAX, True), (INLINE_BYTES_MAX + 1, False)])
def test_the_limit_is_counted_in_bytes(size: int, is_inline: bool) -> None:
    text = "ö" * (size // 2) + "x" * (size % 2)

    message, record = message_of("title", text)

    assert (record is None) is is_inline
    assert message == (f"title\n\n{text}" if is_inline else 'title\n\n{"record":"record.json"}')
    assert record in (None, text.encode() + b"\n")


@pytest.mark.rule("SAFE-6", "SEC-1")
@pytest.mark.parametrize(
    "damage",
    ["", "{", "not json", "[]", '"x"', "{}" * 3, "[" * 50_000, '{"now":"yesterday"}', '{"now":7}', "\x1b[2J", "\ud800"],
)
def test_damaged_lines_are_left_out_and_the_others_read(damage: str) -> None:
    lines = f'{damage}\n{NOW}\n{{"do":"a"}}\n{damage}\n{{"do":"b"}}'

    read = list(parse_lines(lines))

    assert [record.line["do"] for record in read] == ["a", "b"]
    assert {record.now for record in read} == {START}


def test_lines_before_the_time_is_known_are_left_out() -> None:
    assert list(parse_lines('{"do":"a"}')) == []


def test_a_title_stays_one_short_line_whatever_the_names_are(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    ann.claim(agent="a" * 300)

    tip = world.state().tip
    assert tip
    title = commits.read(world.remote.objects, tip).message.splitlines()[0]

    assert len(title) <= 144


def test_history_is_newest_first_and_names_each_commit(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 2)
    fence = fact(ann.claim(), "fence")
    assert fence == 1
    ann.do(FailStep(step_num=1, reason="no time", fence=1))
    ann.do(SkipStep(step_num=2, reason="not needed"))

    tip = world.state().tip
    assert tip
    told = list(history.events(world.remote.objects, tip))

    assert [event.record.line["do"] for event in told] == ["skip_step", "fail_step", "claim_step", "create_project"]
    assert told[0].commit == tip
    assert len({event.commit for event in told}) == 4
    assert BASE_COMMIT in json.dumps(told[-1].record.line)


def test_history_ends_quietly_where_it_was_cut_off(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 2)
    created = world.state().tip
    ann.claim()
    tip = world.state().tip
    assert created
    assert tip
    del world.remote.objects.contents[created]

    assert [event.record.line["do"] for event in history.events(world.remote.objects, tip)] == ["claim_step"]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("message", ["", "no body", 'x\n\n{"record":"record.json"}', "x\n\n" + "[" * 9000])
def test_a_commit_without_a_record_has_no_events(message: str) -> None:
    objects = MemoryObjects()
    tree = trees.write(objects, trees.EMPTY, {"meta.json": b"{}"}).oid
    tip = commits.write(objects, tree or Oid(""), [], SIGNATURE, START, message)

    assert list(history.events(objects, tip)) == []
