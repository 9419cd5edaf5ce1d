"""What an agent is shown: results that fit, and errors that say what to do.

Rules:
  * A result is the whole answer as compact JSON in the text and, the same, in `structuredContent`: some clients show
    the model only the one, some only the other.
  * It stays under 8 KB, above which clients cut it in the middle or put it into a file. What is too long is cut here,
    largest part first, and the result says what was cut and how to ask for less.
  * An error is a text without structured content: clients that validate would show their own complaint instead.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mcp_types as types

from gitcoord.core.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.mcp.tool import Tool

RESULT_BYTES_MAX = 8000
_FOR_HINTS_BYTES = 500
_TEXT_MIN = 400  # characters; shorter texts are not worth cutting
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
    whole: dict[str, int] = {}
    while (over := _size(fitting) + _FOR_HINTS_BYTES - RESULT_BYTES_MAX) > 0:
        parts = list(_parts(fitting, ""))
        if not parts:
            break
        largest = max(parts, key=lambda part: part.size)
        whole.setdefault(largest.path, len(largest.value))
        largest.cut(over)
    left = {part.path: len(part.value) for part in _parts(fitting, "", everything=True)}
    fitting["cut"] = [f"{path}: {left.get(path, 0)} of {count} shown" for path, count in list(whole.items())[:5]]
    fitting["how_to_narrow"] = narrow
    return fitting


@dataclass(frozen=True, slots=True)
class _Part:
    """A list or a text somewhere in a result, which can be shortened in place."""

    path: str
    holder: dict[str, Json] | list[Json]
    key: str | int
    value: list[Json] | str

    @property
    def size(self) -> int:
        return _size(self.value)

    def cut(self, over: int) -> None:
        """Drop from the end what is over, at least one item or a quarter of a text."""
        count = len(self.value)
        share = count * over // max(self.size, 1) + 1
        drop = min(count, max(share, count // 4 if isinstance(self.value, str) else 1))
        shorter = f"{self.value[: count - drop]}…" if isinstance(self.value, str) else self.value[: count - drop]
        self.holder[self.key] = shorter  # type: ignore[index]


def _parts(value: Json, path: str, *, everything: bool = False) -> Iterator[_Part]:
    match value:
        case dict():
            pairs: list[tuple[str | int, Json]] = [*value.items()]
        case list():
            pairs = [*enumerate(value)]
        case _:
            return
    for key, one in pairs:
        where = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        is_long = len(one) > (0 if isinstance(one, list) else _TEXT_MIN) if isinstance(one, list | str) else False
        if isinstance(one, list | str) and (is_long or everything):
            yield _Part(where, value, key, one)
        yield from _parts(one, where, everything=everything)


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
