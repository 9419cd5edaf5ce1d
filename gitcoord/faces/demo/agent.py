"""One agent of the demonstration: a process with a server of its own, in a worktree of its own.

    claim ──> start ──> merge the bases, write, commit, push ──> complete ──> claim …

What it does is written down here; what it works on, and from which commits, the server tells it. It reports each
thing that happens as one line of JSON on stdout; nothing of the final report rests on that but what it was refused.

    python -m gitcoord.faces.demo.agent NAME PROJECT LOG [--doomed]

A doomed agent commits and pushes half of its first step and then waits for its end.
"""

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.demo.client import Client, ToolFailedError
from gitcoord.faces.demo.git import GitFailedError, git, succeeds
from gitcoord.faces.demo.plan import BY_NUM, Task, with_line

PACE_S = 0.3  # how long a piece of work takes, so that there is something to see
PATIENCE_S = 0.4  # between two looks for work
STDIN = 0  # read without the buffer, which a thread would hold locked when the interpreter ends
HALF_DONE = "half of the work"
_ENDS = frozenset({"all_done", "project_ended"})


def main(arguments: list[str]) -> int:
    """Work until the project is done."""
    name, project, log = arguments[:3]
    env = dict(os.environ)  # noqa: TID251 - a process of its own, whose parent made this environment for it
    server = [sys.executable, "-P", "-m", "gitcoord", "mcp", "--tools", "work"]
    client = Client(server, Path.cwd(), {**env, "GITCOORD_AGENT": name}, Path(log))
    agent = Agent(client, Path.cwd(), env, project, is_doomed="--doomed" in arguments)
    try:
        client.open("demo")
        agent.tell("ready")
        os.read(STDIN, 16)  # the word to go
        threading.Thread(target=_end_with_parent, daemon=True).start()
        agent.work()
    except (CoordError, ToolFailedError) as error:
        agent.tell("broken", why=str(error))
        return 1
    finally:
        client.close()
    return 0


def _end_with_parent() -> None:
    """Wait for the end of stdin, which is the end of whoever started us; the server sees the end of its own then."""
    while os.read(STDIN, 16):
        pass
    os._exit(1)


class Agent:
    """An agent with its server."""

    def __init__(self, client: Client, folder: Path, env: Mapping[str, str], project: str, *, is_doomed: bool) -> None:
        """Begin with nothing."""
        self._client = client
        self._folder = folder
        self._env = env
        self._project = project
        self._is_doomed = is_doomed
        self._never = threading.Event()

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
            self.tell("refused", code=result.get("refused"), why=result.get("why"))
            if result.get("refused") in _ENDS:
                return
            self._never.wait(PATIENCE_S)

    def _do(self, step: dict[str, Json], result: dict[str, Json]) -> None:
        step_id, task = str(step["id"]), BY_NUM[int(str(step["step_num"]))]
        facts: dict[str, Json] = {name: step.get(name) for name in ("fence", "session_id", "checkpoint")}
        self.tell("claimed", step=step_id, recovered=result.get("recovered"), **facts)
        try:
            self._begin(step)
            self._client.call("start_step", step_id=step_id)
            self._write(task, f"{step['branch']}")
        except GitFailedError as error:
            self.tell("conflict", step=step_id, why=str(error))
            self._client.call("fail_step", step_id=step_id, reason=str(error))
            return
        done = self._client.call("complete_step", step_id=step_id, commit_hash=self._git("rev-parse", "HEAD"))
        if done.get("step"):
            self.tell("completed", step=step_id, unblocked=done.get("unblocked"))
        else:
            self.tell("refused", step=step_id, code=done.get("refused"), why=done.get("why"))

    def _begin(self, step: dict[str, Json]) -> None:
        """Check out where the steps before this one ended; go on from what a predecessor left, if there is any."""
        left = step.get("checkpoint")
        branch = left.get("branch") if isinstance(left, dict) else None
        if branch and self._fetch(str(branch)):
            self._git("checkout", "--quiet", "--detach", "FETCH_HEAD")
            return
        base = step.get("base")
        starts = [one for one in base if isinstance(one, dict)] if isinstance(base, list) else []
        for one in starts:
            if not succeeds(self._folder, self._env, "cat-file", "-e", f"{one['commit_hash']}^{{commit}}"):
                self._fetch(str(one["branch"]))
        commits = [str(one["commit_hash"]) for one in starts] or [str(step["base_commit"])]
        self._git("checkout", "--quiet", "--detach", commits[0])
        for commit in commits[1:]:
            self._git("merge", "--quiet", "--no-edit", commit)

    def _fetch(self, branch: str) -> bool:
        # No tracking refs: agents of one clone fetch at the same time, and the lock of a ref is not waited for.
        arguments = ("fetch", "--quiet", "--refmap=", "--no-tags", "origin", f"refs/heads/{branch}")
        return succeeds(self._folder, self._env, *arguments)

    def _write(self, task: Task, branch: str) -> None:
        path = self._folder / task.file
        text = path.read_text(encoding="utf-8")
        if self._is_doomed:
            path.write_text(with_line(text, f"{task.num}: {HALF_DONE}"), encoding="utf-8")
            self._commit(f"{task.title}: {HALF_DONE}", branch)
            self.tell("stuck", step=f"{self._project}/{task.num}", commit=self._git("rev-parse", "HEAD"))
            self._never.wait()
        self._never.wait(PACE_S)
        text = text.replace(f"{task.num}: {HALF_DONE}\n", "")
        path.write_text(with_line(text, task.line), encoding="utf-8")
        self._commit(task.title, branch)

    def _commit(self, message: str, branch: str) -> None:
        self._git("commit", "--quiet", "--all", "--message", message)
        self._git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    def _git(self, *arguments: str) -> str:
        return git(self._folder, self._env, *arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
