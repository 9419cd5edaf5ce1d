"""The dashboard beside the play: the same command that a person starts, in the clone of one of the two people."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from gitcoord.errors import StorageError
from gitcoord.faces.demo.place import PEOPLE, Place

END_WAIT_S = 5.0  # it ends its pages within two; then it is killed


class LivePage(NamedTuple):
    """A dashboard that runs. `url`: its whole address."""

    url: str
    process: "subprocess.Popen[str]"


@contextmanager
def live_page(place: Place, *, is_opened: bool) -> Generator[LivePage]:
    """Show a place's ledgers as a page for as long as the block runs. `is_opened`: in the person's browser, too.

    Raises:
        StorageError: it could not be started.
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
        first = process.stdout.readline() if process.stdout else ""
        if not first.startswith("http://"):
            said = (place.folder / "logs" / "dashboard").read_text("utf-8", "replace").strip()
            raise StorageError(f"The dashboard did not start: {said}")
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
