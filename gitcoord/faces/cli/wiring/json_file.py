"""A JSON file in which tools look: which entries of ours it shall have.

    Server       a member named `gitcoord` that starts the server
    Item         one item of a list of texts, such as a permission
    Hook         a handler of an event, known by its command `gitcoord hook edit …`
    StatusLine   what Claude Code's status line runs, known by its command; one that is there is people's
    Default      what the tool asks for in such a file; only where it is missing, and never taken out alone

Rules:
  * A server's entry that people changed is kept, and that is said. Hooks are ours by their command.
  * A hook that shares its group with someone else's leaves the group.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.wiring import entry, json_edit, jsonc
from gitcoord.faces.cli.wiring.change import Edited

HOOK = "gitcoord hook edit"
LINE = "gitcoord status --line"
LINE_EVERY_S = 30  # Claude Code asks by itself only while messages come; a request comes while it waits for a person
_BLANK = " \t\r\n" + jsonc.BYTE_ORDER_MARK


@dataclass(frozen=True, slots=True)
class Server:
    """The server's entry, at `outer`.gitcoord."""

    outer: str
    value: Mapping[str, Json]

    def put(self, text: str) -> Edited:
        present = json_edit.find(text, (self.outer, entry.NAME))
        if present is None:
            return Edited(json_edit.set_member(text, (self.outer, entry.NAME), dict(self.value)))
        if present.value == self.value:
            return Edited(text)
        entry.check_starts_gitcoord(present.value)
        if entry.is_older(present.value, self.value):
            return Edited(json_edit.set_member(text, (self.outer, entry.NAME), dict(self.value)))
        return Edited(text, entry.KEPT)

    def take(self, text: str) -> str:
        present = json_edit.find(text, (self.outer, entry.NAME))
        if present is None or not entry.is_as_written(present.value, self.value):
            return text
        return json_edit.remove_member(text, (self.outer, entry.NAME))

    def leaves(self, text: str) -> bool:
        """Whether there is an entry that starts gitcoord and is people's."""
        present = json_edit.find(text, (self.outer, entry.NAME))
        return present is not None and entry.starts_gitcoord(present.value) and self.take(text) == text


@dataclass(frozen=True, slots=True)
class Item:
    """A text in the list at a path; with `only_beside`, only where that list (or object) is there already."""

    path: tuple[str, ...]
    value: str
    only_beside: bool = False

    def put(self, text: str) -> Edited:
        present = json_edit.find(text, self.path)
        if (present is None and self.only_beside) or (present is not None and self.value in _list(present.value)):
            return Edited(text)
        return Edited(json_edit.append_item(text, self.path, self.value))

    def take(self, text: str) -> str:
        present = json_edit.find(text, self.path)
        if present is None or self.value not in _list(present.value):
            return text
        return json_edit.remove_item(text, self.path, _list(present.value).index(self.value))


@dataclass(frozen=True, slots=True)
class Allowed:
    """A member that allows our tools, only where the object that says so is there already."""

    path: tuple[str, ...]
    value: str

    def put(self, text: str) -> Edited:
        holder = json_edit.find(text, self.path[:-1])
        if holder is None or not isinstance(holder.value, dict) or self.path[-1] in holder.value:
            return Edited(text)
        return Edited(json_edit.set_member(text, self.path, self.value))

    def take(self, text: str) -> str:
        holder = json_edit.find(text, self.path[:-1])
        is_there = holder is not None and isinstance(holder.value, dict) and self.path[-1] in holder.value
        return json_edit.remove_member(text, self.path) if is_there else text


