"""The policy as a person sets it: the model of its fields, what each decides, and which values it takes.

What is kept is a `Policy` (`core/documents/policy`), which is read without this; a test holds that both take the same.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from gitcoord.core.documents.policy import LARGEST, LEAST, PolicyError, pins_of
from gitcoord.errors import InvalidError
from gitcoord.service.inputs import mistakes
from gitcoord.service.inputs.mistakes import Input, Text, WrongError

_LEAST_MINUTES = LEAST["idle_minutes"]


def _says(purpose: str) -> Any:  # noqa: ANN401 - as pydantic types it
    return Field(description=purpose)


def _idle(minutes: int) -> int:
    if 0 < minutes < _LEAST_MINUTES:
        hint = "Clocks may be wrong by five minutes, and no live session may lose a claim for that."
        raise WrongError(InvalidError(f"idle_minutes must be 0, for never, or at least {_LEAST_MINUTES}.", hint=hint))
    return minutes


def _pins(text: str) -> str:
    try:
        pins_of(text)
    except PolicyError as error:
        hint = "As in ann/*=ann@example.org, bob/*=key:bob@example.org"
        raise WrongError(InvalidError(f"pin_agents: {error}.", hint=hint)) from None
    return text


_Count = Annotated[int, Field(ge=0, le=LARGEST)]
_Minutes = Annotated[
    _Count,
    AfterValidator(_idle),
    Field(json_schema_extra={"not": {"exclusiveMinimum": 0, "exclusiveMaximum": _LEAST_MINUTES}}),
]


class PolicyInput(Input):
    """A policy is a mapping of names."""

    model_config = ConfigDict(title="policy")

    auto_recover: Annotated[bool, _says("claiming a step takes over a stale one when nothing else is available")] = True
    strict_complete: Annotated[
        bool, _says("a commit off the step's branch, without its work, or outside its paths, is refused")
    ] = False
    require_pushed: Annotated[
        bool | None, _says("completing needs a pushed commit; auto: while another clone is live")
    ] = None
    max_claim_files: Annotated[_Count, _says("files that one claim may match; 0 is no limit")] = 100
    max_claim_ratio: Annotated[
        float, Field(ge=0, le=1), _says("share of all files that one claim may match; 0 is no limit")
    ] = 0.2
    claim_scope: Annotated[Text, _says("the folder in which max_claim_files counts")] = ""
    release_on_merge: Annotated[bool, _says("claims end when their branch landed")] = True
    complete_on_merge: Annotated[bool, _says("a held step is completed when its branch landed")] = True
    idle_minutes: Annotated[
        _Minutes,
        _says("a claim ends when its session was silent for so many minutes; at least 10, or 0 for never"),
    ] = 30
    strict_read: Annotated[bool, _says("readers and writers of one place conflict")] = False
    hard_requires_owner: Annotated[bool, _says("places of severity hard are claimed by their owners only")] = False
    queue_age_boost_s: Annotated[_Count, _says("a call that waits for so long goes up one level; 0 never")] = 60
    max_claims_per_agent: Annotated[_Count, _says("claims of one agent; 0 is no limit")] = 200
    max_waiting_per_agent: Annotated[_Count, _says("calls in line; 0 is no limit")] = 20
    max_waiting: Annotated[_Count, _says("calls in line of all agents; 0 is no limit")] = 500
    auto_promote_threshold: Annotated[_Count, _says("refusals in 7 days that make a file a shared one; 0 never")] = 0
    subtree_min_files: Annotated[_Count, _says("this many promoted files of a folder promote the folder; 0 never")] = 3
    auto_claim: Annotated[bool, _says("a free file is claimed by its first edit")] = True
    enforce: Annotated[bool, _says("what a git hook or CI cannot judge is stopped")] = False
    require_claims: Annotated[bool, _says("CI refuses changes that were never claimed for their branch")] = False
    pre_commit: Annotated[
        Literal["warn", "refuse"], _says("for a commit of files that others hold: warn, or refuse")
    ] = "warn"
    trailers: Annotated[bool, _says("commits for a held step name step, fence and agent")] = True
    texts: Annotated[
        Literal["shared", "private"],
        _says("shared, or private: no titles, descriptions, reasons and notes in the ledgers"),
    ] = "shared"
    archives_kept: Annotated[_Count, _says("archives of each ledger that stay; 0 is all")] = 2
    signed: Annotated[
        Literal["off", "required"], _says("required: what is written to the ledgers is signed by a key that is known")
    ] = "off"
    pin_agents: Annotated[
        Text, AfterValidator(_pins), _says("whose the names of agents are: ann/*=ann@example.org, bob/*=key:…")
    ] = ""


def purposes() -> dict[str, str]:
    """Return what each field decides, short enough for a table."""
    return {name: field.description or "" for name, field in PolicyInput.model_fields.items()}


def value_of(name: str, text: str) -> bool | float | str | None:
    """Return what a word on the command line is as the value of a field that there is.

    Raises:
        InvalidError: the field cannot have this value.
    """
    policy, found = mistakes.check(PolicyInput, {name: _meant(name, text)}, lambda _: None)
    if policy is None:
        mistake, default = found[0], getattr(PolicyInput(), name)
        word, also = ("auto", ", or auto") if default is None else (str(default).lower() or "none", "")
        hint = f"{name}: {mistake.hint}. {word} is the default." if mistake.hint == purposes()[name] else mistake.hint
        raise InvalidError(f"{mistake.problem}{also}.", hint=hint)
    value: bool | float | str | None = getattr(policy, name)
    return value


def _meant(name: str, text: str) -> object:
    """Return a word as JSON has it, where the field is no text; `auto` is nothing, where a field can be that."""
    default = getattr(PolicyInput(), name)
    if isinstance(default, str):
        return text
    if default is None and text == "auto":
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float) else text
