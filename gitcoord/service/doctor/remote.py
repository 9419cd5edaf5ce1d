"""Checks of the place to coordinate: whether it can be read and written, its host's limits, the clocks.

Rules:
  * With --offline nothing is sent and nothing is asked.
  * Writing is tried with refs of our own under `probe/`, which are deleted again.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import ahead_text
from gitcoord.core.documents.names import amount, shown
from gitcoord.errors import CoordError, DeniedError, DocumentError, MissingObjectError
from gitcoord.ledger.clone import files
from gitcoord.ledger.format import commits
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.liveness.clock_offset import said
from gitcoord.ledger.liveness.clocks import AHEAD_MAX, JUMP
from gitcoord.remote.contract.host_limits import Limit, host_of, limit_of
from gitcoord.remote.contract.protocol import FallsBack, Oid, RefName
from gitcoord.service.doctor.check_run import (
    Check,
    Finding,
    NotCheckedError,
    Repair,
    Status,
    fail,
    failed,
    ok,
    together,
    warn,
)
from gitcoord.service.doctor.replaced import deletion
from gitcoord.service.doctor.site import Site, SitePlace

WRITE_LIMIT_S = 60.0  # three pushes and a listing, each of which may take a network timeout
PERSON_S = 2.0  # a push over ssh takes 0.2 to 1 s; touching a key takes a person longer
SHARE_MAX = 0.5  # of a host's limit that beats alone may take; claims and steps have to be pushed, too
SEEN = timedelta(hours=1)  # four times the usual limit of silence: who beat within it counts as a clone that shares
YEAR_S = 365.25 * 24 * 3600
NTP: Final = "Let all machines set their clocks by the network (NTP)."
_PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY")
_SSH = re.compile(r"(?:git\+)?ssh://|[^/\\:]+@[^/\\:]+:|(?![A-Za-z][A-Za-z0-9+.-]*://)[^/\\:]{2,}:(?!\\)")


def checks(site: Site) -> list[Check]:
    """Return the checks of the place to coordinate."""
    return [
        Check("remote", lambda: remote(site)),
        Check("write", lambda: write(site), WRITE_LIMIT_S),
        Check("limits", lambda: limits(site)),
        Check("clock", lambda: clock(site)),
    ]


def remote(site: Site) -> Finding:
    """Look whether the remote can be read, and who shares it."""
    site.in_repository()
    if site.place is None:
        return failed(site.place_trouble) if site.place_trouble else fail("It cannot be opened.", "Look at the store.")
    place = site.place
    if place.url is None:
        named = "origin" if site.in_repository().remote_url("origin") else "<URL>"
        text = f"only this clone, with its worktrees; for others too: gitcoord init --remote {named}"
        return ok(text, remote=None, sharing="only this clone")
    _, transport = site.reached()
    began = site.host.monotonic()
    try:
        listed = site.listing()
    except CoordError as error:
        found = failed(error, remote=place.shown)
        return Finding(found.status, found.text, f"{found.hint} {_about_proxy(site, place.url)}".strip(), found.facts)
    took = site.host.monotonic() - began
    now = site.host.now()
    own = files.read_json(site.coordination / "clone.json").get("id")
    count = sum(
        1
        for clone, beat in site.heartbeats().items()
        if clone != own and beat.sessions and now - beat.beaten_at <= SEEN
    )
    sharing = f"shared with {amount(count, 'other clone')} that had a session recently"
    facts: dict[str, Json] = {"remote": place.shown, "sharing": sharing, "transport": transport.name}
    why_git = transport.why_git if isinstance(transport, FallsBack) else ""
    by_git = f"; git talks to it, since {why_git}" if why_git else ""
    if why_git:
        facts["why_git"] = why_git
    if why_git and isinstance(transport, FallsBack) and transport.looks_again:
        facts["looks_again"] = True
        by_git += ", and its yes proves nothing: a ref is looked at again after each write"
    text = f"{place.shown} answers in {took:.1f} s, {amount(len(listed), 'ref')}, {sharing}{by_git}"
    good = ok(text, **facts, refs=len(listed))
    # The refs that a listing passed over, which only the transport has seen.
    hint = "The remote's administrator puts the id of its last good commit into that file, or removes the file."
    faults = [fail(f"The ref {shown(fault.ref)} {fault.what}.", hint) for fault in transport.faults]
    if isinstance(transport, FallsBack) and not transport.compares:
        text = (
            "The remote takes a push whose old value is wrong: two clones that write at the same moment both may win."
        )
        faults.append(warn(text, "Coordinate at a server that compares, as git's own does.", compares=False))
    return together(faults, good)


def _about_proxy(site: Site, url: str) -> str:
    """Return what to do about a proxy, if the way to the remote is through one."""
    if not url.lower().startswith(("http://", "https://")):
        return ""
    named = next((name for name in _PROXIES if site.env.get(name)), None)
    if named:
        proxy = site.env[named]
        return f"A proxy is set in {named} ({proxy}): see that it runs and lets this host through, or set no_proxy."
    setting = site.in_repository().text("config", "--get", "http.proxy")
    return f"A proxy is set by git config http.proxy ({setting}): see that it runs." if setting else ""


def write(site: Site) -> Finding:
    """Try what coordinating needs: creating, replacing and deleting refs, several at once."""
    place = site.at_place()
    if place.url is None:
        raise NotCheckedError("no remote is named; see store")
    site.reached()
    site.listed()
    try:
        found = place.probe()
    except DeniedError as error:
        return fail(str(error), error.hint or f"Ask for the right to push {place.refs.namespace}/*.", code=error.code)
    except CoordError as error:
        return failed(error)
    listed = found.get("seconds")
    seconds = [value for value in listed if isinstance(value, (int, float))] if isinstance(listed, list) else []
    times = " and ".join(f"{value:.1f}" for value in seconds)
    atomic = "several refs at once" if found.get("atomic") else "one ref at a time"
    good = ok(f"{place.refs.namespace}/* can be created, replaced and deleted, {atomic}, in {times} s", **found)
    if found.get("atomic"):
        not_atomic = []
    else:
        text = "The remote does not push several refs at once (atomic), so a step and its files are written in turn."
        not_atomic = [warn(text, "It works; a server of git 2.4 or newer offers it (receive.advertiseAtomic).")]
    is_ssh = bool(place.url and _SSH.match(place.url))
    if not is_ssh or len(seconds) < 2 or min(seconds) < PERSON_S:  # noqa: PLR2004 - two in a row
        needs_person = []
    else:
        words = f"Two pushes in a row took {times} s: a person may have to confirm each (a security key's touch)."
        hint = "Use a key without touch, or beat rarely: git config gitcoord.beatSeconds 600."
        needs_person = [warn(words, hint, needs_person=True)]
    return together([*not_atomic, *needs_person], good)


def limits(site: Site) -> Finding:
    """Compare how often clones beat with what the host allows."""
    place = site.at_place()
    if place.url is None:
        raise NotCheckedError("no remote is named, so no host has limits")
    host = host_of(place.url)
    beat = f"this clone beats every {place.interval_s} s"
    limit = limit_of(host)
    facts: dict[str, Json] = {"host": host, "interval_s": place.interval_s}
    if limit is None:
        return ok(f"no limit is known of {host or 'this place'}; {beat}", **facts, pushes_per_minute=None)
    facts["pushes_per_minute"] = limit.pushes_per_minute
    good = ok(f"{host} {limit.words}; {beat}", **facts)
    return together(_too_often(site, place, limit), good)


def _too_often(site: Site, place: SitePlace, limit: Limit) -> list[Finding]:
    count = 1
    if not site.is_offline and not limit.is_each:
        now = site.host.now()
        count = max(1, sum(1 for beat in site.heartbeats().values() if now - beat.beaten_at <= SEEN))
    per_minute = count * 60 / place.interval_s
    if per_minute <= limit.pushes_per_minute * SHARE_MAX:
        return []
    wanted = min(600, int(count * 60 / (limit.pushes_per_minute * SHARE_MAX)) + 1)
    text = (
        f"{count} clone{'s' * (count != 1)} that beat every {place.interval_s} s make {per_minute:.1f} pushes a minute."
    )
    return [warn(text, f"In each clone: git config gitcoord.beatSeconds {wanted}", pushes_now=round(per_minute, 1))]


def clock(site: Site) -> Finding:
    """Compare this machine's clock with its own steady one, and with what others wrote."""
    site.in_repository()
    found = _jumped(site)
    now = site.host.now()
    good = ok("nothing is from the future", now=now.isoformat())
    try:
        ahead = _ahead(site, now)
    except NotCheckedError as reason:
        return together(found, Finding(Status.OK, f"steady; not compared with others: {reason}", facts=good.facts))
    there = site.at_place().time()
    off = None if there is None else site.host.now() - there
    if off is not None and abs(off) > AHEAD_MAX:
        found.append(warn(f"{said(off)}: its remote's.", NTP, off_s=round(off.total_seconds())))
    elif ahead:
        found.append(_future(site, *max(ahead)))
    return together(found, good)