@dataclass(frozen=True, slots=True)
class Default:
    """A member that the tool wants to see; any value of people's is as good."""

    path: tuple[str, ...]
    value: Json

    def put(self, text: str) -> Edited:
        if json_edit.find(text, self.path) is not None:
            return Edited(text)
        return Edited(json_edit.set_member(text, self.path, self.value))

    def take(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The command whose first line Claude Code shows below its prompt."""

    path: tuple[str, ...] = ("statusLine",)

    def put(self, text: str) -> Edited:
        present = json_edit.find(text, self.path)
        if present is not None:
            return Edited(text, "" if self._is_ours(present.value) else "it has a statusLine, which is kept")
        value: Json = {"type": "command", "command": LINE, "refreshInterval": LINE_EVERY_S}
        return Edited(json_edit.set_member(text, self.path, value))

    def take(self, text: str) -> str:
        present = json_edit.find(text, self.path)
        return json_edit.remove_member(text, self.path) if present and self._is_ours(present.value) else text

    def _is_ours(self, value: object) -> bool:
        return isinstance(value, dict) and cast("dict[str, Json]", value).get("command") == LINE


@dataclass(frozen=True, slots=True)
class Hook:
    """A handler of an event: a group with handlers in it, or the handler itself."""

    path: tuple[str, ...]
    value: Mapping[str, Json]

    def put(self, text: str) -> Edited:
        present = json_edit.find(text, self.path)
        ours = [item for item in _list(present.value if present else None) if _is_ours(item)]
        if not ours:
            return Edited(json_edit.append_item(text, self.path, dict(self.value)))
        kept = f"its hook of {self.path[-1]} is not as init writes it; yours is kept"
        return Edited(text, "" if self.value in ours else kept)

    def take(self, text: str) -> str:
        while True:
            node = json_edit.find(text, self.path)
            found = (
                next(((index, child) for index, child in enumerate(node.items) if _is_ours(child.value)), None)
                if node
                else None
            )
            if node is None or found is None:
                return text
            index, group = found
            handlers = group.members.get("hooks")
            theirs = handlers is not None and not all(_is_ours(node.value) for node in handlers.items)
            if handlers is None or not theirs:
                text = json_edit.remove_item(text, self.path, index)
            else:
                inner = next(index for index, node in enumerate(handlers.items) if _is_ours(node.value))
                text = json_edit.remove_item_in(text, handlers, inner)


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A file with entries of ours; `or_at` are other names of it, of which one that is there counts."""

    path: str
    parts: tuple[Server | Item | Allowed | Default | StatusLine | Hook, ...]

    def put(self, text: str | None) -> Edited:
        """Put in what is missing, or renew what is of an older version."""
        before = text if text and text.strip(_BLANK) else ("\ufeff{}\n" if text and text[:1] == "\ufeff" else "{}\n")
        after, kept = before, ""
        for part in self.parts:
            edited = part.put(after)
            after, kept = edited.text or after, kept or edited.kept
        return Edited(text if after == before else after, kept)

    def take(self, text: str) -> Edited:
        """Take out what is ours; a file that then says nothing but the defaults goes."""
        if not text.strip(_BLANK):
            return Edited(text)
        after = text
        for part in self.parts:
            after = part.take(after)
        if after != text and self._says_nothing(after):
            return Edited(None)
        is_left = any(isinstance(part, Server) and part.leaves(after) for part in self.parts)
        return Edited(after, entry.KEPT if is_left else "")

    def _says_nothing(self, text: str) -> bool:
        defaults: dict[str, Json] = {part.path[0]: part.value for part in self.parts if isinstance(part, Default)}
        node = jsonc.parse(text)
        return not jsonc.has_comment(text) and isinstance(node.value, dict) and node.value.items() <= defaults.items()


def _list(value: object) -> list[Json]:
    return cast("list[Json]", value) if isinstance(value, list) else []


def _is_ours(value: Json) -> bool:
    return any(HOOK in command for command in _commands(value))


def _commands(value: Json) -> Iterator[str]:
    """Walk the commands of a handler, or of the handlers of a group."""
    if isinstance(value, dict):
        yield str(value.get("command", ""))
        for handler in _list(value.get("hooks")):
            yield from _commands(handler)
