"""Refs below the namespace that are no ledgers: each is what its place is for, or goes away.

    heartbeats/<clone>      a heartbeat of that clone, or a judgement of one that has never beaten
    relay/<name>            the document of a relay
    inbox/<ledger>/<post>   what the clone in its name posts for that ledger, or a post of a newer version
    archive/<ledger>/<n>    the tip that a roll of that ledger put there
    probe/…                 a commit, which is deleted at once
    anything else           of a newer gitcoord, or of someone else

Rules:
  * What a newer gitcoord may have put there goes only with a person. So does an archive that has a history: the roll
    that says another one belongs there may be forged.
  * Archives may be large: one is looked at as far as its ledger's history, or what is here already, says what it is.
  * Such refs come and go while they are looked at. One that has moved since is not named.

What this file does not know: ledgers.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from gitcoord.core.documents.names import shown
from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, post
from gitcoord.ledger.format.refs import ARCHIVES, RELAYS, Refs
from gitcoord.ledger.format.root_commit import archived_at, replaced_by
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.liveness import judgements
from gitcoord.ledger.readers import relay_document
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, Transport
from gitcoord.service.doctor.authors import written_by
from gitcoord.service.doctor.check_run import Finding, Status
from gitcoord.service.doctor.replaced import deletion
from gitcoord.service.doctor.site import Site


def findings(site: Site, reader: Reader, transport: Transport, listed: Mapping[RefName, Oid]) -> Iterator[Finding]:
    """Yield what is wrong with the refs of a listing that are no ledgers."""
    refs = site.at_place().refs
    archives = transport.read([refs.below(ARCHIVES)])
    others = {ref: tip for ref, tip in listed.items() if not LEDGERS.is_ledger(refs, ref)} | {**archives}
    rolled = _rolled(transport.objects, refs, listed) if archives else {}
    found = dict[RefName, str]()
    for ref, tip in sorted(others.items()):
        if refs.is_at(ARCHIVES, ref):
            why = _archive_fault(transport.objects, ref, tip, rolled)
        else:
            why = _fault(reader, transport, refs, ref, tip)
        if why:
            found[ref] = why
    again = {**transport.read(refs.everything), **transport.read([refs.below(ARCHIVES)])} if found else {}
    for ref, why in found.items():
        if again.get(ref) == others[ref]:
            has_history = refs.is_at(ARCHIVES, ref) and not _no_commit(transport.objects, others[ref])
            who = written_by(transport.objects, others[ref])
            yield _finding(site, ref, others[ref], f"{why}{who}", has_history=has_history)


def _fault(reader: Reader, transport: Transport, refs: Refs, ref: RefName, tip: Oid) -> str:
    """Return why a ref is not what its place is for, as a sentence; "": it is."""
    objects = transport.objects
    try:
        transport.fetch([tip])
        if (clone := refs.clone_of(ref)) is not None:
            return _heartbeat_fault(reader, objects, ref, tip, clone)
        if refs.is_at(RELAYS, ref):
            relay_document.read(objects, ref, tip)
        elif refs.is_inbox(ref):
            return _post_fault(objects, refs, ref, tip)
        elif refs.is_probe(ref):
            commits.read(objects, tip)
        else:
            return f"{ref} is no ref that this gitcoord knows."
    except DocumentError as error:
        return str(error) if error.where == ref else f"{ref} at {tip[:12]} is damaged: {error}"
    except MissingObjectError as error:
        return f"{ref} at {tip[:12]} is not whole there: {error}"
    return ""


def _heartbeat_fault(reader: Reader, objects: Objects, ref: RefName, tip: Oid, clone: str) -> str:
    reader.problems.pop(ref, None)
    found = reader.heartbeats({ref: tip}).get(clone)
    if ref in reader.problems:
        return f"{ref} at {tip[:12]} is damaged: {reader.problems[ref]}"
    if found is None:
        return f"{ref} at {tip[:12]} is no heartbeat." if judgements.judged(objects, tip) is not None else ""
    said = found[1].clone
    return f"{ref} at {tip[:12]} is a heartbeat of another clone, {shown(said)}." if said != clone else ""


def _post_fault(objects: Objects, refs: Refs, ref: RefName, tip: Oid) -> str:
    name, said = refs.post_at(ref), post.commands_in(objects, tip)
    if said is not None and said.version != post.VERSION:
        return ""
    if name is None or post.read(objects, ref, tip, name.clone, name.ledger) is None:
        return f"{ref} at {tip[:12]} is no post of that clone for that ledger."
    return ""


def _rolled(objects: Objects, refs: Refs, listed: Mapping[RefName, Oid]) -> dict[RefName, Oid]:
    """Return which tips the rolls of ledgers have put into archives, as far as their histories are here."""
    found = dict[RefName, Oid]()
    for ref, tip in listed.items():
        if not LEDGERS.is_ledger(refs, ref):
            continue
        with suppress(CoordError):  # where it is damaged, history ends
            for _, commit in commits.walk(objects, tip):
                archive, replaced = archived_at(commit.message), replaced_by(commit.message)
                if not commit.parents and archive and replaced and archive.startswith(refs.archive(ref, "")):
                    found.setdefault(archive, replaced)
    return found


def _archive_fault(objects: Objects, ref: RefName, tip: Oid, rolled: Mapping[RefName, Oid]) -> str:
    wanted, damage = rolled.get(ref, tip), _no_commit(objects, tip)
    if damage:
        return f"{ref} at {tip[:12]} is damaged: {damage}"
    return f"{ref} is at {tip[:12]}, and the ledger's roll has put {wanted[:12]} there." if wanted != tip else ""


def _no_commit(objects: Objects, tip: Oid) -> str:
    """Return why what is here of a tip is no commit, as a sentence; "": it may be one."""
    try:
        if objects.has(tip):
            commits.read(objects, tip)
    except (DocumentError, MissingObjectError) as error:
        return str(error)
    return ""


def _finding(site: Site, ref: RefName, tip: Oid, why: str, *, has_history: bool) -> Finding:
    refs = site.at_place().refs
    then = _then(refs, ref)
    why_ask, needs_person = then or "a newer gitcoord may need it", has_history or not then
    repair = deletion(site, ref, tip, why_ask, needs_person=needs_person)
    asks = f"gitcoord doctor --repair asks, at a terminal, whether to delete {ref}."
    if not then:
        hint = f"Upgrade gitcoord here. If no newer one wrote it: {asks}"
        return Finding(Status.WARN, why, hint, {"unknown": [ref]}, (repair,))
    hint = asks if has_history else f"gitcoord doctor --repair deletes {ref}."
    return Finding(Status.FAIL, why, hint, {"damaged": [ref]}, (repair,))


def _then(refs: Refs, ref: RefName) -> str:
    """Return what becomes of it once such a ref is deleted; "": that is not known."""
    if refs.clone_of(ref) is not None:
        return "no clone can read it; its own clone writes it again with its next heartbeat"
    if refs.is_at(RELAYS, ref):
        return "no clone can read it; this relay begins anew when it runs next, with what happens from then on"
    if refs.is_inbox(ref):
        return "no clone carries it out; the clone that posted it does that itself"
    if refs.is_at(ARCHIVES, ref):
        return "audits and logs of its ledger begin at the roll then"
    return "nothing needs it" if refs.is_probe(ref) else ""
