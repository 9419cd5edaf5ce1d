"""Documents of every kind survive canonical JSON, and equal documents have equal bytes."""

import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.notice import Barrier, Notice
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json, canonical, load_json, load_object
from gitcoord.core.documents.liveness import Heartbeat, Liveness, SessionBeat, Sighting
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step, StepDefinition
from gitcoord.core.steps.step_commands import COMMANDS
from gitcoord.errors import DocumentError, LimitError
from gitcoord.ledger.format.meta import Applied, Meta
from tests.golden.samples import kinds

KINDS: list[type[Doc]] = [
    Actor,
    Heartbeat,
    Liveness,
    Outcome,
    Policy,
    Project,
    SessionBeat,
    Sighting,
    Step,
    StepDefinition,
    *COMMANDS.values(),
]
WRITTEN = [Actor, Heartbeat, Meta, Applied, Project, Step, Claim, QueueEntry, ReleaseRequest, Notice, Barrier]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
REALS = st.floats(-limits.REAL, limits.REAL)
NUMBERS = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)


def _mappings(hint: type) -> st.SearchStrategy[dict[str, Any]]:
    value = get_args(hint)[1]
    return OBJECTS if value is Any else st.dictionaries(TEXTS, st.from_type(value), max_size=3)


for _type, _strategy in ((str, TEXTS), (int, NUMBERS), (float, REALS), (datetime, MOMENTS), (Mapping, _mappings)):
    st.register_type_strategy(_type, _strategy)
for _kind in kinds().values():  # as parts of another
    st.register_type_strategy(_kind, st.builds(_kind, extra=st.just({})))


def documents(kind: type[Doc]) -> st.SearchStrategy[Doc]:
    names = {*kind.__struct_fields__}
    unknown = OBJECTS.map(lambda extra: {name: value for name, value in extra.items() if name not in names})
    return st.builds(kind, extra=unknown)


@pytest.mark.rule("DOC-1", "DOC-2")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(st.data())
def test_a_document_is_read_back_as_it_was_written(kind: type[Doc], data: st.DataObject) -> None:
    document = data.draw(documents(kind))

    written = canonical(document.dump())
    read = kind.parse(load_object(written))

    assert read == document
    assert canonical(read.dump()) == written


EXTREMES: dict[type, list[object]] = {
    int: [limits.INTEGER, limits.INTEGER + 1, -limits.INTEGER - 1, 1 << 70],
    float: [limits.REAL, limits.REAL * 2, 1e300, float("inf"), float("nan")],
    str: ["x" * limits.TEXT_CHARS, "x" * (limits.TEXT_CHARS + 1), "\ud800"],
    datetime: [
        *(limits.MOMENT_FIRST - timedelta(microseconds=1000 * at) for at in (0, 1)),
        *(limits.MOMENT_LAST + timedelta(microseconds=1000 * at) for at in (0, 1)),
        *(datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999)),
    ],
}

EDGES = [limits.INTEGER, limits.REAL, "x" * limits.TEXT_CHARS, limits.MOMENT_FIRST, limits.MOMENT_LAST]


@pytest.mark.rule("SAFE-8")
@pytest.mark.parametrize("kind", WRITTEN, ids=lambda kind: kind.__name__)
@given(st.data())
def test_a_document_is_refused_before_it_is_written_or_read_back(kind: type[Doc], data: st.DataObject) -> None:
    """Whatever its fields are: no text, number or moment gets out that does not come back."""
    hints = get_type_hints(kind)
    names = [name for name in kind.__struct_fields__ if name != "extra" and _extremes(hints[name])]
    name = data.draw(st.sampled_from(names))
    value = data.draw(st.sampled_from(_extremes(hints[name])))
    document = data.draw(documents(kind)).evolve(**{name: value})

    try:
        written = document.encode()
    except LimitError:
        assert value not in EDGES
        return

    assert kind.parse(load_object(written)) == document


def _extremes(hint: object) -> list[object]:
    kinds = (hint,) if get_origin(hint) is not types.UnionType else get_args(hint)
    return next((EXTREMES[kind] for kind in kinds if kind in EXTREMES), [])


@pytest.mark.rule("DOC-2")
@given(JSON)
def test_a_json_value_has_one_spelling(value: Json) -> None:
    written = canonical(value)

    assert canonical(load_json(written)) == written
    assert load_json(json.dumps(value).encode()) == load_json(written)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()[:-1]))
def test_whatever_bytes_a_stranger_writes_are_read_or_refused(data: bytes) -> None:
    try:
        value = load_json(data)
    except DocumentError:
        return

    assert load_json(canonical(value)) == value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(st.data())
def test_whatever_object_a_stranger_writes_is_read_or_refused(kind: type[Doc], data: st.DataObject) -> None:
    names = st.sampled_from(kind.__struct_fields__)
    found = data.draw(st.dictionaries(names, JSON, max_size=6))

    try:
        document = kind.parse(found)
    except DocumentError:
        return

    assert kind.parse(load_object(canonical(document.dump()))) == document


def test_depth_is_bounded_for_what_is_kept_unknown_too() -> None:
    deep = b'{"id": "a/1", "step_num": 1, "x": ' + b"[" * limits.DEPTH + b"]" * limits.DEPTH + b"}"

    with pytest.raises(DocumentError, match="nested"):
        load_object(deep)
