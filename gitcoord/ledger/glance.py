"""A glance: what claims, rules and steps say now, read with the git program alone, for hooks of git.

    this clone's store      its refs are the truth
    a remote                fetched within the time that there is; else what was read of it last, with its age

Rules:
  * A document that is damaged is left out and counted, and the rest counts: a hook goes on.
  * What was read last is the copy of a hook or of the clone's watcher, whichever is younger and here.
  * Steps are fetched when somebody asks for one.

What this file does not know: what follows, whose claims are whose.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from gitcoord.core.claims import Claim
from gitcoord.core.doc import load_object
from gitcoord.core.notices import Barrier
from gitcoord.core.policy import Policy
from gitcoord.core.projects import Project
from gitcoord.core.register import Register, check_patterns
from gitcoord.core.step_paths import is_void_by
from gitcoord.core.steps import Step
from gitcoord.errors import CoordError, DocumentError, SchemaError, UnreachableError
from gitcoord.ledger import files, layout, places
from gitcoord.ledger.meta import SCHEMA, Meta
from gitcoord.ledger.place_folder import key_of
from gitcoord.ledger.refs import Refs
from gitcoord.remote.plain_store import Place, PlainStore, alone
from gitcoord.remote.protocol import Oid

_KEPT = ("claims", "barriers")  # what of the claims ledger says who has what


@dataclass(frozen=True, slots=True)
class Clocks:
    """The machine's. `wall`: seconds since the epoch."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Where:
    """Where the ledgers are. `url`: `None` for the store of this clone. `repository`: a folder of it."""

    folder: Path
    url: str | None
    namespace: str
    repository: Path
    env: Mapping[str, str]

    @property
    def store(self) -> PlainStore:
        """The store of this clone."""
        return PlainStore(self.folder / "store.git", self.env)


@dataclass(slots=True)
class Glance:
    """What was seen.

    Attributes:
        end: on the monotonic clock; after it nothing is fetched.
        age_s: how old it is; `None`: it is as it is now.
        problem: why it is not newer.
        damaged: how many documents cannot be read.
    """

    where: Where
    clocks: Clocks
    end: float
    prefix: str
    tips: Mapping[str, Oid]
    age_s: float | None = None
    problem: str = ""
    damaged: int = 0
    _steps: dict[str, Step | None] = field(default_factory=dict[str, "Step | None"])
    _are_steps_here: bool = False

    def tip(self, name: str) -> Oid | None:
        """Return the tip of a ledger, by its name in the namespace."""
        return self.tips.get(f"{self.prefix}{name}")

    def policy(self) -> Policy:
        """Return the team's policy; the default where there is none or it is damaged."""
        tip = self.tip("config")
        data = self.where.store.contents([f"{tip}:policy.json"]) if tip else {}
        try:
            return Policy.parse(load_object(next(iter(data.values())))) if data else Policy()
        except DocumentError:
            self.damaged += 1
            return Policy()

    def register(self, repo: str | None) -> Register:
        """Return the claims and barriers of one repository.

        Raises:
            DocumentError: the ledger is damaged.
            SchemaError: it is one of a newer gitcoord.
        """
        tip = self.tip("claims")
        if tip is None:
            return Register()
        store = self.where.store
        listed = store.files(tip, [*_KEPT, layout.META])
        data = store.contents(listed.values())
        meta = Meta.parse(load_object(data.get(listed.get(layout.META, Oid("")), b"")))
        if meta.schema > SCHEMA:
            message = f"The claims are of schema {meta.schema}; this gitcoord reads up to {SCHEMA}."
            raise SchemaError(message, where="claims", hint="Upgrade gitcoord here.")
        found = self._parsed((path, data.get(one, b"")) for path, one in listed.items())
        return replace(Register().with_changes(one for one in found if one.repo == repo), seq=meta.seq)

    def _parsed(self, some: Iterable[tuple[str, bytes]]) -> Iterator[Claim | Barrier]:
        for path, data in some:
            kind = places.kind_at(path)
            if kind is not Claim and kind is not Barrier:
                continue
            try:
                doc = kind.parse(load_object(data))
                check_patterns(doc)
            except (DocumentError, ValueError):
                self.damaged += 1
                continue
            if places.path_of(doc) != path or (isinstance(doc, Claim) and not doc.items):
                self.damaged += 1
            else:
                yield doc

    def is_void(self, claim: Claim) -> bool:
        """Whether a claim of a step confers nothing, as far as it can be told."""
        if claim.step is None:
            return False
        try:
            return is_void_by(claim, self.step(claim.step, claim.repo))
        except CoordError:
            return False

    def step(self, name: str, repo: str | None) -> Step | None:
        """Return a step of a project of this repository; `None`: there is none of that name.

        Raises:
            CoordError: the steps cannot be read in time, or this one is damaged.
        """
        if name not in self._steps:
            self._steps[name] = self._read_step(name, repo)
        return self._steps[name]

    def _read_step(self, name: str, repo: str | None) -> Step | None:
        project, _, num = name.rpartition("/")
        if not project or not (num.isascii() and num.isdigit()) or len(num) > len("100000"):
            return None
        self._bring_steps()
        tip = self.tip(f"steps/{project.lower()}")
        if tip is None:
            return None
        data = self.where.store.contents([f"{tip}:{layout.PROJECT}", f"{tip}:{layout.step_path(int(num))}"])
        if len(data) < len(("project", "step")):
            return None
        whole, one = data.values()
        return Step.parse(load_object(one)) if Project.parse(load_object(whole)).repo == repo else None

    def _bring_steps(self) -> None:
        if self._are_steps_here:
            return
        if self.where.url is not None:
            brought = _fetched(self.where, self.clocks, self.end, "steps/*")
            if brought is None:
                raise UnreachableError("The steps were not read in time.")
            self.tips = {**self.tips, **{f"{self.prefix}{name}": tip for name, tip in brought.items()}}
        else:
            found = self.where.store.tips([f"{self.prefix}steps/"])
            self.tips = {**self.tips, **found}
        self._are_steps_here = True


