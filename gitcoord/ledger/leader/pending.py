"""Pending: swaps that were sent and whose answer is not known yet, on disk, for the process that comes next.

    sent ──won──> forgotten                 └─lost, declined, unreachable──> as before: an earlier try may be on its way
      └──no answer, or we died──> read again: the tip moved ──ledger read──> forgotten (it landed, or it never can)
                                              the tip is the same ──> still pending: same place, same command

Only a moved tip proves that an earlier try cannot land: a later one that lost may have lost to the lock of the first.
A command that is pending in one ledger must not be carried out in another: `pins` says where each one is.
Each place to coordinate has a file of its own: what moves there says nothing about another place's ref of the same
name.

Rules:
  * SAFE-3, TXN-2: a command whose answer is missing is noted on disk before it is sent, with the ledger that it was
    sent to, and it stays in that ledger until the tip has moved.
"""

import contextlib
from collections.abc import Collection, Container, Iterable, Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.remote.contract.protocol import Oid, RefName

_NAME = "pending.json"


class Pending:
    """The file `pending.json` of a place. Used only under the clone's lock."""

    def __init__(self, folder: Path, unique: str, former: Path | None = None) -> None:
        """Read what an earlier process left. `folder`: of the place; `former`: of it as older versions named it."""
        self._file = folder / _NAME
        self._former = former / _NAME if former else None
        self._unique = unique
        self._earlier: dict[RefName, list[Json]] = {}
        self._here: dict[str, dict[str, Json]] = {}
        self._noted: dict[str, dict[str, Json]] | None = None

    def begin(self) -> None:
        """Go by the file again: since the lock was held last, another process may have written it."""
        self._noted = None

    def pins(self) -> dict[str, RefName]:
        """Return for each pending command the ledger that it was sent to."""
        return _pins(self._here) | _pins(self._swaps())

    def add(self, sent: Iterable[tuple[RefName, Oid | None, Iterable[str]]]) -> None:
        """Note what is about to be sent in one swap, beside what was sent from the same bases before.

        `sent`: each ledger, its base, and the ids of the commands.
        """
        swaps = self._swaps()
        for ref, base, uids in sent:
            before = swaps[ref]["uids"] if ref in swaps and swaps[ref]["base"] == base else []
            self._earlier[ref] = before if isinstance(before, list) else []
            swaps[ref] = {"base": base, "uids": [*self._earlier[ref], *uids]}
        self._save(swaps)

    def note_sent(self, ref: RefName, base: Oid | None, uids: Iterable[str]) -> None:
        """Note a swap that has no answer and was not noted before; only while this process lives."""
        swap = self._here.get(ref, {"base": base, "uids": []})
        before = swap["uids"] if swap["base"] == base and isinstance(swap["uids"], list) else []
        self._here[ref] = {"base": base, "uids": [*before, *uids]}

    def take_back(self, ref: RefName) -> None:
        """Note that the swap that was added last did not land; what was on its way before it may still do."""
        earlier = self._earlier.pop(ref, None)
        if earlier is None:
            return
        swaps = self._swaps()
        swap = swaps.pop(ref, None)
        if earlier and swap is not None:
            uids: list[Json] = [*earlier]
            swaps[ref] = {**swap, "uids": uids}
        self._save_later(swaps)

    def forget(self, refs: Collection[RefName]) -> None:
        """Note that these tips have moved: of what was sent before, nothing can land any more."""
        swaps = self._swaps()
        for ref in refs:
            self._earlier.pop(ref, None)
            self._here.pop(ref, None)
        if not swaps.keys().isdisjoint(refs):
            self._save_later({ref: swap for ref, swap in swaps.items() if ref not in refs})

    def resolve(self, listed: Mapping[RefName, Oid]) -> tuple[dict[str, RefName], dict[str, RefName]]:
        """Return the pins: of all swaps, and of those that can still land, for their ref has not moved since."""
        here, noted = self._here, self._swaps()
        same = _pins(_unsettled(here, listed, ())) | _pins(_unsettled(noted, listed, ()))
        return _pins(here) | _pins(noted), same

    def settle(self, listed: Mapping[RefName, Oid], unread: Container[str]) -> None:
        """Forget the swaps whose ref has moved; not those of `unread` commands, which may have landed."""
        swaps = self._swaps()
        left = _unsettled(swaps, listed, unread)
        self._here = _unsettled(self._here, listed, unread)
        if len(left) != len(swaps):
            self._save_later(left)

    def _swaps(self) -> dict[str, dict[str, Json]]:
        if self._noted is None:
            data = {**(files.read_json(self._former) if self._former else {}), **files.read_json(self._file)}
            swaps = {ref: swap for ref, swap in data.items() if isinstance(swap, dict)}
            self._noted = {ref: swap for ref, swap in swaps.items() if {"base", "uids"} <= swap.keys()}
        return {**self._noted}

    def _save_later(self, swaps: Mapping[str, dict[str, Json]]) -> None:
        """Save what costs nothing to know too late: an old entry is seen to be one when its ref has moved."""
        with contextlib.suppress(StorageError):
            self._save(swaps)

    def _save(self, swaps: Mapping[str, dict[str, Json]]) -> None:
        if swaps:
            files.write_json(self._file, dict(swaps), self._unique)
        else:
            files.remove(self._file)
        if self._former:
            files.remove(self._former)
        self._noted = {**swaps}


def _unsettled(
    swaps: Mapping[str, dict[str, Json]], listed: Mapping[RefName, Oid], unread: Container[str]
) -> dict[str, dict[str, Json]]:
    return {
        ref: swap
        for ref, swap in swaps.items()
        if _is_same(ref, swap, listed) or any(uid in unread for uid in _pins({ref: swap}))
    }


def _is_same(ref: str, swap: Mapping[str, Json], listed: Mapping[RefName, Oid]) -> bool:
    return listed.get(RefName(ref)) == swap["base"]


def _pins(swaps: Mapping[str, Mapping[str, Json]]) -> dict[str, RefName]:
    return {
        uid: RefName(ref)
        for ref, swap in swaps.items()
        for uid in (swap["uids"] if isinstance(swap["uids"], list) else [])
        if isinstance(uid, str)
    }
