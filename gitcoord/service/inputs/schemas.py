"""JSON Schemas of the files that people write, by which editors complete and check them."""

from collections.abc import Mapping

from gitcoord.core.documents.doc import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.errors import InvalidError
from gitcoord.service.inputs.mistakes import Input, schema_of
from gitcoord.service.inputs.owners_input import OwnersInput
from gitcoord.service.inputs.plan_input import PlanInput
from gitcoord.service.inputs.policy_input import PolicyInput

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MODELS: Mapping[str, type[Input]] = {"plan": PlanInput, "owners": OwnersInput, "policy": PolicyInput}


def schema(name: str) -> dict[str, Json]:
    """Return the JSON Schema of a kind of file: `plan`, `owners` or `policy`.

    Raises:
        InvalidError: there is no such kind.
    """
    if name not in MODELS:
        hint = f"{did_you_mean(name, MODELS)}It is one of {', '.join(MODELS)}."
        raise InvalidError(f"There is no schema {shown(name)}.", hint=hint)
    return {"$schema": DIALECT, **schema_of(MODELS[name])}
