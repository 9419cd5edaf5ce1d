"""Auditing: is each ledger what its recorded commands give, and if not, which commit is the first that is not?

Rules:
  * Each ledger is audited by itself: what is damaged in one, or breaks while it is looked at, is its finding.
  * It goes on from where this clone's last audit ended (`ledger/audit/checkpoint`), unless all is asked for; a part
    that is asked for by `since` makes no checkpoint. Where a commit is not sound, the next one begins just before it.
  * SAFE-9: a ledger that is back before what this clone saw, or gone, is a finding as well.
  * SEC-8: who wrote each commit is compared with the team's policy; signatures are checked where that is asked for.
  * Nothing is written but this clone's checkpoints.

What this file does not know: how a commit is replayed.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import shown
from gitcoord.errors import (
    DocumentError,
    InvalidError,
    MissingObjectError,
    NotFoundError,
    RewoundError,
    StorageError,
)
from gitcoord.ledger.audit import checkpoint
from gitcoord.ledger.audit.author_audit import AuthorAudit, AuthorReport, AuthorRow
from gitcoord.ledger.audit.chain import Begin, IsBefore, chain_of
from gitcoord.ledger.audit.checkpoint import Checkpoint
from gitcoord.ledger.audit.ledger_audit import LedgerAudit, LedgerReport
from gitcoord.ledger.audit.problem import Finding, Problem
from gitcoord.ledger.audit.team_policies import TeamPolicies
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.meta import RULES
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.git.signature_check import Checked, SignatureCheck, Verdict
from gitcoord.service.session.workspace import Workspace, no_project

REVISION_CHARS_MIN = 7  # of a commit that is named by the beginning of its id
_HINTS: Mapping[Problem, str] = {
    Problem.WENT_BACK: "Run `gitcoord doctor --repair` in the clone that was at work last: it puts back what was seen.",
    Problem.REWRITTEN: "Find out who pushed it; `gitcoord doctor --repair` puts back what this clone has of it.",
    Problem.SIGNATURE: "Ask its author, by another way than this remote. Which keys are known here git's settings say "
    "(gpg.ssh.allowedSignersFile; for OpenPGP the keyring).",
    Problem.IDENTITY: "Ask whom the name belongs to whether it is theirs; policy pin_agents says who that is.",
    Problem.UNREADABLE: "Run `gitcoord doctor`: it says what is damaged, and what can be put back.",
}
_HINT = "Ask its author. `git show COMMIT` in the store, or in a view of the refs, has all of it; see docs/audit.md."


def audit(
    workspace: Workspace,
    *,
    project: str | None = None,
    ledger: str | None = None,
    since: datetime | None = None,
    since_commit: str | None = None,
    full: bool = False,
    signatures: bool = False,
) -> dict[str, Json]:
    """Audit the ledgers, or one of them.

    Args:
        workspace: whose place, and whose checkpoints.
        project: only the ledger of this project.
        ledger: only this one: `claims`, `steps/<project>`, or a whole ref.
        since: only what came from then on.
        since_commit: only what came after this commit.
        full: from the first commit, whatever was audited before.
        signatures: check those of all commits that are asked for, audited before or not: a key may have been revoked.

    Raises:
        SigningError: git cannot check signatures.
        NotFoundError: there is no such ledger, or no such commit in those.
        InvalidError: what was asked for contradicts itself, or no commit can be named so.
        UnreachableError: the remote cannot be read.
    """
    is_before = _limit(since, since_commit)
    listed = workspace.listed()
    refs = _chosen(workspace, listed, project, ledger)
    setting = workspace.setting
    known = checkpoint.load(setting.place_folder)
    auditor = LedgerAudit(setting, listed)
    reports = [
        _report(auditor, ref, None if full or is_before else known.get(ref), is_before) for ref in refs if ref in listed
    ]
    if since_commit and not any(report.begin is Begin.SINCE for report in reports):
        raise NotFoundError(f"No ledger has a commit {shown(since_commit)} in its history.")
    warnings = [warning for report in reports for warning in report.warnings]
    authors = _authors(workspace, listed, refs, known, is_before, signatures=signatures, full=full)
    if is_before is None:  # what is by someone else is to be found by the next audit, too
        refused = {ref for ref, author in authors.items() if author.count}
        warnings += _keep(workspace, known, [report for report in reports if report.ref not in refused])
    if not signatures and workspace.reader.policy(setting.refs.config, listed).requires_signatures:
        warnings.append("The team's policy asks for signatures, which were not checked: gitcoord audit --signatures.")
    rewound = [oddity for oddity in workspace.skipped if oddity.code == RewoundError.code and oddity.ref in refs]
    back = [Finding(RefName(oddity.ref), None, Problem.WENT_BACK, oddity.message) for oddity in rewound]
    by_whom = [finding for author in authors.values() for finding in author.findings]
    findings = [*(report.finding for report in reports if report.finding), *by_whom, *back]
    result: dict[str, Json] = {
        "clean": not findings,
        "rules": RULES,
        "ledgers": [_row(report, [*back, *by_whom]) for report in reports],
        "findings": [_finding(finding) for finding in findings],
        "count": len(findings) + sum(author.count - len(author.findings) for author in authors.values()),
        "warnings": [*warnings],
    }
    if signatures:
        result["signatures"] = [_signed(row) for author in authors.values() for row in author.rows]
    return result


def _authors(
    workspace: Workspace,
    listed: Mapping[RefName, Oid],
    refs: list[RefName],
    known: Mapping[RefName, Checkpoint],
    is_before: IsBefore | None,
    *,
    signatures: bool,
    full: bool,
) -> dict[RefName, AuthorReport]:
    """Look at who wrote the commits of ledgers, and, with them, of the team's ref."""
    setting, config = workspace.setting, workspace.setting.refs.config
    objects, top, env = setting.transport.objects, workspace.repository.top, workspace.repository.env
    policies, found = TeamPolicies(objects, listed.get(config)), dict[RefName, AuthorReport]()
    if not (signatures or policies.pin_names):
        return found
    auditor = AuthorAudit(objects, policies, SignatureCheck.of(top, top, env) if signatures else None)
    for ref in (ref for ref in (*refs, config) if ref in listed):
        passed = None if full or signatures or is_before else known.get(ref)
        with contextlib.suppress(DocumentError, MissingObjectError):  # of which the replay has a finding
            chain = chain_of(setting.transport, listed[ref], passed, is_before)
            begun = [chain.before] if chain.before and chain.begin in (Begin.CUT_OFF, Begin.ROLL) else []
            oids = [*begun, *reversed(chain.oids)]
            found[ref] = auditor.run(ref, oids, keeps_rows=signatures, is_team=ref == config)
    return found


