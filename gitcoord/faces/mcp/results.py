r"""What an agent is shown: results that fit, and errors that say what to do.

Rules:
  * A result is the whole answer as compact JSON in the text and, the same, in `structuredContent`: some clients show
    the model only the one, some only the other.
  * It stays under 8 KB, above which clients cut it in the middle or put it into a file. What is too long is cut here,
    by halves, the largest part first, and the result says what was cut and how to ask for less.
  * SEC-1: a character that a terminal acts on, that changes the direction of text or that is not seen is written as
    \uXXXX, which is the same value: texts of other agents have them, and clients print the text as it comes.
  * Services name the next call; an agent whose set lacks that tool learns whom to ask instead. Only sentences of ours
    name calls as data, and are changed, call by call; what others wrote is not.
        …; or see list_projects().   ->   …; or see list_projects (not yours: ask your lead).
    A tool that the set of those who lead lacks as well is named with the set that has it: to ask a lead would not help.
  * An error is a text without structured content: clients that validate would show their own complaint instead.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath

from gitcoord.core.documents.call import Call, Sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.service.session.result_words import in_words

RESULT_BYTES_MAX = 8000
_FOR_HINTS_BYTES = 600
_CUTS_MAX = 5
_PATH_MAX = 60
_TEXT_MIN = 400  # characters; shorter texts are not worth cutting
_FIELDS_MAX = 30  # a document has fewer; what has more is a table by name
ERROR_CHARACTERS_MAX = 4000
# Controls but for line ends and tabs, format characters (bidirectional marks, zero widths, tags), line separators, half
# pairs, and letters that are blank (Hangul fillers, the empty Braille pattern).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\u115f\u1160\u2800\u3164\uffa0\U000e0000-\U000e007f]"
)
_EVERYTHING = "The command line shows everything."
Path = tuple[str | int, ...]
"""Where a part of a result is: names of fields and places in lists."""


def success(
    tool: Tool, arguments: dict[str, Json], result: dict[str, Json], notices: Sequence[Json]
) -> dict[str, Json]:
    """Return a result as the protocol has it, with the notices that the agent has not got yet."""
    if notices:
        result = {"notices": [*notices], **result}
    fitting = fit(result, tool.narrow or _EVERYTHING, tool.paged)
    if fitting is not result and tool.paged:
        # Say where the next page begins, now that this one is shorter.
        page, offset = fitting.get(tool.paged), arguments.get("offset", 0)
        if isinstance(page, list) and isinstance(offset, int):
            fitting["next_offset"] = offset + len(page)
            fitting["next_step"] = f"There is more: {tool.name} again with offset={offset + len(page)}."
    return {"content": [{"type": "text", "text": text_of(fitting)}], "structuredContent": fitting, "isError": False}


def failure(error: CoordError) -> dict[str, Json]:
    """Return an error, as the protocol has it, that the agent can do something about."""
    text = all_seen(f"[{error.code}] {error} {error.hint}".strip()[:ERROR_CHARACTERS_MAX])
    return {"content": [{"type": "text", "text": text}], "isError": True}


def phrase(text: str, offered: Collection[str]) -> str:
    """Return a sentence in which a tool that is not offered is no call, but what to ask for, and whom."""
    if not isinstance(text, Sentence):
        return text
    leads = tools_of("lead")

    def word(call: Call) -> str:
        if call.tool in offered:
            return call.spelled
        return f"{call.tool} ({'not yours: ask your lead' if call.tool in leads else 'of `gitcoord mcp --tools all`'})"

    return text.said(word)


def hint_of(error: CoordError, offered: Collection[str], cwd: FilePath) -> str:
    """Return what to do about an error; a server that was started in a sandbox, in that folder, is to leave it."""
    from gitcoord.runtime import sandbox  # seldom needed

    instead = "ask a person to let your tool start `gitcoord mcp`"
    return sandbox.hint_of(error.code, cwd, instead, phrase(error.hint, offered))


def phrased(result: Mapping[str, Json], offered: Collection[str]) -> dict[str, Json]:
    """Return a result with the sentences in it as `phrase` makes them."""
    return in_words(result, lambda _, text: phrase(text, offered))


def fit(result: dict[str, Json], narrow: str, whole: str = "") -> dict[str, Json]:
    """Return the result, cut to what a client passes on whole; the same object if nothing had to be cut.

    `whole`: a list of which each entry is shown as it is, or not at all.
    """
    if _size(result) <= RESULT_BYTES_MAX:
        return result
    fitting: dict[str, Json] = json.loads(text_of(result))
    cuts: dict[Path, tuple[int, int]] = {}
    while (over := _size(fitting) + _FOR_HINTS_BYTES - RESULT_BYTES_MAX) > 0:
        large = _largest(_Survey(fitting, (whole,)).parts)
        if not large:
            break
        for part in large:
            if over > 0:
                of, _ = cuts.get(part.path, (len(part.value), 0))
                left, freed = part.cut(over)
                cuts[part.path] = (of, left)
                over -= freed
    there = sorted((path for path in cuts if _is_at(fitting, path)), key=len)
    shown: list[str] = []
    for path in there:
        spelled = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
        shown.append(f"{spelled[-_PATH_MAX:]}: {cuts[path][1]} of {cuts[path][0]} shown")
    more = len(shown) - _CUTS_MAX
    fitting["cut"] = [*shown[:_CUTS_MAX], *([f"{more} more"] if more > 0 else [])]
    fitting["how_to_narrow"] = narrow
    return fitting


@dataclass(frozen=True, slots=True)
class _Part:
    """A list, a text or a table somewhere in a result, which can be shortened in place.

    `size`: in bytes, without those of its parts that can be shortened themselves: so a short list of large things
    loses some of what makes them large before it loses them.
    """

    path: Path
    value: list[Json] | dict[str, Json] | str
    size: int
    replace: Callable[[Json], None]

    @property
    def is_last(self) -> bool:
        return isinstance(self.value, list) and len(self.value) == 1

    def cut(self, over: int) -> tuple[int, int]:
        """Drop from the end what is over, at least one item or a quarter of a text, at most half.

        Returns: how much is left, and how many bytes that freed.
        """
        count = len(self.value)
        share = count * over // max(self.size, 1) + 1
        left = max(count - max(share, count // 4 if isinstance(self.value, str) else 1), count // 2)
        match self.value:
            case str() as text:
                kept: Json = f"{text[:left]}…"
            case list() as items:
                kept = items[:left]
            case table:
                kept = dict(list(table.items())[:left])
        self.replace(kept)
        return left, _size(self.value) - _size(kept)


def _largest(parts: list[_Part]) -> list[_Part]:
    """Return what is to be cut now: what is at least half as large as the largest, the innermost first.

    The last entry of a list says what kind of thing was cut; it goes only when there is nothing else.
    """
    left = [part for part in parts if not part.is_last] or parts
    most = max((part.size for part in left), default=0)
    return sorted((part for part in left if part.size * 2 >= most), key=lambda part: (-len(part.path), -part.size))


class _Survey:
    """What of a result can be shortened, found in one walk."""

    def __init__(self, result: dict[str, Json], whole: Path) -> None:
        self.parts: list[_Part] = []
        self._whole = whole
        self._walk(result, ())

    def _walk(self, value: Json, path: Path) -> tuple[int, int]:
        """Return the size of a value, and how much of it is within parts that can be shortened."""
        if not isinstance(value, dict | list):
            return _size(value), 0
        size, within = 2, 0
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            whole, inner = self._walk_at(item, (*path, key), partial(value.__setitem__, key))
            size += whole + 1 + (len(str(key)) + 3 if isinstance(value, dict) else 0)
            within += inner
        return size, within

    def _walk_at(self, value: Json, path: Path, replace: Callable[[Json], None]) -> tuple[int, int]:
        as_whole = path == self._whole and isinstance(value, list) and len(value) > 1
        size, within = (_size(value), 0) if as_whole else self._walk(value, path)
        if not isinstance(value, list | dict | str):
            return size, within
        not_worth_cutting = _TEXT_MIN if isinstance(value, str) else _FIELDS_MAX if isinstance(value, dict) else 0
        if len(value) <= not_worth_cutting:
            return size, within
        self.parts.append(_Part(path, value, size - within, replace))
        return size, size


def _is_at(value: Json, path: Path) -> bool:
    """Whether there is still something at a path; what was around it may have been cut later."""
    for key in path:
        match value:
            case dict() if isinstance(key, str) and key in value:
                value = value[key]
            case list() if isinstance(key, int) and key < len(value):
                value = value[key]
            case _:
                return False
    return True


def text_of(value: Json) -> str:
    """Return a result as an agent reads it: compact, in the order of the service, what matters first."""
    return all_seen(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def all_seen(text: str) -> str:
    """Return a text, or JSON, in which no character is overlooked: JSON escapes stand for what is not seen."""
    return _UNSEEN.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _size(value: Json) -> int:
    return len(text_of(value).encode())
