"""Checks of what is coordinated: the ledgers' last commits, sessions that are over, the ownership file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import GRACE, SessionBeat
from gitcoord.core.documents.names import amount
from gitcoord.core.documents.party import agent_level
from gitcoord.errors import (
    ContendedError,
    CoordError,
    DeniedError,
    InvalidError,
    MissingObjectError,
    SchemaError,
    UnreachableError,
)
from gitcoord.ledger.archive import remove
from gitcoord.ledger.archive.integrity import COMMITS_MAX, faults
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.records import RecordHead
from gitcoord.ledger.format.team_layout import AUTO
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.liveness.cleanup import UNTOUCHED
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.strays import repair_hint
from gitcoord.ledger.transactions.author_rule import check_own
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapStatus, Transport
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.service.doctor import counters, other_refs
from gitcoord.service.doctor.authors import written_by
from gitcoord.service.doctor.check_run import Check, Finding, NotCheckedError, Repair, Status, fail, ok, together, warn
from gitcoord.service.doctor.replaced import keeper
from gitcoord.service.doctor.site import Site
from gitcoord.service.doctor.store import locked, unreadable
from gitcoord.service.inputs import owners_input
from gitcoord.service.inputs.mistakes import located
from gitcoord.service.inputs.yaml_text import YamlError
from gitcoord.service.session.identity import signature_of
from gitcoord.service.session.problems import counting
from gitcoord.service.team import owners_file
from gitcoord.service.team.owner_lookup import text_of
from gitcoord.source.checkout.checkout_file import read_small

LEDGERS_LIMIT_S = 120.0  # a hundred commits of each of some dozen ledgers; 10,000 documents are read in about 5 s
OWNERS = Path(".gitcoord") / "owners.yaml"
SHOWN_MAX = 3
REMOVED = "removed"  # beside the store: what a repair took out of a ledger


def checks(site: Site) -> list[Check]:
    """Return the checks of what is coordinated."""
    return [
        Check("ownership", lambda: ownership(site)),
        Check("sessions", lambda: sessions(site)),
        Check("ledgers", lambda: ledgers(site), LEDGERS_LIMIT_S),
    ]


def ledgers(site: Site) -> Finding:
    """Look into the last hundred commits of each ledger, with what the place itself has of them."""
    place, _ = site.reached()
    site.listed()
    with site.apart() as transport:
        reader, read = Reader(transport, place.refs), transport.read(place.refs.everything)
        listed = dict(sorted(place.refs.without_archives(read).items()))
        reader.prefetch(listed, posts=listed)
        wanted = {ref: tip for ref, tip in listed.items() if LEDGERS.is_ledger(place.refs, ref)}
        if place.url is None:  # of a clone's own store `refs` names what cannot be read
            wanted = {ref: tip for ref, tip in wanted.items() if not unreadable(reader, place.refs, ref, tip)}
        found = [said for ref, tip in wanted.items() for said in _ledger(reader, transport, ref, tip, site)]
        found += other_refs.findings(site, reader, transport, listed)
    count = len(wanted)
    text = f"{count} ledger{'s' * (count != 1)}, the last {COMMITS_MAX} commits of each are whole"
    return together(found, ok(text if count else "there is no ledger to look into", ledgers=[*wanted]))


def _ledger(reader: Reader, transport: Transport, ref: RefName, tip: Oid, site: Site) -> Iterator[Finding]:
    objects = transport.objects
    try:
        transport.fetch([tip])
    except MissingObjectError as error:
        yield _damaged(site, ref, tip, f"{ref} at {tip[:12]} is not whole there: {error}")
        return
    try:
        if site.at_place().refs.config == ref:
            if (damage := reader.rules_at(tip)[1]) is not None:
                raise damage.error
        else:
            state = reader.ledger(ref, tip)
            yield from _left_out(site, state)
            yield from counters.ended(site, state, reader.all_applied(state))
    except SchemaError as error:
        yield warn(str(error), error.hint)
        return
    except CoordError as error:
        yield _damaged(site, ref, tip, f"{error}{written_by(objects, tip)}")
        return
    wrong = list(faults(objects, tip))
    if wrong:
        first = wrong[0]
        more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
        said = first.what if first.what.endswith(".") else f"{first.what}."
        rows: list[Json] = [{"commit": fault.commit, "what": fault.what} for fault in wrong[:SHOWN_MAX]]
        text = f"{ref}: commit {first.commit[:12]} {said}{more}{written_by(objects, first.commit)}"
        hint = f"Other ledgers go on. The remote's administrator puts {ref} back to a good commit; `git log` shows it."
        yield fail(text, hint, damaged=[ref], faults=rows)


def _damaged(site: Site, ref: RefName, tip: Oid, text: str) -> Finding:
    """Tell of a ledger that cannot be read, and how it is put back."""
    is_config = site.at_place().refs.config == ref
    keeps = keeper(site, ref, tip)
    why = "what came after that commit is lost to the ledger; it is kept in this clone"
    what = f"put {ref} back to the newest commit that is whole"
    repairs = [Repair(what, lambda: _put_back(site, ref), why, keeps, is_first=is_config)]
    if is_config:
        why = "the default rules count then; a clone that saw others puts them back"
        what = f"or else delete {ref}, where no commit of it is whole"
        repairs.append(Repair(what, lambda: _begin(site, ref, tip), why, keeps, is_else=True, is_first=True))
    return Finding(Status.FAIL, text, repair_hint(ref), {"damaged": [ref]}, tuple(repairs))


def _begin(site: Site, ref: RefName, tip: Oid) -> str:
    """Remove a team's ref that no clone can restore: anyone who may push there can make it unreadable."""
    with locked(site):
        site.forget()
        if site.listing().get(ref) != tip:
            return f"{ref} needs no decision any more"
        restorer, store = site.restorer(), CopiedObjects(site.coordination / "store.git")
        whole = restorer.newest_whole(ref, tip, store)
        if whole is not None:
            message = f"{ref} was not deleted: a commit of it is whole, {whole[:12]}."
            raise DeniedError(message, hint="Put it back to that: gitcoord doctor --repair.")
        try:
            if not restorer.remove(RefUpdate(ref, tip, None)):
                raise ContendedError(
                    f"{ref} was not deleted: it has moved, or the remote declined.", hint="Run it again."
                )
        finally:
            site.forget()
        return f"{ref} is deleted"


