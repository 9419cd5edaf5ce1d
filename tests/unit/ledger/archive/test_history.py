"""History: a record counts as far as it is one of ours."""

import pytest

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.ledger.archive.history import records_of
from gitcoord.ledger.format import commits, trees
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.transports.memory import MemoryObjects
from tests.unit.ledger.fakes import SIGNATURE, START

ANN = "ann/cli/wt"
BY: dict[str, Json] = {"agent": ANN, "clone": "c", "session": "s"}
DONE: dict[str, Json] = {
    "verdict": "done",
    "code": "claims_released",
    "facts": {"released": ["c-1"], "value": {"a": 1}},
}
ENDED: dict[str, Json] = {
    "event": "claim_released",
    "claim": "c-1",
    "agent": ANN,
    "note": "of two\nlines",
    "items": ["a"],
}
LINE: dict[str, Json] = {"do": "release_claims", "by": BY, "outcome": DONE, "events": [ENDED], "args": {"x": "a\nb"}}
REFUSED: dict[str, Json] = {
    "event": "claim_refused",
    "by": ANN,
    "do": "claim_files",
    "code": "conflict",
    "count": 1,
    "args": {"x": "y"},
}


BARRIER: dict[str, Json] = {"commit": "0" * 40, "branch": None, "agent": ANN, "patterns": ["src/a.py"]}
SERVED: dict[str, Json] = {"event": "queue_grant", "claim": "c-2", "entry": "q-1", "agent": ANN, "barriers": [BARRIER]}


def read(*lines: dict[str, Json]) -> int:
    """Return how many records a commit of these lines has."""
    objects = MemoryObjects()
    body = "\n".join(map(compact, [{"now": "2026-12-01T00:00:00.000Z"}, *lines]))
    tree = trees.write(objects, trees.EMPTY, {"meta.json": b"{}"}).oid or Oid("")
    made = commits.write(objects, tree, [], SIGNATURE, START, f"title\n\n{body}")
    return len(records_of(objects, commits.read(objects, made)))


def nested(levels: int) -> Json:
    value: Json = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_a_record_of_ours_is_read() -> None:
    assert read(LINE, {"refusals": [REFUSED]}) == 2


def test_a_grant_with_commits_to_have_first_is_read() -> None:
    assert read({**LINE, "events": [SERVED]}) == 1


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("odd", ["a\nnotice: b", "\x1b[2J", "x" * 2000, {"next_step": "x"}, [["x"]], nested(500)])
@pytest.mark.parametrize(
    ("table", "name"),
    [
        *((BY, name) for name in ("agent", "clone")),
        *((DONE, name) for name in ("code", "verdict")),
        *(({}, name) for name in ("step_num", "fence", "claim", "pattern", "name")),
        *((ENDED, name) for name in ("event", "agent", "claim", "reason", "decision", "pattern", "symbols", "items")),
        *((BARRIER, name) for name in ("agent", "branch", "commit", "patterns")),
        *((REFUSED, name) for name in ("by", "code", "count", "patterns")),
    ],
)
def test_a_record_with_what_is_no_line_is_left_out(table: dict[str, Json], name: str, odd: Json) -> None:
    changed = {**table, name: odd}
    if table is REFUSED:
        assert read({"refusals": [changed]}) == 0
        return
    line = {
        "by": changed if table is BY else BY,
        "outcome": changed if table is DONE else {**DONE, "facts": changed} if table == {} else DONE,
        "events": [
            changed if table is ENDED else ENDED,
            {**SERVED, "barriers": [changed]} if table is BARRIER else SERVED,
        ],
    }
    assert read({**LINE, **line}) == 0


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("name", ["released", "claims", "value"])
@pytest.mark.parametrize("odd", ["a\nb", {"a\nb": 1}, {"a": ["b\nc"]}, {"a": {"next_step": "x"}}, nested(500)])
def test_names_of_a_table_are_lines_and_nothing_is_in_it_but_words(name: str, odd: Json) -> None:
    assert read({**LINE, "outcome": {**DONE, "facts": {name: odd}}}) == 0
