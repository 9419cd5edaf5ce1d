"""A glance: what claims, rules and steps say now, read with the git program alone, for hooks of git.

    this clone's store      its refs are the truth
    a remote                fetched within the time that there is (`take`); else what was read of it last, with its age
    either, nobody asked    the same without asking a remote (`known`)

Rules:
  * This file is loaded by every push, so it loads no documents; `near_claims` does, where there is something near.
  * What was read last is the copy of a hook, of the clone's watcher or of a command (`last_listing`), whichever is
    youngest and here; where this clone has written since, what it wrote (`own_swaps`).
  * SAFE-9: claims at the remote that lack what this clone saw of them judge nothing; what it saw does, if it is here
    (`hook_rewind`).
  * Steps are fetched when somebody asks for one.

What this file does not know: what documents say, what follows.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gitcoord.core.documents.doc import load_object
from gitcoord.core.patterns.prefilter import NearPaths
from gitcoord.errors import CoordError, SchemaError, UnreachableError
from gitcoord.ledger.clone import files
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.store.plain_store import Place, PlainStore, alone

# A claim has `"pattern": "…"`, a barrier `"patterns": ["…", …]`.
_PATTERNS = re.compile(rb'"patterns?"\s*:\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]?)')
_TEXTS = re.compile(rb'"((?:[^"\\]|\\.)*)"')
META, SCHEMA = "meta.json", 1  # as in `steps_layout` and `meta`, held by a test
_KEPT = ("claims", "barriers")  # what of the claims ledger says who has what
_STEPS = "steps/"


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's. `wall`: seconds since the epoch."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Where:
    """Where ledgers are. `url`: `None` for the store of this clone. `repository`: a folder of it; `repo`: its name."""

    folder: Path
    url: str | None
    namespace: str
    repository: Path
    env: Mapping[str, str]
    repo: str | None = None

    @property
    def store(self) -> PlainStore:
        """The store of this clone; before a command of ours made it, one for hooks alone."""
        whole = self.folder / "store.git"
        is_lacking = self.url is not None and not whole.is_dir()
        return PlainStore(self.folder / "pushing.git" if is_lacking else whole, self.env, _objects_of(self))


@dataclass(slots=True)
class Glance:
    """What was seen.

    Attributes:
        end: on the monotonic clock; after it nothing is fetched.
        age_s: how old it is; `None`: it is as it is now.
        problem: why it is not newer.
        lost: why the claims judge nobody, where the team wants to be stopped then.
        has_steps: whether what there is of the steps is among the tips.
    """

    where: Where
    clocks: Clocks
    end: float
    prefix: str
    tips: Mapping[str, Oid]
    age_s: float | None = None
    problem: str = ""
    lost: CoordError | None = None
    has_steps: bool = False

    def tip(self, name: str) -> Oid | None:
        """Return the tip of a ledger, by its name in the namespace."""
        return self.tips.get(f"{self.prefix}{name}")

    def near(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the claims and barriers that may have to do with some files, each with its path in the ledger.

        Raises:
            RewoundError: the ledger went back, and nothing that was seen of it can be read.
            DocumentError: the ledger is damaged.
            SchemaError: it is one of a newer gitcoord.
        """
        if self.lost is not None:
            raise self.lost
        tip = self.tip("claims")
        if tip is None:
            return {}
        store = self.where.store
        listed = store.files(tip, _KEPT, beside=[META])
        data = store.contents(listed.values())
        schema = load_object(data.get(listed.get(META, Oid("")), b"")).get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            message = f"The claims are of schema {schema}; this gitcoord reads up to {SCHEMA}."
            raise SchemaError(message, where="claims", hint="Upgrade gitcoord here.")
        known = NearPaths.of(paths)
        del listed[META]
        return {path: data[one] for path, one in listed.items() if one in data and _may_matter(data[one], known)}

    def is_here(self, tip: Oid) -> bool:
        """Whether a state of a ledger can be read here."""
        return _is_here(self.where, tip)

    def text(self, name: str, *paths: str) -> list[bytes]:
        """Return files of a ledger by its name; those that are not there are left out."""
        tip = self.tip(name)
        return self.where.store.named([f"{tip}:{path}" for path in paths]) if tip else []

    def bring_steps(self) -> None:
        """Read the steps as well.

        Raises:
            CoordError: they cannot be read in time.
        """
        if self.has_steps:
            return
        if self.where.url is not None and self.clocks.monotonic() >= self.end:
            raise UnreachableError("The steps were not read in time.")
        if self.where.url is not None:
            brought = _fetched(self.where, self.clocks, self.end, "steps/*")
            if brought is None:
                raise UnreachableError("The steps were not read in time.")
            steps = f"{self.prefix}{_STEPS}"  # of which a push before may have left some that are deleted by now
            rest = {ref: tip for ref, tip in self.tips.items() if not ref.startswith(steps)}
            self.tips = {**rest, **{f"{self.prefix}{name}": tip for name, tip in brought.items()}}
        else:
            found = self.where.store.tips([f"{self.prefix}steps/"])
            self.tips = {**self.tips, **found}
        self.has_steps = True


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
            from gitcoord.ledger.hook_view.hook_rewind import ahead  # noqa: PLC0415 - the store of a clone needs no marks

            return ahead(Glance(where, clocks, end, "", brought), before[1] if before else {})
        problem = "another process is reading it"
    except CoordError as error:
        with suppress(OSError):  # a disk that cannot be written
            _silent(where).touch()
        problem = str(error).rstrip(".")
    seen = _newest(Glance(where, clocks, end, "", {}, None, problem), _seen(where))
    if seen is None:
        raise UnreachableError(f"{problem}; and nothing is known of it from before.")
    return seen


