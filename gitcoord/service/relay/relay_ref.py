"""The ref of a relay: `relay.json` in one commit, which the next one replaces, as a heartbeat's.

Rules:
  * RELAY-1: it is only ever moved by a swap, decided on what is there, and again after each lost race.
  * Nothing of someone else's is written over.

What this file does not know: what a relay delivers.
"""

from collections.abc import Callable, Mapping

from filelock import Timeout

from gitcoord.core.documents.names import token
from gitcoord.core.relay.relay import Relay
from gitcoord.errors import ContendedError, DocumentError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.refs import RELAYS
from gitcoord.ledger.leader.lead_time import delays
from gitcoord.ledger.readers import relay_document
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.config_ref import check_won


def ref_of(workspace: Workspace, name: str) -> RefName:
    """Return the ref of a relay.

    Raises:
        InvalidError: a relay cannot be called so.
    """
    return workspace.setting.refs.below(RELAYS + token(name, "relay"))


def look(workspace: Workspace, ref: RefName) -> tuple[Oid | None, Relay | None]:
    """Return a relay as it is now, with the tip of its ref; `None`: there is none.

    Raises:
        DocumentError: what is there was not written by gitcoord.
        UnreachableError: it cannot be read.
    """
    transport = workspace.setting.transport
    tip = transport.read([ref]).get(ref)
    if tip is None:
        return None, None
    transport.fetch([tip])
    return tip, relay_document.read(transport.objects, ref, tip)


def every(workspace: Workspace) -> Mapping[str, Relay]:
    """Return all relays, by name; one that cannot be read is left out.

    Raises:
        UnreachableError: they cannot be read.
    """
    transport, prefix = workspace.setting.transport, workspace.setting.refs.below(RELAYS)
    tips = transport.read([prefix])
    transport.fetch(tips.values())
    return every_at(workspace, tips)


def every_at(workspace: Workspace, listed: Mapping[RefName, Oid]) -> Mapping[str, Relay]:
    """Return all relays of refs whose commits are here, by name; one that cannot be read is left out."""
    prefix = workspace.setting.refs.below(RELAYS)
    found: dict[str, Relay] = {}
    for ref, tip in sorted(listed.items()):
        if not ref.startswith(prefix):
            continue
        try:
            found[ref.removeprefix(prefix)] = relay_document.read(workspace.setting.transport.objects, ref, tip)
        except DocumentError:
            continue
    return found


def change(workspace: Workspace, name: str, decide: Callable[[Relay | None], Relay | None]) -> Relay | None:
    """Change a relay; return it as it is then. `None`: there was nothing to change.

    Raises:
        DocumentError: what is there was not written by gitcoord.
        ContendedError, DeniedError, UnreachableError, UnknownOutcomeError: it was not written.
        CoordError: what `decide` raises.
    """
    host, ref, sent = workspace.setting.host, ref_of(workspace, name), dict[Oid, Relay]()
    workspace.follow()  # before the lock, which publishing takes as well
    outcome = SwapOutcome(SwapStatus.LOST)
    try:
        with workspace.combiner.lock():
            for delay in delays(host.chance):
                tip, before = look(workspace, ref)
                if tip is not None and tip in sent:  # its answer was lost
                    return sent[tip]
                after = decide(before)
                if after is None:
                    return None
                update = _written(workspace, ref, tip, after)
                outcome = workspace.setting.push([update])
                if outcome.status is SwapStatus.WON:
                    return after
                if outcome.status not in (SwapStatus.LOST, SwapStatus.UNKNOWN):
                    break
                sent |= {update.new: after} if update.new else {}
                host.sleep(delay)
    except Timeout:
        message = "Another process of this clone holds the lock; nothing was changed."
        raise ContendedError(message, hint="Try again.") from None
    check_won(outcome, f"the relay {name}")
    return None


def _written(workspace: Workspace, ref: RefName, tip: Oid | None, relay: Relay) -> RefUpdate:
    setting = workspace.setting
    objects, now = setting.transport.objects, setting.host.now()
    tree = trees.write(objects, trees.EMPTY, {relay_document.FILE: relay.encode()}).oid or Oid("")
    parents = [tip] if tip and setting.refs.under_heads else []
    title = f"relay {relay.name}: {len(relay.waiting)} to try again"
    return RefUpdate(ref, tip, commits.write(objects, tree, parents, setting.clone.signature, now, title))


def remove(workspace: Workspace, name: str) -> bool:
    """Take a relay away; return whether there was one.

    Raises:
        CoordError: it was not taken away.
    """
    ref = ref_of(workspace, name)
    workspace.follow()
    tip = workspace.setting.transport.read([ref]).get(ref)
    if tip is not None:
        check_won(workspace.setting.push([RefUpdate(ref, tip, None)]), f"the relay {name}")
    return tip is not None
