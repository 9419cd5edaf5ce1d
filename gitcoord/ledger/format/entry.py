"""Entries: commands on their way to a ledger, and the replies that come back.

An entry is self-contained (who, what, until when), so that any process of the clone can carry it out. A reply is
the outcome and the documents that it speaks of, so that the caller need not read the ledger again.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Hinted
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import EMPTY, Doc, Number, Text
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import CoordError, DocumentError


class Entry(Doc, frozen=True, kw_only=True):
    """One command on its way.

    Attributes:
        uid: drawn by the caller, never used twice; finds the outcome again after a crash.
        project: whose ledger; `None` for "whichever project has a step for me".
        repo: with no project: only projects of this repository.
        word, arguments: the command, as in the record.
        deadline: after it no caller waits for the reply and the entry is not carried out.
        pid: the process that waits; for versions that judge by it whether it lives.
        held: whether the process that waits holds the lock of the entry's file, so that others see whether it lives.
        config: the team's ref that it was understood by, `""` where there was none; `None`: it does not go by that.
        place: where it is meant to be carried out, as `remote_folder.key_of` names it.
    """

    uid: Text
    project: Text | None = None
    repo: Text | None = None
    word: Text
    arguments: Mapping[str, Json] = EMPTY
    actor: Actor
    deadline: datetime | None = None
    pid: Number = 0
    held: bool = False
    config: Text | None = None
    place: Text = ""

    def ends_by(self, moment: datetime | None) -> bool:
        """Whether its caller waits no longer by then; `None`: by the end of time."""
        return moment is None or self.deadline is None or self.deadline <= moment


class Failure(Hinted, frozen=True, kw_only=True):
    """An error as data, to cross from the process that met it to the one that waits."""

    code: Text
    message: Text
    where: Text = ""

    def as_error(self) -> CoordError:
        """Return the error again, of whichever kind it was."""
        kind = _kinds().get(self.code, CoordError)
        if issubclass(kind, DocumentError):
            return kind(self.message, where=self.where, hint=self.hint)
        return kind(self.message, hint=self.hint)


@cache
def _kinds() -> dict[str, type[CoordError]]:
    kinds = [CoordError]
    for kind in kinds:  # grows while it is walked, down to the last subclass
        kinds += kind.__subclasses__()
    return {kind.code: kind for kind in reversed(kinds)}  # of those with one code, the one that gave it to the others


class Reply(Doc, frozen=True, kw_only=True):
    """What came of an entry: an outcome with the documents it speaks of, or a failure.

    `notices`: what the caller should know beside it, such as what was passed over on the way.
    """

    outcome: Outcome | None = None
    failure: Failure | None = None
    project: Text | None = None
    docs: Mapping[str, Json] = EMPTY
    notices: tuple[CallerNotice, ...] = ()


def failed(error: CoordError) -> Reply:
    """Return the reply that says what broke."""
    where = error.where if isinstance(error, DocumentError) else ""
    return Reply(failure=Failure(code=error.code, message=str(error), hint=error.hint, where=where))
