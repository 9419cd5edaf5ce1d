"""One agent of the demonstration: a process with a server of its own, in a worktree of its own.

    claim ──> start ──> merge the bases, write, commit, push ──> complete ──> claim …

What it does is written down here; what it works on, and from which commits, the server tells it. It reports each
thing that happens as one line of JSON on stdout; nothing of the final report rests on that but what it was refused.

    python -m gitcoord.faces.demo.agent NAME PROJECT LOG BRANCH [--doomed | --asking]

BRANCH is where the edits of the cart go. A doomed agent is the holder of the dialogue once it has a step; then it
commits and pushes half of that step and waits for its end. One that asks is the other side of the dialogue before it
takes its first step.
"""

import json
import os
import sys
import threading
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.demo.client import Client, ToolFailedError
from gitcoord.faces.demo.dialogue import Dialogue
from gitcoord.faces.demo.git import GitFailedError, Worktree
from gitcoord.faces.demo.plan import BY_NUM, with_line

PACE_S = 0.3  # how long a piece of work takes, so that there is something to see
PATIENCE_S = 0.4  # between two looks for work
STDIN = 0  # read without the buffer, which a thread would hold locked when the interpreter ends
HALF_DONE = "half of the work"
_ENDS = frozenset({"all_done", "project_ended"})


def main(arguments: list[str]) -> int:
    """Work until the project is done."""
    name, project, log, branch = arguments[:4]
    env = dict(os.environ)  # noqa: TID251 - a process of its own, whose parent made this environment for it
    server = [sys.executable, "-P", "-m", "gitcoord", "mcp", "--tools", "work"]
    client = Client(server, Path.cwd(), {**env, "GITCOORD_AGENT": name}, Path(log))
    agent = Agent(client, Worktree(Path.cwd(), env), project, branch, is_doomed="--doomed" in arguments)
    try:
        client.open("demo")
        agent.tell("ready")
        os.read(STDIN, 16)  # the word to go
        threading.Thread(target=_end_with_parent, daemon=True).start()
        if "--asking" in arguments:
            agent.dialogue.be_asker()
        agent.work()
    except (CoordError, ToolFailedError) as error:
        agent.tell("broken", why=str(error))
        return 1
    finally:
        client.close()
    return 0


def _end_with_parent() -> None:
    """Wait for the end of stdin, which is the end of our parent; the server sees the end of its own then."""
    while os.read(STDIN, 16):
        pass
    os._exit(1)


class Agent:
    """An agent with its server."""

    def __init__(self, client: Client, worktree: Worktree, project: str, branch: str, *, is_doomed: bool) -> None:
        """Begin with nothing."""
        self._client = client
        self._worktree = worktree
        self._project = project
        self._is_doomed = is_doomed
        self._never = threading.Event()
        self.dialogue = Dialogue(client, worktree, branch, lambda event, facts: self.tell(event, **facts))

    def tell(self, event: str, **facts: Json) -> None:
        """Report what happened."""
        sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
        sys.stdout.flush()

    def work(self) -> None:
        """Take steps until there are none left."""
        while True:
            result = self._client.call("claim_step", project=self._project)
            step = result.get("step")
            if isinstance(step, dict):
                self._do(step, result)
                continue
            self.tell("refused", code=result.get("refused"), why=result.get("why"), passed=_passed(result))
            if result.get("refused") in _ENDS:
                return
            self._never.wait(PATIENCE_S)

    def _do(self, step: dict[str, Json], result: dict[str, Json]) -> None:
        step_id, task = str(step["id"]), BY_NUM[int(str(step["step_num"]))]
        if self._is_doomed:
            self.dialogue.hold()
        facts: dict[str, Json] = {name: step.get(name) for name in ("fence", "session_id", "checkpoint")}
        self.tell("claimed", step=step_id, recovered=result.get("recovered"), passed=_passed(result), **facts)
        if self._is_doomed:
            self.dialogue.be_holder()
        try:
            self._begin(step)
            self._client.call("start_step", step_id=step_id)
            branch, path = f"{step['branch']}", self._worktree.folder / task.file
            text = path.read_text(encoding="utf-8")
            if self._is_doomed:
                path.write_text(with_line(text, f"{task.num}: {HALF_DONE}"), encoding="utf-8")
                self._worktree.commit(f"{task.title}: {HALF_DONE}", branch)
                self.tell("stuck", step=f"{self._project}/{task.num}", commit=self._worktree.git("rev-parse", "HEAD"))
                self._never.wait()
            self._never.wait(PACE_S)
            text = text.replace(f"{task.num}: {HALF_DONE}\n", "")
            path.write_text(with_line(text, task.line), encoding="utf-8")
            self._worktree.commit(task.title, branch)
        except GitFailedError as error:
            self.tell("conflict", step=step_id, why=str(error))
            self._client.call("fail_step", step_id=step_id, reason=str(error))
            return
        done = self._client.call("complete_step", step_id=step_id, commit_hash=self._worktree.git("rev-parse", "HEAD"))
        if done.get("step"):
            self.tell("completed", step=step_id, unblocked=done.get("unblocked"))
        else:
            self.tell("refused", step=step_id, code=done.get("refused"), why=done.get("why"))

    def _begin(self, step: dict[str, Json]) -> None:
        """Check out where the steps before this one ended; go on from what a predecessor left, if there is any."""
        left = step.get("checkpoint")
        branch = left.get("branch") if isinstance(left, dict) else None
        if branch and self._worktree.fetch(str(branch)):
            self._worktree.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
            return
        base = step.get("base")
        starts = [start for start in base if isinstance(start, dict)] if isinstance(base, list) else []
        for start in starts:
            if not self._worktree.has(str(start["commit_hash"])):
                self._worktree.fetch(str(start["branch"]))
        commits = [str(start["commit_hash"]) for start in starts] or [str(step["base_commit"])]
        self._worktree.git("checkout", "--quiet", "--detach", commits[0])
        for commit in commits[1:]:
            self._worktree.git("merge", "--quiet", "--no-edit", commit)


def _passed(result: dict[str, Json]) -> list[Json]:
    """Return the numbers of the steps that were passed over."""
    rows = result.get("passed_over")
    return [row.get("step_num") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
