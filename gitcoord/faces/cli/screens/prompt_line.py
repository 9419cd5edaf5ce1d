"""One line for a prompt: what you or a person has to do, or nothing.

Rules:
  * No remote is asked over a network: it says what the last look here showed, and how old that is where it is old.
  * In a repository where nothing was coordinated, and outside of any, it says nothing and leaves nothing behind.

Must not import the parser: see `gitcoord.faces.cli.app`.
"""

from datetime import timedelta
from pathlib import Path

from gitcoord.faces.cli.screens.attention_rows import needed_status
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import opened

OLD = timedelta(minutes=15)  # a server looks every few seconds, so none runs here


def show_line(*, exit_code: bool) -> int:
    """Write the line; return the exit status."""
    from gitcoord.ledger.clone import snapshot_files

    found = snapshot_files.places(str(world.folder()))
    if found is None or not (Path(found[1]) / "gitcoord").is_dir():
        return 0
    from gitcoord import runtime
    from gitcoord.core.checks.attention import highest, in_one_line
    from gitcoord.core.documents.liveness import span_text
    from gitcoord.service.session import freshness
    from gitcoord.service.watch import overview

    host = runtime.make_host()
    with freshness.reading(host, asks=False) as read, opened(host) as workspace:
        rows, now = overview.needs_attention(workspace), host.now()
        line = in_one_line(rows, now)
        age = now - read.listing.at if read.listing else timedelta()
        if line:
            show.line(f"{line} ({span_text(age.total_seconds())} ago)" if age > OLD else line)
        return needed_status(highest(rows)) if exit_code else 0
