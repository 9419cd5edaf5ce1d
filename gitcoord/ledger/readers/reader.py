"""Reading ledgers: from a tip to what its kind makes of the tree, doing again only what changed.

Rules:
  * Everything is found by object id, so whatever was read once stays valid; a tip that is known costs nothing.
  * What is read of a remote is checked (anyone may have written it); what we wrote ourselves is not checked again.
  * Damage in one ledger is an error of that ledger; the others go on.
  * Of a copy of a remote that is not whole, a tip is brought anew, once, before that is an error.
  * SAFE-6: a kind may leave out what cannot be read, by name: it confers nothing and stays in the tree as it is.
  * SEC-4: the documents of a ledger have a limit together, which is looked at while they are read; what was found to be
    damaged is not read again, and of a heartbeat or the team's rules only the one file.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

from gitcoord.core.claims.register import Register
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.board import Board
from gitcoord.errors import CoordError, DocumentError, MissingObjectError, SchemaError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import META, SCHEMA, Applied, Meta, applied_path
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.team_layout import POLICY
from gitcoord.ledger.kinds.claims import CLAIMS
from gitcoord.ledger.kinds.ledger import Ledger, LedgerState, Tally, Tree, absent
from gitcoord.ledger.kinds.steps import STEPS
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.liveness import judgements
from gitcoord.ledger.readers.strays import Strays, repair_hint
from gitcoord.ledger.readers.team_rules import Damage, Seen, TeamRules
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.protocol import ObjectKind, Oid, Refetches, RefName, Transport

# Parsed documents that are kept beside those that a ledger's state has; of 3 KB each. A server lives for days, and with
# each command two are read that no one asks for again.
DOCS_MAX = 4_000
BEATS_MAX = 5_000
_D = TypeVar("_D", bound=Doc)
_S = TypeVar("_S")
_T = TypeVar("_T")


class Reader:
    """Reads ledgers through a transport and remembers what it has read. One thread at a time."""

    def __init__(
        self,
        transport: Transport,
        refs: Refs,
        strays: Strays | None = None,
        seen: Seen = lambda _ref: (),
        ledgers: Ledgers = LEDGERS,
    ) -> None:
        """Remember nothing yet but what the clone has found to be no ledgers, and the tips that it has `seen`."""
        self.rules = TeamRules(transport.objects, refs.config, seen)
        self._strays = strays or Strays()
        self._transport = transport
        self._refs = refs
        self._ledgers = ledgers
        self._states: dict[RefName, LedgerState[Any]] = {}
        self._broken: dict[RefName, tuple[Oid, CoordError]] = {}
        self._docs: OrderedDict[Oid, tuple[Doc, int]] = OrderedDict()
        self._beats: dict[Oid, Heartbeat] = {}
        self._refetches: set[Oid] = set()
        self._damaged: dict[tuple[Oid, str], DocumentError] = {}
        self.problems: dict[RefName, CoordError] = {}
        self.parsed = 0

    def list_refs(self) -> Mapping[RefName, Oid]:
        """List every ref of the namespace, as it is now."""
        return self._transport.read(self._refs.everything)

    def ledger(self, ref: RefName, tip: Oid | None) -> LedgerState[Any]:
        """Return a ledger at a tip, of whichever kind the ref is.

        Raises:
            DocumentError: the ledger is damaged, or is none; names ref and object.
            SchemaError: it is of a schema that this version cannot read.
        """
        kind = self._ledgers.at(self._refs, ref)
        if kind is None:
            raise DocumentError(f"{ref} is not a ledger.", where=ref)
        return self._at(kind, ref, tip)

    def project(self, ref: RefName, tip: Oid | None) -> LedgerState[Board | None]:
        """Return a project; see `ledger` for what it raises."""
        return self._at(STEPS, ref, tip)

    def _at(self, kind: Ledger[_S, Any], ref: RefName, tip: Oid | None) -> LedgerState[_S]:
        if tip is None:
            return absent(kind, ref)
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
            state = self._again(tip, lambda: self._load(ref, tip, known or absent(kind, ref)))
        except MissingObjectError as error:
            message = f"{ref} at {tip[:12]} is not whole: {error}"
            raise MissingObjectError(message, hint=repair_hint(ref)) from None
        except DocumentError as error:
            located = self._strays.note(self._transport.objects, error, ref, tip)
            self._broken[ref] = (tip, located)
            raise located from None
        self._states[ref] = state
        return state

    def projects(self, refs: Mapping[RefName, Oid]) -> list[LedgerState[Board | None]]:
        """Return every readable project; the damaged ones are in `problems`."""
        return self.each(STEPS, refs)

    def each(self, kind: Ledger[_S, Any], refs: Mapping[RefName, Oid]) -> list[LedgerState[_S]]:
        """Return every readable ledger of a kind; the damaged ones are in `problems`."""
        self.prefetch(refs)
        self._strays.load()
        self.problems.clear()
        out: list[LedgerState[_S]] = []
        for ref in sorted(refs):
            if not self._refs.is_at(kind.place, ref):
                continue
            try:
                out.append(self._at(kind, ref, refs[ref]))
            except (DocumentError, MissingObjectError) as error:
                self.problems[ref] = error
        self._strays.keep()
        return out

    def with_damage(self) -> list[LedgerState[Any]]:
        """Return the last reading of the ledgers of which something was left out."""
        return [state for _, state in sorted(self._states.items()) if state.left_out]

    def claims(self, refs: Mapping[RefName, Oid]) -> LedgerState[Register]:
        """Return the claims; see `ledger` for what it raises."""
        return self._at(CLAIMS, self._refs.claims, refs.get(self._refs.claims))

    def prefetch(self, refs: Mapping[RefName, Oid], posts: Collection[RefName] = ()) -> None:
        """Bring the listed tips that are not here yet, in one fetch, with these posts; an archive where it is read."""
        refs = {ref: tip for ref, tip in refs.items() if not self._refs.is_inbox(ref) or ref in posts}
        has = self._transport.objects.has
        read = {tip for ref, tip in refs.items() if (state := self._states.get(ref)) is not None and state.tip == tip}
        wanted = self._refs.without_archives(refs).values()
        unknown = [tip for tip in wanted if tip not in read and tip not in self._beats and not has(tip)]
        if unknown:
            with contextlib.suppress(MissingObjectError):  # a ref moved meanwhile; reading that ledger will say so
                self._transport.fetch(unknown)

    def remember(self, state: LedgerState[Any]) -> None:
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
        tip, damage = self.rules_at(listed.get(ref))
        if damage is not None:
            self.problems[ref] = damage.error
        return (self._only(tip, POLICY, Policy) if tip else None) or Policy()

    def rules_at(self, tip: Oid | None) -> tuple[Oid | None, Damage | None]:
        """Return which commit counts where the team's ref is at a tip, and what is wrong with that, if so.

        Raises:
            UnreachableError: a part of the tip is not here, and the remote does not answer.
        """
        found = self.rules.look(tip)
        return self.rules.look(tip) if tip and self.rules.is_missing and self._refetched(tip) else found

    def first_meta(self, listed: Mapping[RefName, Oid]) -> Meta:
        """Return what a ledger begins with: the versions that the team has gone up to."""
        tip, _ = self.rules_at(listed.get(self._refs.config))
        team = (self._only(tip, META, Meta) if tip else None) or Meta()
        return Meta(rules=team.rules, writer_min=team.writer_min)

    def applied(self, state: LedgerState[Any], clone: str) -> Applied:
        """Return up to where the clone's commands have been applied in this ledger."""
        oid, tip = state.folder.file(applied_path(clone)), state.tip
        return self._again(tip, lambda: self.doc(oid, Applied)) if oid and tip else Applied(clone=clone)

    def written_by_others(self, state: LedgerState[Any], clone: str) -> datetime | None:
        """Return when another clone wrote a ledger last, by its own clock; `None`: our own write is the last one.

        A writer whose clock is behind the write before takes the time of that one; so a time that we wrote is ours.
        """
        oid = state.folder.file(applied_path(clone))
        own = self._applied(state.tip, oid) if oid else None
        is_ours = oid is not None and (own is None or own.at == state.meta.at)
        return None if is_ours else state.meta.at

    def all_applied(self, state: LedgerState[Any]) -> list[Applied]:
        """Return every clone's counter that can be read."""
        oids = [oid for _, oid in trees.changes(trees.EMPTY, state.folder.folders.get("applied", trees.EMPTY)) if oid]
        return [applied for oid in oids if (applied := self._applied(state.tip, oid))]

    def _applied(self, tip: Oid | None, oid: Oid) -> Applied | None:
        try:
            return self._again(tip, lambda: self.doc(oid, Applied))
        except (DocumentError, MissingObjectError):
            return None  # its clone is warned, with every command of its own

    def _heartbeat(self, ref: RefName, tip: Oid) -> Heartbeat | None:
        if tip not in self._beats:
            if len(self._beats) > BEATS_MAX:
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

    def seq_at(self, tip: Oid | None) -> int:
        """Return the number of the last command of a ledger at a commit of it, and read nothing else of that.

        Raises:
            DocumentError, MissingObjectError: it cannot be read.
        """
        meta = self._only(tip, META, Meta) if tip else None
        return meta.seq if meta else 0

    def _only(self, tip: Oid, path: str, kind: type[_D]) -> _D | None:
        """Return one document of a commit, and read nothing else of it."""
        damage = self._damaged.get((tip, path))
        if damage is not None:
            raise damage
        try:
            return self._again(tip, lambda: self._doc_at(tip, path, kind))
        except DocumentError as error:
            if len(self._damaged) > BEATS_MAX:
                self._damaged.clear()
            self._damaged[tip, path] = error
            raise

    def _doc_at(self, tip: Oid, path: str, kind: type[_D]) -> _D | None:
        oid = trees.find(self._transport.objects, commits.read(self._transport.objects, tip).tree, path)
        return self.doc(oid, kind) if oid else None

    def _again(self, tip: Oid | None, load: Callable[[], _T]) -> _T:
        """Load something of a listed tip; where a part of it is not here, once more when all of it was brought."""
        try:
            return load()
        except MissingObjectError:
            if tip is None or not self._refetched(tip):
                raise
        return load()

    def _refetched(self, tip: Oid) -> bool:
        """Bring a tip anew that is here in parts, once; return whether that was done."""
        transport = self._transport
        if not isinstance(transport, Refetches) or tip in self._refetches or not transport.objects.has(tip):
            return False
        if deadline.asked_for(1.0) is None:  # answered from what is here, as the remote did not answer before
            return False
        done = transport.refetch(tip)
        self._refetches.add(tip)
        return done

    def _load(self, ref: RefName, tip: Oid, known: LedgerState[_S]) -> LedgerState[_S]:
        objects = self._transport.objects
        if not objects.has(tip):
            self._transport.fetch([tip])
        folder = trees.load(objects, commits.read(objects, tip).tree, known.folder)
        oid = folder.file(META)
        if oid is None:
            message = f"{ref} is not a ledger: it has no meta.json."
            raise DocumentError(message, where=ref)
        meta = self.doc(oid, Meta)
        if meta.schema > SCHEMA:
            message = f"{ref} is of schema {meta.schema}; this gitcoord reads up to {SCHEMA}."
            raise SchemaError(message, where=ref, hint="Upgrade gitcoord here.")
        if not known.folder.file(META):
            known = absent(known.kind, ref)
        tally = Tally(known.size_bytes, dict(known.left_out))
        content = known.kind.load(Tree(ref, folder, meta, known, tally, self))
        tally.check()
        return LedgerState(known.kind, ref, tip, folder, meta, content, tally.left_out, tally.size_bytes)

    def size_of(self, oid: Oid | None) -> int:
        """Return how many bytes a document has; what cannot be read, as `None`, has none."""
        known = self._docs.get(oid) if oid else None
        if known or oid is None:
            return known[1] if known else 0
        try:
            return len(self._transport.objects.read(oid)[1])
        except (MissingObjectError, DocumentError):
            return 0

    def doc(self, oid: Oid, kind: type[_D]) -> _D:
        """Return a document, as it was read once.

        Raises:
            DocumentError: it is damaged, or none of that kind.
        """
        known = self._docs.get(oid)
        if known and isinstance(known[0], kind):
            self._docs.move_to_end(oid)
            return known[0]
        found, data = self._transport.objects.read(oid)
        if found is not ObjectKind.BLOB:
            message = f"Object {oid} is a {found}, not a document."
            raise DocumentError(message, where=oid)
        try:
            doc = kind.decode(data)
        except DocumentError as error:
            message = f"Object {oid}: {error}"
            raise DocumentError(message, where=oid) from None
        self.parsed += 1
        self._docs[oid] = doc, len(data)
        if len(self._docs) > DOCS_MAX:
            self._docs.popitem(last=False)
        return doc
