"""Edits: do what the hooks of a session noted, which must not take their time: claim what was edited, end a session.

    noted ──edit───> an item more of the session's growing claim, or a refusal that the next hook tells
          ──start──> the session is known by the tool's new id
          ──end────> its steps and claims are free

Rules:
  * HOOK-2: what was edited is claimed by its path as it is, each file once, all of a session in one call; where
    something is in the way, the rest is claimed without it.
  * For a remote, edits are gathered for a while, and all sessions of the clone take theirs in the same moment, so that
    they become one swap; over the host's budget they are gathered for a beat's interval.
  * Files that git ignores are no one's work.
  * A note is removed when its outcome is known; an unreadable one, at once. After a crash it is done again:
    claiming twice is claiming once.
  * A refusal is shown by the session's next hook and by its server's next reply.

What this file does not know: how a hook is answered, the rules of claiming.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.core.claims.claim_commands import ClaimFiles
from gitcoord.core.documents import limits
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.conflict import Conflict
from gitcoord.core.documents.json_text import Json, clock_text, parse_time
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome, Verdict
from gitcoord.errors import BugError, InvalidError, StorageError
from gitcoord.ledger.clone import files, snapshot_files
from gitcoord.ledger.leader.push_budget import KEPT as KEPT_FOR_CALLS
from gitcoord.ledger.liveness.heartbeat import INTERVAL_FAR_S
from gitcoord.service.claims import requested_items
from gitcoord.service.claims.checkout_branch import is_elsewhere
from gitcoord.service.claims.requested_items import Asking, drawn_id
from gitcoord.service.session.checkout import Checkout
from gitcoord.service.session.wakeup import ring
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.repository import open_repository

GATHERED_S = 5.0
ROUNDS = "rounds.json"  # when notes were taken; among the notes, for all sessions of the clone
ROUND_S = 1.0  # a session that is rung is there within milliseconds
ROUNDS_A_MINUTE = 4  # hosts ask for at most 6 pushes a minute; beats and commands need some
MINUTE_S = 60.0
TAKING_S = 2.0  # another process of the clone is at the notes; it will not be long
KEPT = timedelta(hours=1)  # what could not be done until then is abandoned
ROUNDS_MAX = 3  # claim, and again without what was in the way, twice
PATHS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Note:
    """What a hook noted. `session`: by the tool's own id; `top`: the worktree where it was."""

    file: Path
    event: str
    session: str
    tool: str
    top: str
    agent: str
    at: float
    paths: tuple[str, ...]


def noted(folder: Path) -> list[Note]:
    """Return the notes in a clone, oldest first; anything else there is removed."""
    found: list[Note] = []
    for name in files.names_in(folder / snapshot_files.EDITS, ".json"):
        if name != ROUNDS and not name.startswith("refused-"):
            note = _note(folder / snapshot_files.EDITS / name)
            if note is None:
                files.remove(folder / snapshot_files.EDITS / name)
            else:
                found.append(note)
    return found


def _note(file: Path) -> Note | None:
    said = files.read_json(file)
    texts = {
        key: value for key in ("event", "session", "tool", "top", "agent") if isinstance(value := said.get(key), str)
    }
    at, paths = said.get("at"), said.get("paths", [])
    if not isinstance(at, int | float) or not isinstance(paths, list) or not texts.get("session"):
        return None
    named = tuple(path for path in paths if isinstance(path, str) and path)[:PATHS_MAX]
    fields = (texts.get(key, "") for key in ("event", "session", "tool", "top", "agent"))
    return Note(file, *fields, at=float(at), paths=named)


def gathering_s(workspace: Workspace, notes: Sequence[Note]) -> float:
    """Return for how many seconds more of these notes are waited for: a swap of a remote is worth several edits."""
    if workspace.remote_url is None or any(note.event != "edit" for note in notes):
        return 0.0
    now = workspace.setting.host.now().timestamp()
    rounds = _rounds(workspace, now)
    if rounds and now - rounds[-1] < ROUND_S:
        return 0.0  # another session of the clone takes its notes now: both are one swap
    interval_s = workspace.setting.beats.interval_s
    is_over = interval_s >= INTERVAL_FAR_S and len(rounds) >= ROUNDS_A_MINUTE
    age_s = abs(now - min(note.at for note in notes))
    left_s = (interval_s if is_over else GATHERED_S) - age_s
    return max(left_s, workspace.setting.push_budget.wait_s(KEPT_FOR_CALLS if age_s < interval_s else 0))


def begin_round(workspace: Workspace) -> None:
    """Have all sessions of the clone that noted something take it now, so that one swap does for all."""
    if workspace.remote_url is None:
        return
    folder, now = workspace.setting.clone.folder, workspace.setting.host.now().timestamp()
    rounds = _rounds(workspace, now)
    if rounds and now - rounds[-1] < ROUND_S:
        return
    with contextlib.suppress(StorageError):
        value: dict[str, Json] = {"at": [*rounds, now]}
        files.write_json(folder / snapshot_files.EDITS / ROUNDS, value, workspace.setting.host.unique)
    for session in {note.session for note in noted(folder)}:
        ring(folder / snapshot_files.SESSIONS, session)


def _rounds(workspace: Workspace, now: float) -> list[float]:
    """Return when notes were taken within the last minute, oldest first."""
    said = files.read_json(workspace.setting.clone.folder / snapshot_files.EDITS / ROUNDS).get("at")
    times = [second for second in said if isinstance(second, int | float)] if isinstance(said, list) else []
    return sorted(second for second in times if 0 <= now - second < MINUTE_S)


