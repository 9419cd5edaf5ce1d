"""The one table of ledgers: which kinds there are, which is where, and whose each command is.

A new kind is a file beside this one and a word in `LEDGERS`. `refs/coord/config` is none: people write its files by
hand, and nothing is decided there by rules (`gitcoord.service.team.config_ref`).
"""

from collections.abc import Mapping
from typing import Any

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import BugError, DocumentError, InvalidError, LimitError
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.claims import CLAIMS
from gitcoord.ledger.kinds.ledger import Ledger
from gitcoord.ledger.kinds.steps import STEPS
from gitcoord.remote.contract.protocol import RefName

Kind = Ledger[Any, Any]


class Ledgers:
    """A table of kinds of ledgers."""

    def __init__(self, *kinds: Kind) -> None:
        """Know these kinds, whose commands all have words of their own."""
        self._kinds = kinds
        self._commands: dict[str, tuple[Kind, type[Doc]]] = {}
        for kind in kinds:
            taken = self._commands.keys() & kind.commands.keys()
            if taken:
                raise BugError(f"Two kinds of ledgers have the command {min(taken)!r}.")
            self._commands |= {word: (kind, command) for word, command in kind.commands.items()}
        self._words: Mapping[type[Doc], str] = {command: word for word, (_, command) in self._commands.items()}

    def plus(self, *kinds: Kind) -> "Ledgers":
        """Return a table with more kinds."""
        return Ledgers(*self._kinds, *kinds)

    def at(self, refs: Refs, ref: RefName) -> Kind | None:
        """Return which kind of ledger a ref is; `None`: none that this version knows."""
        return next((kind for kind in self._kinds if refs.is_at(kind.place, ref)), None)

    def is_ledger(self, refs: Refs, ref: RefName) -> bool:
        """Whether this is the ref of a ledger: what must not get lost. A heartbeat is made again, a probe is litter."""
        return ref == refs.config or self.at(refs, ref) is not None

    def command_of(self, entry: Entry) -> tuple[Kind, Doc]:
        """Return an entry's command, and the kind of ledger that decides it.

        Raises:
            DocumentError: this version does not know it, or its arguments are damaged.
        """
        found = self._commands.get(entry.word)
        if found is None:
            message = f"The command {entry.word!r} is not known to this version."
            raise DocumentError(message)
        kind, command = found
        return kind, command.parse(entry.arguments)

    def may_ask(self, asking: str, ledger: RefName, word: str, arguments: Mapping[str, Json]) -> bool:
        """Whether a command in a ledger, by its word `asking`, may ask another ledger for a command."""
        found = self._commands.get(asking)
        coupling = found[0].coupling if found else None
        return coupling is not None and coupling.may_ask(ledger, word, arguments)

    def entry_of(
        self, uid: str, command: Doc, actor: Actor, project: str | None, *, repo: str | None = None, pid: int = 0
    ) -> Entry:
        """Wrap a command."""
        word = self._words[type(command)]
        return Entry(uid=uid, project=project, repo=repo, word=word, arguments=command.dump(), actor=actor, pid=pid)

    def readable_entry(self, uid: str, command: Doc, actor: Actor, project: str | None, *, repo: str | None) -> Entry:
        """Wrap a caller's command, after reading it back as every other process will read it.

        Raises:
            InvalidError: a text or a number that the caller gave cannot be kept.
        """
        try:
            entry = self.entry_of(uid, command, actor, project, repo=repo)
            self.command_of(entry)
        except (DocumentError, LimitError) as error:
            message = str(error).replace(type(command).__name__, self._words[type(command)])
            raise InvalidError(message, hint="Shorten the text, or take out what is not text.") from None
        return entry


LEDGERS = Ledgers(STEPS, CLAIMS)