def known(where: Where, clocks: Clocks, problem: str = "it was not asked") -> Glance:
    """Return what is here, steps as well: no remote is asked, and where one was never read there is nothing."""
    now = clocks.monotonic()
    if where.url is None:
        return _own(where, clocks, now)
    nothing = Glance(where, clocks, now, "", {}, clocks.wall(), problem, has_steps=True)
    seen = _newest(nothing, [*_seen(where), (0.0, {})]) or nothing
    return replace(seen, tips={**seen.tips, **_steps_seen(where)})


def was_silent(where: Where, clocks: Clocks, seconds: float) -> bool:
    """Whether a hook asked the remote for the claims within so many seconds, and got no answer."""
    try:
        return where.url is not None and abs(clocks.wall() - _silent(where).stat().st_mtime) < seconds
    except OSError:
        return False


def _own(where: Where, clocks: Clocks, end: float) -> Glance:
    tips = where.store.tips([Refs(where.namespace).claims, Refs(where.namespace).config])
    return Glance(where, clocks, end, f"{where.namespace}/", {**tips})


def _seen(where: Where) -> list[tuple[float, dict[str, Oid]]]:
    return [one for one in (_copied(where), _watched(where), _listed(where)) if one is not None]


def _newest(glance: Glance, seen: Iterable[tuple[float, dict[str, Oid]]]) -> Glance | None:
    """Return what was seen last and is here; `None`: nothing is."""
    where = glance.where
    for at, tips in (_ordered(where, *one) for one in sorted(seen, key=lambda one: -one[0])):
        if "claims" not in tips or _is_here(where, tips["claims"]):
            return replace(glance, tips=tips, age_s=max(glance.clocks.wall() - at, 0))
    return None


def _may_matter(document: bytes, near: NearPaths) -> bool:
    """Whether a document names a pattern that is near. To parse 1,000 takes longer than all the rest."""
    found = False
    for one in _PATTERNS.findall(document):
        for text in _TEXTS.findall(one):
            found = True
            if b"\\" in text or near.may_match(text.decode("utf-8", "replace")):
                return True
    return not found


