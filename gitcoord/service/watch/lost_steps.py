"""Lost steps: what a session does not have any more, kept by its watch until its agent was shown it.

    notices/<session>.steps    one row a step, with its text for hooks

Rules:
  * It stays until a reply or a hook showed it, also when the session's server is started again.
  * What cannot be written for a full disk is shown by the next reply.

What this file does not know: how a loss is found out, and proved (`watch`).
"""

import contextlib
from pathlib import Path
from typing import NamedTuple, Self

from gitcoord.core.claims.notice import landed_text, landing_of
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.step import Step
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files, snapshot_files
from gitcoord.service.claims import claim_notices
from gitcoord.service.session.workspace import Workspace

KEPT_MAX = 20  # of one session; who lost more has stopped reading


class LostStep(NamedTuple):
    """A step that landed, or that someone else has. `fence`: what this session had; `commit`: what landed it."""

    step_id: str
    fence: int
    status: str
    agent: str
    commit: str

    @classmethod
    def of(cls, step: Step, fence: int) -> Self:
        """Return what became of a step that this session had under a fence."""
        landed = (step.commit_hash or "") if step.landed_tips else ""
        return cls(step.id, fence, step.status, step.agent_id or "", landed)

    @property
    def id(self) -> str:
        """The id under which it is remembered as shown; of a landing the one that the claims ledger has for it."""
        return landing_of(self.step_id, self.commit) if self.commit else f"lost {self.step_id} {self.fence}"

    @property
    def notice(self) -> CallerNotice:
        """How it is said to its former holder."""
        if self.commit:
            message = landed_text(self.step_id, self.commit)
            todo = sentence("Nothing is left to do on it; claim another: ", Call.of("claim_step"), ".")
            return CallerNotice.of("step_completed", message, todo, step_id=self.step_id)
        holder = f" (holder: {self.agent})" if self.agent else ""
        message = f"You no longer hold step {self.step_id}; it is {self.status}{holder}."
        todo = sentence("Stop working on it; claim another: ", Call.of("claim_step"), ".")
        return CallerNotice.of("step_lost", message, todo, step_id=self.step_id)


def keep(workspace: Workspace, lost: LostStep) -> None:
    """Keep it until it was shown."""
    with workspace.lock:  # a reply of this session takes what is kept, and then the file is gone
        rows = [row for row in kept(workspace) if row.id != lost.id][1 - KEPT_MAX :]
        listed: list[Json] = [{**row._asdict(), "ids": [row.id], "text": row.notice.text} for row in (*rows, lost)]
        try:
            _file(workspace).parent.mkdir(parents=True, exist_ok=True)
            files.write_json(_file(workspace), {"rows": listed}, workspace.setting.host.unique)
        except (StorageError, OSError):
            workspace.notify(lost.notice)


def kept(workspace: Workspace) -> list[LostStep]:
    """Return what is kept, shown or not; what cannot be read is none."""
    rows = files.read_json(_file(workspace)).get("rows")
    found = [_read(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [row for row in found if row is not None]


def take(workspace: Workspace) -> list[CallerNotice]:
    """Return what was not shown yet; it is from now on."""
    with workspace.lock:
        rows = kept(workspace)
        if not rows:
            return []
        new = claim_notices.begin_showing(workspace, [row.id for row in rows])
        with contextlib.suppress(OSError):
            files.remove(_file(workspace))
        return [row.notice for row in rows if row.id in new]


def _read(row: dict[str, Json]) -> LostStep | None:
    match row:
        case {
            "step_id": str(step),
            "fence": int(fence),
            "status": str(now),
            "agent": str(agent),
            "commit": str(landed),
        }:
            return LostStep(step, fence, now, agent, landed)
        case _:
            return None


def _file(workspace: Workspace) -> Path:
    return workspace.setting.clone.folder / snapshot_files.NOTICES / f"{workspace.session_id}{snapshot_files.LOST}"
