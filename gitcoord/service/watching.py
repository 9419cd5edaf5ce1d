"""Watching: beat in time, see what others did, and tell the agent what concerns it."""

from dataclasses import dataclass

from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.ledger.beating import beat_now
from gitcoord.remote.protocol import Oid, RefName
from gitcoord.service.workspace import Workspace

POLL_NEAR_S = 3.0  # the store of this clone or a path: a listing costs less than a millisecond
POLL_FAR_S = 15.0  # over a network; between the 10 and 30 s of the design
POLL_BROKEN_S = 30.0  # a remote that does not answer is not asked more often


@dataclass(frozen=True, slots=True)
class Tick:
    """What one look brought: URIs of resources that changed, and when to look again, in seconds."""

    changed: list[str]
    next_s: float


class Watch:
    """One watcher of one workspace. Call `tick` in a loop; it never raises for a remote that does not answer."""

    def __init__(self, workspace: Workspace) -> None:
        """Begin with what is there now."""
        self._workspace = workspace
        self._seen: dict[RefName, Oid] = {}
        self._told: set[str] = set()
        self._broken = ""

    def tick(self) -> Tick:
        """Beat if it is due, then look."""
        pause = POLL_NEAR_S if self._workspace.setting.transport.name != "gitcli" else POLL_FAR_S
        try:
            beat_now(self._workspace.setting, self._workspace.combiner)
            changed = self._look()
        except CoordError as error:
            self._notice_broken(error)
            return Tick([], POLL_BROKEN_S)
        self._broken = ""
        return Tick(changed, pause)

    def _look(self) -> list[str]:
        listed = dict(self._workspace.listed())
        moved = [ref for ref in {*listed, *self._seen} if listed.get(ref) != self._seen.get(ref)]
        first, self._seen = not self._seen, listed
        steps = [ref for ref in moved if self._workspace.setting.refs.is_steps(ref)]
        if steps:
            self._notice_lost_steps()
        if first or not moved:
            return []
        return ["coord://status", *(f"coord://projects/{ref.rsplit('/', 1)[1]}" for ref in sorted(steps))]

    def _notice_lost_steps(self) -> None:
        workspace = self._workspace
        for step_id, fence in workspace.fences.all().items():
            project, _, num = step_id.rpartition("/")
            board = workspace.project_state(project).board
            step = board.steps.get(int(num)) if board else None
            lost = step is not None and (step.fence != fence or not step.is_held)
            if lost and step is not None and step.session_id != workspace.session_id:
                workspace.fences.drop(step_id)
                self._tell(
                    f"lost:{step_id}:{fence}",
                    {
                        "notice": "step_lost",
                        "step_id": step_id,
                        "message": f"You no longer hold step {step_id}; it is {step.status} (holder: {step.agent_id}).",
                        "next_step": "Stop working on it; claim another: claim_step().",
                    },
                )

    def _notice_broken(self, error: CoordError) -> None:
        if str(error) != self._broken:
            self._broken = str(error)
            self._told.discard(self._broken)
            self._tell(self._broken, {"notice": error.code, "message": str(error), "next_step": error.hint})

    def _tell(self, key: str, notice: dict[str, Json]) -> None:
        if key not in self._told:
            self._told.add(key)
            with self._workspace.lock:
                self._workspace.notices.append(notice)


def tick(workspace: Workspace) -> Tick:
    """Look once, keeping what was seen with the workspace."""
    watch = workspace.watch
    if not isinstance(watch, Watch):
        watch = workspace.watch = Watch(workspace)
    return watch.tick()


def sync(workspace: Workspace) -> dict[str, Json]:
    """Beat, and bring everything of the remote here."""
    beat_now(workspace.setting, workspace.combiner)
    listed = workspace.listed()
    with workspace.lock:
        states = workspace.reader.projects(listed)
        problems: list[Json] = [str(problem) for problem in workspace.reader.problems.values()]
    return {"remote": workspace.remote_name, "refs": len(listed), "projects": len(states), "problems": problems}
