"""Findings: what a check of changes has to say, each by a rule of this table.

Rules:
  * A finding stops a change; a note does not. Which rule may be a note is said here, once (`NOTES`); with `strict`
    those in `STRICT` stand in the way as well.
  * Text of others in a message is quoted by `names.shown`; facts are fields, for the face that renders them to escape.

What this file does not know: how anything is found out, and how it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gitcoord.core.documents.json_text import Json


class Rule(StrEnum):
    """The ids of the rules; `ABOUT` says what each is."""

    FOREIGN_CLAIM = "foreign-claim"
    LATER_CLAIM = "later-claim"
    SHARED_LINES = "shared-lines"
    CANNOT_CHECK = "cannot-check"
    UNCLAIMED_CHANGE = "unclaimed-change"
    UNKNOWN_STEP = "unknown-step"
    UNKNOWN_PROJECT = "unknown-project"
    STEP_BRANCH = "step-branch"
    OLD_FENCE = "old-fence"
    MISSING_DEPENDENCY = "missing-dependency"
    BARRIER = "barrier"
    LEDGER_DAMAGED = "ledger-damaged"
    LEDGER_REWOUND = "ledger-rewound"
    OVERLAPPING_CLAIMS = "overlapping-claims"
    PREDICTED_CONFLICT = "predicted-conflict"


ABOUT: Mapping[Rule, str] = {
    Rule.FOREIGN_CLAIM: "What was changed is claimed by another agent.",
    Rule.LATER_CLAIM: "Another agent claimed it after this work changed it, or changed it under a claim of its own.",
    Rule.SHARED_LINES: "Lines outside of every declaration changed in a file in which others hold symbols.",
    Rule.CANNOT_CHECK: "A part of the check could not be done.",
    Rule.UNCLAIMED_CHANGE: "The policy require_claims is on, and this was never claimed for the branch.",
    Rule.UNKNOWN_STEP: "A commit names a step that does not exist.",
    Rule.UNKNOWN_PROJECT: "A commit names a step of a project that is not there.",
    Rule.STEP_BRANCH: "A commit names a step of another branch.",
    Rule.OLD_FENCE: "A commit was made for a step that another agent has taken over since.",
    Rule.MISSING_DEPENDENCY: "What the branch's own step depends on is not in it.",
    Rule.BARRIER: "The branch lacks a commit that was pushed under a claim that has ended.",
    Rule.LEDGER_DAMAGED: "A ledger has content that gitcoord does not write.",
    Rule.LEDGER_REWOUND: "A ledger at the remote went back to before what this clone saw of it, or is gone.",
    Rule.OVERLAPPING_CLAIMS: "Two active claims of different holders overlap.",
    Rule.PREDICTED_CONFLICT: "Another active branch does not merge with this one.",
}


class Weight(StrEnum):
    """Whether it stops the change."""

    FINDING = "finding"
    NOTE = "note"


NOTES = frozenset({
    Rule.LATER_CLAIM, Rule.SHARED_LINES, Rule.CANNOT_CHECK, Rule.UNKNOWN_PROJECT, Rule.BARRIER, Rule.PREDICTED_CONFLICT,
})  # fmt: skip
# A claim made later, module-level lines and a project that was deleted never stand in the way: the author of the
# commit could not have done better.
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
    def severity(self) -> Weight:
        """Whether it stops the change."""
        is_note = self.rule in NOTES and not (self.strict and self.rule in STRICT)
        return Weight.NOTE if is_note else Weight.FINDING

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


def strictly(finding: Finding) -> Finding:
    """Return a finding as `--strict` judges it."""
    return replace(finding, strict=True)
