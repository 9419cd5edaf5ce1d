"""Outcomes: what became of a command, as data.

    command ──rules──> done      the changes land; facts say what was done (`already` = nothing had to change)
                  ├──> refused   nothing changes; facts name who or what is in the way
                  └──> invalid   nothing changes; the command can never be carried out as it stands

An outcome is small, because it is recorded in the ledger; what a caller is shown is made from it and the
documents (`gitcoord.core.steps.step_views`).
"""

from collections.abc import Mapping
from enum import StrEnum

from gitcoord.core.documents.call import Hinted
from gitcoord.core.documents.conflict import Conflict, conflicts_in
from gitcoord.core.documents.doc import EMPTY, Text
from gitcoord.core.documents.json_text import Json


class Verdict(StrEnum):
    """The three ends of a command."""

    DONE = "done"
    REFUSED = "refused"
    INVALID = "invalid"


class Outcome(Hinted, frozen=True, kw_only=True):
    """What became of a command.

    Attributes:
        verdict: done, refused or invalid.
        code: a stable word, such as `claimed`, `not_holder`, `cycle`.
        message: one sentence for people; empty when done.
        hint: what to do about it, a thing to *do*.
        facts: the rest, by name; never text to parse.
    """

    verdict: Verdict
    code: Text
    message: Text = ""
    facts: Mapping[str, Json] = EMPTY

    @property
    def is_done(self) -> bool:
        """Whether the command was carried out, or had been before."""
        return self.verdict is Verdict.DONE

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Return what was in the way."""
        return conflicts_in(self.facts.get("conflicts"))


def done(code: str, **facts: Json) -> Outcome:
    """The command was carried out."""
    return Outcome(verdict=Verdict.DONE, code=code, facts=facts)


def refused(code: str, message: str, hint: str = "", **facts: Json) -> Outcome:
    """The rules say no; another time, or for another holder, they might say yes."""
    return Outcome(verdict=Verdict.REFUSED, code=code, message=message, hint=hint, facts=facts)


def invalid(code: str, message: str, hint: str = "", **facts: Json) -> Outcome:
    """The command can never be carried out as it stands."""
    return Outcome(verdict=Verdict.INVALID, code=code, message=message, hint=hint, facts=facts)
