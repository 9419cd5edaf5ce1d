"""The dashboard beside the play: the same command that a person starts, in the clone of one of the two people."""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from gitcoord.errors import StorageError
from gitcoord.faces.demo.place import PEOPLE, Place

START_S = 30.0  # it starts within one; it waits for nothing but this machine
END_WAIT_S = 5.0  # it ends its pages within two; then it is killed


class LivePage(NamedTuple):
    """A dashboard that runs. `url`: its whole address."""

    url: str
    process: "subprocess.Popen[str]"


@contextmanager
def live_page(place: Place, *, is_opened: bool, start_s: float = START_S) -> Generator[LivePage]:
    """Show a place's ledgers as a page for as long as the block runs. `is_opened`: in the person's browser, too.

    Raises:
        StorageError: it could not be started within so long.
    """
    words = [sys.executable, "-P", "-m", "gitcoord", "dashboard", *(["--open"] if is_opened else [])]
    with (place.folder / "logs" / "dashboard").open("wb") as errors:
        process = subprocess.Popen(
            words,
            cwd=place.clone(PEOPLE[1]),
            env={**place.env, "GITCOORD_AGENT": "bob/demo/audience"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            start_new_session=True,  # an interrupt is ours to act on first
        )
    try:
        late = threading.Timer(start_s, process.kill)
        late.start()
        first = process.stdout.readline() if process.stdout else ""
        late.cancel()
        if not first.startswith("http://"):
            said = (place.folder / "logs" / "dashboard").read_text("utf-8", "replace").strip()
            raise StorageError(f"The dashboard did not start: {said or f'it said nothing for {start_s:g} s'}")
        yield LivePage(first.strip(), process)
    finally:
        process.terminate()
        try:
            process.wait(END_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
