"""Writing what the team decided: one swap of `refs/coord/config`, with a record of who decided what.

Rules:
  * A change is decided on what is there now, and again after each lost race; nothing to change makes no commit.
  * SEC-8: what the policy until now does not take from this clone is refused before anything is sent.
  * Nothing of someone else's, and nothing of a newer version, is written over.
  * Where several repositories share the remote, each may have ownership rules of its own: `repos/<name>/owners.yaml`,
    and has what machines found there beside them: `repos/<name>/auto.yaml`.

What this file does not know: what policies and owners are.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from filelock import Timeout

from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.names import repo_folder
from gitcoord.errors import (
    ContendedError,
    DeniedError,
    DocumentError,
    LimitError,
    MissingObjectError,
    SchemaError,
    UnknownOutcomeError,
    UnreachableError,
)
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import META, RECORD, SCHEMA, WRITER, Meta
from gitcoord.ledger.format.records import RecordHead, head_line, message_of
from gitcoord.ledger.format.team_layout import AUTO, FILES, OWNERS, REPOSITORIES
from gitcoord.ledger.format.trees import Folder
from gitcoord.ledger.leader.lead_time import delays
from gitcoord.ledger.readers.recent_refs import note_own
from gitcoord.ledger.readers.team_rules import HINT, check_is_rules
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.service.session.workspace import Workspace


class Now(NamedTuple):
    """What is decided on: the listing, and the files at the ref."""

    objects: Objects
    listed: Mapping[RefName, Oid]
    folder: Folder

    def data(self, name: str) -> bytes | None:
        """Return a file; `None` where there is none."""
        oid = self.folder.file(name)
        return self.objects.read(oid)[1] if oid else None


class Change(NamedTuple):
    """What is written, and what the record says: the command, its arguments, what came of it, what that means."""

    title: str
    word: str
    args: dict[str, Json]
    edits: dict[str, bytes | None]
    code: str
    facts: dict[str, Json]
    events: tuple[dict[str, Json], ...] = ()


def own(repo: str | None, name: str) -> str:
    """Return where a repository's own file lies; the one without a name has those of the team."""
    if repo is None:
        return name
    return f"{REPOSITORIES}/{repo_folder(repo)}/{name}"


def owners_in(folder: Folder, repo: str | None) -> str:
    """Return where the rules of people lie by which a repository is judged: its own, or else the team's."""
    path = own(repo, OWNERS)
    return path if folder.file(path) else OWNERS


def look(workspace: Workspace) -> Now:
    """Return what is there now.

    Raises:
        DocumentError: what is there was not written by gitcoord.
    """
    objects, ref = workspace.setting.transport.objects, workspace.setting.refs.config
    listed = workspace.listed()
    tip = listed.get(ref)
    return Now(objects, listed, _folder(objects, ref, tip) if tip else trees.EMPTY)


def write(workspace: Workspace, what: str, decide: Callable[[Now], Change | None]) -> bool:
    """Change the team's files; tell whether there was anything to change. `what`: what an error calls it.

    Raises:
        SchemaError: a newer version wrote what is there.
        DocumentError: what is there was not written by gitcoord.
        AuthorError: the team's policy does not take it from this clone.
        ContendedError, DeniedError, UnreachableError, UnknownOutcomeError: it was not written.
        CoordError: what `decide` raises.
    """
    if decide(look(workspace)) is None:  # watchers ask often, and seldom is there anything
        return False
    workspace.follow()  # before the lock, which publishing takes as well
    try:
        with workspace.combiner.lock():
            outcome: SwapOutcome | None = SwapOutcome(SwapStatus.LOST)
            for delay in delays(workspace.setting.host.chance):
                outcome = _swap(workspace, decide)
                if outcome is None or outcome.status in (SwapStatus.WON, SwapStatus.DENIED, SwapStatus.UNREACHABLE):
                    break
                workspace.setting.host.sleep(delay)
    except Timeout:
        message = "Another process of this clone holds the lock; nothing was changed."
        raise ContendedError(message, hint="Try again.") from None
    if outcome is not None:
        check_won(outcome, what)
    return outcome is not None


