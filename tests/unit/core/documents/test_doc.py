"""Documents: canonical JSON, unknown fields, and what is refused of a stranger's JSON."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gitcoord.core.claims.claim_commands import ReleaseClaims
from gitcoord.core.documents import doc, limits
from gitcoord.core.documents.doc import Doc, Real
from gitcoord.core.documents.json_text import (
    Json,
    canonical,
    clock_text,
    compact,
    indented,
    load_json,
    load_object,
    parse_time,
    time_text,
)
from gitcoord.core.documents.liveness import Heartbeat, SessionBeat
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.core.steps.step_commands import ImportProject
from gitcoord.errors import DocumentError, LimitError
from tests.unit.core.play import NOW, project, step


class Sample(Doc, frozen=True, kw_only=True):
    ratio: Real = 0.5
    is_on: bool = False


# --- DOC-2: one spelling ---


@pytest.mark.rule("DOC-2")
def test_canonical_json_has_sorted_keys_utf8_one_space_and_a_final_newline() -> None:
    assert canonical({"b": ["ä"], "a": {"d": 1, "c": None}}) == (
        '{\n "a": {\n  "c": null,\n  "d": 1\n },\n "b": [\n  "ä"\n ]\n}\n'.encode()
    )


@pytest.mark.rule("DOC-2")
def test_compact_json_is_one_line_with_sorted_keys() -> None:
    assert compact({"b": 1, "a": ["x", "ö"]}) == '{"a":["x","ö"],"b":1}'


@pytest.mark.rule("DOC-2")
def test_a_field_at_its_default_is_not_written() -> None:
    assert step(1, priority=0, notes=None).dump() == {"id": "app/1", "step_num": 1}


@pytest.mark.rule("DOC-2")
def test_a_default_that_was_spelled_out_gives_the_same_document() -> None:
    spelled = Step.parse({"id": "app/1", "step_num": 1, "priority": 0, "status": "not_started", "paths": []})

    assert spelled == step(1)
    assert canonical(spelled.dump()) == canonical(step(1).dump())


@pytest.mark.rule("DOC-2")
def test_two_spellings_of_one_moment_become_one() -> None:
    data = {"id": "app/1", "step_num": 1, "claimed_at": "2026-11-21T10:30:00+01:00"}

    assert Step.parse(data).dump()["claimed_at"] == "2026-11-21T09:30:00.000Z"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "2026-11-21T09:30:00.000Z"),
        (NOW.replace(microsecond=7999), "2026-11-21T09:30:00.007Z"),
        (NOW.astimezone(timezone(timedelta(hours=-5))), "2026-11-21T09:30:00.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_spelled_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert time_text(moment) == text


@pytest.mark.parametrize("text", ["2026-11-21T09:30:00.000Z", "2000-01-01T00:00:00.000Z", "9000-01-01T00:00:00.000Z"])
def test_a_moment_that_was_read_is_written_back_the_same(text: str) -> None:
    assert time_text(parse_time(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T09:30:00",
        "yesterday",
        "",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59.999Z",
        "9000-01-01T00:00:00.001Z",
        "1999-12-31T23:59:59.999Z",
    ],
)
def test_what_is_no_moment_of_ours_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


# --- DOC-1: unknown fields ---


@pytest.mark.rule("DOC-1")
def test_unknown_fields_survive_a_read_modify_write() -> None:
    data = {"id": "app/1", "step_num": 1, "estimate": {"hours": [1, 2.5]}, "zeal": None, "colour": "ß"}

    written = Step.parse(data).evolve(title="new").dump()

    assert written == {**data, "title": "new"}


@pytest.mark.rule("DOC-1")
def test_unknown_fields_of_a_document_within_a_document_survive() -> None:
    data = {"clone": "k3", "beaten_at": "2026-11-21T09:30:00.000Z", "sessions": [{"id": "s1", "mood": "good"}]}

    assert Heartbeat.parse(data).evolve(seq=2).dump() == {**data, "seq": 2}


@pytest.mark.rule("DOC-1")
def test_a_field_that_was_reset_to_its_default_does_not_come_back() -> None:
    read = Step.parse({"id": "app/1", "step_num": 1, "title": "old", "colour": "red"})

    assert read.evolve(title="").dump() == {"id": "app/1", "step_num": 1, "colour": "red"}


def test_evolve_leaves_the_document_itself_as_it_was() -> None:
    before = step(1, title="old")

    after = before.evolve(title="new", status=StepStatus.CLAIMED)

    assert (before.title, before.status) == ("old", StepStatus.NOT_STARTED)
    assert (after.title, after.status) == ("new", StepStatus.CLAIMED)


# --- what a stranger may have written ---


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff{}",
        b'{"a": 1, "a": 1}',
        b'{"x": {"a": 1, "a": 2}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * (limits.DEPTH + 1) + b"]" * (limits.DEPTH + 1),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'"' + b"x" * limits.DOCUMENT_BYTES + b'"',
    ],
    ids=map(str, range(17)),
)
def test_json_that_nobody_can_write_back_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        load_json(data)


@pytest.mark.parametrize("levels", [limits.DEPTH + 1, 100_000])
@pytest.mark.parametrize(("begin", "end"), [(b"[", b"1]"), (b'{"a":', b"1}")], ids=["list", "object"])
def test_json_that_is_too_deep_is_said_to_be_so(levels: int, begin: bytes, end: bytes) -> None:
    data = begin * levels + end[:1] + end[1:] * levels

    with pytest.raises(DocumentError, match=r"^A document is nested more than 32 deep\.$"):
        load_json(data)


def test_json_as_deep_as_allowed_is_read() -> None:
    data = b"[" * limits.DEPTH + b"]" * limits.DEPTH

    value = load_json(data)

    assert canonical(value).decode().split() == ["["] * (limits.DEPTH - 1) + ["[]"] + ["]"] * (limits.DEPTH - 1)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert load_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


@pytest.mark.parametrize("data", [b"[]", b"1", b'"x"', b"null"])
def test_a_document_is_an_object(data: bytes) -> None:
    with pytest.raises(DocumentError, match="not an object"):
        load_object(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"step_num": 1}, "Step lacks 'id'."),
        ({"id": "app/1", "step_num": "1"}, "Step.step_num: Expected `int`, got `str`."),
        ({"id": "app/1", "step_num": True}, "Step.step_num: Expected `int`, got `bool`."),
        ({"id": "app/1", "step_num": 1 << 53}, "Step.step_num: Expected `int` <= 9007199254740991."),
        ({"id": "app/1", "step_num": 1.0}, "Step.step_num: Expected `int`, got `float`."),
        ({"id": "app/1", "step_num": 1, "status": "lost"}, "Step.status: Invalid enum value 'lost'."),
        ({"id": "app/1", "step_num": 1, "paths": "a"}, "Step.paths: Expected `list`, got `str`."),
        ({"id": "app/1", "step_num": 1, "depends_on": ["1"]}, "Step.depends_on[0]: Expected `int`, got `str`."),
        ({"id": "app/1", "step_num": 1, "checkpoint": []}, "Step.checkpoint: Expected `object`, got `array`."),
        ({"id": None, "step_num": 1}, "Step.id: Expected `str`, got `null`."),
        ({"id": "app/1", "step_num": 1, "claimed_at": 5}, "Step.claimed_at: Expected `str`, got `int`."),
    ],
)
def test_a_field_of_the_wrong_type_is_named(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Step.parse(data)  # pyright: ignore[reportArgumentType] - as a stranger would

    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", ["x" * (limits.TEXT_CHARS + 1), "\ud800", "a\udfffb"])
def test_a_text_that_is_too_long_or_cannot_be_encoded_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match=r"Step\.title"):
        Step.parse({"id": "app/1", "step_num": 1, "title": text})


@pytest.mark.parametrize("moment", ["2026-11-21T09:30:00", "0001-01-01T00:00:00+23:59", "soon"])
def test_a_bad_moment_in_a_document_is_an_error_of_the_document(moment: str) -> None:
    with pytest.raises(DocumentError, match=r"Step\.claimed_at"):
        Step.parse({"id": "app/1", "step_num": 1, "claimed_at": moment})


def test_an_error_within_a_document_within_a_document_names_the_inner_field() -> None:
    with pytest.raises(DocumentError, match=r"^SessionBeat lacks 'id'\.$"):
        Heartbeat.parse({"clone": "k3", "beaten_at": "2026-11-21T09:30:00.000Z", "sessions": [{}]})


def test_floats_and_booleans_are_not_mixed_up() -> None:
    assert Sample.parse({"ratio": 0.25, "is_on": True}) == Sample(ratio=0.25, is_on=True)
    for data in ({"ratio": True}, {"is_on": 1}, {"ratio": "0.5"}):
        with pytest.raises(DocumentError):
            Sample.parse(data)


def test_documents_of_a_project_survive_a_round_trip() -> None:
    documents = [
        project(status=ProjectStatus.ABORTED, completed_at=NOW, reason="too late", repo="api", stale_minutes=5),
        step(7, depends_on=(1, 2), paths=("a/**",), status=StepStatus.CLAIMED, claimed_at=NOW, checkpoint={"fence": 3}),
        Heartbeat(clone="k3", beaten_at=NOW, sessions=(SessionBeat(id="s", agents=("ann",), closed_at=NOW),)),
    ]

    read = [type(one).parse(load_object(canonical(one.dump()))) for one in documents]

    assert read == documents
    assert isinstance(read[0], Project)


# --- evolving


@pytest.mark.parametrize(
    "changes",
    [
        {"fence": "2"},
        {"fence": True},
        {"fence": None},
        {"status": "claimed"},
        {"depends_on": [1]},
        {"agent_id": 7},
        {"claimed_at": "2026-11-21"},
        {"checkpoint": ()},
        {"nonsense": 1},
    ],
    ids=str,
)
def test_a_document_is_not_changed_into_what_no_reader_would_take(changes: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=next(iter(changes))):
        Step(id="app/1", step_num=1).evolve(**changes)


def test_a_document_is_changed_into_what_a_reader_takes() -> None:
    step = Step(id="app/1", step_num=1)

    new = step.evolve(fence=2, agent_id="ann", depends_on=(3,), checkpoint={"fence": 1}, status=StepStatus.CLAIMED)

    assert Step.parse(new.dump()) == new
    assert new.evolve(agent_id=None, depends_on=(), checkpoint={}, fence=0, status=StepStatus.NOT_STARTED) == step
    assert Policy().evolve(require_pushed=True).require_pushed is True


def test_a_moment_of_another_day_is_told_with_its_date() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    assert clock_text(now + timedelta(hours=3, minutes=30), now) == "15:30 UTC"
    assert clock_text(now + timedelta(days=1), now) == "2026-11-22 12:00 UTC"


# --- from bytes, the quick way and the careful one


MOMENT = b"2026-11-21T09:30:00.000Z"
CLAIMED = b'{\n "claimed_at": "' + MOMENT + b'",\n "id": "app/1",\n "step_num": 1\n}\n'


def test_a_document_as_it_is_written_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    written = step(
        2, status=StepStatus.CLAIMED, claimed_at=NOW, checkpoint={"at": "x.000Z", "z": [0.5, 1 << 70, None, "Z"]}
    ).encode()
    monkeypatch.setattr(doc, "load_object", lambda _data: pytest.fail("it went the careful way"))

    assert Step.decode(written).encode() == written


@pytest.mark.parametrize(
    ("spelling", "milliseconds"),
    [
        (b"2026-11-21T09:30:00Z", 0),
        (b"2026-11-21T10:30:00.5+01:00", 500),
        (b"2026-11-21T10:30:00+01:00", 0),
        (b"2026-11-21T10:30:00.123456+01:00", 123),
        (b"2026-11-21T09:30:00.1239999Z", 123),
        (b"2026-11-21 09:30:00.000Z", 0),
    ],
)
def test_a_moment_in_another_spelling_is_read_as_one_of_ours(spelling: bytes, milliseconds: int) -> None:
    read = Step.decode(CLAIMED.replace(MOMENT, spelling))

    assert read.dump()["claimed_at"] == time_text(NOW + timedelta(milliseconds=milliseconds))
    assert read.claimed_at is not None
    assert read.claimed_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Step, CLAIMED.replace(MOMENT, b"2026-11-21T09:30:00.000")),  # no zone
        (Step, CLAIMED.replace(MOMENT, b"2026-11-21T09:30:00")),
        (Step, CLAIMED.replace(MOMENT, b"2026-11-21T09:30:00.123456")),
        (Step, CLAIMED.replace(MOMENT, b"1999-12-31T23:59:59.999Z")),
        (Step, CLAIMED.replace(MOMENT, b"1999-12-31T23:59:59Z")),
        (Step, CLAIMED.replace(MOMENT, b"1999-12-31T23:59:59.123456Z")),
        (Step, CLAIMED.replace(MOMENT, b"9000-01-01T00:00:01.000Z")),
        (Step, CLAIMED.replace(b'"step_num": 1', b'"step_num": 1,\n "step_num": 1')),
        (Step, CLAIMED.replace(b'"step_num": 1', b'"step_num": 1.0')),
        (Step, CLAIMED.replace(b'"step_num": 1', b'"step_num": true')),
        (Step, CLAIMED.replace(b'"step_num": 1', b'"step_num": 18446744073709551616')),
        (Step, CLAIMED.replace(b'"step_num": 1', b'"step_num": 1,\n "zeal": "\xff"')),
        (Step, CLAIMED.replace(b'"step_num": 1', b'"step_num": 1,\n "zeal": NaN')),
        (Step, CLAIMED.replace(b"app/1", b"\\ud800")),
        (Sample, b'{\n "ratio": 1\n}\n'),  # an integer for a float
        (Sample, b'{\n "ratio": 1e7\n}\n'),
        (Policy, b'{\n "max_claim_ratio": 1.5\n}\n'),
    ],
    ids=map(str, range(17)),
)
def test_what_msgspec_alone_would_take_or_pass_over_is_refused(kind: type[Doc], data: bytes) -> None:
    with pytest.raises(DocumentError):
        kind.decode(data)


@pytest.mark.parametrize(
    "spelling",
    [
        *("-0", "-0.0", "1e22", "1e+22", "1E5", "0.1e1", "1e-5", "1e-05", "1e-324", "5e-324", "1e400", "100.0", "01"),
        *("9" * 4300, "9" * 4301, "-" + "9" * 4300, "18446744073709551616", "NaN", "Infinity", "tru", ""),
        *(
            r'"\u0041"',
            r'"\/"',
            r'"\ud83d\ude00"',
            r'"\ud83d"',
            r'"\u0000"',
            r'"\u007f"',
            '"\x7f\x85"',
            '"\0"',
            '"\ufeff"',
        ),
        *("[" * levels + "1" + "]" * levels for levels in (29, 30, 31, 32, 2000)),
        *('{"~": ' * levels + "{}" + "}" * levels for levels in (29, 30, 31)),
        *('{"b": 1,\n   "a": 2}', '{"a": 1,\n   "a": 1}', '{"a": {}}', "{ }", "[ 1]"),
    ],
    ids=lambda spelling: f"{spelling[:20]} of {len(spelling)}",
)
def test_the_quick_way_reads_what_the_careful_one_reads(spelling: str) -> None:
    plain = f'{{"checkpoint": {{"x": {spelling}}}, "id": "app/1", "step_num": 1}}'.encode()

    for data in (plain, _laid_out(plain)):
        assert _read(Step.decode, data) == _read(lambda data: Step.parse(load_object(data)), data)


def _laid_out(data: bytes) -> bytes:
    try:
        return indented(data)
    except (ValueError, RecursionError):
        return data


def _read(read: Callable[[bytes], Step], data: bytes) -> str:
    try:
        step = read(data)
    except DocumentError:
        return "refused"
    return f"{step.checkpoint} {step.encode()}"


@pytest.mark.rule("DOC-1")
@pytest.mark.parametrize("name", ["extra", "~", "zeal"])
def test_a_field_that_is_not_known_may_have_any_name(name: str) -> None:
    written = canonical({"id": "app/1", "step_num": 1, name: {"~": [1]}})

    read = Step.decode(written)

    assert read.extra == {name: {"~": [1]}}
    assert read.evolve(title="new").encode() == canonical(
        {"id": "app/1", "step_num": 1, "title": "new", name: {"~": [1]}}
    )


@pytest.mark.rule("DOC-2")
def test_what_equals_its_default_is_left_out_though_it_is_another_object() -> None:
    """Msgspec compares by identity: 0.2 that was read is not the 0.2 of the class."""
    read = Policy.decode(b'{"max_claim_ratio": 0.2, "queue_age_boost_s": 60, "max_waiting": 500, "pre_commit": "warn"}')

    assert read.encode() == b"{}\n"


@pytest.mark.parametrize("value", [float("nan"), NOW, {1, 2}, Sample(), b"x"], ids=str)
def test_what_is_no_json_is_not_written_as_if_it_were(value: object) -> None:
    with pytest.raises(LimitError):
        Step(id="app/1", step_num=1, checkpoint={"x": value}).encode()  # pyright: ignore[reportArgumentType]


def test_json_that_has_no_end_is_refused_before_it_is_written() -> None:
    endless: dict[str, Json] = {}
    endless["x"] = endless
    deep = reduce(lambda inner, _: {"x": inner}, range(5000), {})
    documents = [step(1, checkpoint=value, extra=extra) for value, extra in ((endless, {}), (deep, {}), ({}, endless))]

    for document in (*documents, ImportProject(project=project(), steps=(documents[0],))):
        with pytest.raises(LimitError, match="nested more than"):
            document.encode()


@pytest.mark.parametrize(
    "value", [b"x", bytearray(b"x"), NOW, NOW.date(), Decimal(1), UUID(int=1), Path("x"), 1], ids=repr
)
def test_what_is_no_text_is_not_written_as_one(value: object) -> None:
    """Msgspec has texts for most of them."""
    bare: dict[str, Any] = {"id": "app/1", "step_num": 1}
    wrong: Any = value
    for document in (Step(**bare, title=wrong), Step(**bare, paths=(wrong,)), ReleaseClaims(commits={"c-1": wrong})):
        with pytest.raises(LimitError, match=r"Step\.(title|paths)|ReleaseClaims\.commits"):
            document.dump()


def test_a_text_in_a_mapping_that_cannot_be_encoded_is_refused_by_the_name_of_the_field() -> None:
    with pytest.raises(DocumentError, match=r"^ReleaseClaims\.commits: "):
        ReleaseClaims.parse({"commits": {"c-1": "\ud800"}})
    with pytest.raises(LimitError, match=r"ReleaseClaims\.commits: "):
        ReleaseClaims(commits={"c-1": "\ud800"}).dump()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("x` - at `$.title`", "Step.status: Invalid enum value 'x` - at `$.title`'."),
        ("\x1b[31mx\u202e", r"Step.status: Invalid enum value '\x1b[31mx\u202e'."),
        ("x" * limits.TEXT_CHARS, f"Step.status: Invalid enum value '{'x' * 180}."),
    ],
    ids=["names a field", "colours", "is long"],
)
def test_what_a_stranger_wrote_does_not_lead_a_sentence_astray(status: str, sentence: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Step.parse({"id": "app/1", "step_num": 1, "status": status})

    assert str(caught.value) == sentence
