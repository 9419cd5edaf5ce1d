"""The team's policy: read by everyone, changed by a person, kept in `refs/coord/config`."""

import dataclasses

from gitcoord.core.documents.doc import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import LEAST, Policy, PolicyError
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.errors import InvalidError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import config_ref
from gitcoord.service.team.config_ref import Change, Now

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "auto": None}


def get_policy(workspace: Workspace) -> dict[str, Json]:
    """Return every field of the policy, defaults too; `null` means that it depends (see the field)."""
    policy = _read(workspace)
    return {"policy": {name: getattr(policy, name) for name in fields()}}


def is_private(workspace: Workspace) -> bool:
    """Whether what people write in their own words stays out of the ledgers."""
    return _read(workspace).is_private


def set_policy(workspace: Workspace, *, name: str, value: str) -> dict[str, Json]:
    """Change one field for the whole team: `true`, `false`, a number, a folder, or `auto` where that is the default.

    Raises:
        InvalidError: there is no such field, or it cannot have this value.
        CoordError: it was not written; see `config_ref.write`.
    """
    if name not in fields():
        hint = f"{did_you_mean(name, fields())}It is one of {', '.join(fields())}."
        raise InvalidError(f"There is no policy {shown(name)}.", hint=hint)
    word = _parsed(name, value)

    def decide(now: Now) -> Change:
        with workspace.lock:
            policy = workspace.reader.policy(workspace.setting.refs.config, now.listed).evolve(**{name: word})
        title = f"policy {name} = {word} by {workspace.agent}"
        given: dict[str, Json] = {"name": name, "value": word}
        edits: dict[str, bytes | None] = {config_ref.POLICY: policy.encode()}
        return Change(title, "set_policy", given, edits, "policy_set", given)

    config_ref.write(workspace, "the policy", decide)
    if workspace.wake is not None:
        workspace.wake()  # hooks go by what the snapshot says of it
    return get_policy(workspace)


def _read(workspace: Workspace) -> Policy:
    listed = workspace.listed()
    with workspace.lock:
        return workspace.reader.policy(workspace.setting.refs.config, listed)


def _parsed(name: str, value: str) -> bool | float | str | None:
    """Return a value as the field's type; its default says which that is."""
    default: bool | float | str | None = getattr(Policy(), name)
    try:
        if default is None or isinstance(default, bool):
            words = {word: value for word, value in _WORDS.items() if value is not None or default is None}
            parsed = words[value]
        else:
            parsed = type(default)(value)
        _ = Policy().evolve(**{name: parsed})
    except PolicyError as error:
        raise InvalidError(f"{error}.", hint=_hint(default)) from None
    except (KeyError, ValueError):
        raise InvalidError(f"{name} cannot be {value!r}.", hint=_hint(default)) from None
    least = LEAST.get(name, 0)
    if isinstance(parsed, int) and 0 < parsed < least:
        hint = "Clocks may be wrong by five minutes, and no live session may lose a claim for that."
        raise InvalidError(f"{name} must be 0, for never, or at least {least}.", hint=hint)
    return parsed


def _hint(default: object) -> str:
    if default is None or isinstance(default, bool):
        return "Give true or false."
    if isinstance(default, str):
        return f"Give another word than {default}, or that." if default else "Give a folder."
    return f"Give a number; {default} is the default."


def fields() -> list[str]:
    """Return the names of the fields."""
    return [field.name for field in dataclasses.fields(Policy) if field.name != "extra"]
