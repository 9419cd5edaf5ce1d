"""Wiring a worktree: which files change when tools are wired, renewed, or set free.

Rules:
  * `init` adds what is missing; `upgrade` writes anew what no one touched since, and adds what is missing elsewhere;
    `uninstall` restores what was there, or takes out what is ours.
  * A path is planned once, however many tools read it.
  * An entry that is there decides how the server is started: it is shared with others, whose machines may differ.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitcoord.faces.cli.wiring import entry, extras, recipes, texts
from gitcoord.faces.cli.wiring.block import Block
from gitcoord.faces.cli.wiring.change import Change, Edited, NotOursError, change_to, plan, read, write
from gitcoord.faces.cli.wiring.json_file import HOOK
from gitcoord.faces.cli.wiring.recipes import File, Place
from gitcoord.faces.cli.wiring.record import Record
from gitcoord.faces.cli.wiring.tools import EVERY, Tool
from gitcoord.faces.cli.wiring.whole_file import WholeFile

_STARTS_PLAINLY = re.compile(r"""\bcommand["']?\s*[:=]\s*\[?\s*["']gitcoord["']""")


@dataclass(frozen=True, slots=True)
class Planned:
    """A change, and whether there was something of ours in the file before."""

    change: Change
    had_ours: bool = False


def install(
    top: Path, env: Mapping[str, str], tools: Sequence[Tool], more: Sequence[File], *, has_hooks: bool
) -> list[Planned]:
    """Plan what these tools need, and some files more."""
    files: list[File] = []
    for tool in tools:
        files += recipes.files_of(tool, _place(top, env, tool, has_hooks=has_hooks))
    return [_planned(top, file, file.put) for file in _once([*files, *more])]


def renew(top: Path, env: Mapping[str, str], record: Record) -> list[Planned]:
    """Plan what `upgrade` writes: every file that has something of ours."""
    files: list[File] = []
    for tool in EVERY:
        bare = {file.path: file for file in recipes.files_of(tool, _place(top, env, tool, has_hooks=False))}
        for file in recipes.files_of(tool, _place(top, env, tool, has_hooks=True)):
            has_hooks = HOOK in _texts_of(top, [file])
            files.append(file if has_hooks else bare.get(file.path, file))
    changes = [
        _planned(top, file, _renewing(file, record))
        for file in _once([*files, *extras.every()])
        if _has_ours(top, file)
    ]
    return [planned for planned in changes if planned.had_ours]


def remove(top: Path, env: Mapping[str, str], record: Record) -> list[Planned]:
    """Plan what `uninstall` restores."""
    files: list[File] = []
    for tool in EVERY:
        files += recipes.files_of(tool, _place(top, env, tool, has_hooks=True))
    files += [Block(path, "") for path in texts.EVERY]
    return [
        Planned(_given_back(top, file, record), had_ours=True)
        for file in _once([*files, *extras.every()])
        if _has_ours(top, file) or _is_known(top, file.path, record)
    ]


def carry_out(changes: Iterable[Planned], record: Record | None) -> list[Change]:
    """Write changes and remember what they replaced; return what became of each."""
    done: list[Change] = []
    for planned in changes:
        change = write(planned.change)
        if change.is_needed and record is not None:
            record.remember(change, had_ours=planned.had_ours)
        done.append(change)
    return done


def _planned(top: Path, file: File, edit: Callable[[str | None], Edited]) -> Planned:
    change = plan(top, file.path, edit)
    return Planned(change, change.before is not None and _has_ours(top, file))


def _renewing(file: File, record: Record) -> Callable[[str | None], Edited]:
    if isinstance(file, WholeFile) and file.belongs_to_people:
        return file.put  # never made anew: what it says is not known here, such as the team's remote

    def edit(text: str | None) -> Edited:
        known = None if text is None else record.before(file.path, text.encode())
        return file.put(text if known is None else known.text)

    return edit


def _given_back(top: Path, file: File, record: Record) -> Change:
    def take(text: str | None) -> Edited:
        return Edited(None) if text is None else file.take(text)

    try:
        present = read(top, file.path)
    except NotOursError:
        return plan(top, file.path, take)
    known = None if present is None else record.before(file.path, present)
    if known is None:
        return plan(top, file.path, take)
    return change_to(top, file.path, present, None if known.text is None else known.text.encode())


def _has_ours(top: Path, file: File) -> bool:
    """Whether there is something of ours in a file; one that cannot be read counts where it names gitcoord."""
    try:
        data = read(top, file.path)
    except NotOursError:
        return False
    if data is None:
        return False
    text = data.decode("utf-8", "replace")
    try:
        taken = file.take(text)
    except NotOursError:
        return "gitcoord" in text
    return taken.text != text or bool(taken.kept)


def _is_known(top: Path, path: str, record: Record) -> bool:
    try:
        present = read(top, path)
    except NotOursError:
        return False
    return present is not None and record.before(path, present) is not None


def _place(top: Path, env: Mapping[str, str], tool: Tool, *, has_hooks: bool) -> Place:
    """Return what to start: as an entry that is there says, else as this machine finds it."""
    command = entry.command(env)
    there = _texts_of(top, recipes.files_of(tool, Place(top, env, tuple(command), has_hooks)))
    if f'"{entry.NAME}==' in there:
        command = entry.pinned()
    elif _STARTS_PLAINLY.search(there):
        command = entry.plain()
    return Place(top, env, tuple(command), has_hooks)


def _texts_of(top: Path, files: Iterable[File]) -> str:
    texts_there: list[str] = []
    for file in files:
        if isinstance(file, Block):
            continue
        try:
            texts_there.append((read(top, file.path) or b"").decode("utf-8", "replace"))
        except NotOursError:
            continue
    return "\n".join(texts_there)


def _once(files: Iterable[File]) -> list[File]:
    by_path: dict[str, File] = {}
    for file in files:
        by_path.setdefault(file.path, file)
    return list(by_path.values())
