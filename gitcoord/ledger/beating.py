"""Beating: a heartbeat of its own, when no other write has carried one."""

from filelock import Timeout

from gitcoord.ledger.combining import Combiner
from gitcoord.ledger.sweeping import sweep
from gitcoord.ledger.transaction import Setting
from gitcoord.remote.protocol import RefUpdate, SwapStatus


def beat_now(setting: Setting, combiner: Combiner, *, force: bool = False) -> bool:
    """Send this clone's heartbeat if it is due, under the clone's lock; tell whether it was sent.

    A clone that has no session has nothing to say and does not beat.

    Raises:
        UnreachableError, DeniedError: the remote cannot be read.
    """
    now = setting.host.now()
    if not force and (not setting.beats.is_due(now) or not setting.beats.has_news(now)):
        return False
    try:
        with combiner.lock():
            listed = setting.transport.read(setting.refs.everything)
            if setting.beats.moved_by_stranger(listed):
                return False
            update = setting.beats.prepare(setting.transport.objects, listed, now)
            others = {ref: tip for ref, tip in listed.items() if ref != update.ref}
            if not _send(setting, update, sweep(setting.transport.objects, setting.refs, others, now)):
                return False
            setting.beats.sent(update, now)
            return True
    except Timeout:
        return False  # somebody is writing, and carries a beat if it is due


def _send(setting: Setting, beat: RefUpdate, deletions: list[RefUpdate]) -> bool:
    """Send a beat, with deletions where they cannot land without it; a race for one of them costs only them."""
    together = deletions and setting.transport.atomic
    if together and setting.transport.swap([beat, *deletions]).status is SwapStatus.WON:
        return True
    return setting.transport.swap([beat]).status is SwapStatus.WON
