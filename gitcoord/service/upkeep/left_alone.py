"""What upkeep left alone, and why, beside what it did."""

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError


def problem(error: CoordError, ref: str = "") -> Json:
    """Return an error as a row of a result."""
    return {"code": error.code, "message": str(error), "hint": error.hint, **({"ref": ref} if ref else {})}
