"""Checking: what claims say of the work that is pushed or committed, and how a person learns of it.

    a change of what another holds             stops a push; a commit gets a warning
    a commit with a fence that is over         the same
    lines outside of every declaration, what   shown
    cannot be checked, a commit that is not
    there, claims as they were a while ago

Rules:
  * HOOK-6: the rules are `core/checks/verdict`; nothing is decided here but what is shown, and how often.
  * The parser is loaded only where a holder has symbols in a file that changed.
  * Text of others is quoted: nothing that a terminal acts on is printed.

What this file does not know: how changes and claims were read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from gitcoord.core.checks import verdict
from gitcoord.core.checks.findings import Finding, Rule, Weight
from gitcoord.core.checks.pusher import Pusher
from gitcoord.core.checks.trailers import Signed, judge_trailers
from gitcoord.core.checks.verdict import Case, Changed
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.names import amount, shown
from gitcoord.errors import CoordError
from gitcoord.faces.hooks.git.guard import ClosedError
from gitcoord.faces.hooks.git.hook_repository import Here
from gitcoord.ledger.hook_view.glance import Glance
from gitcoord.ledger.hook_view.near_claims import NearClaims, policy_of
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.changes import FileChange
from gitcoord.source.history.patches import has_patch, has_work
from gitcoord.source.history.pushed_work import PushedWork

CLAIMS_NAMED = 20
FILES_NAMED = 5  # of one claim
SYMBOLS_NAMED = 10  # of one file, in a call
BATCH_FILES = 1000  # judged before it is asked whether there is anything to say already
NOTES_NAMED = 10


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        stopping: by the id of a claim, else by the message; what it says, and which files.
        notes: what is shown and stops nothing.
    """

    stopping: dict[str, tuple[Finding, list[str]]] = field(default_factory=dict[str, "tuple[Finding, list[str]]"])
    notes: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, found: Finding) -> None:
        """Take a finding in; what is of one claim is shown once."""
        if found.severity is Weight.NOTE or found.rule is Rule.UNKNOWN_STEP:
            self.notes.setdefault(found.message, f"{found.message} {found.hint}".strip())
            return
        key = str(found.claim.get("claim_id") or found.message)
        _, paths = self.stopping.setdefault(key, (found, []))
        if found.path is not None and found.path not in paths[-1:]:
            paths.append(found.path)

    def note(self, text: str) -> None:
        """Say something that stops nothing."""
        self.notes.setdefault(text, text)


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the claims, for all that is pushed at once."""

    repository: Repository
    claims: NearClaims
    register: Register
    now: datetime
    report: Report
    enforces: bool = False

    @classmethod
    def of(cls, place: Here, glance: Glance, documents: Mapping[str, bytes]) -> "Check":
        """Take in the claims that were found near the files."""
        claims = NearClaims(glance)
        now = datetime.fromtimestamp(glance.clocks.wall(), UTC)
        register, enforces = claims.register(place.repo, documents), policy_of(glance).enforce
        check = cls(place.repository, claims, register, now, Report(), enforces)
        if claims.damaged:
            check.report.note(f"documents of the claims that cannot be read, and do not count: {claims.damaged}.")
        return check

    def work(self, pusher: Pusher, work: PushedWork) -> None:
        """Look at one branch."""
        near = self._near_others(pusher, work.files)
        agents = work.agents() if near else None
        if agents is not None:
            near = [change for change in near if change.path in agents]
        if near:
            heads, tracked = work.landing()
            pusher = replace(pusher, branches=pusher.branches | heads, merged=tracked)
        groups: dict[frozenset[str], list[FileChange]] = {}
        for change in near:
            groups.setdefault((agents or {}).get(change.path, frozenset()), []).append(change)
        for names, some in groups.items():
            self._judge(replace(pusher, agents=pusher.agents | names), work, some)
        self._fences(work, pusher.repo)
        if not self.register.barriers or work.what.head is None:
            return
        paths = (file.path for file in work.files)
        for barrier, path in verdict.barriers_met(self.register, pusher.repo, paths, self.now):
            if not has_work(self.repository, work.what.head, barrier.commit):
                self.report.add(verdict.barrier_note(barrier, path))

    def _judge(self, asker: Pusher, work: PushedWork, some: Sequence[FileChange]) -> None:
        case = Case(self.register, asker, self.now, disregards=self.claims.is_void, enforces=self.enforces)
        for start in range(0, len(some), BATCH_FILES):
            for finding in verdict.judge(case, self._changed(case, work, some[start : start + BATCH_FILES])):
                self.report.add(finding)
            if self.report.stopping and len(some) > start + BATCH_FILES:
                self.report.note(f"{len(some) - start - BATCH_FILES} more files near claims were not looked at.")
                return

    def _near_others(self, asker: Pusher, some: Sequence[FileChange]) -> list[FileChange]:
        """Return the files where someone else may have something: of 100,000 few, found in a second."""
        others: dict[str, bool] = {}
        near: list[FileChange] = []
        for change in some:
            path = change.path
            index = self.register.index
            found = index.at(path) if path.isprintable() else index.candidates(verdict.area_of(path).pattern)
            for claim, _ in found:
                if claim not in others:
                    others[claim] = not asker.owns(self.register.claims[claim])
                if others[claim]:
                    near.append(change)
                    break
        return near

    def _changed(self, case: Case, work: PushedWork, some: Sequence[FileChange]) -> Iterator[Changed]:
        wanted = [change for change in some if verdict.needs_symbols(case, change.path)]
        if wanted:
            from gitcoord.source.symbols.definitions import DefinitionReader
            from gitcoord.source.symbols.touched import touched

            reader = DefinitionReader(self.claims.glance.clocks.monotonic, self.repository.env)
            touched_files = touched(self.repository, work.what, wanted, reader)
        else:
            touched_files = {}
        for change in some:
            seen = touched_files.get(change.path)
            if seen is None:
                yield Changed(change.path)
            else:
                yield Changed(
                    change.path, seen.symbols, module_level=seen.module_level, lines=seen.lines, unread=seen.unread
                )

    def _fences(self, work: PushedWork, repo: str | None) -> None:
        signed = [
            Signed(commit.id, step, fence, commit.agents)
            for commit in work.commits
            for step, fence in zip(commit.steps, commit.fences, strict=False)
        ]
        if not signed:
            return
        try:
            known = {commit.step: self.claims.step(commit.step, repo) for commit in signed}
        except CoordError as error:
            if self.enforces:
                raise ClosedError(str(error)) from error
            self.report.note(f"The fences of steps were not checked: {error}")
            return
        for finding in judge_trailers(
            signed, known.get, self.claims.has_project, (), None, partial(has_patch, self.repository)
        ):
            self.report.add(finding)


def lines(report: Report, action: str, *, stops: bool) -> list[str]:
    """Return the lines for a person. `action`: what was about to happen, such as `push`."""
    lines: list[str] = []
    if report.stopping:
        verb = "was refused" if stops else "goes on, but would be refused as a push"
        lines.append(f"gitcoord: this {action} {verb}: it changes what others hold.")
        for finding, paths in [*report.stopping.values()][:CLAIMS_NAMED]:
            lines += _holder(finding, paths)
        if len(report.stopping) > CLAIMS_NAMED:
            lines.append(f"  … and {len(report.stopping) - CLAIMS_NAMED} more.")
        if stops:
            lines.append(f"  `git {action} --no-verify` skips this check, and CI checks again.")
    notes = [*report.notes.values()]
    lines += [f"gitcoord: {note}" for note in notes[:NOTES_NAMED]]
    if len(notes) > NOTES_NAMED:
        lines.append(f"gitcoord: … and {len(notes) - NOTES_NAMED} more notes.")
    return lines


def _holder(found: Finding, paths: Sequence[str]) -> Iterator[str]:
    yield f"  {found.message}"
    others = [path for path in paths if path != found.path]
    if others:
        named = ", ".join(shown(other, 200) for other in others[: FILES_NAMED - 1])
        more = len(others) - (FILES_NAMED - 1)
        rest = f" and {amount(more, 'more file')}" if more > 0 else ""
        yield f"    The same claim covers {named}{rest}."
    claim = found.claim.get("claim_id")
    if claim is None:
        yield f"    {found.hint}"
        return
    from shlex import quote  # most often nothing is in the way

    path = shown(f"/{found.path or ''}", 200)
    wanted = f"patterns=[{path}], literal=true"
    if found.symbols and len(found.symbols) <= SYMBOLS_NAMED:  # to wait for the file is to wait for all its holders
        wanted = f"symbols={{{path}: [{', '.join(map(shown, found.symbols))}]}}"
    yield f"    An agent asks: request_release(claim_id={shown(str(claim))}, reason='…');"
    yield f"      or waits: claim_files({wanted}, wait_seconds=300)."
    yield f"    A person asks: gitcoord request file {quote(str(claim))} --reason '…'; or takes the change out."
