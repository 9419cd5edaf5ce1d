"""What time it is where the refs are kept, by the clock of that place.

Rules:
  * The stamp of a file is made by the system that keeps it: the same machine's for a disk, the server's for a share.
  * The date of an http server comes with each of its answers. git prints it when it traces; SEC-2: that trace stays in
    memory, and nothing of it is shown.

What this file does not know: a clock of ours.
"""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

# git's own names: see git(1), GIT_TRACE_CURL. To standard error, headers only; credentials are left out by git.
TRACE: Final = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
_DATE: Final = re.compile(rb"Recv header: date: ([^\r\n]{1,60})", re.IGNORECASE)
_LITTER: Final = "tmp_obj_clock"  # as git names objects that are not whole; its gc removes what a crash left


def of_folder(git_dir: Path) -> datetime | None:
    """Return what the system that keeps a repository's files stamps one with; `None` where none can be made."""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(dir=git_dir / "objects", prefix=_LITTER) as file:
            return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    except OSError:
        return None


def in_trace(trace: bytes) -> datetime | None:
    """Return the last date that a server's answer had, by git's trace of it."""
    from email.utils import parsedate_to_datetime

    dates = _DATE.findall(trace)
    try:
        return parsedate_to_datetime(dates[-1].decode("ascii")).astimezone(UTC) if dates else None
    except (ValueError, OverflowError):
        return None
