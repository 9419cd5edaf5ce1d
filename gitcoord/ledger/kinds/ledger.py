"""A kind of ledger: all that transactions, readers and archives need to know of one, and the state of one ledger.

    commands ──decide──> decision ──path_of──> documents in a tree ──load──> content ──reply──> reply

Rules:
  * A kind is one class in one file of this folder and one row in `table`. Transactions, readers, rewinds and services
    ask the table which kind a ref or a command is of. The modules that read documents of one kind all the same are
    listed in `gitcoord/DESIGN.md`, each with its reason.
  * What is abstract in `Ledger`, every kind has. Other kinds are named in one place, its `coupling`.
  * SEC-4: the tally is looked at while documents are read, so what is too large together is not read to its end.
    Reading all of a ledger and reading what changed give the same sum; so do writers (SAFE-8).
  * A kind is pure but for `load`, which reads objects: the same content, command and context give the same decision.

What this file does not know: which kinds there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Context, Decision, Ruling
from gitcoord.core.documents.doc import Doc, Struct, field
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import DocumentError, SchemaError
from gitcoord.ledger.format import trees
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.format.meta import SCHEMA, WRITER, Meta
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.trees import Folder
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

_A = TypeVar("_A")
_S = TypeVar("_S")
_C = TypeVar("_C", bound=Doc)
_D = TypeVar("_D", bound=Doc)
_S_contra = TypeVar("_S_contra", contravariant=True)
_C_contra = TypeVar("_C_contra", bound=Doc, contravariant=True)

Asked = tuple[RefName, Doc]  # a ledger, and a command for it
Noted = Mapping[str, Mapping[str, Json]]  # what was refused in this clone and is in no commit yet


class Ledger(ABC, Generic[_S, _C]):
    """One kind of ledger: `_S` is what its documents are together, `_C` are its commands.

    Attributes:
        place: where below the namespace it lies; a name that ends with "/" is a folder with many ledgers.
        commands: each kind of command by its word in the record.
        coupling: what its decisions ask of other ledgers.
        anywhere: how a ledger is found for a command that names none.
        postscript: what its commits say of what was refused.
    """

    place: str
    commands: Mapping[str, type[_C]]
    coupling: "Coupling[_S, _C] | None" = None
    anywhere: "Anywhere[_S, _C] | None" = None
    postscript: "Postscript[_C] | None" = None

    @property
    @abstractmethod
    def empty(self) -> _S:
        """Return the content of a ledger that does not exist."""

    @abstractmethod
    def load(self, tree: "Tree[_S]") -> _S:
        """Return the content of a tree.

        Raises:
            DocumentError: it is none of this kind.
        """

    @abstractmethod
    def path_of(self, doc: Doc) -> str:
        """Return where a document lies in the tree."""

    @abstractmethod
    def decide(self, content: _S, command: _C, context: Context, others: "Others") -> Decision[_S]:
        """Decide a command, by the rules and nothing else."""

    def recorded(self, content: _S, command: _C, ruling: Ruling) -> _C:  # noqa: ARG002 - where a record needs less
        """Return a command with as much of it as a repetition of the ruling reads. `content`: what it was made on."""
        return command

    @abstractmethod
    def reply(self, content: _S, outcome: Outcome) -> Reply:
        """Return an outcome with the documents that it speaks of."""

    def ref_of(self, refs: Refs, project: str | None) -> RefName | None:  # noqa: ARG002 - where there are several
        """Return which ledger a command goes to that names this project, or none; `None`: see `anywhere`."""
        return refs.below(self.place)

    def title(self, content: _S, ref: RefName) -> str:  # noqa: ARG002 - where the content has a name
        """Return what the subjects of its commits call a ledger."""
        return ref.rpartition("/")[2]

    def check(self, doc: Doc, path: str) -> None:
        """Look at a document as its readers will.

        Raises:
            ValueError: no reader would take it; the end of a sentence says why.
        """

    def meta(self, content: _S, meta: Meta) -> Meta:  # noqa: ARG002 - where the content adds something
        """Return what a ledger says of itself."""
        return meta

    def is_anything_over(self, content: _S, now: datetime) -> bool:  # noqa: ARG002 - where something ends by time
        """Whether something would be over by this time; only then is it asked how far our clock is believed."""
        return False


class Question(Struct, Generic[_A], frozen=True):
    """What a decision asks of another ledger, so that the record has the answer and a replay needs that ledger not.

    Attributes:
        word: what the record calls it.
        spell: makes of an answer what is recorded: as much of it as decides.
        parse: makes an answer of that again; raises `DocumentError` for what is none.
    """

    word: str
    spell: Callable[[_A], Json]
    parse: Callable[[Json], _A]


class Others(Protocol):
    """The other ledgers beside the one that is decided on: as they are then, commands of the batch before included.

    A decision reads them inside `ask` only: what it read otherwise would be missing when it is repeated (`audit`).
    """

    @property
    def refs(self) -> Refs:
        """Where ledgers are."""
        ...

    @property
    def repo(self) -> str | None:
        """The caller's repository."""
        ...

    def content(self, ref: RefName) -> Any:  # noqa: ANN401 - whatever kind is there
        """Return what a ledger holds.

        Raises:
            CoordError: it cannot be read.
        """
        ...

    def decide(self, ref: RefName, content: Any, command: Doc) -> Decision[Any]:  # noqa: ANN401
        """Return what a command of the same caller would come to on this content; nothing is kept."""
        ...

    def ask(self, question: Question[_A], about: str, look: Callable[[], _A | None]) -> _A | None:
        """Return the answer to a question about one thing, from the record where there is one; `None` is the usual."""
        ...

    def rely_on(self, ref: RefName) -> None:
        """Have the swap check that a ledger is as it was read: the decision rests on it."""
        ...


