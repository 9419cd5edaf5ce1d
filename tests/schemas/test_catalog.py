"""The schemas of the catalog, by an independent validator: what we write is valid, and what is wrong is refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gitcoord.core.documents import events
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_schema import schema_of
from gitcoord.errors import DocumentError, InvalidError
from gitcoord.service.inputs.input_kinds import MODELS
from gitcoord.service.schemas import catalog
from tests.golden import samples
from tests.golden.kept import FOLDER
from tests.schemas.checks import described, faults

KINDS = samples.kinds()
CLAIM: Mapping[str, Any] = samples.full(KINDS["Claim"]).dump()


@pytest.mark.parametrize("name", catalog.names())
def test_every_schema_is_one_and_is_spelled_the_same_each_time(name: str) -> None:
    found = catalog.schema(name)

    Draft202012Validator.check_schema(found)
    assert (found["$id"], found["type"]) == (f"urn:gitcoord:{name}", "object")
    assert found["description"]
    assert json.dumps(found) == json.dumps(catalog.schema(name))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_every_sample_of_a_document_is_valid(kind: type[Doc]) -> None:
    check = Draft202012Validator(schema_of("x", kind))

    assert [[*check.iter_errors(sample.dump())] for sample in (samples.bare(kind), samples.full(kind))] == [[], []]


def test_all_that_a_team_leaves_in_its_ledgers_is_valid() -> None:
    commits: Any = json.loads((FOLDER / "ledgers.json").read_text("utf-8")).values()
    found = [
        pair
        for commit in (commit for ref in commits for commit in ref)
        for pair in described(
            {path: text for path, text in commit["files"].items() if text is not None}, commit["message"].splitlines()
        )
    ]

    assert {name for name, _ in found} >= {
        "documents/claim",
        "records/command",
        "records/refusals",
        "commands/claim_files",
    }
    assert [fault for name, value in found for fault in faults(name, value)] == []
    # What a record is made of is no document, so nothing else says that all of it is described.
    lines = [(name, value) for name, value in found if name.startswith("records/")]
    assert [fault for name, value in lines for fault in faults(name, value, is_closed=True)] == []


WRONG: Mapping[str, Mapping[str, Any]] = {
    "a wrong type": {"agent": 7},
    "nothing where a text is due": {"description": None},
    "a number that JSON readers round": {"fence": 2**53},
    "a text that is too long": {"description": "x" * 70_000},
    "a word that is none": {"severity": "medium"},
    "no list": {"owners": "ann"},
    "a wrong part": {"items": [{"pattern": "a.py"}]},
    "no time": {"created_at": "yesterday"},
    "a time without a zone": {"created_at": "2026-11-21T09:30:00"},
    "a time that there is not": {"created_at": "2026-13-21T09:30:00Z"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_wrong_document_is_refused_by_the_schema_as_by_us(change: Mapping[str, Any]) -> None:
    wrong = {**CLAIM, **change}

    assert faults("documents/claim", wrong) != []
    with pytest.raises(DocumentError):
        KINDS["Claim"].parse(wrong)


@pytest.mark.parametrize("name", ["id", "items", "expires_at"])
def test_a_document_without_a_field_that_it_needs_is_refused(name: str) -> None:
    found = faults("documents/claim", {field: value for field, value in CLAIM.items() if field != name})

    assert found == [f"documents/claim: {name!r} is a required property"]


@pytest.mark.parametrize("text", ["2026-11-21T09:30:00.125Z", "2026-11-21T09:30:00Z", "2026-11-21T10:30:00+01:00"])
def test_a_moment_that_the_schema_takes_is_read(text: str) -> None:
    assert faults("documents/claim", {**CLAIM, "created_at": text}) == []
    KINDS["Claim"].parse({**CLAIM, "created_at": text})


@pytest.mark.parametrize("change", [{"max_claim_ratio": 2.0}, {"texts": "secret"}, {"max_waiting": -1}])
def test_a_policy_that_makes_no_sense_is_refused(change: Mapping[str, Any]) -> None:
    assert faults("documents/policy", change) != []
    assert faults("files/policy", change) != []


def test_fields_of_a_newer_version_are_valid_in_documents() -> None:
    assert faults("documents/claim", {**CLAIM, "new": 1, "items": [{**CLAIM["items"][0], "new": 1}]}) == []
    assert "~" not in json.dumps([catalog.schema(name) for name in catalog.names()])


def test_a_field_says_what_the_docstring_of_its_class_says() -> None:
    fields: Any = catalog.schema("documents/claim")["properties"]

    assert fields["repo"]["description"] == "which repository, where several share one remote."
    assert fields["step"]["description"] == fields["step_fence"]["description"]
    assert fields["session"]["description"] == "null for a claim that silence never ends."


def test_every_word_of_a_command_and_of_an_event_has_a_schema() -> None:
    words = {name.partition("/")[2] for name in catalog.names() if name.startswith("events/")}

    assert words == {*events.Event}


@pytest.mark.parametrize("name", MODELS)
def test_each_kind_of_file_has_a_schema_that_says_what_each_field_is_for(name: str) -> None:
    found: Any = catalog.schema(f"files/{name}")

    whole = [found, *found.get("$defs", {}).values()]
    assert all(field["description"] for part in whole for field in part["properties"].values())


def test_a_schema_of_a_file_says_what_is_checked() -> None:
    plan: Any = catalog.schema("files/plan")
    owners: Any = catalog.schema("files/owners")

    step = plan["$defs"]["StepInput"]
    assert (plan["required"], step["required"]) == (["steps"], ["step_num"])
    assert (step["properties"]["step_num"]["minimum"], step["additionalProperties"]) == (1, False)
    assert owners["$defs"]["ModuleInput"]["properties"]["severity"]["anyOf"][0]["enum"] == ["soft", "hard"]


def test_the_end_of_a_name_is_enough_where_one_schema_has_it() -> None:
    assert catalog.full_name("step") == "documents/step"
    assert catalog.full_name("records/head") == "records/head"


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("plans", "There is no schema 'plans'.", "Did you mean 'plan'? `gitcoord schema` lists them."),
        ("documents/stpe", "There is no schema 'documents/stpe'.", "Did you mean 'documents/step'?"),
        ("heartbeat", "Several schemas are called 'heartbeat'.", "Say documents/heartbeat or commands/heartbeat."),
    ],
)
def test_a_schema_that_is_not_there_is_refused_with_what_was_meant(name: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidError) as caught:
        catalog.full_name(name)

    assert str(caught.value) == message
    assert (caught.value.hint or "").startswith(hint)
