"""The manifest: what the engine answers to the requests that open a conversation, one file for each tool set.

    {
      "gitcoord": "<version>",
      "answers": {"<protocol version>": {"<method>": <index>}},
      "calls": {"<protocol version>": <what the engine adds to the result of a call of a tool>},
      "results": [<result>, …]
    }

`python -m gitcoord.faces.mcp.manifest` writes it, by asking the engine. The front reads it, so this module imports
next to nothing. A manifest of another version of gitcoord does not count.
"""

import json

from gitcoord import __version__

TYPE_CHECKING = False  # `typing` and `pathlib` take 9 ms each: as long as the rest of the front.
if TYPE_CHECKING:
    from typing import Any, Final, Literal

    ToolSet = Literal["work", "lead", "all"]

TOOL_SETS: "tuple[ToolSet, ...]" = ("work", "lead", "all")
MODERN_VERSION = "2026-07-28"
LISTS: "Final" = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
CALL = "tools/call"
_FOLDER = __file__.rpartition("/")[0] or "."


def path_of(tool_set: str) -> str:
    """Return where the manifest of a tool set is kept."""
    return f"{_FOLDER}/{tool_set}.json"


class Manifest:
    """The answers for one tool set."""

    def __init__(self, data: "dict[str, Any]") -> None:
        self._answers: dict[str, dict[str, int]] = data["answers"]
        self._calls: dict[str, dict[str, Any]] = data["calls"]
        self._results: list[dict[str, Any]] = data["results"]

    def answer(self, version: str, method: str) -> "dict[str, Any] | None":
        """Return the result of a request, or `None` where only the engine can tell."""
        index = self._answers.get(version, {}).get(method)
        return None if index is None else self._results[index]

    def added(self, version: str) -> "dict[str, Any] | None":
        """Return what the engine adds to the result of a call, or `None` where only the engine can tell."""
        return self._calls.get(version)


def load(path: str, version: str = __version__) -> Manifest | None:
    """Read a manifest; `None` when there is no valid one of this version."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - see TYPE_CHECKING above
            data = json.load(file)
        return Manifest(data) if data["gitcoord"] == version else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
