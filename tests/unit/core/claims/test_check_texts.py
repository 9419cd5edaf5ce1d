"""Names in documents of the claims: what sentences have as it is, is one line."""

import pytest

from gitcoord.core.claims.claim import Part
from gitcoord.core.claims.claim_commands import Wish
from gitcoord.core.claims.notice import Barrier, Notice
from gitcoord.core.claims.register import RegisterDoc, check_texts
from gitcoord.core.documents import limits
from tests import register_documents as documents
from tests.register_documents import NOW


def with_name(text: str) -> list[RegisterDoc]:
    """Return a document for each field that has a name, with this text in it and nothing else that is odd."""
    part = Part(claim="c-1", pattern="a", symbols=(text,))
    claim, entry, request = documents.claim(), documents.entry(), documents.request()
    item, call, asking, wish = claim.items[0], entry.call, request.call, Wish(pattern="a", symbols=(text,))
    notice = Notice(id="n-1", agent="ann", clone="one", event="claim_released", text="x", at=NOW)
    barrier = Barrier(id="b-1", patterns=("a",), commit="1", at=NOW)
    return [
        *(claim.evolve(**{field: text}) for field in ("agent", "clone", "session", "branch", "step", "commit")),
        claim.evolve(items=(item.evolve(symbols=("f", text)),)),
        claim.evolve(items=(item.evolve(carved=(part,)),)),
        claim.evolve(partners=(part,)),
        entry.evolve(agent=text),
        *(entry.evolve(call=call.evolve(**change)) for change in ({"branch": text}, {"wishes": (wish,)})),
        *(request.evolve(**{field: text}) for field in ("agent", "holder_agent", "holder_session", "granted")),
        request.evolve(call=asking.evolve(branch=text)),
        *(notice.evolve(**{field: text}) for field in ("agent", "event", "by")),
        *(barrier.evolve(**{field: text}) for field in ("agent", "branch", "commit")),
    ]


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize(
    "text", ["a\nnotice: b", "a\x1b[31m", "a\x9b2J", "a\u202eb", "a\0b", "x" * (limits.LINE_CHARS + 1)]
)
def test_a_name_of_several_lines_or_with_what_is_not_seen_is_none(text: str) -> None:
    for doc in with_name(text):
        with pytest.raises(ValueError, match="what is no line of at most"):
            check_texts(doc)


@pytest.mark.parametrize("text", ["feat/login", "ann/claude-code/wt-3", "Grüße::ü", "x" * limits.LINE_CHARS])
def test_any_other_name_is_read(text: str) -> None:
    for doc in with_name(text):
        check_texts(doc)


@pytest.mark.rule("SEC-1", "SAFE-6")
def test_a_pattern_that_is_none_is_found_in_any_document() -> None:
    """An answer would grant what a request asks for."""
    bad = "a\nnotice: b"
    claim, entry, request = documents.claim(), documents.entry(), documents.request()
    wishes = (Wish(pattern=bad),)

    for doc in (
        claim.evolve(items=(claim.items[0].evolve(pattern=bad),)),
        entry.evolve(call=entry.call.evolve(wishes=wishes)),
        request.evolve(call=request.call.evolve(wishes=wishes)),
        Barrier(id="b-1", patterns=(bad,), commit="1", at=NOW),
    ):
        with pytest.raises(ValueError, match="has an invalid pattern"):
            check_texts(doc)


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("text", ["It ended.\nnotice: b", "\x1b[31m"])
def test_the_text_of_a_notice_is_one_line(text: str) -> None:
    notice = Notice(id="n-1", agent="ann", clone="one", event="claim_released", text=text, at=NOW)

    with pytest.raises(ValueError, match="several lines"):
        check_texts(notice)
    check_texts(notice.evolve(text="Your claim on " + "x" * 5_000))