def _signed(row: AuthorRow) -> Json:
    checked = row.checked or Checked(Verdict.UNSIGNED)
    said = {"signer": checked.signer, "key": checked.key, "why": checked.why}
    own: dict[str, Json] = {"ledger": row.ref, "commit": row.commit, "verdict": checked.verdict.value}
    own |= {name: value for name, value in said.items() if value}
    return {**own, "author": shown(row.author)[1:-1], **({"posted_by": row.said.said.clone} if row.said else {})}


def _limit(since: datetime | None, since_commit: str | None) -> IsBefore | None:
    if since is not None and since_commit is not None:
        raise InvalidError("A commit and a time were given to begin at.", hint="Give one of them.")
    if since_commit is not None:
        named = since_commit.lower()
        if len(named) < REVISION_CHARS_MIN or not all(char in "0123456789abcdef" for char in named):
            what = f"{shown(since_commit)} is not the id of a commit."
            raise InvalidError(what, hint=f"Give at least {REVISION_CHARS_MIN} of its hexadecimal digits.")
        return lambda commit_id, _commit: commit_id.startswith(named)
    if since is not None:
        moment = since

        def is_older(_commit_id: Oid, commit: Commit) -> bool:
            return commit.committed_at < moment

        return is_older
    return None


def _chosen(
    workspace: Workspace, listed: Mapping[RefName, Oid], project: str | None, ledger: str | None
) -> list[RefName]:
    refs, ledgers = workspace.setting.refs, workspace.setting.ledgers
    if project is not None and ledger is not None:
        raise InvalidError("A project and a ledger were given.", hint="Give one of them.")
    every = sorted(ref for ref in {*listed, *map(RefName, workspace.rewound_refs)} if ledgers.at(refs, ref) is not None)
    if project is not None:
        ref = refs.steps(project)
        if ref not in every:
            raise no_project(project, refs, listed)
        return [ref]
    if ledger is not None:
        named = [ref for ref in every if ledger in (ref, ref.removeprefix(f"{refs.namespace}/"))]
        if not named:
            names = ", ".join(ref.removeprefix(f"{refs.namespace}/") for ref in every[:10]) or "none"
            raise NotFoundError(f"There is no ledger {shown(ledger)}.", hint=f"There are: {names}.")
        return named
    return every


