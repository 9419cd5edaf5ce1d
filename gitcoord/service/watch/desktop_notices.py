"""Desktop notices: what needs a person now, shown on the desktop of who asked for that (`gitcoord.notify`).

    watch/desktop.json    which rows were shown and still are so, and when something was shown last
    watch/desktop.lock    held by the session that looks

Rules:
  * Only what matters most is shown: rows of high severity, for the caller or any person (`core/checks/attention`).
  * Each row is shown once for as long as it is there, by one session of the clone, at most one notification a minute.
  * A look costs what `gitcoord status` does, so it comes only when something changed, and never from a hook.

What this file does not know: how a desktop shows it.
"""

from collections.abc import Sequence
from datetime import timedelta

from filelock import FileLock, Timeout

from gitcoord.core.checks.attention import PERSON, YOU, Attention, Rank
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import overview

EVERY = timedelta(seconds=60)
KEPT_MAX = 200


def show(workspace: Workspace) -> bool:
    """Show what is new, if a person wants that and it is time to; tell whether it was looked at.

    Raises:
        CoordError: the ledgers cannot be read now.
    """
    if workspace.preferences.show is None:
        return True
    folder, host = workspace.setting.clone.folder / "watch", workspace.setting.host
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "desktop.lock", timeout=0):
            known, now = files.read_json(folder / "desktop.json"), host.now()
            last = files.time_in(known, "at")
            if last is not None and abs(now - last) < EVERY:
                return False
            rows = {f"{row.kind} {row.about}": row for row in _urgent(overview.needs_attention(workspace))}
            before = known.get("shown")
            shown = {key for key in before if isinstance(key, str)} if isinstance(before, list) else set[str]()
            new = [row for key, row in rows.items() if key not in shown]
            if new:
                workspace.preferences.show(f"gitcoord: {workspace.repository.top.name}", _said(new))
            kept: list[Json] = [*[*rows][:KEPT_MAX]]
            at: Json = time_text(now) if new else known.get("at")
            files.write_json(folder / "desktop.json", {"shown": kept, "at": at}, host.unique)
    except Timeout:
        return True  # another session of the clone looks
    except (OSError, StorageError):
        return True  # without a place to note what was shown, nothing is: else it would be shown again and again
    return True


def _urgent(rows: Sequence[Attention]) -> list[Attention]:
    return [row for row in rows if row.rank is Rank.HIGH and row.who in (YOU, PERSON)]


def _said(rows: Sequence[Attention]) -> str:
    """Say the first in one line, and how many more there are; it begins with a word of ours."""
    first = rows[0]
    more = f" (and {len(rows) - 1} more: gitcoord status)" if len(rows) > 1 else ""
    return f"{first.kind.value.replace('_', ' ')}: {first.about}: {first.message}{more}"
