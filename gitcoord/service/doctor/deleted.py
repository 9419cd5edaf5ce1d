"""Check of what somebody deleted at the remote: ledgers that this clone has seen there and that are gone.

No command of gitcoord deletes a ledger. A `git push --mirror` from an ordinary clone does, because that has none of
them. What this clone's store has of them can be published again: as one commit without parents, so that the state is
whole and the history begins anew. What was written after this clone last read it is lost.
"""

from gitcoord.errors import CoordError, DeniedError, RepositoryError, UnreachableError
from gitcoord.ledger import commits
from gitcoord.remote import vanished
from gitcoord.remote.protocol import Oid, RefName, RefUpdate, SwapStatus
from gitcoord.service.doctor.checking import Check, Finding, NotCheckedError, Repair, Status, ok, together
from gitcoord.service.doctor.site import Site
from gitcoord.service.identity import signature_of

_ASK = "what was written after this clone last read it is lost; the clone that read it last has most"


def checks(site: Site) -> list[Check]:
    """Return the check of what was deleted."""
    return [Check("deleted", lambda: deleted(site))]


def deleted(site: Site) -> Finding:
    """Look for ledgers that were at the remote and are not any more."""
    place, _ = site.reached()
    if place.url is None:
        raise NotCheckedError("no remote is named; see refs")
    listed = site.listed()
    now_s = int(site.host.now().timestamp())
    key = vanished.place_key(place.url, f"{place.refs.namespace}/")
    known = vanished.noted(site.coordination / "store.git", key, now_s)
    gone = {ref: tip for ref, tip in known.items() if place.refs.is_ledger(ref) and ref not in listed}
    found = [_finding(site, ref, tip) for ref, tip in sorted(gone.items())]
    return together(found, ok("every ledger that this clone has seen there is there"))


def _finding(site: Site, ref: RefName, tip: Oid) -> Finding:
    text = f"{ref} was at the remote and is gone; somebody deleted it, perhaps by a push with --mirror."
    hint = f"gitcoord doctor --repair publishes it again from this clone ({_ASK}). If it was meant, leave it."
    repair = Repair(f"publish {ref} again as it was at {tip[:12]}", lambda: _publish(site, ref, tip), _ASK)
    return Finding(Status.WARN, text, hint, {"deleted": [ref]}, (repair,))


def _publish(site: Site, ref: RefName, tip: Oid) -> str:
    place, transport = site.reached()
    try:
        if ref != place.refs.config:
            site.reader().project(ref, tip)
        tree = commits.read(transport.objects, tip).tree
    except CoordError as error:
        raise RepositoryError(f"The store does not have {ref} whole: {error}", hint="Try in another clone.") from error
    who = signature_of(site.settings)
    title = f"publish {ref.rsplit('/', 1)[1]} again"
    new = commits.write(transport.objects, tree, [], who, site.host.now(), title)
    outcome = transport.swap([RefUpdate(ref, None, new)])
    site.forget()
    if outcome.status is SwapStatus.WON:
        return f"published {ref} again, as it was at {tip[:12]}"
    if outcome.status is SwapStatus.LOST:
        return f"{ref} is there again already: somebody else was faster"
    if outcome.status is SwapStatus.DENIED:
        raise DeniedError(f"The remote declined {ref}: {outcome.message}.", hint="Ask for the right to push there.")
    raise UnreachableError(f"{ref} could not be published: {outcome.message or outcome.status}.", hint="Try again.")