def _report(auditor: LedgerAudit, ref: RefName, known: Checkpoint | None, is_before: IsBefore | None) -> LedgerReport:
    try:
        return auditor.run(ref, known, is_before)
    except Exception as error:  # noqa: BLE001 - the boundary between ledgers: what is in one stops no other
        report = LedgerReport(ref, auditor.listed[ref])
        what = f"cannot be audited: {as_known(error, f'auditing {ref}')}"
        report.finding = Finding(ref, report.tip, Problem.UNREADABLE, what)
        return report


def _keep(workspace: Workspace, known: Mapping[RefName, Checkpoint], reports: list[LedgerReport]) -> list[str]:
    setting, kept = workspace.setting, {**known}
    for report in reports:
        state = report.passed
        if state is not None and state.tip is not None:
            kept[report.ref] = Checkpoint(
                ref=report.ref,
                tip=state.tip,
                tree=state.folder.oid or "",
                seq=state.meta.seq,
                rules=RULES,
                at=setting.host.now(),
            )
    if kept == known:
        return []
    try:
        checkpoint.save(setting.place_folder, kept, setting.host.unique)
    except StorageError as error:
        return [f"The next audit begins where this one did, for its end could not be kept: {error}"]
    return []


def _row(report: LedgerReport, back: list[Finding]) -> Json:
    state = report.passed
    is_clean = report.finding is None and not any(finding.ref == report.ref for finding in back)
    row: dict[str, Json] = {
        "ledger": report.ref,
        "clean": is_clean,
        "tip": report.tip,
        "begin": report.begin.value,
        "commits": report.replayed,
    }
    if report.before:
        row["after"] = report.before
    if state is not None:
        row["seq"] = state.meta.seq
    if state is not None and state.meta.at is not None:
        row["at"] = time_text(state.meta.at)
    if report.taken:
        row["not_replayed"] = {str(rules): count for rules, count in sorted(report.taken.items())}
    return row


def _finding(finding: Finding) -> Json:
    commit = f"{finding.ref}: commit {finding.commit[:12]} " if finding.commit else ""
    row: dict[str, Json] = {
        "ledger": finding.ref,
        "problem": finding.problem.value,
        "message": f"{commit}{finding.what.rstrip('.')}.",
        "next_step": _HINTS.get(finding.problem, _HINT),
    }
    if finding.commit:
        row["commit"] = finding.commit
    if finding.author:
        row["author"] = finding.author
    if finding.clone:
        row["clone"] = finding.clone
    if finding.differences:
        row["differences"] = [
            {"document": row.place, "field": row.field, "found": row.found, "given": row.given}
            for row in finding.differences
        ]
    return row
