"""The fences of one session, kept for it, so that no one types them.

    fences/<session>/<project>@<num>.json     given, and not ended
    fences/<session>/<project>@<num>.ended    completed or failed
    held/<branch>~…                           given for a step with that branch, or with none: `held_branches`

Rules:
  * What is noted is noted before who took the step is answered, and gone when who ended it is: git's hooks go by it.
  * What a partner was given goes when its step is taken over from it, or ends. A former session of the same agent keeps
    what it was given, which refuses it (SAFE-4).

What this file does not know: whether a fence is still the newest one.
"""

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.names import is_branch
from gitcoord.ledger.clone import files, snapshot_files

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

_GIVEN, _ENDED = ".json", ".ended"
ENDED_MAX = 100  # steps of one session that were ended last; a call is repeated at once, if ever


class Fences(NamedTuple):
    """The fences that one session of this clone was given. `workspace`: any of the clone."""

    workspace: "Workspace"
    session: str

    def get(self, step_id: str) -> int | None:
        """Return the fence that this session was given for a step, also of one that it has ended, in any case."""
        for ending in (_GIVEN, _ENDED):
            fence = files.read_json(self._file(step_id, ending)).get("fence")
            if isinstance(fence, int):
                return fence
        return None

    def all(self) -> dict[str, int]:
        """Return every step that this session was given and has not ended."""
        notes = [files.read_json(self._folder / name) for name in files.names_in(self._folder, _GIVEN)]
        pairs = [(note.get("step"), note.get("fence")) for note in notes]
        return {step_id: fence for step_id, fence in pairs if isinstance(step_id, str) and isinstance(fence, int)}

    def keep(self, step_id: str, fence: int, branch: str | None = None, agent: str | None = None) -> None:
        """Note a fence that was given. A file of its own for each: sub-agents note theirs at the same moment.

        Args:
            step_id: as `project/num`.
            fence: what proves that the step is this session's.
            branch: the step's, where it has one.
            agent: who got it, this agent or a sub-agent.
        """
        from gitcoord.ledger.clone import held_branches

        branch = branch if branch and is_branch(branch) else None  # what is checked out has a legal name
        file = self._file(step_id, _GIVEN)
        before = files.read_json(file)
        note: dict[str, Json] = {"step": step_id, "fence": fence, "branch": branch or ""}
        self._folder.mkdir(parents=True, exist_ok=True)
        files.write_json(file, note, f"{self.workspace.setting.host.unique}-{threading.get_ident()}")
        files.remove(self._file(step_id, _ENDED))
        if before.get("branch") != note["branch"]:
            self._forget_branch(before)
        # Git's hooks go by it.
        row = {
            **note,
            "agent": agent or self.workspace.agent,
            "session": self.session,
            "worktree": snapshot_files.worktree_name(self.workspace.repository.top),
        }
        held = Path(held_branches.file_of(self._clone_folder, row))
        with contextlib.suppress(OSError):  # the step is given; what a full disk costs is the trailers
            held.parent.mkdir(exist_ok=True)
            held.write_bytes(compact(row).encode("utf-8", "surrogatepass"))

    def adopt(self, step_id: str, fence: int, branch: str | None, agent: str | None) -> None:
        """Note the branch, or that there is none, of a step that an older version was given, which noted neither."""
        note = files.read_json(self._file(step_id, _GIVEN))
        if note.get("fence") == fence and "branch" not in note:
            self.keep(step_id, fence, branch, agent)

    def drop(self, step_id: str, fence: int) -> bool:
        """Forget the fence of a step that was lost; tell whether it was there: a newer one is kept."""
        file = self._file(step_id, _GIVEN)
        note = files.read_json(file)
        if note.get("fence") != fence or not files.remove(file):  # else another command of the session says so
            return False
        self._forget_branch(note)
        return True

    def drop_everywhere(self, step_id: str, fence: int) -> None:
        """Forget one fence of a step in every session of this clone: each partner notes it for itself."""
        for session in files.names_in(self._folder.parent, ""):
            Fences(self.workspace, session).drop(step_id, fence)

    def end(self, step_id: str) -> None:
        """Put aside the fence of a step that ended; the same call, made again, has to prove itself again (STEP-6)."""
        given = self._file(step_id, _GIVEN)
        self._forget_branch(files.read_json(given))
        with contextlib.suppress(FileNotFoundError):
            given.replace(self._file(step_id, _ENDED))
        ended = [self._folder / name for name in files.names_in(self._folder, _ENDED)]
        if len(ended) > ENDED_MAX:
            ended.sort(key=lambda path: path.stat().st_mtime_ns)
            files.remove(ended[0])

    def _forget_branch(self, note: dict[str, Json]) -> None:
        from gitcoord.ledger.clone import held_branches

        if "branch" in note:
            files.remove(held_branches.file_of(self._clone_folder, {**note, "session": self.session}))

    def _file(self, step_id: str, ending: str) -> Path:
        return self._folder / f"{step_id.lower().replace('/', '@')}{ending}"  # no name of a project has an `@`

    @property
    def _clone_folder(self) -> str:
        return str(self.workspace.setting.clone.folder)

    @property
    def _folder(self) -> Path:
        return self.workspace.setting.clone.folder / "fences" / self.session
