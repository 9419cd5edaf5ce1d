"""What an agent is shown: results that fit, and errors that say what to do.

Rules:
  * A result is the whole answer as compact JSON in the text and, the same, in `structuredContent`: some clients show
    the model only the one, some only the other.
  * It stays under 8 KB, above which clients cut it in the middle or put it into a file. What is too long is cut here,
    largest part first, and the result says what was cut and how to ask for less.
  * An error is a text without structured content: clients that validate would show their own complaint instead.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import mcp_types as types

from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.mcp.tool import Tool

RESULT_BYTES_MAX = 8000
_FOR_HINTS_BYTES = 600
_CUTS_MAX = 5
_PATH_MAX = 60
_TEXT_MIN = 400  # characters; shorter texts are not worth cutting
_FIELDS_MAX = 30  # a document has fewer; what has more is a table by name
ERROR_CHARACTERS_MAX = 4000
_EVERYTHING = "The command line shows everything."


def success(
    tool: Tool, arguments: dict[str, Json], result: dict[str, Json], notices: Sequence[Json]
) -> types.CallToolResult:
    """Return a result, with what the agent has not been told yet."""
    if notices:
        result = {"notices": [*notices], **result}
    fitting = fit(result, tool.narrow or _EVERYTHING)
    if fitting is not result and tool.paged:
        _continue_page(tool, arguments, fitting)
    text = text_of(fitting)
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=fitting)


def failure(error: CoordError) -> types.CallToolResult:
    """Return an error that the agent can do something about."""
    text = f"[{error.code}] {error} {error.hint}".strip()[:ERROR_CHARACTERS_MAX]
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def fit(result: dict[str, Json], narrow: str) -> dict[str, Json]:
    """Return the result, cut to what a client passes on whole; the same object if nothing had to be cut."""
    if _size(result) <= RESULT_BYTES_MAX:
        return result
    fitting: dict[str, Json] = json.loads(text_of(result))
    cuts: dict[str, tuple[int, int]] = {}
    while (over := _size(fitting) + _FOR_HINTS_BYTES - RESULT_BYTES_MAX) > 0:
        largest = max(_parts(fitting, ""), key=lambda part: part.size, default=None)
        if largest is None:
            break
        whole, _ = cuts.get(largest.path, (len(largest.value), 0))
        cuts[largest.path] = (whole, largest.cut(over))
    shown = [f"{path[-_PATH_MAX:]}: {left} of {whole} shown" for path, (whole, left) in cuts.items()]
    fitting["cut"] = [*shown[:_CUTS_MAX]]
    fitting["how_to_narrow"] = narrow
    return fitting


@dataclass(frozen=True, slots=True)
class _Part:
    """A list, a text or a table somewhere in a result, which can be shortened in place."""

    path: str
    value: list[Json] | dict[str, Json] | str
    replace: Callable[[Json], None]

    @property
    def size(self) -> int:
        return _size(self.value)

    def cut(self, over: int) -> int:
        """Drop from the end what is over, at least one item or a quarter of a text; return what is left."""
        count = len(self.value)
        share = count * over // max(self.size, 1) + 1
        left = max(0, count - max(share, count // 4 if isinstance(self.value, str) else 1))
        match self.value:
            case str() as text:
                self.replace(f"{text[:left]}…")
            case list() as items:
                self.replace(items[:left])
            case table:
                self.replace(dict(list(table.items())[:left]))
        return left


def _parts(value: Json, path: str) -> Iterator[_Part]:
    match value:
        case dict():
            for key, one in value.items():
                yield from _parts_at(one, f"{path}.{key}".lstrip("."), partial(value.__setitem__, key))
        case list():
            for at, one in enumerate(value):
                yield from _parts_at(one, f"{path}[{at}]", partial(value.__setitem__, at))
        case _:
            return


def _parts_at(value: Json, path: str, replace: Callable[[Json], None]) -> Iterator[_Part]:
    if isinstance(value, list | dict | str) and len(value) > _kept(value):
        yield _Part(path, value, replace)
    yield from _parts(value, path)


def _kept(value: list[Json] | dict[str, Json] | str) -> int:
    """Return how much of a part is not worth cutting."""
    match value:
        case str():
            return _TEXT_MIN
        case dict():
            return _FIELDS_MAX
        case list():
            return 0


def _continue_page(tool: Tool, arguments: dict[str, Json], result: dict[str, Json]) -> None:
    """Say where the next page begins, now that this one is shorter."""
    page, offset = result.get(tool.paged), arguments.get("offset", 0)
    if isinstance(page, list) and isinstance(offset, int):
        result["next_offset"] = offset + len(page)
        result["next_step"] = f"There is more: {tool.name} again with offset={offset + len(page)}."


def text_of(value: Json) -> str:
    """Return a result as an agent reads it: compact, in the order of the service, what matters first."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(value: Json) -> int:
    return len(text_of(value).encode())
