"""Bug reports: an unexpected error goes to a file, so that neither the wire nor the agent gets a traceback.

Rules:
  * A report has versions and the traceback, never the values of variables.
  * SEC-2: it is sent to others, so no URL in it has its credentials: not in arguments, not in the traceback.
  * An error of ours that has nothing to report but its own sentence stays as it is.

What this file does not know: who is warned, and how.
"""

from collections.abc import Sequence

from gitcoord import __version__
from gitcoord.errors import BugError, CoordError, of_disk
from gitcoord.redaction import redact


def bug(error: Exception, doing: str) -> BugError:
    """Write the traceback to a file of its own; return an error that names it."""
    text = f"{doing} failed in a way that gitcoord did not expect ({type(error).__name__})."
    file = write(error, f"while doing: {doing}")
    return BugError(text, hint=f"Report it with the file {file}." if file else "No report could be written.")


def as_known(error: Exception, doing: str) -> CoordError:
    """Return an error of ours as it is, one of a disk as such, and any other as a bug with its report."""
    return error if isinstance(error, CoordError) else of_disk(error) or bug(error, doing)


class LastBug:
    """What a loop that goes on after a bug remembers of it: one report for as long as it is the same."""

    def __init__(self) -> None:
        """Remember none yet."""
        self._last: tuple[str, BugError] | None = None

    def as_known(self, error: Exception, doing: str) -> CoordError:
        """Return an error of ours as it is, any other as a bug with its report: the one before, if it is the same."""
        if isinstance(error, CoordError):
            return error
        if self._last is None or self._last[0] != repr(error):
            self._last = (repr(error), bug(error, doing))
        return self._last[1]


def write(error: Exception, *about: str) -> str:
    """Write a report and return its file, or "" where the disk takes none."""
    import platform  # seldom needed, and each command starts cold
    import tempfile
    import traceback

    lines: Sequence[str] = (
        f"gitcoord {__version__}, Python {platform.python_version()}, {platform.platform()}",
        *about,
        "",
        *traceback.format_exception(error),
    )
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="gitcoord-bug-", suffix=".txt", encoding="utf-8", errors="backslashreplace", delete=False
        ) as file:
            file.write(redact("\n".join(lines)))
    except OSError:
        return ""
    return file.name