def _put_back(site: Site, ref: RefName) -> str:
    with locked(site):
        site.forget()
        site.listing()
        store = CopiedObjects(site.coordination / "store.git")
        try:
            return site.restorer().repair(ref, site.lookback().mark_of(ref), store)
        finally:
            site.forget()


def _left_out(site: Site, state: LedgerState[Any]) -> Iterator[Finding]:
    """Offer to remove what cannot be read, which every command passes over."""
    if not state.left_out:
        return
    path, error = min(state.left_out.items())
    count = len(state.left_out)
    what = f"{count} files of {state.ref}" if count > 1 else f"{path} of {state.ref}"
    text = f"{what} cannot be read and count{'s' * (count == 1)} for nothing. {error}"
    why, keeps = "what it was meant to say is not known", keeper(site, state.ref, state.tip)
    repair = Repair(f"remove {what}", lambda: _remove(site, state.ref), why, keeps)
    facts: dict[str, Json] = {"left_out": [*sorted(state.left_out)]}
    hint = f"gitcoord doctor --repair removes {what}, and keeps a copy in this clone."
    yield Finding(Status.FAIL, text, hint, facts, (repair,))


def _remove(site: Site, ref: RefName) -> str:
    _, transport = site.reached()
    state, who = site.reader().ledger(ref, site.listed().get(ref)), signature_of(site.settings, site.repository)
    folder = site.coordination / REMOVED
    if not state.left_out:
        return f"{ref} has nothing any more that cannot be read"
    clone = files.read_json(site.coordination / "clone.json").get("id")
    actor = Actor(agent=f"{agent_level(who.name)}/doctor", clone=clone if isinstance(clone, str) else "", session="")
    check_own(site.policy(), actor.agent, who)
    remove.keep(transport.objects, state, folder)
    update = remove.prepare(transport.objects, state, actor, who, RecordHead(site.host.now(), {}))
    outcome = transport.swap([update])
    site.forget()
    if outcome.status is SwapStatus.WON:
        return f"removed {amount(len(state.left_out), 'file')} of {ref}; see {folder}"
    if outcome.status is SwapStatus.LOST:
        raise ContendedError(f"Another clone wrote {ref} at that moment.", hint="Run it again.")
    if outcome.status is SwapStatus.DENIED:
        raise DeniedError(f"The remote declined {ref}: {outcome.message}.", hint="Ask for the right to push there.")
    raise UnreachableError(f"{ref} could not be written: {outcome.message or outcome.status}.", hint="Try again.")


def sessions(site: Site) -> Finding:
    """Look for sessions of this clone that are over and hold something, and for untouched heartbeats."""
    folder = site.coordination
    known = Sessions(folder, site.host.unique)
    rows = [
        beat
        for name in files.names_in(folder / "sessions", ".json")
        if (beat := known.known(name.removesuffix(".json"))) is not None
    ]
    now = site.host.now()
    states = [(beat, known.state(beat.id)) for beat in rows]
    live = [beat for beat, state in states if state.locked]
    # One that said good-bye is over when its grace has passed.
    free = [(beat, state.closed_at) for beat, state in states if state.locked is False]
    over = [beat for beat, closed_at in free if closed_at is None or now - closed_at >= GRACE]
    facts: dict[str, Json] = {"live": [beat.id for beat in live], "over": [beat.id for beat in over]}
    said = f"{len(live)} live, {len(over)} over"
    try:
        found = [*_held(site, over), *_untouched(site)]
    except NotCheckedError as reason:
        return ok(f"{said}; what they hold was not looked at: {reason}", **facts)
    return together(found, ok(f"{said}, and none of these holds anything", **facts))


