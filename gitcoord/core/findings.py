"""Findings: what a check of changes has to say, each by a rule of this table.

    rule                what
    foreign-claim       a change of what somebody else has claimed
    later-claim         somebody claimed it after it was changed, or after it was one's own
    shared-lines        lines outside of every declaration, in a file in which somebody holds symbols
    cannot-check        it cannot be told which symbols changed, or a part of the check could not be done
    unclaimed-change    policy `require_claims`: nobody had claimed it for this branch
    unknown-step        a commit names a step that does not exist
    step-branch         a commit names a step of another branch
    old-fence           a commit was made with a fence that somebody else's has followed
    missing-dependency  what the branch's own step depends on is not in it
    barrier             an ended claim left word of a commit that is not in it
    ledger-damaged      a ledger's history or documents are not what a writer of ours makes
    overlapping-claims  two active claims of different holders overlap
    predicted-conflict  another active branch does not merge with this one

Rules:
  * A finding stands in the way; a note does not. Which rule may be a note is said here, once (`NOTES`); with `strict`
    those in `STRICT` stand in the way as well.
  * Text of others in a message is quoted by `names.shown`; facts are fields, for whoever renders them to escape.

What this file does not know: how anything is found out, and how it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gitcoord.core.doc import Json


class Rule(StrEnum):
    """The ids of the rules; see the table above."""

    FOREIGN_CLAIM = "foreign-claim"
    LATER_CLAIM = "later-claim"
    SHARED_LINES = "shared-lines"
    CANNOT_CHECK = "cannot-check"
    UNCLAIMED_CHANGE = "unclaimed-change"
    UNKNOWN_STEP = "unknown-step"
    STEP_BRANCH = "step-branch"
    OLD_FENCE = "old-fence"
    MISSING_DEPENDENCY = "missing-dependency"
    BARRIER = "barrier"
    LEDGER_DAMAGED = "ledger-damaged"
    OVERLAPPING_CLAIMS = "overlapping-claims"
    PREDICTED_CONFLICT = "predicted-conflict"


class Severity(StrEnum):
    """Whether it stands in the way."""

    FINDING = "finding"
    NOTE = "note"


NOTES = frozenset({
    Rule.LATER_CLAIM, Rule.SHARED_LINES, Rule.CANNOT_CHECK, Rule.BARRIER, Rule.PREDICTED_CONFLICT,
})  # fmt: skip
# A claim made later and module-level lines never stand in the way: nobody could have done better.
STRICT = frozenset({Rule.CANNOT_CHECK, Rule.BARRIER, Rule.PREDICTED_CONFLICT})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        message: one sentence, what is wrong.
        hint: what to do, and who to talk to.
        path, line: where; `None` where it is about no file, or about no line of the new side.
        symbols: which of them, where it is about symbols.
        claim: facts of the claim in question: `claim_id`, `agent`, `branch`, `description`, `expires_at`, `items`.
        commit: the commit in question.
    """

    rule: Rule
    message: str
    hint: str = ""
    path: str | None = None
    line: int | None = None
    symbols: tuple[str, ...] = ()
    claim: Mapping[str, Json] = field(default_factory=dict[str, Json])
    commit: str | None = None
    strict: bool = False

    @property
    def severity(self) -> Severity:
        """Whether it stands in the way."""
        is_note = self.rule in NOTES and not (self.strict and self.rule in STRICT)
        return Severity.NOTE if is_note else Severity.FINDING

    def dump(self) -> dict[str, Json]:
        """Return it as data."""
        out: dict[str, Json] = {"rule": self.rule, "severity": self.severity, "message": self.message}
        more: dict[str, Json] = {
            "hint": self.hint or None,
            "path": self.path,
            "line": self.line,
            "symbols": [*self.symbols] or None,
            "claim": dict(self.claim) or None,
            "commit": self.commit,
        }
        return {**out, **{name: value for name, value in more.items() if value is not None}}


def strictly(one: Finding) -> Finding:
    """Return a finding as `--strict` judges it."""
    return replace(one, strict=True)
