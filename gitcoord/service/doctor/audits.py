"""The check of what was audited: each ledger is what its commands give, from where this clone's last audit ended.

Rules:
  * REPLAYED_MAX commits are replayed here; what is left is `gitcoord audit`'s.
  * Nothing is listed twice: what cannot be read at a ledger's tip is `ledgers`' to name (of a clone's own store
    `refs`'), and what this clone saw and it lacks `rewound`'s.
  * A ledger goes back to the last commit that is sound. What others did since goes with it, so where anyone did, only a
    person who is asked can say so. One that moved since it was looked at stays: no one was asked about what came.
  * Looking changes nothing: checkpoints are `gitcoord audit`'s.

What this file does not know: how a commit is replayed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.errors import ContendedError, CoordError, DocumentError
from gitcoord.ledger.audit import checkpoint, recorded_batch, special_commits
from gitcoord.ledger.audit.checkpoint import Checkpoint
from gitcoord.ledger.audit.ledger_audit import LedgerAudit, LedgerReport
from gitcoord.ledger.audit.problem import Problem, UnsoundError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.clone.remote_folder import folder_of
from gitcoord.ledger.format.commits import Commit, walk
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, Transport
from gitcoord.service.doctor.authors import written_by
from gitcoord.service.doctor.check_run import Check, Finding, Repair, Status, ok, together, warn
from gitcoord.service.doctor.replaced import keeper
from gitcoord.service.doctor.site import Site
from gitcoord.service.doctor.store import locked, unreadable

LIMIT_S = 60.0
REPLAYED_MAX = 1000  # commits of all ledgers together: 2 to 4 s of processor, beside the walk to the oldest
_RUN = "Run `gitcoord audit`; agents go on meanwhile."
_NOT_OURS = {Problem.UNREADABLE, Problem.REWRITTEN}


@dataclass(frozen=True, slots=True)
class _AuditPlace:
    """The place of a site, as an audit needs it."""

    transport: Transport
    refs: Refs
    host: Host
    read: Reader
    ledgers: Ledgers = LEDGERS

    def reader(self) -> Reader:
        return self.read


def checks(site: Site) -> list[Check]:
    """Return the check of what was audited."""
    return [Check("audit", lambda: audit(site), LIMIT_S)]


def audit(site: Site) -> Finding:
    """Replay what came to the ledgers since they were audited here."""
    listed, known, refs = site.listed(), checkpoints(site), site.at_place().refs
    rewound, left, found = {error.where for error in site.rewound()}, REPLAYED_MAX, list[Finding]()
    there = {ref: tip for ref, tip in sorted(listed.items()) if LEDGERS.at(refs, ref) is not None}
    reader, behind = site.reader(), dict[RefName, int]()
    reader.prefetch(there)
    wanted = [ref for ref, tip in there.items() if not unreadable(reader, refs, ref, tip)]
    unread: list[Json] = [ref for ref in there if ref not in wanted]
    for ref in wanted:
        report = report_of(site, ref, known, left)
        left = max(0, left - report.replayed)
        if report.left:
            behind[ref] = report.left
        if ref not in rewound:
            found += _unsound(site, report)
    if behind:
        since = min((known[ref].at for ref in behind if ref in known), default=None)
        when = f"the last audit here was on {since:%Y-%m-%d}" if since else "none was audited here yet"
        text = f"{amount(sum(behind.values()), 'commit')} of {amount(len(behind), 'ledger')} not looked at: {when}."
        found.append(warn(text, _RUN, behind=[str(ref) for ref in behind]))
    if not there:
        return ok("there is no ledger to replay")
    if not wanted:
        return Finding(Status.SKIP, "no ledger that is there can be read", facts={"unread": unread})
    text = f"{amount(len(wanted), 'ledger')}, each is what its commands give"
    text += f"; {amount(len(unread), 'ledger')} that cannot be read not replayed" if unread else ""
    text += "" if any(ref in known for ref in wanted) else "; `gitcoord audit` was never run here"
    return together(found, ok(text, unread=unread))


def checkpoints(site: Site) -> Mapping[RefName, Checkpoint]:
    """Return up to where this clone audited each ledger of a site."""
    place = site.at_place()
    return checkpoint.load(folder_of(site.coordination, place.url or "", place.refs.namespace))


def report_of(site: Site, ref: RefName, known: Mapping[RefName, Checkpoint], count_max: int | None) -> LedgerReport:
    """Replay what came to a listed ledger since it was audited, at most so many commits of it."""
    place, transport = site.reached()
    listed, reader = site.listed(), site.reader()
    reader.prefetch({name: tip for name, tip in listed.items() if name in (ref, place.refs.config)})
    setting = _AuditPlace(transport, place.refs, site.host, reader)
    return LedgerAudit(setting, listed).run(ref, known.get(ref), count_max=count_max)


def _unsound(site: Site, report: LedgerReport) -> Iterator[Finding]:
    finding, ref = report.finding, report.ref
    if finding is None or (finding.problem in _NOT_OURS and finding.commit in (None, report.tip)):
        return
    objects, commit = site.reached()[1].objects, f"commit {(finding.commit or '')[:12]}"
    who, ask = written_by(objects, finding.commit, finding.clone), f"Ask the author of {commit}."
    text = f"{ref}: {commit} {finding.what.rstrip('.')}.{who}"
    facts: dict[str, Json] = {"unsound": [ref]}
    sound = report.passed.tip if report.passed else None
    if sound is None or finding.problem in {*_NOT_OURS, Problem.RULES, Problem.TEAM_RULES}:
        hint = f"{ask} No commit of {ref} before it is known to be sound here: try it in a clone that audited more."
        if finding.problem is Problem.RULES:
            hint = f"Upgrade gitcoord here, or {ask[:1].lower()}{ask[1:]}"
        yield Finding(Status.FAIL, text, hint, facts)
        return
    since = _since(objects, report.tip, finding.commit or report.tip)
    others = [commit.message.partition("\n")[0] for commit in since if _is_of_commands(commit)]
    lost = f"lost then: {amount(len(others), 'commit')} after it, {others[0]!r} the last" if others else ""
    lost = lost or "nothing that gitcoord wrote came after it"
    repair = Repair(
        f"put {ref} back to {sound[:12]}, the last commit that is what its commands give",
        partial(_put_back, site, ref, report.tip),
        lost,
        keeper(site, ref, report.tip),
        needs_person=bool(others),
    )
    how = "asks, at a terminal, whether to put" if others else "puts"
    hint = f"{ask} gitcoord doctor --repair {how} {ref} back to {sound[:12]}, which is sound ({lost})."
    yield Finding(Status.FAIL, text, hint, facts, (repair,))


def _since(objects: Objects, tip: Oid, unsound: Oid) -> list[Commit]:
    """Return the commits that came after one, the newest first."""
    try:
        return [commit for _, commit in takewhile(lambda pair: pair[0] != unsound, walk(objects, tip))]
    except CoordError:
        return []


def _is_of_commands(commit: Commit) -> bool:
    """Whether gitcoord wrote what others asked for there."""
    if not recorded_batch.is_recorded(commit):
        return False
    try:
        return not special_commits.is_special(recorded_batch.second_of(commit.message.partition("\n\n")[2]))
    except UnsoundError:
        return False


def _is_of_others(site: Site, tip: Oid, judged: Oid) -> bool:
    """Whether what came since a ledger was judged is more than what another repair of this run wrote."""
    since = _since(site.reached()[1].objects, tip, judged)
    return not since or any(_is_of_commands(commit) for commit in since)


def _put_back(site: Site, ref: RefName, judged: Oid) -> str:
    with locked(site):
        site.forget()
        report = report_of(site, ref, checkpoints(site), None) if ref in site.listing() else None
        if report is not None and report.finding is None:  # another repair was of the same damage
            return f"{ref} is sound, and needs no repair any more"
        if report is None or (report.tip != judged and _is_of_others(site, report.tip, judged)):
            raise ContendedError(f"{ref} has moved meanwhile.", hint="Run gitcoord doctor again.")
        if report.passed is None or report.passed.tip is None:
            raise DocumentError(f"No commit of {ref} is sound here.", where=ref, hint="Try it in another clone.")
        try:
            return site.restorer().go_back(ref, site.lookback().mark_of(ref), report.passed.tip, report.tip)
        finally:
            site.forget()
