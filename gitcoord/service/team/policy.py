"""The team's policy: read by everyone, changed by a person, kept in `refs/coord/config`."""

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import Policy
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.errors import InvalidError
from gitcoord.ledger.format.team_layout import POLICY
from gitcoord.ledger.transactions import author_rule
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import config_ref
from gitcoord.service.team.config_ref import Change, Now


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
        AuthorError: it would take no more from this clone.
        CoordError: it was not written; see `config_ref.write`.
    """
    if name not in fields():
        hint = f"{did_you_mean(name, fields())}It is one of {', '.join(fields())}."
        raise InvalidError(f"There is no policy {shown(name)}.", hint=hint)
    from gitcoord.service.inputs import policy_input  # who only reads a policy does not check one

    word = policy_input.value_of(name, value)
    asked = Policy().evolve(**{name: word})  # who turns it on is the first whom it keeps out
    author_rule.check_own(asked, workspace.agent, workspace.setting.clone.signature)

    def decide(now: Now) -> Change:
        with workspace.lock:
            policy = workspace.reader.policy(workspace.setting.refs.config, now.listed).evolve(**{name: word})
        title = f"policy {name} = {word} by {workspace.agent}"
        given: dict[str, Json] = {"name": name, "value": word}
        edits: dict[str, bytes | None] = {POLICY: policy.encode()}
        return Change(title, "set_policy", given, edits, "policy_set", given)

    config_ref.write(workspace, "the policy", decide)
    if workspace.wake is not None:
        workspace.wake()  # hooks go by what the snapshot says of it
    return get_policy(workspace)


def _read(workspace: Workspace) -> Policy:
    listed = workspace.listed()
    with workspace.lock:
        return workspace.reader.policy(workspace.setting.refs.config, listed)


def fields() -> list[str]:
    """Return the names of the fields."""
    return [name for name in Policy.__struct_fields__ if name != "extra"]
