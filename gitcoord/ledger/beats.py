"""Heartbeats: making this clone's, in time for others to see that its sessions live.

Rules:
  * One document per clone for all its sessions; replaced, never chained (under `refs/heads/` chained, because
    nothing may be rewound there).
  * A swap of this clone carries a new beat when the last one is older than half an interval; no other write does.
  * A heartbeat ref that somebody else moved means that a copy of this clone runs elsewhere: a new id is needed.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from gitcoord.core.doc import Json, canonical, time_text
from gitcoord.core.presence import Heartbeat
from gitcoord.errors import RepositoryError
from gitcoord.ledger import commits, files, trees
from gitcoord.ledger.host import Clone, Host
from gitcoord.ledger.refs import Refs
from gitcoord.ledger.sessions import Sessions
from gitcoord.remote.protocol import Objects, Oid, RefName, RefUpdate

INTERVAL_NEAR_S = 60  # a path or a local network: ten beats before anyone is stale
INTERVAL_FAR_S = 150  # GitHub asks for at most 6 pushes a minute of a whole repository
SENT_KEPT = 32  # a transaction prepares one for each of its 24 attempts


class Beats:
    """Makes and remembers the heartbeat of one clone."""

    def __init__(self, host: Host, clone: Clone, refs: Refs, sessions: Sessions, interval_s: int) -> None:
        """Remember where the last beat is written down."""
        self._host = host
        self._clone = clone
        self._refs = refs
        self._sessions = sessions
        self._interval_s = interval_s
        self._file = clone.folder / "beat.json"

    @property
    def ref(self) -> RefName:
        """Return the ref of this clone's heartbeat."""
        return self._refs.heartbeat(self._clone.id)

    @property
    def interval_s(self) -> int:
        """Return how often this clone beats, in seconds."""
        return self._interval_s

    def is_due(self, now: datetime, share: float = 1.0) -> bool:
        """Whether the last beat is older than this share of an interval."""
        at = files.time_in(files.read_json(self._file), "at")
        return at is None or now - at >= timedelta(seconds=self._interval_s * share)

    def has_news(self, now: datetime) -> bool:
        """Whether this clone has a session; a clone without one has nothing to say and does not beat."""
        return bool(self._sessions.beats(now))

    def moved_by_stranger(self, listed: Mapping[RefName, Oid]) -> bool:
        """Whether the ref is neither absent nor at one of the beats that this clone sent last.

        Several, because one that got no answer may land after the next was prepared. Who has forgotten them (the
        file is not flushed, and a power cut may take it) has no reason to suspect anybody.
        """
        last = files.read_json(self._file)
        tip = listed.get(self.ref)
        return bool(last) and tip is not None and tip not in (last.get("tip"), last.get("before"), *_sent(last))

    def prepare(self, objects: Objects, listed: Mapping[RefName, Oid], now: datetime) -> RefUpdate:
        """Write the objects of a new beat and return the line for the swap."""
        last = files.read_json(self._file)
        seq = last.get("seq")
        old = listed.get(self.ref)
        beat = Heartbeat(
            clone=self._clone.id,
            boot=self._host.boot,
            seq=(seq if isinstance(seq, int) else 0) + 1,
            beaten_at=now,
            interval_s=self._interval_s,
            sessions=self._sessions.beats(now),
        )
        folder = trees.write(objects, trees.EMPTY, {"heartbeat.json": canonical(beat.dump())})
        parents = [old] if old and self._refs.under_heads else []
        title = f"beat of {self._clone.id}: {len(beat.sessions)} sessions"
        tree = folder.oid or Oid("")
        tip = commits.write(objects, tree, parents, self._clone.signature, now, title)
        self._note({**last, "seq": beat.seq, "sent": [*_sent(last), tip][-SENT_KEPT:]})
        return RefUpdate(self.ref, old, tip)

    def sent(self, update: RefUpdate, now: datetime) -> None:
        """Note that a beat has landed."""
        last = files.read_json(self._file)
        with contextlib.suppress(RepositoryError):  # it is among those that were sent; the next is due sooner
            self._note({**last, "tip": update.new, "before": update.old, "at": time_text(now)})

    def _note(self, value: dict[str, Json]) -> None:
        files.write_json(self._file, value, f"{self._host.pid}")


def _sent(last: Mapping[str, Json]) -> list[Json]:
    sent = last.get("sent")
    return sent if isinstance(sent, list) else []
