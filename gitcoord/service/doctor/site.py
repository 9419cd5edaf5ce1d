"""The site: what checks look at, as far as it could be opened. Whatever could not has a reason instead.

What this file does not know: how it is put together (`gitcoord.runtime`).
"""

import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.policy import Policy
from gitcoord.core.documents.rewind import Mark
from gitcoord.errors import ContendedError, CoordError, RewoundError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.rewinds import copies
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.rewinds.restore import Restorer
from gitcoord.ledger.transactions.author_rule import check_signed
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate, SwapStatus, Transport
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.service.doctor.check_run import NotCheckedError
from gitcoord.service.session.identity import signature_of
from gitcoord.source.checkout.repository import Repository


@dataclass(frozen=True, slots=True)
class SitePlace:
    """Where this clone coordinates.

    Attributes:
        url: the remote, as git is given it; `None` for the store of this clone.
        shown: the same for people, without credentials.
        transport: how it is reached; `None` while the store of this clone was not made.
        git_dir: the git directory of a remote on a path that is driven without git.
        probe: tries what the remote allows, by really swapping a ref of its own there.
        time: what time it is there, if that tells.
        apart: reaches a remote with a store of its own in a folder; `None` where objects are looked at in place.
    """

    url: str | None
    shown: str
    refs: Refs
    transport: Transport | None
    interval_s: int
    git_dir: Path | None
    probe: Callable[[], Mapping[str, Json]]
    time: Callable[[], datetime | None] = lambda: None
    apart: Callable[[Path], Transport] | None = None


