"""Probing a remote: really creating, replacing and deleting a ref of its own, to see what is allowed there."""

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import DeniedError, UnknownOutcomeError, UnreachableError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import FallsBack, Oid, RefName, RefUpdate, SwapStatus, Transport


def probe(transport: Transport, refs: Refs, signature: Signature, host: Host) -> dict[str, Json]:
    """Try the remote and say what it is like. Under `refs/heads/` the probe is not deleted: nothing is, there.

    Two pushes in a row are timed (`seconds`): where a person has to confirm each, both are slow. Two refs are swapped
    at once, because a push of one ref does not ask for `atomic`.

    Raises:
        CoordError: it cannot be reached, or does not allow one of the three; the sentence says which.
    """
    listed = transport.read(refs.everything)
    ref = RefName(f"{refs.namespace}/probe/{host.draw_id()}")
    first = _commit(transport, [], signature, host)
    second = _commit(transport, [first] if refs.under_heads else [], signature, host)
    also = () if refs.under_heads else (RefName(f"{ref}-2"),)
    seconds: list[Json] = []
    steps = [("create", None, first), ("replace", first, second), ("delete", second, None)]
    for what, old, new in steps[:2] if refs.under_heads else steps:
        began = host.monotonic()
        updates = [RefUpdate(name, old, new) for name in (ref, *also)]
        outcome = transport.swap(updates)
        if outcome.status is SwapStatus.LOST and not transport.atomic:
            outcomes = [transport.swap([update]) for update in updates]
            outcome = next((swapped for swapped in outcomes if swapped.status is not SwapStatus.WON), outcomes[0])
        seconds.append(round(host.monotonic() - began, 3))
        if outcome.status is not SwapStatus.WON:
            text = f"The remote does not let us {what} {ref}: {outcome.message or outcome.status}."
            if outcome.status is SwapStatus.UNREACHABLE:
                raise UnreachableError(text, hint="Check the URL and the network.")
            if outcome.status is SwapStatus.DENIED:
                raise DeniedError(
                    text,
                    hint="Ask for the right to push refs/coord/*, by force too, or coordinate in another repository.",
                )
            raise UnknownOutcomeError(text, hint="Try again.")
        if old is None and ref not in transport.read([ref]):
            if isinstance(transport, FallsBack):  # no clone would see, and so delete, what is left over
                transport.withdraw(updates)
            else:
                for update in updates:
                    transport.swap([RefUpdate(update.ref, first, None)])
            hint = "Ask its administrator whether uploadpack.hideRefs names refs/coord, or coordinate elsewhere."
            raise DeniedError(f"The remote takes {ref} and does not list it.", hint=hint)
    return {
        "transport": transport.name,
        "atomic": transport.atomic,
        "sends_checks": transport.sends_checks,
        "refs": len(listed),
        "seconds": seconds[:2],
    }


def _commit(transport: Transport, parents: list[Oid], signature: Signature, host: Host) -> Oid:
    content = f'"{host.draw_id()}"\n'.encode()  # unique, so that a swap of it is a swap of ours
    tree = trees.write(transport.objects, trees.EMPTY, {"probe.json": content}).oid
    return commits.write(transport.objects, tree or Oid(""), parents, signature, host.now(), "probe")
