"""Beating: a heartbeat of its own, when no other write has carried one.

Rules:
  * A beat that was not sent is said (an error), but for a race that the next one decides.
  * After UNKNOWN the ref is read before anything is sent again; by the next beat, where the remote hangs.
  * All calls together take LEAD_S at most, as those of a transaction: others wait for the lock meanwhile.
  * Where a stranger has moved our heartbeat, this clone goes on under a new id; see `clone_id`. Not while a command
    is carried out whose author waits: the ledger knows it by the old id, and under the new one it would be done twice.
"""

import contextlib

from filelock import Timeout

from gitcoord.errors import (
    ContendedError,
    DeniedError,
    MissingObjectError,
    UnknownOutcomeError,
    UnreachableError,
)
from gitcoord.ledger.clone import clone_id, files
from gitcoord.ledger.clone.remote_folder import folders_in
from gitcoord.ledger.leader import declined
from gitcoord.ledger.leader.lead_time import LEAD_S
from gitcoord.ledger.liveness.cleanup import sweep
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.remote.contract.deadline import asking_once, until
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus


def beat_now(setting: Setting, combiner: Combiner, *, force: bool = False) -> bool:
    """Send this clone's heartbeat if it is due, under the clone's lock; tell whether it was sent.

    A clone that has no session has nothing to say and does not beat.

    Raises:
        UnreachableError, DeniedError: the remote cannot be read, or does not take the beat.
        ContendedError: something else than a race is in the way, a left-over lock, say.
        UnknownOutcomeError: no answer came, and the beat has not landed yet.
        StorageError: the disk cannot be written.
    """
    drawn = clone_id.current(setting.clone.folder) or setting.clone.id
    if drawn == setting.clone.id and not force and not _is_due(setting):
        return False
    try:
        with combiner.lock():  # no command of ours is on its way, so its id may change
            setting.clone.rename(drawn)  # another process of this clone found a stranger
            end = setting.host.monotonic() + LEAD_S
            with asking_once(), until(lambda: end - setting.host.monotonic()):
                return (force or _is_due(setting)) and _beat(setting)
    except Timeout:
        return False  # another process is writing, and carries a beat if it is due


def _is_due(setting: Setting) -> bool:
    now = setting.host.now()
    return setting.beats.is_due(now) and setting.beats.has_news(now)


def _beat(setting: Setting) -> bool:
    now = setting.host.now()
    listed = setting.transport.read(setting.refs.everything)
    unknown = setting.beats.unknown_tip(listed)
    if unknown is not None and not setting.transport.objects.has(unknown):
        with contextlib.suppress(MissingObjectError):  # it moved once more, and not by us: the lock is ours
            setting.transport.fetch([unknown])
    if setting.beats.moved_by_stranger(setting.transport.objects, listed):
        begun = setting.host.now()
        spools = [place / "spool" for place in folders_in(setting.clone.folder)]
        taken = [spool / name for spool in spools for name in files.names_in(spool, ".taken")]
        deadlines = [files.time_in(files.read_json(path), "deadline") for path in taken]
        is_answering = any(deadline is not None and deadline >= begun for deadline in deadlines)
        if is_answering:
            return False
        folder, host = setting.clone.folder, setting.host
        setting.clone.rename(clone_id.redraw(folder, setting.clone.id, host.draw_id, host.unique))
    update = setting.beats.prepare(setting.transport.objects, listed, now)
    others = {ref: tip for ref, tip in listed.items() if ref != update.ref}
    # Send a beat, with deletions where they cannot land without it; a race for one of them costs only them.
    deletions = sweep(setting.transport.objects, setting.refs, others, now)
    outcome = SwapOutcome(SwapStatus.LOST)
    if deletions and setting.transport.atomic:
        outcome = setting.push([update, *deletions])
    if outcome.status in (SwapStatus.LOST, SwapStatus.DENIED):
        outcome = setting.push([update])
    if setting.beats.place:
        declined.note(setting.place_folder, outcome, now, setting.host.unique)
    if outcome.status is not SwapStatus.WON and not _has_landed(setting, update, outcome):
        return False
    setting.beats.sent(update, now)
    return True


def _has_landed(setting: Setting, beat: RefUpdate, outcome: SwapOutcome) -> bool:
    """Tell whether a beat that was not won is there all the same; raise what hinders it, if that is no race."""
    if outcome.status in (SwapStatus.LOST, SwapStatus.UNKNOWN):
        tip = setting.transport.read(setting.refs.everything).get(beat.ref)
        if tip == beat.new:
            return True
        if outcome.status is SwapStatus.LOST and tip != beat.old:
            return False
    why = (outcome.message or "no reason was given").rstrip(".")
    text = f"This clone's heartbeat was not sent: {why}."
    hint = "Other clones will consider its sessions gone; "
    match outcome.status:
        case SwapStatus.DENIED:
            hint += "ask the remote's administrator to allow pushes to refs/coord/*, by force too."
            raise DeniedError(text, hint=hint)
        case SwapStatus.UNREACHABLE:
            raise UnreachableError(text, hint=f"{hint}check the network and the remote.")
        case SwapStatus.UNKNOWN:
            raise UnknownOutcomeError(text, hint=f"{hint}the next one is sent by itself: check the network.")
        case _:
            raise ContendedError(text, hint=f"{hint}run `gitcoord doctor`: it says whether a process uses a lock.")
