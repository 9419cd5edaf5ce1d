"""The crew: agents as processes, heard through their stdout, each in a process group with its server.

A group is killed as a whole, so that the server of a killed agent dies with it and cannot say good-bye.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.place import Desk, Place

END_WAIT_S = 10.0  # a process that was killed is gone at once; a busy machine may be slow to say so


@dataclass(frozen=True, slots=True)
class Event:
    """What an agent reported; `ended` when its process did."""

    desk: Desk
    word: str
    facts: dict[str, Json]


class Crew:
    """All agents of one demonstration."""

    def __init__(self, place: Place, parts: Mapping[Desk, str]) -> None:
        """Start every agent; none works before it is sent. `parts`: the option of those that have a part to play."""
        self.events: queue.Queue[Event] = queue.Queue()
        self._processes = {desk: self._start(place, desk, parts.get(desk)) for desk in place.desks}

    def send(self, desk: Desk) -> None:
        """Let an agent begin."""
        stream = self._processes[desk].stdin
        try:
            if stream:
                stream.write(b"go\n")
                stream.flush()  # and stays open: its end tells the agent that we are gone
        except OSError:
            return  # it ended before; its `ended` event says so

    def kill(self, desk: Desk) -> None:
        """End an agent and its server with SIGKILL: no clean-up, no good-bye."""
        try:
            os.killpg(self._processes[desk].pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def end(self) -> None:
        """End all that are left, and wait for them."""
        for desk, process in self._processes.items():
            if process.poll() is None:
                self.kill(desk)
            try:
                process.wait(END_WAIT_S)
            except subprocess.TimeoutExpired:
                continue

    def _start(self, place: Place, desk: Desk, part: str | None) -> "subprocess.Popen[bytes]":
        log = place.folder / "logs" / desk.worktree.name
        agent = [desk.agent, place.project, f"{log}.server", place.cart_branch, *([part] if part else [])]
        with log.with_suffix(".agent").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gitcoord.faces.demo.agent", *agent],
                cwd=desk.worktree,
                env=dict(place.env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        threading.Thread(target=self._hear, args=(desk, process, process.stdout), daemon=True).start()
        return process

    def _hear(self, desk: Desk, process: "subprocess.Popen[bytes]", stream: IO[bytes] | None) -> None:
        for line in stream or ():
            facts: dict[str, Json] = json.loads(line)
            self.events.put(Event(desk, str(facts.pop("event")), facts))
        self.events.put(Event(desk, "ended", {"status": process.wait()}))
