"""A cursor is one word that has how far a reader has come, and is known when it is not whole."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core.relay.relay import Position
from gitcoord.errors import InvalidError
from gitcoord.remote.contract.protocol import RefName
from gitcoord.service.events import cursor as cursors

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
CLAIMS = RefName("refs/coord/claims")
_oids = st.sampled_from([40, 64]).flatmap(lambda length: st.text("0123456789abcdef", min_size=length, max_size=length))
_commits = st.one_of(st.just(""), _oids.filter(lambda text: text[:16].strip("0") != ""))
_rows = st.tuples(st.text("abc/", max_size=9), _commits, st.integers(0, 60_000))


@settings(max_examples=30)
@given(st.lists(_rows, max_size=5, unique_by=lambda row: row[0]))
def test_what_was_put_in_comes_out_with_the_beginning_of_each_commit(rows: list[tuple[str, str, int]]) -> None:
    positions = [Position(ledger=ref, commit=commit, at=AT, events=events) for ref, commit, events in rows]

    found = cursors.parse(cursors.begin("here").moved(*positions).text)

    shortened = [each.evolve(commit=each.commit[:16]) for each in positions]
    assert [found.position_in(RefName(each.ledger)) for each in positions] == shortened
    assert found.position_in(RefName("refs/coord/other")) is None


def test_a_cursor_is_one_word_of_28_characters_a_ledger() -> None:
    here = cursors.begin("here")
    first = here.moved(Position(ledger=CLAIMS, commit="a" * 40, at=AT))
    second = first.moved(Position(ledger="refs/coord/steps/app", commit="b" * 40, at=AT))

    assert len(second.text) - len(first.text) == 28
    assert second.text.replace("-", "").replace("_", "").removeprefix("e1.").isalnum()


@pytest.mark.parametrize(
    "text", ["", "e1.", "start", "e2.AAAA", "e1.AAAAAAAAAAA", "e1.💥", "e1." + "A" * 200_000, "--"]
)
def test_a_word_that_is_no_cursor_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(InvalidError, match="is no cursor of events") as caught:
        cursors.parse(text)

    assert caught.value.hint == cursors.HINT


def test_a_cursor_that_was_cut_off_or_changed_is_refused() -> None:
    text = cursors.begin("here").moved(Position(ledger=CLAIMS, commit="a" * 40, at=AT)).text
    swapped = text.swapcase().replace("E1.", "e1.")

    for damaged in (text[:-1], text[:-28], text + "A", swapped):
        with pytest.raises(InvalidError):
            cursors.parse(damaged)
