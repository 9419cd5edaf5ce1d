"""The servers that tools of this worktree are configured to start: read from their files, ours or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from gitcoord.faces.cli.wiring import entry, json_edit, recipes, toml_text
from gitcoord.faces.cli.wiring.change import NotOursError, read
from gitcoord.faces.cli.wiring.json_file import JsonFile, Server
from gitcoord.faces.cli.wiring.recipes import File, Place
from gitcoord.faces.cli.wiring.toml_text import Table
from gitcoord.faces.cli.wiring.tools import EVERY, Tool


@dataclass(frozen=True, slots=True)
class Wired:
    """The entry of one tool. `why`: what is wrong with it or its file; then there may be no command.

    `env` is what the entry adds to the environment; it may hold secrets.
    """

    tool: Tool
    path: str
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    why: str = ""


def servers(top: Path, env: Mapping[str, str]) -> list[Wired]:
    """Return the entry named `gitcoord` of every tool that has one, or a file that cannot be read."""
    place = Place(top, env, (entry.NAME, *entry.ARGUMENTS))
    found: list[Wired] = []
    for tool in EVERY:
        for file in recipes.files_of(tool, place):
            if not isinstance(file, Table) and not any(isinstance(part, Server) for part in _parts(file)):
                continue
            try:
                data = read(top, file.path)
                value = None if data is None else _entry(file, data.decode("utf-8", "replace"))
            except NotOursError as error:
                found.append(Wired(tool, file.path, why=str(error)))
                continue
            if value is not None:
                found.append(_of(tool, file.path, value))
    return found


def _parts(file: File) -> tuple[object, ...]:
    return file.parts if isinstance(file, JsonFile) else ()


def _entry(file: File, text: str) -> object:
    if isinstance(file, Table):
        outer = toml_text.load(text).get(file.outer)
        return cast("Mapping[str, object]", outer).get(entry.NAME) if isinstance(outer, Mapping) else None
    server = next(part for part in _parts(file) if isinstance(part, Server))
    present = json_edit.find(text, (server.outer, entry.NAME)) if text.strip() else None
    return None if present is None else present.value


def _of(tool: Tool, path: str, value: object) -> Wired:
    if not isinstance(value, Mapping):
        return Wired(tool, path, why=f"its entry {entry.NAME} is not an object")
    known = cast("Mapping[str, object]", value)
    words = [*_texts(known.get("command")), *_texts(known.get("args"))]
    if not words:
        return Wired(tool, path, why=f"its entry {entry.NAME} has no command")
    more = known.get("env", known.get("environment"))
    env = dict(cast("Mapping[str, object]", more)) if isinstance(more, Mapping) else dict[str, object]()
    off = known.get("enabled") is False or known.get("disabled") is True
    why = f"its entry {entry.NAME} is switched off" if off else ""
    return Wired(tool, path, tuple(words), {str(name): str(value) for name, value in env.items()}, why)


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in cast("list[object]", value)]
    return [value] if isinstance(value, str) else []
