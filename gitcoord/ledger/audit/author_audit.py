"""Authors: by whom each commit of a ledger is, and whether the team's policy takes it from them.

    commit ──its signature, its author──> policy `signed`, `pin_agents` ──> a row, and a finding where it is not taken
      └── a further parent that is a post: its own signature and author, for the commands that it has

Rules:
  * SEC-8: where the policy asks for it, each commit, and each post that one carries out, is signed by a key that is
    known; a command of a name that is pinned is in a commit, or a post, of whom the name is pinned to.
  * What is signed is dated at most ten minutes before the latest commit below it: git counts a key as of the date that
    the commit gives itself, so one that has expired could sign with a date of when it had not. A post may be as much
    older again, since the time of its ledger may be that far ahead of its clone's.
  * A signature of something else than its commit is a finding, whatever the policy.
  * What a commit tells holders of refusals has the name of whose command comes first in it, which need not be its
    writer's: it confers nothing, and no pin counts for it.

What this file does not know: how a signature is checked, and whether a commit is what its record gives.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json, load_object, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import KEY, Policy, identities_of, is_by
from gitcoord.errors import CoordError
from gitcoord.ledger.audit import recorded_batch
from gitcoord.ledger.audit.problem import Finding, Problem, UnsoundError
from gitcoord.ledger.audit.recorded_batch import CommandLine
from gitcoord.ledger.audit.team_policies import Policies
from gitcoord.ledger.format import commits, post
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.post import Post
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.remote.contract.protocol import Objects, Oid, RefName
from gitcoord.remote.git.signature_check import Checked, SignatureCheck, Verdict

AT_ONCE = 200  # commits that are held together
FINDINGS_MAX = 20  # of one ledger
_TOLD = "tell_refusals"
_Line = Mapping[str, Json]


class AuthorRow(NamedTuple):
    """By whom a commit, or a post, is, and its date.

    `author`: git's `name <email>`; `checked`: where signatures are looked at.
    """

    ref: RefName
    commit: Oid
    author: str
    at: datetime
    checked: Checked | None = None
    said: Post | None = None

    @property
    def email(self) -> str:
        """The address that the commit names."""
        return commits.address_in(self.author)

    @property
    def what(self) -> str:
        """What it is."""
        return "is" if self.said is None else "carries out a post, " + self.commit[:12] + ", that is"


_Fault = tuple[AuthorRow, Problem, str]


@dataclass(slots=True)
class AuthorReport:
    """What was found in one ledger. `count`: of all findings, of which the first are kept."""

    rows: list[AuthorRow] = field(default_factory=list[AuthorRow])
    findings: list[Finding] = field(default_factory=list[Finding])
    count: int = 0


@dataclass(frozen=True, slots=True)
class AuthorAudit:
    """Looks at authors by the policies that counted. `check`: without it addresses alone are compared."""

    objects: Objects
    policies: Policies
    check: SignatureCheck | None = None
    ledgers: Ledgers = LEDGERS

    def run(
        self,
        ref: RefName,
        oids: Sequence[Oid],
        since: datetime | None = None,
        *,
        keeps_rows: bool = False,
        has_agents: bool = False,
        is_team: bool = False,
    ) -> AuthorReport:
        """Look at commits of a ledger, the oldest first; or at posts that wait, whose commands are in their tree.

        `since`: what the first one may be dated at, or ten minutes before. `is_team`: they are of the team's ref, of
        which nothing is replayed.

        Raises:
            SigningError: signatures cannot be checked.
            CoordError: a commit cannot be read.
        """
        report, place = AuthorReport(), -1
        for start in range(0, len(oids), AT_ONCE):
            chain = [self._found(ref, commit_id) for commit_id in oids[start : start + AT_ONCE]]
            names = [row.commit for _, rows in chain for row in rows]
            checked = self.check.check({name: self.objects.read(name)[1] for name in names}) if self.check else {}
            for commit, bare in chain:
                rows = [row._replace(checked=checked.get(row.commit)) for row in bare]
                lines = [*(_posted(self.objects, rows[0]) if has_agents else _lines(self.objects, commit))]
                place = self.policies.place_of(rows[0].commit, commit.committed_at, _named(lines), place)
                policies = self.policies.policies(place)
                report.rows += rows if keeps_rows else []
                faults = [*_by_rules(rows, lines, policies, since, self.ledgers)]
                faults += _joined(rows[0], commit, lines) if is_team else []
                if since is None or not since - AHEAD_MAX <= commit.committed_at <= since:  # one far back is said once
                    since = commit.committed_at
                for row, problem, what in faults:
                    report.count += 1
                    if len(report.findings) < FINDINGS_MAX:
                        author, clone = shown(row.author)[1:-1], shown(row.said.said.clone if row.said else "")[1:-1]
                        report.findings.append(Finding(ref, rows[0].commit, problem, what, author, clone))
        return report

    def _found(self, ref: RefName, commit_id: Oid) -> tuple[Commit, list[AuthorRow]]:
        """Return a commit and its row, and behind it those of the posts that it carries out."""
        commit = commits.read(self.objects, commit_id)
        rows = [AuthorRow(ref, commit_id, commit.by, commit.committed_at)]
        for other in commit.parents[1:]:
            said = post.commands_in(self.objects, other)
            if said is not None:
                posted = commits.read(self.objects, other)
                rows.append(AuthorRow(ref, other, posted.by, posted.committed_at, None, Post(ref, other, said)))
        return commit, rows


def _pinned_to_other(policy: Policy, agent: str, row: AuthorRow) -> str:
    """Return why a command of this name is not taken from the author of a commit; empty where it is."""
    identities = identities_of(policy.pin_agents, agent)
    keys = None if row.checked is None else row.checked.names
    if is_by(identities, row.email, keys):
        return ""
    needs_key = any(identity.startswith(KEY) for identity in identities)
    signer = shown(row.checked.signer) if row.checked and row.checked.signer else "no one who is known"
    signed = f", signed by {signer}" if row.checked and needs_key else ""
    whose = " or ".join(map(shown, identities))
    return f"has a command of {shown(agent)}, which is pinned to {whose}, and is by {shown(row.author)}{signed}"


def _by_rules(
    rows: Sequence[AuthorRow],
    lines: Sequence[_Line],
    policies: Sequence[Policy],
    since: datetime | None,
    ledgers: Ledgers,
) -> Iterator[_Fault]:
    """Yield what one of the policies does not take, each once; a signature of something else counts without any."""
    seen = set[tuple[Oid, Problem, str]]()
    for policy in policies or (Policy(),):
        for row, problem, what in (*_outdated(rows, policy, since), *_faults(rows, lines, policy, ledgers)):
            if (row.commit, problem, what) not in seen:
                seen.add((row.commit, problem, what))
                yield row, problem, what


def _joined(row: AuthorRow, commit: Commit, lines: Sequence[_Line]) -> Iterator[_Fault]:
    if commit.parents[1:] and "repaired" not in (lines[1] if lines[1:] else {}):
        yield row, Problem.RECORD, "joins histories of the team's rules, which only a repair does"


def _faults(rows: Sequence[AuthorRow], lines: Sequence[_Line], policy: Policy, ledgers: Ledgers) -> Iterator[_Fault]:
    yield from _unsigned(rows, policy)
    seen = set[tuple[str, Oid]]()
    if not policy.pin_agents:
        return
    speakers = _speakers(rows, lines, ledgers)
    for index, line in enumerate(lines):
        by = line.get("by")
        agent = by.get("agent") if isinstance(by, dict) else by if "replaces" in line else None
        row = speakers.get(index, rows[0])
        if not isinstance(agent, str) or line.get("do") == _TOLD or (agent, row.commit) in seen:
            continue
        seen.add((agent, row.commit))
        what = _pinned_to_other(policy, agent, row)
        if what:
            yield row, Problem.IDENTITY, what


def _outdated(rows: Sequence[AuthorRow], policy: Policy, since: datetime | None) -> Iterator[_Fault]:
    if since is None or not (policy.requires_signatures or KEY in policy.pin_agents):
        return
    for row in rows:
        earliest = since - (AHEAD_MAX if row.said is None else 2 * AHEAD_MAX)
        if row.checked is not None and row.checked.verdict is Verdict.GOOD and row.at < earliest:
            what = f"{row.what} signed, and dated {time_text(row.at)}, where {time_text(since)} has been"
            yield row, Problem.TIME, f"{what}: a key counts as of that date, also one that has expired"


def _unsigned(rows: Sequence[AuthorRow], policy: Policy) -> Iterator[_Fault]:
    for row in rows:
        checked = row.checked
        if checked is None or checked.verdict is Verdict.GOOD:
            continue
        if checked.verdict is Verdict.BAD:
            yield row, Problem.SIGNATURE, f"{row.what} signed, but the signature does not count: {checked.why}"
        elif policy.requires_signatures:
            is_unsigned, asked = checked.verdict is Verdict.UNSIGNED, "which the team's policy asks for"
            how = f"not signed, {asked}" if is_unsigned else f"not signed by a known key, {asked}: {checked.why}"
            yield row, Problem.SIGNATURE, f"{row.what} {how}"


def _speakers(rows: Sequence[AuthorRow], lines: Sequence[_Line], ledgers: Ledgers) -> dict[int, AuthorRow]:
    """Return by index of a line the post that its command is from; all others are the commit's author's."""
    writer, commands = lines[0].get("writer") if lines else None, dict[int, CommandLine]()
    for index, line in enumerate(lines if writer and len(rows) > 1 else ()):
        with contextlib.suppress(CoordError):
            commands |= {index: CommandLine.parse(line)} if "do" in line else {}
    counters, found = recorded_batch.counters_before([*commands.values()]), dict[int, AuthorRow]()
    for index, command in commands.items():
        for row in rows if command.clone != writer else ():
            counter = counters.get(command.clone)
            if row.said and recorded_batch.is_posted(command, row.said.said, row.ref, counter, ledgers):
                found.setdefault(index, row)
    return found


def _lines(objects: Objects, commit: Commit) -> Iterator[_Line]:
    """Yield the lines of a commit's record; those that cannot be read are what a replay finds."""
    with contextlib.suppress(CoordError, UnsoundError):
        text, _ = recorded_batch.text_of(objects, commit)
        for line in text.split("\n")[: recorded_batch.LINES_MAX]:
            with contextlib.suppress(CoordError):
                yield load_object(line.encode("utf-8", "surrogatepass"))


def _posted(objects: Objects, row: AuthorRow) -> Iterator[_Line]:
    """Yield what names the agents of a post, as a record has it."""
    said = post.commands_in(objects, row.commit)
    for entry in said.entries if said else ():
        yield {"by": {"agent": entry.actor.agent}}


def _named(lines: Sequence[_Line]) -> str:
    """Return the team's commit that a record was decided by, where its first line names one."""
    if not lines:
        return ""
    head = lines[0]
    checks = head.get("checks")
    checked = {ref: tip for ref, tip in checks.items() if ref.endswith("/config")} if isinstance(checks, dict) else {}
    named = next(iter(checked.values()), None) or head.get("config")
    return named if isinstance(named, str) else ""