class Coupling(Protocol[_S_contra, _C]):
    """What a kind of ledger asks of others, to land in one swap with what asks for it; none of it, or all."""

    def asks(self, before: _S_contra, command: _C, ruling: Ruling, others: Others) -> Iterator[Asked]:
        """Yield what a ruling brings about elsewhere; that it can be done was looked at when it was made."""
        ...

    def may_ask(self, ledger: RefName, word: str, arguments: Mapping[str, Json]) -> bool:
        """Whether a ledger may have asked another one for such a command."""
        ...

    def goes_first(self, word: str) -> bool:
        """Whether a command that is asked for goes before what asks for it, where the two cannot be one swap.

        So that nothing is conferred on the way, whichever half is missing.
        """
        ...

    def undo(self, done: Done, asked: Done, there: Any) -> tuple[_C, Outcome] | None:  # noqa: ANN401 - of another kind
        """Return the command that takes back what was done, with the outcome for its caller; `None`: it may stay.

        Asked where `asked` landed before `done`. `there`: what the ledger that was asked holds now.
        """
        ...


class Anywhere(Protocol[_S, _C_contra]):
    """How a ledger is found for a command that names none."""

    def finds_for(self, command: _C_contra) -> bool:
        """Whether a command may name none."""
        ...

    def in_order(self, states: "Iterable[LedgerState[_S]]") -> "list[LedgerState[_S]]":
        """Return those that are considered, the first to consider first."""
        ...

    def is_open(self, content: _S, repo: str | None) -> bool:
        """Whether a ledger is one for callers of this repository."""
        ...

    def pick(self, contents: Sequence[_S], command: _C_contra, actor: Actor, others: Others) -> int | None:
        """Return the index of the one to decide in; `None`: each is tried, until one of them does it."""
        ...

    def nowhere(self, refusals: Sequence[Outcome], repo: str | None) -> Outcome:
        """Say that none did it, and why not. `repo`: that of the caller, where several share one remote."""
        ...


