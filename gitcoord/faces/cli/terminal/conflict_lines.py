"""Conflicts as lines: who holds the wanted paths, and where both would be."""

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal.fields import listed, minute, strings, text

FILES_SHOWN = 5  # of an overlap, on one line


def conflict_lines(conflict: dict[str, Json]) -> list[str]:
    """Return a conflict as lines, the first one whole by itself."""
    branch = f" on {text(conflict.get('branch'))}" if conflict.get("branch") else ""
    about = f": {text(conflict.get('description'))}" if conflict.get("description") else ""
    who = f"held by {text(conflict.get('agent'))}{branch} as {text(conflict.get('claim_id'))}"
    whose = f" of {text(conflict.get('for'))}" if conflict.get("for") else ""
    lines = [f"{text(conflict.get('your_pattern'))}{whose}: {who} until {minute(conflict.get('expires_at'))}{about}"]
    if conflict.get("free_at") and conflict.get("holder_life") in ("over", "stale"):
        life, seen = text(conflict.get("holder_life")), minute(conflict.get("holder_seen"))
        what = "its session is over" if life == "over" else "it is silent"
        lines.append(f"  {what} (last seen {seen}): free at {minute(conflict.get('free_at'))}")
    files, more = strings(conflict.get("overlap")), conflict.get("overlap_more")
    left = len(files) - FILES_SHOWN + (more if isinstance(more, int) else 0)
    if files:
        lines.append(f"  both: {', '.join(files[:FILES_SHOWN])}" + (f" and {left} more" if left > 0 else ""))
    elif conflict.get("example"):
        lines.append(f"  both would match {text(conflict.get('example'))}")
    if strings(conflict.get("symbol_overlap")):
        lines.append(f"  symbols: {listed(conflict.get('symbol_overlap'))}")
    return lines
