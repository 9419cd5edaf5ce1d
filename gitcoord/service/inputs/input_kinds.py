"""The kinds of files that people write, each with its model, of which its JSON Schema is made."""

from collections.abc import Mapping

from gitcoord.service.inputs.mistakes import Input
from gitcoord.service.inputs.owners_input import OwnersInput
from gitcoord.service.inputs.plan_input import PlanInput
from gitcoord.service.inputs.policy_input import PolicyInput

MODELS: Mapping[str, type[Input]] = {"plan": PlanInput, "owners": OwnersInput, "policy": PolicyInput}