def _objects_of(where: Where) -> str:
    """Return the objects of a remote on a path, which this clone's store may not have; "": it is none."""
    path = where.repository / (where.url or "")
    folders = (path / ".git" / "objects", path / "objects", path.with_name(f"{path.name}.git") / "objects")
    return next((str(folder) for folder in folders if folder.is_dir()), "") if where.url else ""


def _key(where: Where) -> str:
    from gitcoord.ledger.clone.remote_folder import key_of  # noqa: PLC0415 - the store of a clone needs no hash

    return key_of(where.url or "", where.namespace)


def _place(where: Where) -> Place:
    own = f"refs/pushing/{_key(where)}/"
    return Place(where.url or "", where.namespace, where.repository, own)


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


def _looked(where: Where) -> tuple[float, dict[str, Oid]] | None:
    """Return when the watcher or a command of this clone listed the remote last, and what it saw."""
    return max(
        (one for one in (_watched(where), _listed(where)) if one is not None), key=lambda one: one[0], default=None
    )


def _listed(where: Where) -> tuple[float, dict[str, Oid]] | None:
    from gitcoord.ledger.clone.remote_folder import folder_of  # noqa: PLC0415
    from gitcoord.ledger.readers.last_listing import LastListing  # noqa: PLC0415 - as above

    found = LastListing(folder_of(where.folder, where.url or "", where.namespace)).raw()
    return (found.at.timestamp(), _in_namespace(where, found.refs.items())) if found is not None else None


def _in_namespace(where: Where, refs: Iterable[tuple[str, object]]) -> dict[str, Oid]:
    head = f"{where.namespace}/"
    return {ref.removeprefix(head): Oid(tip) for ref, tip in refs if isinstance(tip, str)}


def _watched(where: Where) -> tuple[float, dict[str, Oid]] | None:
    """Return when a session of this clone read the remote last, and what it saw; see `service.lookout`."""
    from hashlib import sha256  # noqa: PLC0415 - as above

    from gitcoord.ledger.clone.remote_folder import without_credentials  # noqa: PLC0415

    place = f"{without_credentials(where.url or '')} {where.namespace}".encode("utf-8", "surrogateescape")
    data = files.read_json(where.folder / "watch" / f"{sha256(place).hexdigest()[:16]}.json")
    at, refs = files.time_in(data, "watched_at"), data.get("refs")
    if at is None or not isinstance(refs, dict):
        return None
    return at.timestamp(), _in_namespace(where, refs.items())


def _ordered(where: Where, at: float, tips: dict[str, Oid]) -> tuple[float, dict[str, Oid]]:
    """Return what was seen, with claims and rules as this clone has written them since; see `own_swaps`."""
    return at, tips | dict(_written_since(where, at, tips, lambda name: not name.startswith(_STEPS)))


def _steps_seen(where: Where) -> dict[str, Oid]:
    """Return the steps as they are known here: a hook copies them seldom, who lists all refs knows better."""
    copied, looked = _copied(where), _looked(where)
    found = [*(copied[1].items() if copied else ()), *(looked[1].items() if looked else ())]
    tips = {name: tip for name, tip in found if name.startswith(_STEPS)}
    at = looked[0] if looked else 0.0
    return tips | dict(_written_since(where, at, tips, lambda name: name.startswith(_STEPS)))


def _written_since(
    where: Where, at: float, tips: Mapping[str, Oid], counts: Callable[[str], bool]
) -> Iterator[tuple[str, Oid]]:
    """Yield the ledgers that this clone has written since a moment, and that were not seen with as much."""
    from gitcoord.ledger.clone.remote_folder import folder_of  # noqa: PLC0415
    from gitcoord.ledger.readers import own_swaps  # noqa: PLC0415 - as above

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


def _is_here(where: Where, tip: Oid) -> bool:
    try:
        return bool(where.store.files(tip, [], beside=[META]))
    except CoordError:
        return False
