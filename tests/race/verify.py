"""What must be true of a ledger after a race, read with plain git; shares no code with gitcoord."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GIT_S = 60


def git(git_dir: Path, *args: str) -> str:
    command = ["git", f"--git-dir={git_dir}", *args]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=GIT_S, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def history(git_dir: Path, ref: str = "refs/coord/steps/app") -> list[dict[str, Any]]:
    """Return the commands that landed, oldest first, each with the commit that it is in."""
    commits = git(git_dir, "log", "--reverse", "--first-parent", "-z", "--format=%H %P%n%B", ref).split("\0")
    out: list[dict[str, Any]] = []
    before = ""
    for text in filter(None, commits):
        head, _, message = text.partition("\n")
        commit, *parents = head.split(" ")
        first, *posts = [parent for parent in parents if parent] or [""]
        assert first == before, f"{commit} is no child of {before}"
        for posted in posts:  # by a clone that lost a race; its commit is a further parent of who carried it out
            assert git(git_dir, "ls-tree", "--name-only", posted) == "post.json\n", f"{posted} is no post"
        before = commit
        body = message.partition("\n\n")[2]
        if body.startswith('{"record"'):
            body = git(git_dir, "show", f"{commit}:record.json")
        out += [{**line, "commit": commit} for line in map(json.loads, filter(None, body.split("\n"))) if "do" in line]
    return out


@dataclass
class Naive:
    """The rules of steps as a person would say them."""

    fence: dict[int, int] = field(default_factory=dict[int, int])
    holder: dict[int, tuple[str, str, str]] = field(default_factory=dict[int, tuple[str, str, str]])
    completed: set[int] = field(default_factory=set[int])

    def follow(self, event: Mapping[str, Any]) -> None:
        facts, by = event["outcome"].get("facts", {}), event["by"]
        num, who = facts.get("step_num"), (by["agent"], by["clone"], by["session"])
        assert event["outcome"]["verdict"] == "done", f"what was not done is in the history: {event}"
        if event["do"] == "claim_step":
            assert num not in self.completed, f"step {num} was claimed after it was completed"
            assert num not in self.holder or facts.get("recovered"), f"step {num} was claimed while it was held"
            assert facts["fence"] == self.fence.get(num, 0) + 1, f"the fence of step {num} is not unique"
            self.fence[num], self.holder[num] = facts["fence"], who
        elif event["do"] == "complete_step":
            assert self.holder.pop(num, None) == who, f"step {num} was completed by who did not hold it"
            assert event["args"]["fence"] == self.fence[num], f"step {num} was completed with an old fence"
            assert num not in self.completed, f"step {num} was completed twice"
            self.completed.add(num)


def read_logs(logs: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return each command that was given by its id: what, when, and what came of it if that is known."""
    commands: dict[str, dict[str, Any]] = {}
    for log in logs:
        for line in log.read_text().splitlines():
            value = json.loads(line)
            commands.setdefault(value["uid"], {}).update(value)
    return commands


def check(git_dir: Path, steps: int, logs: Iterable[Path]) -> list[dict[str, Any]]:
    """Check that everything was done once, and that what each process was told is what the history says.

    Returns the history.
    """
    events = history(git_dir)
    naive = Naive()
    for event in events:
        naive.follow(event)
    assert naive.completed == set(range(1, steps + 1)), f"not completed: {set(range(1, steps + 1)) - naive.completed}"
    _check_ids(events)
    _check_told(events, read_logs(logs))
    assert git(git_dir, "fsck", "--no-dangling", "--no-progress") == ""
    return events


def _check_ids(events: list[dict[str, Any]]) -> None:
    uids = [event["uid"] for event in events]
    assert len(set(uids)) == len(uids), "a command was applied twice"
    counters: dict[str, int] = {}
    for event in events:
        clone, _, counter = event["id"].rpartition(".")
        assert int(counter) == counters.get(clone, 0) + 1, f"the counter of {clone} jumps at {counter}"
        counters[clone] = int(counter)


def _check_told(events: list[dict[str, Any]], commands: Mapping[str, Mapping[str, Any]]) -> None:
    landed = {event["uid"]: event for event in events}
    for uid, command in commands.items():
        event = landed.get(uid)
        if command.get("verdict") == "done" and not command["facts"].get("already"):
            assert event is not None, f"acknowledged and lost: {command}"
            assert event["outcome"]["facts"] == command["facts"], f"told otherwise than recorded: {command}"
        elif command.get("verdict") in {"refused", "invalid"} or command.get("code") in {"contended", "unreachable"}:
            assert event is None, f"landed, and told otherwise: {command}"
