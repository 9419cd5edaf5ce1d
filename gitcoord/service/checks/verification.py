"""Verifying: whether what a branch brings may land, by the ledgers as they are now; what CI asks.

    1  changes and claims         foreign-claim, later-claim, shared-lines, cannot-check
    2  policy require_claims      unclaimed-change
    3  trailers of commits        unknown-step, unknown-project, step-branch, old-fence, missing-dependency
    4  barriers                   barrier
    5  the ledgers themselves     ledger-damaged, ledger-rewound, overlapping-claims
    6  other active branches      predicted-conflict

Rules:
  * Only what is read decides, and nothing is written: not to the remote, and not to the clone but objects.
  * On the default branch, and in a merge queue, the claims of a branch do not count against it when it lands.
  * What cannot be done is said (`cannot-check`); a remote that cannot be read is an error, so that CI fails closed.

What this file does not know: which CI asks, how findings are shown.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from gitcoord.core.checks import overlaps, trailers, verdict
from gitcoord.core.checks.findings import Finding, Rule, Weight, strictly
from gitcoord.core.checks.past_cover import Covers
from gitcoord.core.checks.trailers import Signed
from gitcoord.core.checks.verdict import Case, Changed
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.conflicts import Asker
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import Policy
from gitcoord.errors import CoordError, InvalidError
from gitcoord.ledger.archive import integrity, past_claims
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.service.checks.commit_range import Span, Wanted, find_span
from gitcoord.service.checks.read_only_view import Inspection
from gitcoord.source.checkout.default_branch import is_ancestor
from gitcoord.source.history.changes import Commit, FileChange, changed_files, files_by_commit
from gitcoord.source.history.patches import has_patch, has_work
from gitcoord.source.symbols.definitions import DefinitionReader
from gitcoord.source.symbols.touched import TouchedFile, touched

FAULTS_MAX = 20  # of one ledger that are named
DAMAGED_MAX = 20  # ledgers that are looked into; anyone who may push can make thousands of damaged ones
_ORDER = {rule: number for number, rule in enumerate(Rule)}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and of what. `files`, `commits`: how many were looked at; `base_name`: against what."""

    findings: tuple[Finding, ...]
    remote: str
    branch: str | None
    base: str | None
    head: str
    files: int
    commits: int
    ledgers: int
    strict: bool
    base_name: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether no finding stops it."""
        return not self.of(Weight.FINDING)

    def of(self, severity: Weight) -> list[Finding]:
        """Return the findings of one severity."""
        return [finding for finding in self.findings if finding.severity is severity]

    def dump(self) -> dict[str, Json]:
        """Return it as data."""
        findings, notes = self.of(Weight.FINDING), self.of(Weight.NOTE)
        return {
            "ok": self.is_ok,
            "findings": [finding.dump() for finding in findings],
            "notes": [finding.dump() for finding in notes],
            "count": len(findings),
            "remote": self.remote,
            "branch": self.branch,
            "base": self.base,
            "head": self.head,
            "files": self.files,
            "commits": self.commits,
            "ledgers": self.ledgers,
            "strict": self.strict,
        }


def verify(inspection: Inspection, wanted: Wanted, *, strict: bool = False) -> Report:
    """Check what a branch brings.

    Raises:
        InvalidError: a revision is not to be found.
        RepositoryError: git cannot say what changed; in a shallow clone the hint says what to set.
    """
    span = find_span(inspection.repository, wanted)
    changes = changed_files(inspection.repository, span.what)
    register, policy = inspection.register(), inspection.policy()
    check = _Verification(inspection, span, register, policy)
    found = [*check.claims(changes), *check.trailers(), *check.barriers(changes)]
    found += [*check.ledgers(), *check.overlaps(), *check.predictions()]
    ordered = sorted(found, key=lambda finding: (_ORDER[finding.rule], finding.path or "", finding.line or 0))
    findings = tuple(strictly(finding) if strict else finding for finding in ordered)
    return Report(
        findings=findings,
        remote=inspection.remote_name,
        branch=span.branch,
        base=span.base,
        head=span.head,
        files=len(changes),
        commits=len(span.commits),
        ledgers=sum(1 for ref in inspection.listed if LEDGERS.is_ledger(inspection.refs, ref)),
        strict=strict,
        base_name=span.base_name,
    )


def judge_claims(inspection: Inspection, wanted: Wanted) -> tuple[list[Finding], frozenset[str]]:
    """Check what a branch brings against claims alone, as `verify` does; return also the paths that it changes.

    Raises:
        InvalidError: a revision is not to be found.
        RepositoryError: git cannot say what changed.
    """
    span = find_span(inspection.repository, wanted)
    check = _Verification(inspection, span, inspection.register(), inspection.policy())
    changes = changed_files(inspection.repository, span.what)
    return [*check.claims(changes)], frozenset(change.path for change in changes)


def judge_span(inspection: Inspection, span: Span, changes: Iterable[FileChange]) -> list[Finding]:
    """Check some files that a span changes against claims, and its commits against steps.

    Raises:
        RepositoryError: git cannot say what changed.
    """
    check = _Verification(inspection, span, inspection.register(), inspection.policy())
    return [*check.claims([*changes]), *check.trailers()]


@dataclass(frozen=True, slots=True)
class _Verification:
    inspection: Inspection
    span: Span
    register: Register
    policy: Policy
    landed: dict[tuple[str | None, str | None], bool | None] = field(
        default_factory=dict[tuple[str | None, str | None], bool | None]
    )

    def claims(self, changes: list[FileChange]) -> Iterator[Finding]:
        """Yield what claims say of the changes, and which changes have none where they must."""
        covers, note = self._covers()
        if note is not None:
            yield note
        agents, times = self._by_file()
        anybody = frozenset(agent for commit in self.span.commits for agent in commit.agents)
        groups: dict[frozenset[str], list[FileChange]] = {}
        for change in changes:
            groups.setdefault(agents.get(change.path, anybody), []).append(change)
        for names, some in groups.items():
            asker = Asker(None, self.inspection.repo, branch=self.span.branch, agents=names)
            case = Case(self.register, asker, self.inspection.now, covers, self.inspection.is_void, self.policy.enforce)
            repository = self.inspection.repository
            wanted = [change for change in some if verdict.needs_symbols(case, change.path)]
            reader = DefinitionReader(self.inspection.monotonic, repository.env)
            touched_files = touched(repository, self.span.what, wanted, reader) if wanted else {}
            files = [_as_changed(change, touched_files.get(change.path), times.get(change.path)) for change in some]
            findings = verdict.judge(case, files)
            yield from self._unlanded(findings) if self.span.is_landing else findings
            if self.policy.require_claims:
                yield from verdict.unclaimed(case, files)

    def _unlanded(self, found: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings that are left when claims do not count against their own branch, which has just landed."""
        for finding in found:
            claim = self.register.claims.get(str(finding.claim.get("claim_id")))
            landed = self._has_landed(claim) if claim and finding.rule is Rule.FOREIGN_CLAIM else False
            if landed is None:
                message = f"{finding.message[:-1]}; whether that branch is what landed is unknown."
                yield replace(finding, rule=Rule.CANNOT_CHECK, message=message)
            elif not landed:
                yield finding

    def _has_landed(self, claim: Claim) -> bool | None:
        """Whether the work of a claim's branch is in the head; the remote is asked once for all files of a branch."""
        key = claim.branch, claim.commit
        if key not in self.landed:
            self.landed[key] = self._find_landed(claim)
        return self.landed[key]

    def _find_landed(self, claim: Claim) -> bool | None:
        """Return the same anew; `None`: the branch's last commit is not to be had any more."""
        repository, head = self.inspection.repository, self.span.head
        if claim.branch is None or claim.branch == self.span.branch:
            return False
        try:
            tip = self.inspection.tip_of(repository, claim.branch)
        except InvalidError:  # it was written by hand
            return False
        last = tip or claim.commit
        if last is None:
            return False  # nothing of it was pushed, as far as its holder said
        _brought(self.inspection, last)
        if self.span.base is not None and is_ancestor(repository, last, self.span.base):
            return False  # it has no commits of its own that could land now
        return has_work(repository, head, last)

    def _covers(self) -> tuple[Covers, Finding | None]:
        ref = self.inspection.refs.claims
        tip = self.inspection.listed.get(ref)
        if tip is None:
            return Covers(), None
        objects, begin = self.inspection.transport.objects, self.span.begin
        past = past_claims.past_claims(objects, tip, begin)
        if past.is_cut:
            self.inspection.deepen(ref, begin - 2 * past_claims.SLACK)
            past = past_claims.past_claims(objects, tip, begin)
        note = Finding(Rule.CANNOT_CHECK, _CUT, "Claims that ended before that are ignored.")
        return Covers.of(past.claims, begin), note if past.is_cut else None

    def _by_file(self) -> tuple[dict[str, frozenset[str]], dict[str, datetime]]:
        """Return for each file the agents of the commits that changed it, and when the newest of those was made."""
        known: dict[str, Commit] = {commit.id: commit for commit in self.span.commits}
        agents: dict[str, frozenset[str]] = {}
        times: dict[str, datetime] = {}
        without = [self.span.base] if self.span.base else []
        for commit, names in files_by_commit(self.inspection.repository, self.span.head, without):
            record = known.get(commit)
            for name in names if record else ():
                agents[name] = agents.get(name, frozenset()) | frozenset(record.agents if record else ())
                times[name] = (
                    max(times.get(name, record.committed_at), record.committed_at) if record else self.inspection.now
                )
        return agents, times

    def trailers(self) -> Iterator[Finding]:
        """Yield the findings on the steps that commits name, and on the dependencies of the branch's own step."""
        repository = self.inspection.repository
        branch = None if self.span.to_default else self.span.branch
        own = trailers.own_steps(self.inspection.boards(), self.inspection.repo, branch)

        def history_has(newer: str, older: str) -> bool:
            _brought(self.inspection, newer)
            return has_patch(repository, newer, older)

        def work_is_in(head: str, work: str) -> bool | None:
            _brought(self.inspection, work)
            return has_work(repository, head, work)

        step_of, has_project = self.inspection.step, self.inspection.has_project
        signed = (
            Signed(commit.id, step, commit.fences[index] if index < len(commit.fences) else "", commit.agents)
            for commit in self.span.commits
            for index, step in enumerate(commit.steps)
        )
        yield from trailers.judge_trailers(signed, step_of, has_project, own, branch, history_has)
        yield from trailers.judge_dependencies(own, self.span.head, work_is_in)

    def barriers(self, changes: Iterable[FileChange]) -> Iterator[Finding]:
        """Yield the barriers whose commit is not here."""
        paths = [change.path for change in changes]
        met = verdict.barriers_met(self.register, self.inspection.repo, paths, self.inspection.now)
        for barrier, path in met:
            if not has_work(self.inspection.repository, self.span.head, barrier.commit):
                yield verdict.barrier_note(barrier, path)

    def ledgers(self) -> Iterator[Finding]:
        """Yield what ledgers lack, and their damage, as far as their last commits show it."""
        inspection = self.inspection
        for error in inspection.rewound:
            yield Finding(Rule.LEDGER_REWOUND, str(error), error.hint)
        damaged = 0
        for ref, tip in sorted(inspection.listed.items()):
            if not LEDGERS.is_ledger(inspection.refs, ref):
                continue
            if damaged >= DAMAGED_MAX:
                message = f"{damaged} ledgers are damaged, and those after them by name were not looked into."
                yield Finding(
                    Rule.LEDGER_DAMAGED, message, "See all with `git ls-remote`; remove what gitcoord did not write."
                )
                break
            faults = list(integrity.faults(inspection.transport.objects, tip))
            for fault in faults[:FAULTS_MAX]:
                yield _damage(ref, f"Commit {fault.commit[:12]} of {shown(ref)} {_quoted(fault.what)}.", fault.commit)
            if not faults and ref in inspection.problems:
                yield _damage(ref, f"{shown(ref)} cannot be read: {_quoted(inspection.problems[ref])}.", tip)
            damaged += bool(faults) or ref in inspection.problems

    def overlaps(self) -> Iterator[Finding]:
        """Yield the claims that should not be there beside each other."""
        inspection = self.inspection
        overlapping = overlaps.overlapping(self.register, inspection.repo, inspection.now, inspection.is_void)
        for claim, other in overlapping.pairs:
            message = f"Claim {claim.id} of {shown(claim.agent)} and claim {other.id} of {shown(other.agent)} overlap, "
            message += "and nothing was carved or agreed."
            hint = "The ledger was written by hand; one of them has to be released."
            yield Finding(Rule.OVERLAPPING_CLAIMS, message, hint, claim=verdict.claim_facts(other, 0))
        if overlapping.left:
            message = f"{overlapping.left} items of claims were not compared with all others, which may overlap them."
            yield Finding(Rule.CANNOT_CHECK, message, "Holders of thousands of wildcards have to release some.")

    def predictions(self) -> Iterator[Finding]:
        """Yield the active branches that do not merge with this one."""
        from gitcoord.service.checks import predict_conflicts  # libgit2's merges are needed by nothing else here

        if self.span.to_default:
            return
        behind = predict_conflicts.active(self.register, self.inspection.boards(), self.inspection.repo)
        name = self.span.branch or self.span.head[:12]
        try:
            rows, notes = predict_conflicts.predict_with(
                self.inspection.repository,
                (name, self.span.head),
                behind,
                self.inspection.code_url,
                now=self.inspection.now,
                monotonic=self.inspection.monotonic,
                namespace=self.inspection.refs.namespace,
            )
        except CoordError as error:
            rows, notes = [], [str(error)]
        for row in rows:
            yield from _predicted(row)
        for note in notes:
            yield Finding(Rule.CANNOT_CHECK, f"Not every branch was merged in trial: {note}", "")


