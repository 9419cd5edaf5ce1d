"""Entries: commands on their way to a ledger, and the replies that come back.

An entry is self-contained (who, what, until when), so that any process of the clone can carry it out. A reply is
the outcome and the documents that it speaks of, so that the caller need not read the ledger again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gitcoord.core.commands import COMMANDS, WORDS, Actor, Command
from gitcoord.core.doc import Doc, Json
from gitcoord.core.outcome import Outcome
from gitcoord.errors import (
    ContendedError,
    CoordError,
    DeniedError,
    DocumentError,
    RepositoryError,
    SchemaError,
    UnknownOutcomeError,
    UnreachableError,
)


@dataclass(frozen=True, kw_only=True)
class Entry(Doc):
    """One command on its way.

    Attributes:
        uid: drawn by the caller, never used twice; finds the outcome again after a crash.
        project: whose ledger; `None` for "whichever project has a step for me".
        repo: with no project: only projects of this repository.
        word, arguments: the command, as in the record.
        deadline: after it nobody waits for the reply and the entry is not carried out.
        pid: the process that waits.
    """

    uid: str
    project: str | None = None
    repo: str | None = None
    word: str
    arguments: Mapping[str, Json] = field(default_factory=dict[str, Json])
    actor: Actor
    deadline: datetime | None = None
    pid: int = 0

    @property
    def command(self) -> Command:
        """Return the command.

        Raises:
            DocumentError: this version does not know it, or its arguments are damaged.
        """
        kind = COMMANDS.get(self.word)
        if kind is None:
            message = f"The command {self.word!r} is not known to this version."
            raise DocumentError(message)
        return kind.parse(self.arguments)


def entry_of(
    uid: str, command: Command, actor: Actor, project: str | None, *, repo: str | None = None, pid: int = 0
) -> Entry:
    """Wrap a command."""
    word = WORDS[type(command)]
    return Entry(uid=uid, project=project, repo=repo, word=word, arguments=command.dump(), actor=actor, pid=pid)


@dataclass(frozen=True, kw_only=True)
class Failure(Doc):
    """An error as data, to cross from the process that met it to the one that waits."""

    code: str
    message: str
    hint: str = ""

    def as_error(self) -> CoordError:
        """Return the error again."""
        kind = next((one for one in _CARRIED if one.code == self.code), CoordError)
        return kind(self.message, hint=self.hint)


_CARRIED: tuple[type[CoordError], ...] = (
    ContendedError,
    DeniedError,
    UnreachableError,
    UnknownOutcomeError,
    DocumentError,
    SchemaError,
    RepositoryError,
)


@dataclass(frozen=True, kw_only=True)
class Reply(Doc):
    """What came of an entry: an outcome with the documents it speaks of, or a failure."""

    outcome: Outcome | None = None
    failure: Failure | None = None
    project: str | None = None
    docs: Mapping[str, Json] = field(default_factory=dict[str, Json])


def failed(error: CoordError) -> Reply:
    """Return the reply that says what broke."""
    return Reply(failure=Failure(code=error.code, message=str(error), hint=error.hint))
