"""What any answer of a command can be, beside its own: a refusal, an error, and what rides on it.

What this file does not know: commands.
"""

from datetime import datetime
from typing import NotRequired, TypedDict

from gitcoord.core.documents.caller_notice import CallerNotice


class OddityRow(TypedDict):
    """A ref that needs a person.

    Attributes:
        code: of what is not damaged: `rewound` or `kept`.
    """

    ref: str
    message: str
    next_step: str
    code: NotRequired[str]


class Answer(TypedDict, total=False):
    """What rides on any answer.

    Attributes:
        next_step: what to do next, with commands.
        warnings: what is odd about what was asked, and stopped nothing.
        notices: what else the caller should know.
        fresh, as_of: false where the remote did not answer, and of when this is.
        oddities: refs that need a person.
        seen_by: who can read what is written there, said once.
        already: it was so before.
        why: in words, why something is not as it was asked for.
        next_offset: where the next page begins.
        understood: of a tool: how arguments were read that are called otherwise.
        cut, how_to_narrow: of a tool: which parts were too long for a client, and how to ask for less.
    """

    next_step: str
    warnings: list[str]
    notices: list[CallerNotice]
    fresh: bool
    as_of: datetime
    oddities: list[OddityRow]
    seen_by: str
    already: bool
    why: str
    next_offset: int
    understood: list[str]
    cut: list[str]
    how_to_narrow: str


class Refused(Answer):
    """A refusal by the rules: exit status 1. The facts of the refusal stand beside these fields.

    Attributes:
        refused: a stable word, such as `conflict` or `not_holder`.
    """

    refused: str


class ErrorFacts(TypedDict):
    """What broke.

    Attributes:
        code: a stable word; the documentation has the table of them.
        hint: what to do; empty where there is nothing.
        report: the file with the details of a bug.
    """

    code: str
    message: str
    hint: str
    report: NotRequired[str]


class Failed(TypedDict):
    """Any command can end with an error instead."""

    error: ErrorFacts
