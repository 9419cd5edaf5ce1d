"""Rolling the ledgers of a place whose history is long.

    count the commits, without a lock ──> lock, read the tip again ──> swap archive and ledger
                                              └──it is another history──> another clone has rolled it

Rules:
  * SEC-8: none is rolled where the team's policy does not take the roll from this clone.
  * SAFE-9: a ledger that is back or gone, that cannot be read, or that a newer version writes, is left alone.
  * Whatever a swap answers, the ledger is read again: rolled is what stands there.
  * Where a remote takes one ref at a time the archive comes first, and goes again if the ledger was not rolled.

What this file does not know: the store, and what else is cleaned.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from filelock import Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError, CoordError, DeniedError, UnreachableError
from gitcoord.ledger.archive import roll
from gitcoord.ledger.archive.roll import Length, Roll
from gitcoord.ledger.format.refs import ARCHIVES
from gitcoord.ledger.leader.lead_time import delays
from gitcoord.ledger.rewinds.lookback import present_at
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.left_alone import problem


def roll_ledgers(
    workspace: Workspace, *, rolled_after: int, dry_run: bool, problems: list[Json]
) -> Iterator[dict[str, Json]]:
    """Roll each ledger with more commits, and yield what was done; `dry_run`: what would be."""
    listed = with_archives(workspace)
    for ref in sorted(listed):
        setting, back = workspace.setting, workspace.rewound_refs
        if setting.refs.under_heads or ref in back or not setting.ledgers.is_ledger(setting.refs, ref):
            continue
        try:
            found = _rolled(workspace, ref, listed, rolled_after, dry_run=dry_run)
        except CoordError as error:
            problems.append(problem(error, ref))
            continue
        if found is not None:
            yield found


def with_archives(workspace: Workspace) -> dict[RefName, Oid]:
    """List the refs, archives included: not every transport has them in its listing."""
    refs, transport = workspace.setting.refs, workspace.setting.transport
    return {**workspace.listed(), **transport.read([refs.below(ARCHIVES)])}


def _rolled(
    workspace: Workspace, ref: RefName, listed: Mapping[RefName, Oid], rolled_after: int, *, dry_run: bool
) -> dict[str, Json] | None:
    setting, refs, tip = workspace.setting, workspace.setting.refs, listed[ref]
    objects = setting.transport.objects
    names = {listed[name]: name for name in refs.archives_of(ref, listed).values()}
    if not names and present_at(objects, tip, "").seq <= rolled_after:
        return None  # it has at least as many commands as commits
    length = roll.length_of(objects, tip, names)
    left = [RefUpdate(names[oid], oid, None) for oid in length.passed]
    if length.commits <= rolled_after:
        if left and not dry_run:  # of a roll that never came
            _swap(workspace, left)
        return None
    if ref != refs.config:
        workspace.reader.ledger(ref, tip).check_writable()
    workspace.check_author(listed)
    if dry_run:
        return _row(ref, length.commits, roll.next_archive(refs, ref, listed))
    return _roll_now(workspace, ref, tip, length, left)


def _roll_now(
    workspace: Workspace, ref: RefName, counted: Oid, length: Length, left: list[RefUpdate]
) -> dict[str, Json] | None:
    """Roll a ledger whose commits were counted up to a tip; `None`: another clone has."""
    setting, sent, outcome = workspace.setting, list[Roll](), SwapOutcome(SwapStatus.LOST)
    for delay in delays(setting.host.chance):
        with suppress(Timeout), workspace.combiner.lock():
            listed = with_archives(workspace)
            tip, objects = listed.get(ref), setting.transport.objects
            done = next((each for each in sent if tip and roll.added_since(objects, tip, each.tip) is not None), None)
            if done is not None:
                return _row(ref, length.commits, done.archive.ref)
            added = roll.added_since(objects, tip, counted) if tip else None
            if added is None:
                return None
            if left and _swap(workspace, left).status is SwapStatus.WON:
                left = []
                listed = with_archives(workspace)
            sent.append(
                roll.prepare(
                    objects, setting.refs, ref, listed, commits_count=length.commits + added,
                    agent=workspace.agent, signature=setting.clone.signature, now=setting.host.now(),
                )
            )  # fmt: skip
            outcome = _swap_roll(workspace, sent[-1])
            if outcome.status is SwapStatus.WON:
                return _row(ref, length.commits + added, sent[-1].archive.ref)
        if outcome.status in (SwapStatus.DENIED, SwapStatus.UNREACHABLE):
            break
        setting.host.sleep(delay)
    raise _error(ref, outcome)


def _swap_roll(workspace: Workspace, found: Roll) -> SwapOutcome:
    if workspace.setting.transport.atomic:
        return _swap(workspace, [found.archive, found.ledger])
    outcome = _swap(workspace, [found.archive])
    if outcome.status is SwapStatus.WON:
        outcome = _swap(workspace, [found.ledger])
        if outcome.status in (SwapStatus.LOST, SwapStatus.DENIED):
            _swap(workspace, [RefUpdate(found.archive.ref, found.archive.new, None)])
    return outcome


def _swap(workspace: Workspace, updates: list[RefUpdate]) -> SwapOutcome:
    return workspace.setting.push(updates)


def _row(ref: RefName, commits: int, archive: RefName) -> dict[str, Json]:
    return {"ref": ref, "commits": commits, "archive": archive}


def _error(ref: RefName, outcome: SwapOutcome) -> CoordError:
    why = (outcome.message or outcome.status.value).rstrip(".")
    if outcome.status is SwapStatus.DENIED:
        return DeniedError(
            f"The remote declined the roll of {ref}: {why}.", hint="Ask for the right to push refs/coord/*."
        )
    if outcome.status is SwapStatus.UNREACHABLE:
        return UnreachableError(f"{ref} was not rolled: {why}.", hint="Run it again.")
    return ContendedError(f"{ref} was not rolled: others wrote first at every attempt.", hint="Run it again.")
