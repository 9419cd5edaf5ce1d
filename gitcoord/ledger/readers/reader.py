"""Reading ledgers: from a tip to a board, doing again only what changed.

Rules:
  * Everything is found by object id, so whatever was read once stays valid; a tip that is known costs nothing.
  * What is read of a remote is checked (anyone may have written it); what we wrote ourselves is not checked again.
  * Damage in one ledger is an error of that ledger; the others go on.
  * SAFE-6: a document of the claims ledger that cannot be read, and a file of a project that is none of its documents,
    is left out by name: it confers nothing, stays in the tree as it is, and everything else counts. A project is read
    whole or not at all: without one of its steps its graph is another one.
  * SEC-4: the documents of a ledger have a limit together, which is looked at while they are read; what was found to be
    damaged is not read again, and of a heartbeat or the team's rules only the one file.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from gitcoord.core.claims.register import Register, RegisterDoc
from gitcoord.core.documents.decision import Change, Gone
from gitcoord.core.documents.doc import Doc, load_object
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.board import Board, make_board
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError, DocumentError, MissingObjectError, SchemaError
from gitcoord.ledger.format import claims_layout, commits, steps_layout, trees
from gitcoord.ledger.format.meta import SCHEMA, WRITER, Applied, Meta
from gitcoord.ledger.format.refs import Refs, is_claims
from gitcoord.ledger.format.tally import Tally
from gitcoord.ledger.format.trees import Folder
from gitcoord.ledger.liveness import judgements
from gitcoord.ledger.readers.strays import Strays
from gitcoord.ledger.readers.team_rules import POLICY, Seen, TeamRules
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, Transport

CACHED_MAX = 50_000  # parsed documents that are kept: five projects of the largest usual size
_D = TypeVar("_D", bound=Doc)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """One ledger at one tip: a project with its board, or the claims with their register.

    `tip` and `board` are `None` while it does not exist. `left_out`: why files of it, by path, cannot be read.
    `size_bytes`: of its documents, bookkeeping aside.
    """

    ref: RefName
    tip: Oid | None
    folder: Folder
    meta: Meta
    board: Board | None
    register: Register | None = None
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


def absent(ref: RefName) -> LedgerState:
    """Return the state of a ledger that does not exist."""
    return LedgerState(ref, None, trees.EMPTY, Meta(), None, Register() if is_claims(ref) else None)


class Reader:
    """Reads ledgers through a transport and remembers what it has read. One thread at a time."""

    def __init__(
        self, transport: Transport, refs: Refs, strays: Strays | None = None, seen: Seen = lambda _ref: ()
    ) -> None:
        """Remember nothing yet but what the clone has found to be no ledgers, and the tips that it has `seen`."""
        self.rules = TeamRules(transport.objects, refs.config, seen)
        self._strays = strays or Strays()
        self._transport = transport
        self._refs = refs
        self._states: dict[RefName, LedgerState] = {}
        self._broken: dict[RefName, tuple[Oid, CoordError]] = {}
        self._docs: OrderedDict[Oid, tuple[Doc, int]] = OrderedDict()
        self._beats: dict[Oid, Heartbeat] = {}
        self._damaged: dict[tuple[Oid, str], DocumentError] = {}
        self.problems: dict[RefName, CoordError] = {}
        self.parsed = 0

    def list_refs(self) -> Mapping[RefName, Oid]:
        """List every ref of the namespace, as it is now."""
        return self._transport.read(self._refs.everything)

    def project(self, ref: RefName, tip: Oid | None) -> LedgerState:
        """Return a ledger at a tip: a project's, or the claims'.

        Raises:
            DocumentError: the ledger is damaged; names ref and object.
            SchemaError: it is of a schema that this version cannot read.
        """
        if tip is None:
            return absent(ref)
        known = self._states.get(ref)
        if known is not None and known.tip == tip:
            return known
        broken = self._broken.get(ref)
        if broken is not None and broken[0] == tip:
            raise broken[1]
        stray = self._strays.error(ref, tip)
        if stray is not None:
            raise stray
        try:
            state = self._load(ref, tip, known or absent(ref))
        except MissingObjectError as error:
            hint = "Run `gitcoord doctor --repair`: it puts the ref back to the newest commit that is whole."
            raise MissingObjectError(f"{ref} at {tip[:12]} is not whole: {error}", hint=hint) from None
        except DocumentError as error:
            located = self._strays.note(self._transport.objects, error, ref, tip)
            self._broken[ref] = (tip, located)
            raise located from None
        self._states[ref] = state
        return state

    def projects(self, refs: Mapping[RefName, Oid]) -> list[LedgerState]:
        """Return every readable project; the damaged ones are in `problems`."""
        self.prefetch(refs)
        self._strays.load()
        self.problems.clear()
        out: list[LedgerState] = []
        for ref in sorted(refs):
            if not self._refs.is_steps(ref):
                continue
            try:
                out.append(self.project(ref, refs[ref]))
            except (DocumentError, MissingObjectError) as error:
                self.problems[ref] = error
        self._strays.keep()
        return out

    def with_damage(self) -> list[LedgerState]:
        """Return the last reading of the ledgers of which something was left out."""
        return [state for _, state in sorted(self._states.items()) if state.left_out]

    def claims(self, refs: Mapping[RefName, Oid]) -> LedgerState:
        """Return the claims ledger; see `project` for what it raises."""
        return self.project(self._refs.claims, refs.get(self._refs.claims))

    def prefetch(self, refs: Mapping[RefName, Oid]) -> None:
        """Bring the listed tips that are not here yet, in one fetch."""
        has = self._transport.objects.has
        unknown = [tip for ref, tip in refs.items() if not self._is_known(ref, tip) and not has(tip)]
        if unknown:
            with contextlib.suppress(MissingObjectError):  # a ref moved meanwhile; reading that ledger will say so
                self._transport.fetch(unknown)

    def remember(self, state: LedgerState) -> None:
        """Keep the state that a swap of ours made, so that it is not read back."""
        self._states[state.ref] = state

    def heartbeats(self, refs: Mapping[RefName, Oid]) -> dict[str, tuple[Oid, Heartbeat]]:
        """Return each clone's heartbeat with the id of its commit; unreadable ones are left out."""
        out: dict[str, tuple[Oid, Heartbeat]] = {}
        for ref, tip in refs.items():
            clone = self._refs.clone_of(ref)
            beat = self._heartbeat(ref, tip) if clone else None
            if clone and beat:
                out[clone] = (tip, beat)
        return out

    def beat_of(self, tip: Oid) -> Oid | None:
        """Return the beat that the tip of a heartbeat stands for; `None`: its clone has never beaten."""
        return judgements.judged(self._transport.objects, tip)

    def policy(self, ref: RefName, listed: Mapping[RefName, Oid]) -> Policy:
        """Return the team's policy; the default where there is none, or where it is damaged (and says so)."""
        tip, damage = self.rules.look(listed.get(ref))
        if damage is not None:
            self.problems[ref] = damage.error
        return (self._only(tip, POLICY, Policy) if tip else None) or Policy()

    def first_meta(self, listed: Mapping[RefName, Oid]) -> Meta:
        """Return what a ledger begins with: the versions that the team has gone up to."""
        tip, _ = self.rules.look(listed.get(self._refs.config))
        team = (self._only(tip, steps_layout.META, Meta) if tip else None) or Meta()
        return Meta(rules=team.rules, writer_min=team.writer_min)

    def applied(self, state: LedgerState, clone: str) -> Applied:
        """Return up to where the clone's commands have been applied in this ledger."""
        oid = state.folder.file(steps_layout.applied_path(clone))
        return self._doc(oid, Applied) if oid else Applied(clone=clone)

    def written_by_others(self, state: LedgerState, clone: str) -> datetime | None:
        """Return when another clone wrote a ledger last, by its own clock; `None`: our own write is the last one.

        A writer whose clock is behind the write before takes the time of that one; so a time that we wrote is ours.
        """
        oid = state.folder.file(steps_layout.applied_path(clone))
        own = self._applied(oid) if oid else None
        is_ours = oid is not None and (own is None or own.at == state.meta.at)
        return None if is_ours else state.meta.at

    def all_applied(self, state: LedgerState) -> list[Applied]:
        """Return every clone's counter that can be read."""
        folder = state.folder.folders.get("applied", trees.EMPTY)
        return [applied for _, oid in trees.changes(trees.EMPTY, folder) if oid and (applied := self._applied(oid))]

    def _applied(self, oid: Oid) -> Applied | None:
        try:
            return self._doc(oid, Applied)
        except DocumentError:
            return None  # its clone is warned, with every command of its own

    def _is_known(self, ref: RefName, tip: Oid) -> bool:
        known = self._states.get(ref)
        return (known is not None and known.tip == tip) or tip in self._beats

    def _heartbeat(self, ref: RefName, tip: Oid) -> Heartbeat | None:
        if tip not in self._beats:
            if len(self._beats) > CACHED_MAX // 10:
                self._beats.clear()
            try:
                beat = self._only(tip, "heartbeat.json", Heartbeat)
                if beat is None:
                    return None
                self._beats[tip] = beat
            except (DocumentError, MissingObjectError) as error:
                self.problems[ref] = error
                return None
        return self._beats[tip]

    def _only(self, tip: Oid, path: str, kind: type[_D]) -> _D | None:
        """Return one document of a commit, and read nothing else of it."""
        damage = self._damaged.get((tip, path))
        if damage is not None:
            raise damage
        try:
            oid = trees.find(self._transport.objects, commits.read(self._transport.objects, tip).tree, path)
            return self._doc(oid, kind) if oid else None
        except DocumentError as error:
            if len(self._damaged) > CACHED_MAX // 10:
                self._damaged.clear()
            self._damaged[tip, path] = error
            raise

    def _load(self, ref: RefName, tip: Oid, known: LedgerState) -> LedgerState:
        objects = self._transport.objects
        if not objects.has(tip):
            self._transport.fetch([tip])
        folder = trees.load(objects, commits.read(objects, tip).tree, known.folder)
        oid = folder.file(steps_layout.META)
        if oid is None:
            message = f"{ref} is not a ledger: it has no meta.json."
            raise DocumentError(message, where=ref)
        meta = self._doc(oid, Meta)
        if meta.schema > SCHEMA:
            message = f"{ref} is of schema {meta.schema}; this gitcoord reads up to {SCHEMA}."
            raise SchemaError(message, where=ref, hint="Upgrade gitcoord here.")
        if not known.folder.file(steps_layout.META):
            known = absent(ref)
        tally = Tally(known.size_bytes, dict(known.left_out))
        register = self._register(folder, meta, known, tally) if is_claims(ref) else None
        board = None if is_claims(ref) else self._board(ref, folder, known, tally)
        tally.check()
        return LedgerState(ref, tip, folder, meta, board, register, tally.left_out, tally.size_bytes)

    def _register(self, folder: Folder, meta: Meta, known: LedgerState, tally: Tally) -> Register:
        """Return the register, from what changed since the one that is known; note what cannot be read."""
        register = known.register or Register()
        changes: list[Change] = []
        for path, oid in trees.changes(known.folder, folder):
            kind = claims_layout.kind_at(path)
            tally.left_out.pop(path, None)
            if kind is None:
                continue
            try:
                doc = self._placed(path, oid, kind) if oid else None
            except DocumentError as error:
                doc, tally.left_out[path] = None, error
            left = register.find(kind, claims_layout.id_at(path)) if doc is None else None
            changes += [doc] if doc else [Gone(left)] if left else []
            tally.replace(self.size_of(known.folder.file(path)), self.size_of(oid))
        return replace(register.with_changes(changes), seq=meta.seq, grants=meta.grants)

    def _placed(self, path: str, oid: Oid, kind: type[RegisterDoc]) -> RegisterDoc:
        doc = self._doc(oid, kind)
        try:
            claims_layout.check(doc, path)
        except ValueError as error:
            message = f"Object {oid} {str(error).rstrip('.')}."
            raise DocumentError(message, where=oid) from None
        return doc

    def _board(self, ref: RefName, folder: Folder, known: LedgerState, tally: Tally) -> Board:
        project: Project | None = None
        steps: list[Step] = []
        gone = False
        for path, oid in trees.changes(known.folder, folder):
            if path == steps_layout.PROJECT:
                if oid is None:
                    return _checked_board(ref, None, {})
                project = self._doc(oid, Project)
            elif steps_layout.is_stray(path):
                tally.left_out.pop(path, None)
                if oid:
                    tally.left_out[path] = DocumentError(f"Object {oid} is at {path}, where no step lies.", where=oid)
                continue
            elif steps_layout.is_step(path):
                gone = gone or oid is None
                if oid:
                    steps.append(self._step(path, oid))
            else:
                continue
            tally.replace(self.size_of(known.folder.file(path)), self.size_of(oid))
        if known.board is None or gone:
            everything = self._all_steps(folder) if gone else {step.step_num: step for step in steps}
            return _checked_board(ref, project or (known.board.project if known.board else None), everything)
        merged = {**known.board.steps, **{step.step_num: step for step in steps}}
        _check_graph(ref, steps, merged)
        return known.board.with_changes(project, steps)

    def _all_steps(self, folder: Folder) -> dict[int, Step]:
        paths = [(path, oid) for path, oid in trees.changes(trees.EMPTY, folder) if oid and steps_layout.is_step(path)]
        paths = [(path, oid) for path, oid in paths if not steps_layout.is_stray(path)]
        return {step.step_num: step for step in (self._step(path, oid) for path, oid in paths)}

    def _step(self, path: str, oid: Oid) -> Step:
        step = self._doc(oid, Step)
        if steps_layout.step_path(step.step_num) != path:
            message = f"Object {oid} is step {step.step_num}, but lies at {path}."
            raise DocumentError(message, where=oid)
        return step

    def size_of(self, oid: Oid | None) -> int:
        """Return how many bytes a document has; what cannot be read, as `None`, has none."""
        known = self._docs.get(oid) if oid else None
        if known or oid is None:
            return known[1] if known else 0
        try:
            return len(self._transport.objects.read(oid)[1])
        except (MissingObjectError, DocumentError):
            return 0

    def _doc(self, oid: Oid, kind: type[_D]) -> _D:
        known = self._docs.get(oid)
        if known and isinstance(known[0], kind):
            self._docs.move_to_end(oid)
            return known[0]
        found, data = self._transport.objects.read(oid)
        if found is not ObjectKind.BLOB:
            message = f"Object {oid} is a {found}, not a document."
            raise DocumentError(message, where=oid)
        try:
            doc = kind.parse(load_object(data))
        except DocumentError as error:
            message = f"Object {oid}: {error}"
            raise DocumentError(message, where=oid) from None
        self.parsed += 1
        self._docs[oid] = doc, len(data)
        if len(self._docs) > CACHED_MAX:
            self._docs.popitem(last=False)
        return doc


def _checked_board(ref: RefName, project: Project | None, steps: dict[int, Step]) -> Board:
    if project is None:
        message = f"{ref} is not a project: it has no project.json."
        raise DocumentError(message, where=ref)
    if not ref.endswith(f"/steps/{project.name.lower()}"):
        message = f"{ref} holds a project of another name."
        raise DocumentError(message, where=ref)
    _check_graph(ref, steps.values(), steps)
    return make_board(project, steps)


def _check_graph(ref: RefName, changed: Iterable[Step], steps: Mapping[int, Step]) -> None:
    for step in changed:
        for dependency in step.depends_on:
            if dependency not in steps:
                message = f"{ref}: step {step.step_num} depends on step {dependency}, which is not there."
                raise DocumentError(message, where=ref)
