"""The ledger of claims: one for the whole remote. It counts refusals, and tells holders of them, in its own commits.

Rules:
  * SAFE-6: a document that cannot be read is left out by name: it confers nothing, stays in the tree as it is, and
    everything else counts.
  * A project's state, or rules of the team, are no register of nothing: what they hold at the top, claims never have.
  * SAFE-8: each document is looked at as its readers will, before it is written.

What this file does not know: when a commit is made.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import CLAIM_COMMANDS, ClaimCommand, TellRefusals
from gitcoord.core.claims.register import Register, RegisterDoc
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.decision import Change, Context, Decision, Gone
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import CoordError, DocumentError
from gitcoord.ledger.format import claims_layout, steps_layout, team_layout
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.format.meta import Meta
from gitcoord.ledger.format.trees import Folder
from gitcoord.ledger.kinds.ledger import Ledger, Noted, Others, Question, Tree
from gitcoord.remote.contract.protocol import Objects, Oid

if TYPE_CHECKING:
    from gitcoord.core.claims.working_copy import ClaimContext


class _HolderNotices:
    """The postscript of the claims' commits: it notifies holders of what was refused because of them."""

    nothing = outcomes.done("refusals_told", already=True)

    def is_one(self, command: ClaimCommand) -> bool:
        """Whether a clone has refusals to report."""
        return isinstance(command, TellRefusals)

    def command(self, noted: Noted, *, asked: bool) -> ClaimCommand | None:
        """Return the command that notifies the holders; `None` where nothing was noted, or no holder is concerned."""
        if not noted:
            return None
        from gitcoord.core.claims.rules import tell_refusals

        command = tell_refusals.command_of(noted.values())
        return command if asked or command.refused else None

    def counters(
        self, objects: Objects, folder: Folder, carried: Iterable[Mapping[str, Json]], now: datetime
    ) -> dict[str, bytes | None]:
        """Count what was refused."""
        from gitcoord.ledger.format import refusal_counters

        return refusal_counters.edits(objects, folder, carried, now)


class Claims(Ledger[Register, ClaimCommand]):
    """Claims, waiters, requests, notices and barriers."""

    place = "claims"
    commands = CLAIM_COMMANDS
    postscript = _HolderNotices()

    @property
    def empty(self) -> Register:
        """Return a register of nothing."""
        return Register()

    def load(self, tree: Tree[Register]) -> Register:
        """Return the register, from what changed since the one that is known; note what cannot be read."""
        foreign = _FOREIGN & {*tree.folder.files, *tree.folder.folders}
        if foreign:
            message = f"{tree.ref} is not the claims: it has {min(foreign)}."
            raise DocumentError(message, where=tree.ref)
        register, left_out = tree.known.content, tree.tally.left_out
        changes: list[Change] = []
        for path, oid in tree.changes():
            kind = claims_layout.kind_at(path)
            left_out.pop(path, None)
            if kind is None:
                continue
            try:
                doc = _placed(tree, path, oid, kind) if oid else None
            except DocumentError as error:
                doc, left_out[path] = None, error
            left = register.find(kind, claims_layout.id_at(path)) if doc is None else None
            changes += [doc] if doc else [Gone(left)] if left else []
            tree.count(path, oid)
        return replace(register.with_changes(changes), seq=tree.meta.seq, grants=tree.meta.grants)

    def path_of(self, doc: Doc) -> str:
        """Return the path of a document of the claims."""
        return claims_layout.path_of(doc)

    def check(self, doc: Doc, path: str) -> None:
        """Look at the place and the patterns of a document."""
        if isinstance(doc, RegisterDoc):
            claims_layout.check(doc, path)

    def context(self, context: Context, others: Others) -> "ClaimContext":
        """Return what the rules of claims read."""
        from gitcoord.core.claims.working_copy import ClaimContext

        return ClaimContext.of(context, lambda claim: _is_void(claim, others))

    def decide(self, content: Register, command: ClaimCommand, context: Context, others: Others) -> Decision[Register]:
        """Decide a command on claims."""
        from gitcoord.core.claims import claim_table

        return claim_table.decide(content, command, self.context(context, others))

    def reply(self, content: Register, outcome: Outcome) -> Reply:
        """Return an outcome with its claim, its request and its entry in the line."""
        from gitcoord.core.claims.claim_views import claim_documents

        return Reply(outcome=outcome, docs=claim_documents(content, outcome))

    def meta(self, content: Register, meta: Meta) -> Meta:
        """Say how many of the line were served."""
        return meta.evolve(grants=content.grants)

    def is_anything_over(self, content: Register, now: datetime) -> bool:
        """Whether a claim, a grant, a wait or what is merely kept would be over."""
        from gitcoord.core.claims.rules import expire

        return expire.is_anything_over(content, now)


CLAIMS = Claims()
_FOREIGN = {steps_layout.PROJECT, *team_layout.FILES, team_layout.REPOSITORIES}
_VOID: Question[bool] = Question("void", spell=bool, parse=bool)  # claims whose step went on without them


def _placed(tree: Tree[Register], path: str, oid: Oid, kind: type[RegisterDoc]) -> RegisterDoc:
    doc = tree.documents.doc(oid, kind)
    try:
        claims_layout.check(doc, path)
    except ValueError as error:
        message = f"Object {oid} {str(error).rstrip('.')}."
        raise DocumentError(message, where=oid) from None
    return doc


def _is_void(claim: Claim, others: Others) -> bool:
    return claim.step is not None and others.ask(_VOID, claim.id, lambda: _went_on(claim, others) or None) is not None


def _went_on(claim: Claim, others: Others) -> bool:
    from gitcoord.core.claims import step_claims

    ref = others.refs.steps((claim.step or "").rpartition("/")[0])
    try:
        is_void = step_claims.is_void(claim, others.content(ref))
    except CoordError:
        return False  # what cannot be read is not judged
    if is_void:
        others.rely_on(ref)
    return is_void