def take(where: Where, clocks: Clocks, seconds: float) -> Glance:
    """Look, for at most so long.

    Raises:
        CoordError: nothing was ever read here, and there is no time to.
    """
    end = clocks.monotonic() + seconds
    if where.url is None:
        prefix = f"{where.namespace}/"
        tips = where.store.tips([Refs(where.namespace).claims, Refs(where.namespace).config])
        return Glance(where, clocks, end, prefix, {**tips})
    problem = ""
    try:
        brought = _fetched(where, clocks, end, "c*")  # claims and config
        if brought is not None:
            return Glance(where, clocks, end, "", brought)
        problem = "another process is reading it"
    except CoordError as error:
        problem = str(error).rstrip(".")
    known = [one for one in (_copied(where), _watched(where)) if one is not None]
    for at, tips in sorted(known, key=lambda one: -one[0]):
        if "claims" not in tips or _is_here(where, tips["claims"]):
            age_s = max(clocks.wall() - at, 0)
            return Glance(where, clocks, end, "", tips, age_s, problem)
    raise UnreachableError(f"{problem}; and nothing is known of it from before.")


def _place(where: Where) -> Place:
    own = f"refs/pushing/{key_of(where.url or '', where.namespace)}/"
    return Place(where.url or "", where.namespace, where.repository, own)


def _stamp(where: Where) -> Path:
    return where.folder / "watch" / f"pushing-{key_of(where.url or '', where.namespace)}"


def _fetched(where: Where, clocks: Clocks, end: float, pattern: str) -> dict[str, Oid] | None:
    """Bring refs of a remote; return what is there, or `None` where another process was at it for too long."""
    place, file = _place(where), _stamp(where)
    if not where.store.path.is_dir():
        raise UnreachableError("This clone has no store yet: no gitcoord command was run here")
    file.parent.mkdir(parents=True, exist_ok=True)
    left = max(end - clocks.monotonic(), 0.1)
    with alone(file.with_suffix(".lock"), left, sleep=clocks.sleep, monotonic=clocks.monotonic) as is_ours:
        if not is_ours:
            return None
        where.store.forget_locks(place)
        where.store.fetch(place, [pattern], max(end - clocks.monotonic(), 0.1))
        if pattern == "c*":
            at = clocks.wall()
            file.touch()
            os.utime(file, (at, at))
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


def _watched(where: Where) -> tuple[float, dict[str, Oid]] | None:
    """Return when a session of this clone read the remote last, and what it saw; see `service.lookout`."""
    place = f"{where.url} {where.namespace}".encode("utf-8", "surrogateescape")
    data = files.read_json(where.folder / "watch" / f"{sha256(place).hexdigest()[:16]}.json")
    at, refs = files.time_in(data, "watched_at"), data.get("refs")
    if at is None or not isinstance(refs, dict):
        return None
    head = f"{where.namespace}/"
    return at.timestamp(), {ref.removeprefix(head): Oid(tip) for ref, tip in refs.items() if isinstance(tip, str)}


def _is_here(where: Where, tip: Oid) -> bool:
    try:
        return bool(where.store.files(tip, [layout.META]))
    except CoordError:
        return False
