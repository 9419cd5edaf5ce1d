"""The team's policy: looked at by everybody, changed by a person, kept in `refs/coord/config`."""

import dataclasses

from filelock import Timeout

from gitcoord.core.doc import Json, canonical, load_object
from gitcoord.core.policy import Policy
from gitcoord.errors import (
    ContendedError,
    CoordError,
    DeniedError,
    DocumentError,
    InvalidError,
    MissingObjectError,
    SchemaError,
    UnknownOutcomeError,
    UnreachableError,
)
from gitcoord.ledger import commits, trees
from gitcoord.ledger.meta import SCHEMA, WRITER, Meta
from gitcoord.ledger.records import Read, head_line, message_of, policy_line
from gitcoord.ledger.retry import delays
from gitcoord.ledger.trees import Folder
from gitcoord.remote.protocol import Objects, Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.service.workspace import Workspace

_FILES = ("policy.json", "owners.yaml", "auto.yaml")  # what is kept at this ref; people write some of it by hand
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "auto": None}


def get_policy(workspace: Workspace) -> dict[str, Json]:
    """Return every field of the policy, defaults too; `null` means that it depends (see the field)."""
    listed = workspace.listed()
    with workspace.lock:
        policy = workspace.reader.policy(workspace.setting.refs.config, listed)
    return {"policy": {name: getattr(policy, name) for name in fields()}}


def set_policy(workspace: Workspace, *, name: str, value: str) -> dict[str, Json]:
    """Change one field for the whole team: `true`, `false`, or `auto` where that is the default.

    Raises:
        InvalidError: there is no such field, or it cannot have this value.
        SchemaError: a newer version wrote the policy.
        DocumentError: what is there was not written by gitcoord.
        ContendedError, DeniedError, UnreachableError, UnknownOutcomeError: it was not written.
    """
    if name not in fields():
        raise InvalidError(f"There is no policy {name!r}.", hint=f"It is one of {', '.join(fields())}.")
    if value not in _WORDS or (value == "auto" and getattr(Policy(), name) is not None):
        raise InvalidError(f"{name} cannot be {value!r}.", hint="Give true or false.")
    workspace.follow()  # before the lock, which publishing takes as well
    try:
        with workspace.combiner.lock():
            outcome = _swap_until_settled(workspace, name, _WORDS[value])
    except Timeout:
        message = "Another process of this clone holds the lock; nothing was changed."
        raise ContendedError(message, hint="Try again.") from None
    if outcome.status is not SwapStatus.WON:
        raise _error(outcome)
    return get_policy(workspace)


def fields() -> list[str]:
    """Return the names of the fields."""
    return [one.name for one in dataclasses.fields(Policy) if one.name != "extra"]


def _swap_until_settled(workspace: Workspace, name: str, value: bool | None) -> SwapOutcome:  # noqa: FBT001 - as below
    outcome = SwapOutcome(SwapStatus.LOST)
    for delay in delays(workspace.setting.host.chance):
        outcome = _swap(workspace, name, value)
        if outcome.status in (SwapStatus.WON, SwapStatus.DENIED, SwapStatus.UNREACHABLE):
            break
        workspace.setting.host.sleep(delay)
    return outcome


def _swap(workspace: Workspace, name: str, value: bool | None) -> SwapOutcome:  # noqa: FBT001 - the value of a policy
    setting = workspace.setting
    objects, ref, now = setting.transport.objects, setting.refs.config, setting.host.now()
    listed = workspace.listed()
    tip = listed.get(ref)
    folder = _folder(objects, ref, tip) if tip else trees.EMPTY
    with workspace.lock:
        policy = workspace.reader.policy(ref, listed).evolve(**{name: value})
    meta = _meta(objects, folder, ref).evolve(at=now)
    edits: dict[str, bytes | None] = {"policy.json": canonical(policy.dump()), "meta.json": canonical(meta.dump())}
    tree = trees.write(objects, folder, edits).oid or Oid("")
    title = f"policy {name} = {value} by {workspace.agent}"
    line = policy_line(workspace.actor(), name, value)
    message, _ = message_of(title, "\n".join([head_line(Read(now, {})), line]))
    commit = commits.write(objects, tree, [tip] if tip else [], setting.clone.signature, now, message)
    return setting.transport.swap([RefUpdate(ref, tip, commit)])


def _folder(objects: Objects, ref: RefName, tip: Oid) -> Folder:
    """Return what the team's ref holds, if it was written by us: nothing of somebody else's is written over."""
    try:
        folder = trees.load(objects, commits.read(objects, tip).tree)
        if any(folder.file(name) for name in _FILES):
            _meta(objects, folder, ref)
            return folder
        why = f"it has none of {', '.join(_FILES)}"
    except SchemaError:
        raise
    except (DocumentError, MissingObjectError) as error:
        why = str(error).rstrip(".")
    message = f"{ref} at {tip[:12]} was not written by gitcoord: {why}. Nothing was changed."
    hint = f"Whoever put it there moves it elsewhere; then `git update-ref -d {ref}` in the remote makes room."
    raise DocumentError(message, where=ref, hint=hint)


def _meta(objects: Objects, folder: Folder, ref: RefName) -> Meta:
    oid = folder.file("meta.json")
    meta = Meta.parse(load_object(objects.read(oid)[1])) if oid else Meta()
    if meta.writer_min > WRITER or meta.schema > SCHEMA:
        message = f"{ref} is written by a newer gitcoord (schema {meta.schema})."
        raise SchemaError(message, where=ref, hint="Upgrade gitcoord here; reading goes on.")
    return meta


def _error(outcome: SwapOutcome) -> CoordError:
    if outcome.status is SwapStatus.DENIED:
        return DeniedError(f"The remote declined the policy: {outcome.message}.", hint="Ask whoever runs it.")
    if outcome.status is SwapStatus.UNREACHABLE:
        return outcome.cause or UnreachableError(
            f"The policy could not be written: {outcome.message}.", hint="Try again."
        )
    if outcome.status is SwapStatus.UNKNOWN:
        text = f"No answer came back from the remote ({outcome.message}); the policy may have been written or not."
        return UnknownOutcomeError(text, hint="Look at it, then try again.")
    return ContendedError("Others changed the policy at every attempt.", hint="Look at it, then try again.")
