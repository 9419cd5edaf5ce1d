"""The JSON Schemas of what people write: what editors go by is what is checked."""

import json
from typing import Any

import pytest

from gitcoord.errors import InvalidError
from gitcoord.service.inputs.schemas import MODELS, schema


@pytest.mark.parametrize("name", MODELS)
def test_each_kind_of_file_has_a_schema_that_says_what_each_field_is_for(name: str) -> None:
    found: Any = schema(name)

    assert found == json.loads(json.dumps(found))
    assert found["type"] == "object"
    whole = [found, *found.get("$defs", {}).values()]
    assert all(field["description"] for part in whole for field in part["properties"].values())


def test_a_schema_says_what_is_checked() -> None:
    plan: Any = schema("plan")
    owners: Any = schema("owners")

    step = plan["$defs"]["StepInput"]
    assert (plan["required"], step["required"]) == (["steps"], ["step_num"])
    assert (step["properties"]["step_num"]["minimum"], step["additionalProperties"]) == (1, False)
    assert owners["$defs"]["ModuleInput"]["properties"]["severity"]["anyOf"][0]["enum"] == ["soft", "hard"]


def test_a_schema_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidError, match="There is no schema 'plans'") as caught:
        schema("plans")

    assert caught.value.hint == "Did you mean 'plan'? It is one of plan, owners, policy."