@dataclass(slots=True)
class Site:
    """A folder, the repository around it, and where that coordinates.

    Attributes:
        trouble: why there is no repository, if so.
        place_trouble: why it is not known, or cannot be opened, where to coordinate.
    """

    folder: Path
    env: Mapping[str, str]
    host: Host
    clocks: Callable[[], Clocks]
    is_offline: bool
    repository: Repository | None = None
    trouble: CoordError | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    place: SitePlace | None = None
    place_trouble: CoordError | None = None
    _listed: "Mapping[RefName, Oid] | CoordError | None" = field(default=None, init=False)
    _lookback: Lookback | None = field(default=None, init=False)

    def in_repository(self) -> Repository:
        """Return the repository.

        Raises:
            NotCheckedError: there is none.
        """
        if self.repository is None:
            raise NotCheckedError("there is no repository to look at")
        return self.repository

    @property
    def coordination(self) -> Path:
        """The folder of this clone for coordination."""
        return self.in_repository().common_dir / "gitcoord"

    def at_place(self) -> SitePlace:
        """Return where this clone coordinates.

        Raises:
            NotCheckedError: that is unknown.
        """
        self.in_repository()
        if self.place is None:
            raise NotCheckedError("it is not known where this clone coordinates")
        return self.place

    def reached(self) -> tuple[SitePlace, Transport]:
        """Return where this clone coordinates and how that is read.

        Raises:
            NotCheckedError: nothing was coordinated yet, or the remote shall not be asked.
        """
        place = self.at_place()
        if place.transport is None:
            raise NotCheckedError("nothing was coordinated in this clone yet")
        if place.url is not None and self.is_offline:
            raise NotCheckedError("no remote is asked (--offline)")
        return place, place.transport

    @contextmanager
    def apart(self) -> Generator[Transport]:
        """Yield what reads the place and finds only what is there: not what this clone's own store has of it.

        Raises:
            NotCheckedError: nothing was coordinated yet, or the remote shall not be asked.
        """
        place, transport = self.reached()
        if place.apart is None:
            yield transport
            return
        with tempfile.TemporaryDirectory(prefix="gitcoord-doctor-") as folder:
            yield place.apart(Path(folder))

    def listing(self) -> Mapping[RefName, Oid]:
        """List the refs, once for all checks.

        Raises:
            CoordError: the remote cannot be read.
        """
        place, transport = self.reached()
        if self._listed is None:
            try:
                self.lookback().begin()
                self._listed = transport.read(place.refs.everything)
            except CoordError as error:
                self._listed = error
        if isinstance(self._listed, CoordError):
            raise self._listed
        return self._listed

    def lookback(self) -> Lookback:
        """Return what judges the listing by what this clone saw."""
        place, transport = self.reached()
        if self._lookback is None:
            repo = self.settings.get("gitcoord.repo")
            self._lookback = Lookback.of_place(self.coordination, place.url or "", place.refs, repo, transport.objects)
        return self._lookback

    def hear(self) -> Mapping[RefName, Oid]:
        """List the refs, and take over what other clones say that they saw."""
        listed, reader = self.listed(), self.reader()
        reader.prefetch(listed)
        self.lookback().hear(reader.heartbeats(listed))
        return listed

    def rewound(self) -> list[RewoundError]:
        """Return the ledgers that are back before what this clone saw, or gone; the team's ref first: all need it."""
        config, found = self.at_place().refs.config, self.lookback().rewound(self.listed(), self.host.now())
        return sorted(found, key=lambda error: error.where != config)

    def restorer(self) -> Restorer:
        """Return what writes a decision of the person who works here.

        Raises:
            AuthorError: the team's policy takes nothing from this clone (SEC-8).
        """
        place, transport = self.reached()
        who = signature_of(self.settings, self.repository)
        check_signed(self.policy(), who)
        return Restorer(transport, place.refs, self.lookback(), who, self.host.now(), who.name)

    def policy(self) -> Policy:
        """Return the team's policy; where its ref is damaged, gone or behind, the last that this clone has seen.

        Raises:
            CoordError: the remote cannot be read.
        """
        return self.lookback().author_policies(self.reader(), self.listing(), self.host.now())[-1]

    def has(self, mark: Mark) -> bool:
        """Whether the marked commit is here."""
        return bool(mark.tip) and self.objects_with(mark).has(Oid(mark.tip))

    def objects_with(self, mark: Mark) -> Objects:
        """Return where a marked commit is: the objects of the place, or of a remote on a path this clone's copy."""
        return self.lookback().objects_with(Oid(mark.tip))

    def bring(self, mark: Mark) -> None:
        """Write what the place lacks of a marked commit there, from this clone's copy.

        Raises:
            CoordError: it cannot be read, or written there.
        """
        objects = self.reached()[1].objects
        if not objects.has(Oid(mark.tip)):
            copies.copy_history(self.objects_with(mark), objects, Oid(mark.tip), must_join=True)

    def mark_of(self, ref: RefName) -> Mark:
        """Return what a ledger that is back or gone is put back to: what was seen last, or else was copied last."""
        mark, place = self.lookback().mark_of(ref), self.reached()[0]
        copied = FilesRefs(self.coordination / "store.git", now_ns=lambda: 0)
        tip = copied.read([copies.name_of(ref)]).get(copies.name_of(ref)) if place.git_dir and mark.tip else None
        if tip is None or self.has(mark):
            return mark
        return mark._replace(tip=tip)

    def forget(self) -> None:
        """List the refs anew when they are wanted next: something was repaired."""
        self._listed = None

    def remove(self, update: RefUpdate) -> str:
        """Delete a ref that is no ledger, and say so. Any clone may: a deletion has nothing to sign (SEC-8).

        Raises:
            ContendedError: it moved meanwhile, or the remote declined.
        """
        if self.reached()[1].swap([update]).status is not SwapStatus.WON:
            text = f"{update.ref} was not deleted: it has moved, or the remote declined."
            raise ContendedError(text, hint="Run it again.")
        self.lookback().marks.forget(update.ref)
        self.forget()
        return f"{update.ref} is deleted"

    def listed(self) -> Mapping[RefName, Oid]:
        """List the refs, for a check that is of something else than reading them.

        Raises:
            NotCheckedError: the remote cannot be read.
        """
        try:
            return self.listing()
        except CoordError:
            raise NotCheckedError("the remote could not be read") from None

    def reader(self) -> Reader:
        """Return what reads ledgers here."""
        place, transport = self.reached()
        return Reader(transport, place.refs, seen=self.lookback().marks.tips)

    def heartbeats(self) -> Mapping[str, Heartbeat]:
        """Return the heartbeat of each clone that can be read."""
        listed, reader = self.listed(), self.reader()
        reader.prefetch(listed)
        return {clone: beat for clone, (_, beat) in reader.heartbeats(listed).items()}
