"""`upgrade --rules`: from now on only clones of this version, or a newer one, write to the ledgers.

Rules:
  * While a clone that lives runs an older version, nothing is raised unless the caller insists: its agents could not
    write any more, in the middle of their work.
  * SEC-8: nothing is raised where the team's policy does not take that from this clone.
  * Whatever a swap answers, the ledgers are read again: done is what stands there.
"""

from collections.abc import Iterator
from datetime import timedelta

from filelock import Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError, DeniedError, UnreachableError
from gitcoord.ledger.archive.rules_version import Raising, prepare
from gitcoord.ledger.format.meta import RULES, WRITER
from gitcoord.ledger.format.records import RecordHead
from gitcoord.ledger.leader.lead_time import delays
from gitcoord.remote.contract.protocol import RefName, SwapOutcome, SwapStatus
from gitcoord.service.session.workspace import Workspace

BEATS_MISSED = 3  # as everywhere: after three missed beats a clone is not taken for live


def upgrade_rules(workspace: Workspace, *, force: bool = False) -> dict[str, Json]:
    """Raise the least writer version of every ledger to this one's.

    Returns: `raised` (whether all are now at it), `rules`, `writer_min`, `ledgers` (refs that were raised), `older`
    (live clones with agents that could not write any more), `unread` (damaged ledgers, left alone).

    Raises:
        AuthorError: the team's policy does not take it from this clone.
        ContendedError, DeniedError, UnreachableError: not every ledger was raised; call again.
    """
    older = [*_older(workspace)]
    result: dict[str, Json] = {"rules": RULES, "writer_min": WRITER, "older": [*older]}
    if older and not force:
        why = f"{len(older)} live {'clone runs' if len(older) == 1 else 'clones run'} an older gitcoord."
        return {**result, "raised": False, "ledgers": [], "refused": "older_clones", "why": why}
    workspace.follow()
    try:
        with workspace.combiner.lock():
            ledgers, raising = _raise_all(workspace)
    except Timeout:
        raise ContendedError(
            "Another process of this clone holds the lock; nothing was changed.", hint="Try again."
        ) from None
    return {**result, "raised": True, "ledgers": [*sorted(ledgers)], "unread": [*sorted(raising.unread)]}


def _raise_all(workspace: Workspace) -> tuple[set[RefName], Raising]:
    setting, raised = workspace.setting, set[RefName]()
    outcome = SwapOutcome(SwapStatus.LOST)
    for delay in delays(setting.host.chance):
        listed, signature = workspace.listed(), setting.clone.signature
        workspace.check_author(listed)
        raising = prepare(
            setting.transport.objects, setting.refs, listed, workspace.actor(), signature,
            RecordHead(setting.host.now(), {}),
        )  # fmt: skip
        if not raising.updates:
            return raised, raising
        raised |= {update.ref for update in raising.updates}
        together = setting.transport.atomic
        for swap in [list(raising.updates)] if together else [[update] for update in raising.updates]:
            outcome = setting.push(swap)
        if outcome.status in (SwapStatus.DENIED, SwapStatus.UNREACHABLE):
            break
        if outcome.status is not SwapStatus.WON:
            setting.host.sleep(delay)
    if outcome.status is SwapStatus.DENIED:
        raise DeniedError(f"The remote declined the new rules: {outcome.message}.", hint="Ask the people who run it.")
    if outcome.status is SwapStatus.UNREACHABLE:
        raise UnreachableError(f"The remote could not be reached: {outcome.message}.", hint="Call again.")
    raise ContendedError("Other clones wrote first at every attempt; some ledgers may be raised.", hint="Call again.")


def _older(workspace: Workspace) -> Iterator[dict[str, Json]]:
    """Yield the clones that beat a moment ago for sessions whose version could not write any more."""
    now = workspace.setting.host.now()
    for clone, (_, beat) in sorted(workspace.reader.heartbeats(workspace.listed()).items()):
        older = [session for session in beat.sessions if session.closed_at is None and session.writer < WRITER]
        if older and now - beat.beaten_at < timedelta(seconds=BEATS_MISSED * beat.interval_s):
            yield {"clone": clone, "agents": [*sorted({agent for session in older for agent in session.agents})]}