_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CUT = "The history of claims does not go back to when this branch left its base."


def _as_changed(change: FileChange, known: TouchedFile | None, when: datetime | None) -> Changed:
    if known is None:
        return Changed(change.path, line=None if change.is_removed else 1, changed_at=when)
    return Changed(change.path, known.symbols, known.module_level, known.line, known.lines, when, known.unread)


def _predicted(row: dict[str, Json]) -> Iterator[Finding]:
    branch, who = str(row["branch"]), row.get("who")
    agents = who.get("agents") if isinstance(who, dict) else None
    whom = ", ".join(str(name) for name in agents) if isinstance(agents, list) and agents else "its author"
    for key in ("conflicts", "troubles"):
        listed = row.get(key)
        for problem in listed if isinstance(listed, list) else []:
            if not isinstance(problem, dict):
                continue
            path = str(problem.get("path"))
            why = str(problem.get("why") or f"{problem.get('kind')} conflict")
            lines = problem.get("lines")
            first = str(lines[0]).partition("-")[0] if isinstance(lines, list) and lines else ""
            names = problem.get("symbols")
            message = f"{shown(path, 200)} does not merge with branch {shown(branch)}: {_quoted(why)}."
            yield Finding(
                Rule.PREDICTED_CONFLICT,
                message,
                f"Talk to {whom} about {shown(branch)}, or merge it before going on.",
                path,
                int(first) if first.isdigit() else None,
                tuple(str(name) for name in names) if isinstance(names, list) else (),
            )


def _damage(ref: str, message: str, commit: str) -> Finding:
    hint = f"Look at git log {ref} in the remote; an earlier commit of it is whole."
    return Finding(Rule.LEDGER_DAMAGED, message, hint, commit=commit)


def _quoted(words: str) -> str:
    """Return a sentence of ours with names of others in it, without anything that a terminal acts on."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)
    return clean[:500].rstrip(".")


def _brought(inspection: Inspection, commit: str) -> None:
    """Fetch a commit that is not here, if the remote gives it."""
    if not inspection.repository.has_commit(commit) and _FULL_ID.fullmatch(commit):
        inspection.bring(inspection.repository, [commit])
