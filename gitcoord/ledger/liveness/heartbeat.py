"""Heartbeats: making this clone's, in time for others to see that its sessions live.

Rules:
  * One document per clone for all its sessions; replaced, never chained (under `refs/heads/` chained, because
    nothing may be rewound there).
  * A swap of this clone carries a new beat when the last one is older than half an interval; no other write does.
  * A heartbeat ref that someone else moved means that a copy of this clone runs elsewhere: a new id is needed
    (`send_heartbeat`). Not someone else's is a beat of our id and this boot that is not newer than what we sent, nor a
    judgement on a beat of ours (`judgements`), whatever we were doing meanwhile.
  * What was sent is noted of the id, whatever the place (remote and namespace): one remote may have two spellings, and
    a beat that was sent by one of them is ours by the other. When the last one landed is noted for each place.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from gitcoord.core.documents.doc import Struct
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.errors import DocumentError, MissingObjectError, StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Clone, Host
from gitcoord.ledger.clone.remote_folder import key_of
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.liveness import judgements
from gitcoord.ledger.liveness.cleanup import UNTOUCHED
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate

INTERVAL_NEAR_S = 60  # a path or a local network: ten beats before anyone is stale
INTERVAL_FAR_S = 150  # GitHub asks for at most 6 pushes a minute of a whole repository
_NEAR = re.compile(r"(?:^|@|//)(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)")
SENT_KEPT = 32  # a transaction prepares one for each of its 24 attempts


def interval_of(url: str | None, wanted: str, *, is_far: bool) -> int:
    """Return how often a clone beats: as wanted, within limits, or as it suits how far the remote is."""
    if re.fullmatch(r"[0-9]{1,9}", wanted):  # Python refuses to read a number of 4,301 digits
        return min(max(int(wanted), 5), 600)
    return INTERVAL_FAR_S if is_far and url is not None and not _NEAR.search(url) else INTERVAL_NEAR_S


class Beats(Struct, eq=False):
    """Makes and remembers the heartbeat of one clone.

    Attributes:
        host: what this process lives on.
        clone: whose heartbeat it is.
        refs: where it goes.
        sessions: what it tells of.
        interval_s: how often this clone beats, in seconds.
        place: the remote's URL; none for the store of this clone.
        seen: what a beat tells of the ledgers.
    """

    host: Host
    clone: Clone
    refs: Refs
    sessions: Sessions
    interval_s: int
    place: str = ""
    seen: Callable[[], Mapping[str, int]] = dict
    _key: str = ""

    def __post_init__(self) -> None:
        """Name the place."""
        self._key = key_of(self.place, self.refs.namespace)

    @property
    def ref(self) -> RefName:
        """Return the ref of this clone's heartbeat."""
        return self.refs.heartbeat(self.clone.id)

    def is_due(self, now: datetime, share: float = 1.0) -> bool:
        """Whether the last beat is older than this share of an interval, or from before the clock was set back."""
        at = files.time_in(_places(self._noted()).get(self._key, {}), "at")
        return at is None or at > now or now - at >= timedelta(seconds=self.interval_s * share)

    def has_news(self, now: datetime) -> bool:
        """Whether this clone has a session; a clone without one has nothing to say and does not beat."""
        return bool(self.sessions.beats(now))

    def unknown_tip(self, listed: Mapping[RefName, Oid]) -> Oid | None:
        """Return where the ref is, if that is none of the beats that this clone sent last.

        Several, because one that got no answer may land after the next was prepared. Who has forgotten them (the
        file is not flushed, and a power cut may take it) has no reason to suspect a copy.
        """
        noted = self._noted()
        places = _places(noted)
        ours = [tip for place in places.values() for tip in (place.get("tip"), place.get("before"))]
        tip = listed.get(self.ref)
        return tip if self._key in places and tip not in (None, *ours, *_sent(noted)) else None

    def moved_by_stranger(self, objects: Objects, listed: Mapping[RefName, Oid]) -> bool:
        """Whether someone else has moved the ref. A tip whose objects are not here is a stranger's."""
        tip = self.unknown_tip(listed)
        if tip is None:
            return False
        beat = judgements.judged(objects, tip)
        if beat is None:  # judged by there being none: not where ours cannot have been swept yet
            return not self.is_due(self.host.now(), UNTOUCHED.total_seconds() / self.interval_s)
        if self.unknown_tip({self.ref: beat}) is None:
            return False  # another clone judged us by it
        return not self._is_ours(_beat_at(objects, beat))

    def _is_ours(self, beat: Heartbeat | None) -> bool:
        seq = self._noted().get("seq")
        return (
            beat is not None
            and beat.clone == self.clone.id
            and beat.boot == self.host.boot != ""
            and isinstance(seq, int)
            and beat.seq <= seq
        )

    def prepare(self, objects: Objects, listed: Mapping[RefName, Oid], now: datetime) -> RefUpdate:
        """Write the objects of a new beat and return the line for the swap."""
        noted = self._noted()
        seq = noted.get("seq")
        old = listed.get(self.ref)
        beat = Heartbeat(
            clone=self.clone.id,
            boot=self.host.boot,
            seq=(seq if isinstance(seq, int) else 0) + 1,
            beaten_at=now,
            interval_s=self.interval_s,
            sessions=self.sessions.beats(now),
            seen=self.seen(),
        )
        folder = trees.write(objects, trees.EMPTY, {"heartbeat.json": beat.encode()})
        parents = [old] if old and self.refs.under_heads else []
        title = f"beat of {self.clone.id}: {len(beat.sessions)} sessions"
        tree = folder.oid or Oid("")
        tip = commits.write(objects, tree, parents, self.clone.signature, now, title)
        self._note({**noted, "seq": beat.seq, "sent": [*_sent(noted), tip][-SENT_KEPT:]})
        return RefUpdate(self.ref, old, tip)

    def sent(self, update: RefUpdate, now: datetime) -> None:
        """Note that a beat has landed."""
        with contextlib.suppress(StorageError):  # it is among those that were sent; the next is due sooner
            self._note(self._noted(), {"tip": update.new, "before": update.old, "at": time_text(now)})

    def _noted(self) -> dict[str, Json]:
        """Return the notes of all places; none of beats that were sent under another id."""
        noted = files.read_json(self.clone.folder / "beat.json")
        return noted if noted.get("clone") == self.clone.id else {}

    def _note(self, noted: Mapping[str, Json], here: Mapping[str, Json] | None = None) -> None:
        """Write it down under this clone's lock, with what there is to say of this place."""
        places = _places(noted)
        places[self._key] = {**places.get(self._key, {}), **(here or {})}
        value: dict[str, Json] = {**noted, "clone": self.clone.id, "places": {**places}}
        files.write_json(self.clone.folder / "beat.json", value, self.host.unique)


def _beat_at(objects: Objects, tip: Oid) -> Heartbeat | None:
    try:
        oid = trees.load(objects, commits.read(objects, tip).tree).file("heartbeat.json")
        return Heartbeat.decode(objects.read(oid)[1]) if oid else None
    except (DocumentError, MissingObjectError):
        return None


def _sent(noted: Mapping[str, Json]) -> list[Json]:
    sent = noted.get("sent")
    return sent if isinstance(sent, list) else []


def _places(noted: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    places = noted.get("places")
    known = places if isinstance(places, dict) else {}
    return {key: place for key, place in known.items() if isinstance(place, dict)}
