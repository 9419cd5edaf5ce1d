"""A sentence names the next call as data, and keeps it on its way to another process."""

import copy
import json
from collections.abc import Mapping

import pytest

from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, Sentence, calls_of, sentence, with_calls
from gitcoord.core.documents.json_text import Json, compact, load_object
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import NotFoundError
from gitcoord.ledger.format.entry import Reply, failed

ASK = Call.of("request_release", claim_id="c-1", reason=...)
HINT = sentence("Wait: ", Call.of("claim_files", ..., wait_seconds=300), ". Or ask: ", ASK, ".")


@pytest.mark.parametrize(
    ("call", "spelled"),
    [
        (Call.of("claim_step"), "claim_step()"),
        (Call.of("claim_files", ...), "claim_files(…)"),
        (Call.of("claim_files", ..., wait_seconds=300), "claim_files(…, wait_seconds=300)"),
        (Call.of("respond_to_request", decision=Answer.NARROWED), "respond_to_request(decision='narrowed')"),
        (Call.of("claim_files", patterns=["a", ...], literal=True), "claim_files(patterns=['a', …], literal=true)"),
        (Call.of("extend_claims", ttl_hours=6.0), "extend_claims(ttl_hours=6)"),
        (Call.of("extend_claims", ttl_hours=0.5), "extend_claims(ttl_hours=0.5)"),
        (Call.of("claim_files", symbols={"a.py": ["f"]}), "claim_files(symbols={'a.py': ['f']})"),
        (Call.of("respond_to_request", decision=Answer), f"respond_to_request(decision={'|'.join(Answer)})"),
        (Call.of("get_project", name="it's"), 'get_project(name="it\'s")'),
    ],
)
def test_a_call_is_spelled_as_a_client_of_the_tools_writes_it(call: Call, spelled: str) -> None:
    assert sentence("Next: ", call, ".") == f"Next: {spelled}."


def test_a_sentence_is_said_in_the_words_of_a_face() -> None:
    assert HINT.said(lambda call: call.tool.upper()) == "Wait: CLAIM_FILES. Or ask: REQUEST_RELEASE."


def test_sentences_that_are_joined_name_the_calls_of_all() -> None:
    joined = sentence("It is held. ", HINT, " Or take another part.")

    assert joined == f"It is held. {HINT} Or take another part."
    assert joined.calls == HINT.calls


def test_a_copy_of_a_sentence_names_the_same_calls() -> None:
    assert copy.deepcopy({"next_step": HINT})["next_step"].calls == HINT.calls


def test_a_hint_crosses_to_another_process_with_its_calls() -> None:
    refused = Reply(outcome=outcomes.refused("conflict", "It is held.", HINT))
    broke = failed(NotFoundError("There is no such request.", hint=HINT))

    read = [Reply.parse(load_object(compact(reply.dump()).encode())) for reply in (refused, broke)]

    assert read == [refused, broke]
    hints = [
        read[0].outcome.hint if read[0].outcome else "",
        read[1].failure.as_error().hint if read[1].failure else "",
    ]
    assert [calls_of(hint) for hint in hints] == [HINT.calls, HINT.calls]


def test_a_hint_is_written_as_it_is_spelled_with_its_calls_beside_it() -> None:
    outcome = outcomes.refused("conflict", "It is held.", sentence("Ask: ", ASK, "."))

    assert json.loads(compact(outcome.dump())) == {
        "verdict": "refused",
        "code": "conflict",
        "message": "It is held.",
        "hint": "Ask: request_release(claim_id='c-1', reason=…).",
        "calls": [{"tool": "request_release", "arguments": [{"claim_id": "c-1"}, {"reason": None}]}],
    }


@pytest.mark.parametrize("calls", [None, [], "x", [{"tool": "claim_step"}]])
def test_a_hint_of_another_version_is_a_text(calls: Json) -> None:
    row: Mapping[str, Json] = {"verdict": "refused", "code": "x", "hint": "Claim again.", "calls": calls}

    hint = Outcome.parse(row).hint

    assert (hint, calls_of(hint)) == ("Claim again.", ())


def test_calls_are_found_in_a_text_in_their_order() -> None:
    first, second = Call.of("claim_step", step_id="a/1"), Call.of("claim_step", step_id="a/2")
    text = with_calls(f"One: {first.spelled}, two: {second.spelled}.", (first, second))

    assert isinstance(text, Sentence)
    assert text.parts == ("One: ", first, ", two: ", second, ".")


def test_an_error_keeps_the_calls_of_a_hint_without_credentials() -> None:
    assert calls_of(NotFoundError("It is gone.", hint=HINT).hint) == HINT.calls
    assert calls_of(NotFoundError("It is gone.", hint=sentence("https://u:p@h/x ", ASK)).hint) == ()
