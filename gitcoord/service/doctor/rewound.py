"""Checks of ledgers that are back before what this clone saw of them, or gone (SAFE-9), and what can be decided.

A push with --mirror from a clone that has none of them deletes them; a backup that was restored, and a forced push, put
them back. What this clone saw is published again where its commits are here; or what is there now is accepted, and no
number is given a second time. Which one, a person decides: one of two histories is lost.

What only another clone's heartbeat tells may be wrong: that heartbeat is named, and can be deleted. A clone that saw
more says so again with its next beat.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, takewhile

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.rewind import Mark
from gitcoord.errors import ContendedError, CoordError, RewoundError
from gitcoord.ledger.format.commits import walk
from gitcoord.ledger.rewinds.restore import Restorer
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate
from gitcoord.service.doctor.check_run import Check, Finding, Repair, Status, ok, together
from gitcoord.service.doctor.replaced import deletion, keeper
from gitcoord.service.doctor.site import Site
from gitcoord.service.doctor.store import locked

SHOWN_MAX = 5
_UNREAD = "what cannot be read"
_AGAIN = "a clone that saw more says so again with its next heartbeat"
_ELSEWHERE = "is not here: run this in the clone that was at work last, or in one whose server ran then."


def checks(site: Site) -> list[Check]:
    """Return the checks of what was deleted and of what is back."""
    return [Check("deleted", lambda: deleted(site)), Check("rewound", lambda: rewound(site))]


def deleted(site: Site) -> Finding:
    """Look for ledgers that were there and are not any more."""
    listed = _readable(site)
    found = [_gone(site, error) for error in site.rewound() if error.where not in listed]
    return together(found, ok("every ledger that this clone has seen there is there"))


def rewound(site: Site) -> Finding:
    """Look for ledgers that lack what this clone saw, and for heartbeats that tell of more than can have been."""
    listed = _readable(site)
    found = [_back(site, error, listed[ref]) for error in site.rewound() if (ref := RefName(error.where)) in listed]
    found += _overstated(site, listed)
    return together(found, ok("no ledger is back before what this clone has seen"))


def _readable(site: Site) -> dict[RefName, Oid]:
    listed = site.hear()
    if site.rewound():
        site.forget()
        listed = site.hear()
    return {**listed}


def _overstated(site: Site, listed: Mapping[RefName, Oid]) -> Iterator[Finding]:
    seen_by_clone: dict[str, list[str]] = {}
    for ref, seq, clone in site.lookback().overstated(listed, site.host.now()):
        if site.at_place().refs.heartbeat(clone) in listed:  # not deleted since it was heard
            seen_by_clone.setdefault(clone, []).append(f"{ref} at sequence number {seq}")
    for clone, said in seen_by_clone.items():
        beat = site.at_place().refs.heartbeat(clone)
        text = (
            f"{beat} says that its clone saw {_list(said)}, more than can have been written; that counts for nothing."
        )
        hint = f"gitcoord doctor --repair deletes {beat}; its clone writes it again with its next heartbeat."
        repair = deletion(site, beat, listed[beat], _AGAIN)
        yield Finding(Status.WARN, text, hint, {"overstated": [beat]}, (repair,))


def _unheard(site: Site, error: RewoundError) -> Repair:
    """Take out the heartbeat by which alone a ledger is back or gone."""

    def do() -> str:
        site.forget()
        listed = _readable(site)
        if not any((loss.where, loss.clone) == (error.where, error.clone) for loss in site.rewound()):
            return f"{beat} needs no decision any more"
        return site.remove(RefUpdate(beat, listed.get(beat), None))

    beat = site.at_place().refs.heartbeat(error.clone)
    keeps, is_first = keeper(site, beat, site.listed().get(beat)), error.where == site.at_place().refs.config
    return Repair(f"or else delete {beat}, which alone says so", do, _AGAIN, keeps, is_else=True, is_first=is_first)


def _gone(site: Site, error: RewoundError) -> Finding:
    ref, mark = RefName(error.where), site.mark_of(RefName(error.where))
    repairs = [_keep(site, ref, None, f"accept that {ref} is gone", "what was in it is lost for every clone")]
    if site.has(mark) and not error.clone:
        again = _put_back(site, ref, None, f"publish {ref} again as it was at {_short(mark)}", "")
        repairs = [again, replace(repairs[0], is_else=True)]
    if error.clone:
        repairs.append(_unheard(site, error))
    hint = f"gitcoord doctor --repair publishes {ref} again, or accepts that it is gone."
    if error.clone or not site.has(mark):
        hint = f"The commit of {ref} {_ELSEWHERE} Or accept that it is gone: gitcoord doctor --repair."
    return Finding(Status.FAIL, str(error), hint, {"deleted": [ref]}, tuple(repairs))


def _back(site: Site, error: RewoundError, tip: Oid) -> Finding:
    ref, mark = RefName(error.where), site.mark_of(RefName(error.where))
    objects = site.objects_with(mark)
    facts: dict[str, Json] = {"rewound": [ref]}
    if not site.has(mark) or error.clone:
        keep = _keep(site, ref, tip, f"accept {ref} as it is now", "what this clone saw and the remote lacks is lost")
        hint = f"The commit of {ref} {_ELSEWHERE} Or accept what is there now: gitcoord doctor --repair."
        return Finding(Status.FAIL, str(error), hint, facts, (keep, _unheard(site, error)) if error.clone else (keep,))
    ours, theirs = _only_in(objects, Oid(mark.tip), tip), _only_in(objects, tip, Oid(mark.tip))
    facts |= {"lacks": [*ours], "written_since": [*theirs]}
    lacks, since = _list(map(_quoted, ours)), _list(map(_quoted, theirs))
    lost = f"written there since, and lost then: {since}" if theirs else "nothing was written there since"
    put_back = _put_back(site, ref, tip, f"put {ref} back to what this clone saw, {_short(mark)}", lost)
    keep = replace(_keep(site, ref, tip, f"accept {ref} as it is now", f"lost then: {lacks}"), is_else=True)
    text = f"{error} It lacks {lacks}. Written there since: {since}."
    hint = f"gitcoord doctor --repair asks whether to put {ref} back, or to accept what is there; --yes puts it back."
    return Finding(Status.FAIL, text, hint, facts, (put_back, keep))


def _put_back(site: Site, ref: RefName, tip: Oid | None, text: str, why: str) -> Repair:
    def do(restorer: Restorer, mark: Mark) -> str:
        site.bring(mark)
        return restorer.put_back(ref, mark)

    is_first = ref == site.at_place().refs.config
    return Repair(text, lambda: _decided(site, ref, tip, do), why, keeper(site, ref, tip), is_first=is_first)


def _keep(site: Site, ref: RefName, tip: Oid | None, text: str, why: str) -> Repair:
    mark = site.mark_of(ref)
    keeps = keeper(site, ref, Oid(mark.tip)) if site.has(mark) else None
    is_first = ref == site.at_place().refs.config

    def do(restorer: Restorer, mark: Mark) -> str:
        return restorer.keep(ref, mark)

    return Repair(text, lambda: _decided(site, ref, tip, do), why, keeps, is_first=is_first)


def _decided(site: Site, ref: RefName, tip: Oid | None, do: Callable[[Restorer, Mark], str]) -> str:
    """Carry out a decision about a ledger as it was looked at; none, where another was carried out meanwhile."""
    with locked(site):
        site.forget()
        listed = _readable(site)
        if not any(error.where == ref for error in site.rewound()):
            return f"{ref} needs no decision any more"
        if listed.get(ref) != tip:
            raise ContendedError(f"{ref} has moved since it was looked at.", hint="Run gitcoord doctor again.")
        try:
            return do(site.restorer(), site.mark_of(ref))
        finally:
            site.forget()


def _only_in(objects: Objects, tip: Oid, other: Oid) -> list[str]:
    """Return what one history has and the other lacks: the subjects of commits, newest first."""
    found = list[str]()
    try:
        theirs = {oid for oid, _ in walk(objects, other)}
        for _, commit in islice(takewhile(lambda pair: pair[0] not in theirs, walk(objects, tip)), 1000):
            found.append(commit.message.partition("\n")[0])
    except CoordError:
        found.append(_UNREAD)
    return found


def _quoted(subject: str) -> str:
    return subject if subject == _UNREAD else shown(subject)


def _list(texts: Iterable[str]) -> str:
    listed = [*texts]
    more = f", and {len(listed) - SHOWN_MAX} more" if len(listed) > SHOWN_MAX else ""
    return f"{'; '.join(listed[:SHOWN_MAX])}{more}" if listed else "nothing"


def _short(mark: Mark) -> str:
    return mark.tip[:12]
