"""JSON as hooks read it: by the scanner that `json` uses, without `json`.

`import json` loads `re` and `enum`. That takes two thirds of the time of Python's own start, and all else that an edit
hook does takes a tenth. Where there is no such scanner, and for a text that it cannot read, `json` is used.

What this file does not know: what the values mean.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gitcoord.core.documents.json_text import Json

_SPACE = " \t\n\r"


class _Manner:
    """How to read: as `json.loads` without arguments."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


try:
    from _json import make_scanner

    _scan: "Callable[[str, int], tuple[Json, int]] | None" = make_scanner(_Manner())  # type: ignore[arg-type]
except (ImportError, AttributeError):  # another Python than CPython, or one that asks for more
    _scan = None


def loads(text: "str | bytes") -> "Json":
    """Return the value of a text; bytes are UTF-8.

    Raises:
        ValueError: it is not one JSON value.
        RecursionError: it is nested too deeply.
    """
    text = text if isinstance(text, str) else text.decode("utf-8", "surrogatepass")
    try:
        value, end = _scan(text, len(text) - len(text.lstrip(_SPACE))) if _scan else (None, 0)
        if end and not text[end:].strip(_SPACE):
            return value
    except (StopIteration, SystemError):  # the scanner can say what is wrong only where `json` is loaded
        pass
    import json

    return json.loads(text)
