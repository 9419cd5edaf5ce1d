"""What nobody expected: written to a file, so that neither the wire nor the agent gets a traceback."""

import platform
import tempfile
import traceback

from gitcoord import __version__
from gitcoord.errors import BugError


def bug(error: BaseException, doing: str) -> BugError:
    """Write the traceback to a file of its own; return an error that names it."""
    report = [
        f"gitcoord {__version__}, Python {platform.python_version()}, {platform.platform()}\n",
        f"while doing: {doing}\n\n",
        *traceback.format_exception(error),
    ]
    text = f"{doing} failed in a way that gitcoord did not expect ({type(error).__name__})."
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="gitcoord-bug-", suffix=".txt", encoding="utf-8", delete=False
        ) as file:
            file.writelines(report)
    except OSError:
        return BugError(text, hint="No report could be written.")
    return BugError(text, hint=f"The report is in {file.name}.")