def _held(site: Site, over: list[SessionBeat]) -> list[Finding]:
    """Return the steps and claims of sessions of this clone that ended without giving them back."""
    listed, reader = site.listed(), site.reader()
    own = files.read_json(site.coordination / "clone.json").get("id")
    names = {name for beat in over for name in (beat.id, *beat.aliases)}
    steps: list[str] = []
    for state in reader.projects(listed):
        if state.content is not None:
            steps += [step.id for step in state.content.held_steps() if step.session_id in names and step.clone == own]
    try:
        register = reader.claims(listed).content
    except CoordError:
        claims = []  # `ledgers` names it
    else:
        every = register.claims.values()
        claims = [claim.id for claim in every if claim.session in names and claim.clone == own]
    if not steps and not claims:
        return []
    what = ", ".join([*steps[:SHOWN_MAX], *claims[:SHOWN_MAX]])
    count = len(steps) + len(claims)
    text = f"Sessions of this clone that are over hold {count}: {what}{', …' * (count > 2 * SHOWN_MAX)}."
    hint = "The next claim takes them over; or `gitcoord step recover <step>`, `gitcoord claim release <claim>`."
    return [warn(text, hint, steps=[*steps], claims=[*claims])]


def _untouched(site: Site) -> list[Finding]:
    place, transport = site.reached()
    now = site.host.now()
    gone: list[Json] = []
    for ref, tip in site.listed().items():
        if not (place.refs.clone_of(ref) or place.refs.is_probe(ref)):
            continue
        try:
            old = now - commits.read(transport.objects, tip).committed_at
        except CoordError:
            continue
        if old > UNTOUCHED:
            gone.append(ref)
    if not gone:
        return []
    text = f"{len(gone)} heartbeats and probes were not touched for {UNTOUCHED.days} days."
    return [
        warn(
            text, "Nothing to do: the next commands delete five of them each, and `gitcoord gc` all.", untouched=[*gone]
        )
    ]


def ownership(site: Site) -> Finding:
    """Read the ownership file of this worktree, and the rules that hold."""
    path = site.in_repository().top / OWNERS
    found: list[Finding] = []
    here = "no file here"
    if path.exists():
        here = str(OWNERS)
        found += _file(path)
    try:
        shared = list(_shared(site))
    except NotCheckedError as reason:
        return together(found, ok(f"{here}; the team's rules were not read: {reason}"))
    found += shared
    return together(found, ok(f"{here}, and the team's rules can be read", file=str(OWNERS) if path.exists() else None))


def _file(path: Path) -> Iterator[Finding]:
    hint = f"Correct the line; `gitcoord owners check {OWNERS}` lists all faults."
    try:
        checked = owners_input.check(text_of(read_small(path, limits.OWNERS_BYTES), str(OWNERS)))
    except InvalidError as error:
        yield fail(str(error), error.hint or hint)
        return
    except OSError as error:
        yield fail(f"{OWNERS} cannot be read: {error.strerror or error}.", "Make it readable.")
        return
    if checked.faults:
        yield fail(located(str(OWNERS), checked.faults[0]), hint, faults=len(checked.faults))
    elif checked.warnings:
        yield warn(located(str(OWNERS), checked.warnings[0]), hint)


def _shared(site: Site) -> Iterator[Finding]:
    place, transport = site.reached()
    tip = site.listed().get(place.refs.config)
    if tip is None:
        return
    reader = site.reader()
    reader.prefetch({place.refs.config: tip})
    reader.rules_at(tip)
    if reader.rules.damage is not None:
        text = f"{place.refs.config} is damaged, so {counting(reader.rules.damage)}."
        yield warn(text, "See the check `ledgers`, which puts it back.")
        return
    objects = transport.objects
    folder = trees.load(objects, commits.read(objects, tip).tree)
    for name in ("owners.yaml", AUTO):
        oid = folder.file(name)
        if oid is None:
            continue
        try:
            _ = owners_file.read(text_of(objects.read(oid)[1], name), needs_modules=name != AUTO)
        except CoordError as error:
            yield fail(f"The shared {name} cannot be read: {error}", "gitcoord owners edit")
        except YamlError as error:
            text = f"The shared {name}:{error.line}: {error}; the rules from before it count."
            yield fail(text, "gitcoord owners edit")