def check_won(outcome: SwapOutcome, what: str) -> None:
    """Raise the error of a swap that was not won. `what`: what an error calls what was to be written.

    Raises:
        ContendedError, DeniedError, UnreachableError, UnknownOutcomeError: it was not written.
    """
    if outcome.status is SwapStatus.WON:
        return
    if outcome.status is SwapStatus.DENIED:
        raise DeniedError(f"The remote declined {what}: {outcome.message}.", hint="Ask its administrator.")
    if outcome.status is SwapStatus.UNREACHABLE:
        text = f"{what[:1].upper()}{what[1:]} could not be written: {outcome.message}."
        raise outcome.cause or UnreachableError(text, hint="Try again.")
    if outcome.status is SwapStatus.UNKNOWN:
        text = f"No answer came back from the remote ({outcome.message}); {what} may have been written or not."
        raise UnknownOutcomeError(text, hint="Look at it, then try again.")
    raise ContendedError(f"Others changed {what} at every attempt.", hint="Look at it, then try again.")


def _swap(workspace: Workspace, decide: Callable[[Now], Change | None]) -> SwapOutcome | None:
    setting = workspace.setting
    objects, ref, now = setting.transport.objects, setting.refs.config, setting.host.now()
    seen = look(workspace)
    rewound = workspace.rewound_at(ref)
    if rewound is not None:
        raise rewound
    workspace.check_author(seen.listed)
    tip = seen.listed.get(ref)
    change = decide(seen)
    if change is None:
        return None
    for name, data in change.edits.items():
        check_size(name, data)
    meta = _meta(objects, seen.folder, ref)
    meta = meta.evolve(seq=meta.seq + 1, at=now)
    outcome = outcomes.done(change.code, **change.facts)
    by = workspace.actor().dump()
    line: dict[str, Json] = {"do": change.word, "by": by, "args": change.args, "outcome": outcome.dump()}
    message, record = message_of(
        change.title,
        "\n".join(
            [head_line(RecordHead(now, {})), compact({**line, "events": [*change.events]} if change.events else line)]
        ),
    )
    edits: dict[str, bytes | None] = {**change.edits, META: meta.encode()}
    if record is not None or seen.folder.file(RECORD):
        edits[RECORD] = record
    tree = trees.write(objects, seen.folder, edits).oid or Oid("")
    commit = commits.write(objects, tree, [tip] if tip else [], setting.clone.signature, now, message)
    swapped = setting.push([RefUpdate(ref, tip, commit)])
    if swapped.status is SwapStatus.WON:
        note_own(setting.last_listing, ref, commit, setting.host.unique)
    return swapped


def check_size(name: str, data: bytes | None) -> None:
    """Refuse ownership rules that no reader takes.

    Raises:
        LimitError: they are too large.
    """
    if name.endswith((OWNERS, AUTO)) and data is not None and len(data) > limits.OWNERS_BYTES:
        message = f"Nothing was written: {name} would have {len(data)} bytes; {limits.OWNERS_BYTES} is the most."
        raise LimitError(message, hint="Use wider patterns, or take comments out.")


def _folder(objects: Objects, ref: RefName, tip: Oid) -> Folder:
    """Return what the team's ref holds, if it was written by us: nothing of someone else's is written over."""
    try:
        folder = trees.load(objects, commits.read(objects, tip).tree)
        is_ours = REPOSITORIES in folder.folders or any(folder.file(name) for name in (*FILES, META))
        if is_ours:
            _meta(objects, folder, ref)
    except SchemaError:
        raise
    except (DocumentError, MissingObjectError) as error:
        why = str(error).rstrip(".")
    else:
        check_is_rules(folder, ref, tip)
        if is_ours:
            return folder
        why = f"it has none of {', '.join(FILES)}"
    message = f"{ref} at {tip[:12]} was not written by gitcoord: {why}. Nothing was changed."
    raise DocumentError(message, where=ref, hint=HINT)


def _meta(objects: Objects, folder: Folder, ref: RefName) -> Meta:
    oid = folder.file(META)
    meta = Meta.decode(objects.read(oid)[1]) if oid else Meta()
    if meta.writer_min > WRITER or meta.schema > SCHEMA:
        message = f"{ref} is written by a newer gitcoord (schema {meta.schema})."
        raise SchemaError(message, where=ref, hint="Upgrade gitcoord here; reading goes on.")
    return meta