def _future(site: Site, seconds: float, ref: RefName, tip: Oid) -> Finding:
    """Tell of a ref that is ahead, and by what that ends: each writer goes by its own clock again."""
    refs, span = site.at_place().refs, ahead_text(seconds)
    if seconds >= YEAR_S:
        span = amount(round(seconds / YEAR_S), "year")
    text = f"{ref} was written {span} in the future: its writer's clock is ahead, or this one is behind."
    ends_by, repairs = "The next command that writes there is dated by its writer's clock again.", tuple[Repair, ...]()
    if ref == refs.config:
        ends_by = "The next change of the rules (`gitcoord policy set`) is dated by its writer's clock again."
    elif refs.clone_of(ref) is not None:
        ends_by = (
            "Its clone's next heartbeat is right again. To delete this one: gitcoord doctor --repair, at a terminal."
        )
        why = "its clone writes it again with its next heartbeat; look first whether this machine's clock is right"
        repairs = (deletion(site, ref, tip, why, needs_person=True),)
    return Finding(Status.WARN, text, f"{NTP} {ends_by}", {"ahead_s": seconds, "ref": ref}, repairs)


def _jumped(site: Site) -> list[Finding]:
    known = files.read_json(site.coordination / "clocks.json")
    wall, ticks = files.time_in(known, "wall"), known.get("ticks")
    if wall is None or not isinstance(ticks, (int, float)) or known.get("boot") != site.host.boot:
        return []
    passed = timedelta(seconds=site.host.monotonic() - ticks)
    jump = (site.host.now() - wall) - passed
    if abs(jump) <= JUMP or passed < timedelta(0):
        return []
    text = f"The clock has jumped by {jump.total_seconds():.0f} s since this clone was last at work here."
    hint = "After a sleep that is well: for one beat no holder is judged. Otherwise see what sets the clock."
    return [warn(text, hint, jump_s=round(jump.total_seconds()))]


def _ahead(site: Site, now: datetime) -> list[tuple[float, RefName, Oid]]:
    """Return by how many seconds refs are ahead of this clock, of those that are too far ahead."""
    place, transport = site.reached()
    listed = site.listed()
    site.reader().prefetch(listed)
    found: list[tuple[float, RefName, Oid]] = []
    for ref, tip in listed.items():
        if not (LEDGERS.is_ledger(place.refs, ref) or place.refs.clone_of(ref)):
            continue
        try:
            moment = commits.read(transport.objects, tip).committed_at
        except (DocumentError, MissingObjectError):
            continue  # `ledgers` names it
        if moment - now > AHEAD_MAX:
            found.append(((moment - now).total_seconds(), ref, tip))
    return found