class Postscript(Protocol[_C]):
    """What a commit says of the refusals that it carries: a command after all others, and counters."""

    def is_one(self, command: _C) -> bool:
        """Whether a command only asks for such a commit."""
        ...

    def command(self, noted: Noted, *, asked: bool) -> _C | None:
        """Return the command for what was noted; `None`: there is nothing to say. `asked`: a caller did."""
        ...

    @property
    def nothing(self) -> Outcome:
        """The outcome for a caller that asked, where there was nothing to say."""
        ...

    def counters(
        self, objects: Objects, folder: Folder, carried: Iterable[Mapping[str, Json]], now: datetime
    ) -> dict[str, bytes | None]:
        """Return what the commit changes beside documents, by path; `None`: a file that goes."""
        ...


class Documents(Protocol):
    """Documents by object id, remembered."""

    def doc(self, oid: Oid, kind: type[_D]) -> _D:
        """Return a document.

        Raises:
            DocumentError: it is damaged, or none of that kind.
        """
        ...

    def size_of(self, oid: Oid | None) -> int:
        """Return how many bytes a document has; 0 for none, and for what cannot be read."""
        ...


class LedgerState(Struct, Generic[_S], frozen=True):
    """One ledger at one tip.

    `tip` is `None` while it does not exist. `left_out`: why files of it, by path, cannot be read.
    `size_bytes`: of its documents, bookkeeping aside.
    """

    kind: Ledger[_S, Any]
    ref: RefName
    tip: Oid | None
    folder: Folder
    meta: Meta
    content: _S
    left_out: Mapping[str, DocumentError] = field(default_factory=dict[str, DocumentError])
    size_bytes: int = 0

    @property
    def is_writable(self) -> bool:
        """Whether this version may write it; see `check_writable`."""
        return self.meta.writer_min <= WRITER and self.meta.schema <= SCHEMA

    def check_writable(self) -> None:
        """Refuse to write what a newer version made.

        Raises:
            SchemaError: the ledger's least writer version is above ours.
        """
        if not self.is_writable:
            message = f"{self.ref} is written by a newer gitcoord (schema {self.meta.schema})."
            raise SchemaError(message, where=self.ref, hint="Upgrade gitcoord here; reading goes on.")


def absent(kind: Ledger[_S, Any], ref: RefName) -> LedgerState[_S]:
    """Return the state of a ledger that does not exist."""
    return LedgerState(kind, ref, None, trees.EMPTY, Meta(), kind.empty)


class Tally(Struct):
    """Of one reading: the sum of the documents, why files cannot be read, by path; and how much was read for it."""

    size_bytes: int
    left_out: dict[str, DocumentError]
    read_bytes: int = 0

    def replace(self, before_bytes: int, after_bytes: int) -> None:
        """Count a document that changed; all that is read is in the ledger, so it may not be more than that.

        Raises:
            DocumentError: the ledger is too large.
        """
        self.size_bytes += after_bytes - before_bytes
        self.read_bytes += after_bytes
        _check_size(self.read_bytes)

    def check(self) -> None:
        """Look at the sum, when everything was counted.

        Raises:
            DocumentError: the ledger is too large.
        """
        _check_size(self.size_bytes)


def _check_size(size_bytes: int) -> None:
    if size_bytes > limits.LEDGER_BYTES:
        message = f"it is too large: its documents have more than {limits.LEDGER_BYTES} bytes."
        raise DocumentError(message)


class Tree(Struct, Generic[_S], frozen=True):
    """What a content is loaded from: a tree, and the ledger as it was known before, of which most is still true."""

    ref: RefName
    folder: Folder
    meta: Meta
    known: LedgerState[_S]
    tally: Tally
    documents: Documents

    def changes(self) -> Iterator[tuple[str, Oid | None]]:
        """Yield each path that differs from what is known, with its object; `None`: it is gone."""
        return trees.changes(self.known.folder, self.folder)

    def count(self, path: str, oid: Oid | None) -> None:
        """Count a document that changed.

        Raises:
            DocumentError: the ledger is too large.
        """
        size_of = self.documents.size_of
        self.tally.replace(size_of(self.known.folder.file(path)), size_of(oid))