def take(workspace: Workspace, notes: Iterable[Note]) -> int:
    """Carry out the notes of this workspace's session; return how many there were.

    Raises:
        CoordError: the remote cannot be asked now; the notes stay.
    """
    folder = workspace.setting.clone.folder / snapshot_files.EDITS
    try:
        with FileLock(folder / "taking.lock", timeout=TAKING_S):
            left = [note for note in notes if note.file.exists()]
            return _do(workspace, left) if left else 0
    except (Timeout, OSError):
        return 0  # another process does it


def drop_old(notes: Iterable[Note], now: datetime) -> None:
    """Forget what could not be done for so long that it is abandoned."""
    for note in notes:
        if now.timestamp() - note.at >= KEPT.total_seconds():
            files.remove(note.file)


def _do(workspace: Workspace, notes: Sequence[Note]) -> int:
    for note in notes:
        workspace.add_alias(note.session)
    now = workspace.setting.host.now().timestamp()
    edited: dict[str, dict[str, None]] = {}
    for note in notes:
        if note.event == "edit" and now - note.at < KEPT.total_seconds() and note.paths:
            edited.setdefault(note.top, {}).update(dict.fromkeys(note.paths))
    for top, paths in edited.items():
        checkout = _checkout_at(workspace, top)
        if checkout is not None:
            _claim(workspace, list(paths), checkout)
    for note in notes:
        files.remove(note.file)
    return len(notes)


def _checkout_at(workspace: Workspace, top: str) -> Checkout | None:
    """Return the worktree of an edit, which an agent may have entered from its server's; `None` if it is gone."""
    if top == str(workspace.repository.top):
        return workspace.checkout
    found = snapshot_files.places(top)
    if found is None or found[0] != top or Path(found[1]) / "gitcoord" != workspace.setting.clone.folder:
        return None
    return Checkout.of(open_repository(Path(top), workspace.repository.env), workspace.setting.host.monotonic)


def _claim(workspace: Workspace, paths: Sequence[str], checkout: Checkout) -> None:
    """Claim the edited files; report refusals."""
    ignored = checkout.repository.ignored(paths)
    not_ignored = [path for path in paths if path not in ignored]
    left = not_ignored[: limits.CALL_PATTERNS]
    refused: list[Conflict] = []
    for _ in range(ROUNDS_MAX):
        if not left:
            break
        outcome = _claimed(workspace, left, checkout)
        if outcome.is_done:
            break
        refused += outcome.conflicts
        if not outcome.conflicts:  # too much at once, say: no holder is in the way, so nothing has to be undone
            _notice(workspace, sentence(f"What you edited is not claimed: {outcome.message} ", outcome.hint))
        in_the_way = {_path(conflict) for conflict in outcome.conflicts}
        left = [path for path in left if path not in in_the_way] if in_the_way else []
    if refused:
        _tell(workspace, refused)


def _claimed(workspace: Workspace, paths: Sequence[str], checkout: Checkout) -> Outcome:
    actor, listed = workspace.actor(), workspace.listed()
    try:
        asked = requested_items.understood(
            workspace, Asking(patterns=paths, as_literal=True, is_auto=True), actor.agent, listed
        )
    except InvalidError as error:
        return Outcome(verdict=Verdict.REFUSED, code=error.code, message=str(error), hint=error.hint or "")
    branch = checkout.branch()
    call = ClaimFiles(
        claim_id=drawn_id(workspace, "c"),
        wishes=asked.wishes,
        branch=branch,
        is_elsewhere=checkout is not workspace.checkout or is_elsewhere(workspace, actor, branch, listed),
        repo=workspace.repo,
    )
    outcome = workspace.submit(asked.put_into(call), actor, None).outcome
    if outcome is None:
        raise BugError("A claim of what was edited has no outcome.", hint="The next edit tries again.")
    return outcome


def _path(conflict: Conflict) -> str:
    return conflict.your_pattern.lstrip("/")


def _tell(workspace: Workspace, conflicts: Sequence[Conflict]) -> None:
    """Leave it for the session's next hook, and have its server say it."""
    now = workspace.setting.host.now()
    texts = [
        sentence(
            f"{conflict.agent} holds {shown(_path(conflict))} until {clock_text(parse_time(conflict.expires_at), now)}"
            f" (claim {conflict.claim_id}).",
            *_asking(conflict, now),
        )
        for conflict in conflicts
    ]
    for text in texts:
        _notice(workspace, sentence("You changed a file that another agent holds; undo that, or ask for it. ", text))
    file = workspace.setting.clone.folder / snapshot_files.EDITS / f"refused-{workspace.session_id}.json"
    before = files.read_json(file)
    value: dict[str, Json] = {
        name: [*(said if isinstance(said := before.get(name), list) else []), *more]
        for name, more in (("texts", texts), ("paths", [_path(conflict) for conflict in conflicts]))
    }
    with contextlib.suppress(StorageError):
        files.write_json(file, value, workspace.setting.host.unique)


def _asking(conflict: Conflict, now: datetime) -> tuple[str | Call, ...]:
    """Return how to ask for what another holds, or when it is free where no one is there to be asked."""
    if conflict.is_of_gone:
        return (f" No one is there to ask: it is free at {clock_text(parse_time(conflict.free_at), now)}.",)
    return " Ask for it: ", Call.of("request_release", claim_id=conflict.claim_id, reason=...), "."


def _notice(workspace: Workspace, text: str) -> None:
    if workspace.session is not None:
        workspace.notify(CallerNotice.of("auto_claim_refused", text))
