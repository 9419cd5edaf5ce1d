"""Conflicts as lines: who holds what is asked for, and where both would be."""

from gitcoord.core.documents.doc import Json
from gitcoord.faces.cli.screens.fields import listed, minute, strings, text

FILES_SHOWN = 5  # of an overlap, on one line


def conflict_lines(one: dict[str, Json]) -> list[str]:
    """Return a conflict as lines, the first one whole by itself."""
    branch = f" on {text(one.get('branch'))}" if one.get("branch") else ""
    about = f": {text(one.get('description'))}" if one.get("description") else ""
    who = f"held by {text(one.get('agent'))}{branch} as {text(one.get('claim_id'))}"
    whose = f" of {text(one.get('for'))}" if one.get("for") else ""
    lines = [f"{text(one.get('your_pattern'))}{whose}: {who} until {minute(one.get('expires_at'))}{about}"]
    if one.get("free_at") and one.get("holder_life") in ("over", "stale"):
        life, seen = text(one.get("holder_life")), minute(one.get("holder_seen"))
        what = "its session is over" if life == "over" else "it is silent"
        lines.append(f"  {what} (last seen {seen}): free at {minute(one.get('free_at'))}")
    files, more = strings(one.get("overlap")), one.get("overlap_more")
    left = len(files) - FILES_SHOWN + (more if isinstance(more, int) else 0)
    if files:
        lines.append(f"  both: {', '.join(files[:FILES_SHOWN])}" + (f" and {left} more" if left > 0 else ""))
    elif one.get("example"):
        lines.append(f"  both would match {text(one.get('example'))}")
    if strings(one.get("symbol_overlap")):
        lines.append(f"  symbols: {listed(one.get('symbol_overlap'))}")
    return lines
