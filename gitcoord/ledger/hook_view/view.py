"""What claims, rules and steps say now, read with the git program alone, for hooks of git: a `Glance` at them.

    this clone's store      its refs are the truth
    a remote                fetched within the time that there is (`take`); else what was read of it last, with its age
    either, remote not asked    the same without asking a remote (`known`)

Rules:
  * This file is loaded by every push, so it loads no documents; `near_claims` does, where there is something near.
  * What was read last is the copy of a hook, of the clone's watcher or of a command (`last_listing`), whichever is
    youngest and here; where this clone has written since, what it wrote (`own_swaps`).
  * SAFE-9: claims at the remote that lack what this clone saw of them judge nothing; what it saw does, if it is here
    (`hook_rewind`).
  * Steps are fetched when a caller asks for one.

What this file does not know: what documents say, what follows.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from gitcoord.core.documents.json_text import load_object
from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger.clone import files
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.hook_view.glance import META, Clocks, Glance, Where, is_readable
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.journal.unwritten_tips import unwritten_tips
from gitcoord.remote.store.plain_store import Place, alone

WRITE_OUT_S = 1.0  # a full journal takes 0.02 s; another process may be at it
_STEPS = "steps/"


def take(where: Where, clocks: Clocks, seconds: float) -> Glance:
    """Look, for at most so long.

    Raises:
        CoordError: nothing was ever read here, and there is no time to.
    """
    end = clocks.monotonic() + seconds
    if where.url is None:
        return _own(where, clocks, end)
    try:
        before = _copied(where)
        brought = _fetched(where, clocks, end, "c*")  # claims and config
        if brought is not None:
            from gitcoord.ledger.hook_view.hook_rewind import ahead  # the store of a clone needs no marks

            return ahead(Glance(where, clocks, end, "", brought), before[1] if before else {})
        problem = "another process is reading it"
    except CoordError as error:
        with suppress(OSError):  # a disk that cannot be written
            _silent(where).touch()
        problem = str(error).rstrip(".")
    seen = _newest(Glance(where, clocks, end, "", {}, None, problem), _seen(where))
    if seen is None:
        raise UnreachableError(f"{problem}; and this clone has no earlier copy.")
    return seen


def known(where: Where, clocks: Clocks, problem: str = "it was not asked") -> Glance:
    """Return the local view, steps as well: no remote is asked, and where one was never read it is empty."""
    now = clocks.monotonic()
    if where.url is None:
        return _own(where, clocks, now)
    nothing = Glance(where, clocks, now, "", {}, clocks.wall(), problem, has_steps=True)
    seen = _newest(nothing, [*_seen(where), (0.0, {})]) or nothing
    return seen._replace(tips={**seen.tips, **_steps_seen(where)})


def bring_steps(glance: Glance) -> Glance:
    """Return a glance with the steps as well.

    Raises:
        CoordError: they cannot be read in time.
    """
    if glance.has_steps:
        return glance
    if glance.where.url is not None and glance.clocks.monotonic() >= glance.end:
        raise UnreachableError("The steps were not read in time.")
    if glance.where.url is not None:
        brought = _fetched(glance.where, glance.clocks, glance.end, "steps/*")
        if brought is None:
            raise UnreachableError("The steps were not read in time.")
        steps = f"{glance.prefix}{_STEPS}"  # of which a push before may have left some that are deleted by now
        rest = {ref: tip for ref, tip in glance.tips.items() if not ref.startswith(steps)}
        tips = {**rest, **{f"{glance.prefix}{name}": tip for name, tip in brought.items()}}
    else:
        tips = {**glance.tips, **glance.where.store.tips([f"{glance.prefix}steps/"])}
    return glance._replace(tips=tips, has_steps=True)


def was_silent(where: Where, clocks: Clocks, seconds: float) -> bool:
    """Whether a hook asked the remote for the claims within so many seconds, and got no answer."""
    try:
        return where.url is not None and abs(clocks.wall() - _silent(where).stat().st_mtime) < seconds
    except OSError:
        return False


def _own(where: Where, clocks: Clocks, end: float) -> Glance:
    if unwritten_tips(str(where.folder)):  # the git program reads no journal
        from gitcoord.remote.contract.clocks import Clocks as StoreClocks
        from gitcoord.remote.store.write_out import write_out

        waits = StoreClocks(lambda: int(clocks.wall() * 1e9), clocks.monotonic, clocks.sleep, lambda: 0.5)
        with suppress(OSError, CoordError):  # a disk that cannot be written: what there is is read
            write_out(where.folder, waits, wait_s=WRITE_OUT_S)
    tips = where.store.tips([Refs(where.namespace).claims, Refs(where.namespace).config])
    return Glance(where, clocks, end, f"{where.namespace}/", {**tips})


def _seen(where: Where) -> list[tuple[float, dict[str, Oid]]]:
    return [look for look in (_copied(where), _watched(where), _listed(where)) if look is not None]


def _newest(glance: Glance, seen: Iterable[tuple[float, dict[str, Oid]]]) -> Glance | None:
    """Return the view of the last look, as far as it is here; `None`: there is none."""
    where = glance.where
    for at, seen_tips in sorted(seen, key=lambda look: -look[0]):
        # With claims and rules as this clone has written them since; see `own_swaps`.
        written = _written_since(where, at, seen_tips, lambda name: not name.startswith(_STEPS))
        tips = seen_tips | dict(written)
        if "claims" not in tips or is_readable(where, tips["claims"]):
            return glance._replace(tips=tips, age_s=max(glance.clocks.wall() - at, 0))
    return None


def _key(where: Where) -> str:
    from gitcoord.ledger.clone.remote_folder import key_of  # the store of a clone needs no hash

    return key_of(where.url or "", where.namespace)


def _place(where: Where) -> Place:
    own = f"refs/pushing/{_key(where)}/"
    return Place(where.url or "", where.namespace, where.repository, own, where.connection)


def _stamp(where: Where) -> Path:
    return where.folder / "watch" / f"pushing-{_key(where)}"


def _silent(where: Where) -> Path:
    return _stamp(where).with_suffix(".silent")


def _fetched(where: Where, clocks: Clocks, end: float, pattern: str) -> dict[str, Oid] | None:
    """Bring refs of a remote; return what is there, or `None` where another process was at it for too long."""
    place, file = _place(where), _stamp(where)
    file.parent.mkdir(parents=True, exist_ok=True)
    left = max(end - clocks.monotonic(), 0.1)
    with alone(file.with_suffix(".lock"), left, sleep=clocks.sleep, monotonic=clocks.monotonic) as is_ours:
        if not is_ours:
            return None
        where.store.ensure()
        where.store.forget_locks(place)
        began = clocks.wall()  # what was written meanwhile may not be in it
        where.store.fetch(place, [pattern], max(end - clocks.monotonic(), 0.1))
        if pattern == "c*":
            file.touch()
            os.utime(file, (began, began))
            files.remove(_silent(where))
        return _own_tips(where)


def _own_tips(where: Where) -> dict[str, Oid]:
    own = _place(where).own
    return {ref.removeprefix(own): tip for ref, tip in where.store.tips([own]).items()}


def _copied(where: Where) -> tuple[float, dict[str, Oid]] | None:
    """Return when a hook read the remote last, and what it saw."""
    try:
        return _stamp(where).stat().st_mtime, _own_tips(where)
    except OSError:
        return None


def _listed(where: Where) -> tuple[float, dict[str, Oid]] | None:
    from gitcoord.ledger.clone.remote_folder import folder_of
    from gitcoord.ledger.readers.last_listing import LastListing  # as above

    found = LastListing(folder_of(where.folder, where.url or "", where.namespace)).raw()
    return (found.at.timestamp(), _in_namespace(where, found.refs.items())) if found is not None else None


def _in_namespace(where: Where, refs: Iterable[tuple[str, object]]) -> dict[str, Oid]:
    head = f"{where.namespace}/"
    return {ref.removeprefix(head): Oid(tip) for ref, tip in refs if isinstance(tip, str)}


def _watched(where: Where) -> tuple[float, dict[str, Oid]] | None:
    """Return when a session of this clone read the remote last, and what it saw; see `service/place/remote_poller`."""
    from hashlib import sha256  # as above

    from gitcoord.ledger.clone.remote_folder import without_credentials

    place = f"{without_credentials(where.url or '')} {where.namespace}".encode("utf-8", "surrogateescape")
    data = files.read_json(where.folder / "watch" / f"{sha256(place).hexdigest()[:16]}.json")
    at, refs = files.time_in(data, "watched_at"), data.get("refs")
    if at is None or not isinstance(refs, dict):
        return None
    return at.timestamp(), _in_namespace(where, refs.items())


def _steps_seen(where: Where) -> dict[str, Oid]:
    """Return the steps as they are known here: a hook copies them seldom, who lists all refs knows better."""
    listings = [look for look in (_watched(where), _listed(where)) if look is not None]
    copied, looked = _copied(where), max(listings, key=lambda look: look[0], default=None)
    found = [*(copied[1].items() if copied else ()), *(looked[1].items() if looked else ())]
    tips = {name: tip for name, tip in found if name.startswith(_STEPS)}
    at = looked[0] if looked else 0.0
    return tips | dict(_written_since(where, at, tips, lambda name: name.startswith(_STEPS)))


def _written_since(
    where: Where, at: float, tips: Mapping[str, Oid], counts: Callable[[str], bool]
) -> Iterator[tuple[str, Oid]]:
    """Yield the ledgers that this clone has written since a moment, and that were not seen with as much."""
    from gitcoord.ledger.clone.remote_folder import folder_of
    from gitcoord.ledger.readers import own_swaps  # as above

    head = f"{where.namespace}/"
    for ref, own in own_swaps.newest(folder_of(where.folder, where.url or "", where.namespace)).items():
        name = ref.removeprefix(head)
        if not counts(name) or own.at.timestamp() < at or own.tip == tips.get(name):
            continue
        if name not in tips or _seq(where, tips[name]) < own.seq:
            yield name, own.tip


def _seq(where: Where, tip: Oid) -> int:
    try:
        (text,) = where.store.named([f"{tip}:{META}"])
        seq = load_object(text).get("seq")
    except (CoordError, ValueError):  # not here, or damaged
        return 0
    return seq if isinstance(seq, int) else 0
