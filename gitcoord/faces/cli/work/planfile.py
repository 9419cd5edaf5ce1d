"""Plan files: projects and steps as people write them down, in YAML, JSON or a Markdown task list.

Rules:
  * Every error names the line. An unknown field is an error, never ignored: it is most often a misspelt one.
  * Nothing here decides whether a plan is a good one; that is `gitcoord.core.steps.rules.plan`.

    name: myapp
    steps:
      - {step_num: 1, title: Data model, branch: feat/model}
      - {step_num: 2, title: API, scope: api, depends_on: [1]}
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import cast

from gitcoord.core.documents.doc import Json
from gitcoord.core.documents.names import project_name, shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.errors import InvalidError, NotFoundError, UsageError
from gitcoord.faces.cli.work import tasklist
from gitcoord.faces.cli.work.plan_source import ProjectFile, Source, Step

BYTES_MAX = 32 * 1024 * 1024  # a plan of as many steps as a project may have is about 2 MB

Lines = Callable[[tuple[str | int, ...]], int | None]

_PROJECT_FIELDS: Mapping[str, str] = {
    "name": "text",
    "base_commit": "text",
    "description": "text",
    "stale_minutes": "number",
    "steps": "steps",
}
_STEP_FIELDS: Mapping[str, str] = {
    "step_num": "number",
    "title": "text",
    "description": "text",
    "branch": "text",
    "scope": "text",
    "depends_on": "numbers",
    "paths": "texts",
    "priority": "number",
}
_KINDS: Mapping[str, str] = {
    "text": "text; put it in quotes",
    "number": "a whole number",
    "numbers": "a list of step numbers, such as [1, 2]",
    "texts": "a list of texts",
    "steps": "a list of steps",
}


def read_project(
    file: str, *, from_markdown: bool = False, name: str | None = None, base_commit: str | None = None
) -> ProjectFile:
    """Read a project from a file; `-` is standard input.

    Raises:
        InvalidError: the file is not a plan; the sentence names the line.
        NotFoundError: there is no such file.
    """
    source = _source(file)
    if from_markdown or _is_markdown(file):
        return tasklist.parse(source, name, base_commit)
    return parse_project(source, name, base_commit)


def read_steps(file: str, *, from_markdown: bool = False) -> list[Step]:
    """Read steps to add: a list of them, or a plan's `steps`. Raises as `read_project` does."""
    source = _source(file)
    if from_markdown or _is_markdown(file):
        return tasklist.steps(source)
    value, lines = _load(source)
    if isinstance(value, dict):
        given = cast("Mapping[object, object]", value)
        _check_fields(source, given, _PROJECT_FIELDS, (), lines)
        return _steps(source, given.get("steps"), ("steps",), lines)
    return _steps(source, value, (), lines)


def _is_markdown(file: str) -> bool:
    return Path(file).suffix.lower() in {".md", ".markdown"}


def parse_project(source: Source, name: str | None = None, base_commit: str | None = None) -> ProjectFile:
    """Make a project of a text in YAML or JSON."""
    value, lines = _load(source)
    if not isinstance(value, dict):
        raise source.fault(1, "a plan is a mapping with 'name' and 'steps'", "See `gitcoord project create --help`.")
    given = cast("Mapping[object, object]", value)
    _check_fields(source, given, _PROJECT_FIELDS, (), lines)
    steps = _steps(source, given.get("steps"), ("steps",), lines)
    wanted = name or given.get("name")
    if not isinstance(wanted, str):
        raise source.fault(1, "the project has no name", "Write 'name: myapp', or give --name.")
    base, description, minutes = (given.get(key) for key in ("base_commit", "description", "stale_minutes"))
    return ProjectFile(
        name=project_name(wanted),
        base_commit=base_commit or (base if isinstance(base, str) else "HEAD"),
        steps=steps,
        description=description if isinstance(description, str) else "",
        stale_minutes=minutes if isinstance(minutes, int) else STALE_MINUTES,
    )


def check(name: str, steps: Sequence[Step]) -> None:
    """Apply the rules of planning to a whole plan without writing anything.

    Raises:
        InvalidError: a rule is broken: a circle, a missing dependency, two steps of one branch.
    """
    from gitcoord.core.steps.rules.plan import plan_fault
    from gitcoord.service.steps.projects import definitions

    fault = plan_fault({definition.step_num: definition.as_step(name) for definition in definitions(steps)})
    if fault:
        raise InvalidError(fault.message, hint=fault.hint)


def _source(file: str) -> Source:
    if file == "-":
        data, name = sys.stdin.buffer.read(BYTES_MAX + 1), "standard input"
    else:
        name = shown(file, 200).strip("'\"")
        try:
            with Path(file).open("rb") as opened:
                data = opened.read(BYTES_MAX + 1)
        except FileNotFoundError:
            raise NotFoundError(f"There is no file {shown(file, 200)}.", hint="'-' reads standard input.") from None
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{shown(file, 200)} cannot be read: {getattr(error, 'strerror', None) or error}."
            ) from None
    if len(data) > BYTES_MAX:
        raise InvalidError(f"{name} is larger than {BYTES_MAX // 1024 // 1024} MB.", hint="Cut the work into projects.")
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidError(f"{name}:{line}: this is not UTF-8.") from None


def _load(source: Source) -> tuple[object, Lines]:
    """Return the value of a text, and what tells the line of a part of it."""
    if source.text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(source.text, object_pairs_hook=_unique)
        except json.JSONDecodeError as error:
            raise source.fault(error.lineno, f"this is not JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise source.fault(None, f"this is not JSON: {error}") from None
        return value, _lines_of(source.text)
    from gitcoord.service.team import yaml_text

    try:
        return yaml_text.load(source.text), _lines_of(source.text)
    except yaml_text.YamlError as error:
        raise source.fault(error.line, str(error)) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    out = dict(pairs)
    if len(out) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} is given twice")
    return out


def _lines_of(text: str) -> Lines:
    """Return a function from the path of a value to its line. Reads the text again, so only errors call it."""
    from gitcoord.service.team import yaml_text

    @cache
    def root() -> object:
        return yaml_text.compose(text)  # YAML 1.2 reads JSON too

    def line(path: tuple[str | int, ...]) -> int | None:
        try:
            return _line_at(root(), path)
        except yaml_text.YamlError:
            return None

    return line


def _line_at(node: object, path: Sequence[str | int]) -> int | None:
    """Walk the nodes of ruamel.yaml; the line is that of the key, where there is one."""
    mark = getattr(node, "start_mark", None)
    for word in path:
        value = getattr(node, "value", None)
        if not isinstance(value, list):
            break
        items = cast("list[object]", value)
        if isinstance(word, int):
            found = items[word] if word < len(items) else None
            node, mark = found, getattr(found, "start_mark", mark)
            continue
        pairs = [cast("tuple[object, object]", item) for item in items if isinstance(item, tuple)]
        match = next(((key, inner) for key, inner in pairs if getattr(key, "value", None) == word), None)
        if match is None:
            break
        node, mark = match[1], getattr(match[0], "start_mark", mark)
    line = getattr(mark, "line", None)
    return line + 1 if isinstance(line, int) else None


def _steps(source: Source, value: object, path: tuple[str | int, ...], lines: Lines) -> list[Step]:
    if not isinstance(value, list) or not value:
        raise source.fault(lines(path), "there are no steps", "Write 'steps:' with a list of {step_num, title, …}.")
    steps: list[Step] = []
    seen: dict[int, int] = {}
    for index, item in enumerate(cast("list[object]", value)):
        where = (*path, index)
        if not isinstance(item, dict):
            raise source.fault(lines(where), f"a step is a mapping, not {_named(item)}")
        step = cast("dict[object, object]", item)
        _check_fields(source, step, _STEP_FIELDS, where, lines)
        num = step.get("step_num")
        if not isinstance(num, int):
            raise source.fault(lines(where), "the step has no step_num", "Number the steps from 1.")
        if num in seen:
            first = lines((*path, seen[num]))
            raise source.fault(lines((*where, "step_num")), f"step {num} is there already, at line {first}")
        seen[num] = index
        steps.append({str(key): cast("Json", inner) for key, inner in step.items() if inner is not None})
    return steps


def _check_fields(
    source: Source, value: Mapping[object, object], known: Mapping[str, str], path: tuple[str | int, ...], lines: Lines
) -> None:
    for key, inner in value.items():
        name = key if isinstance(key, str) else repr(key)
        kind = known.get(name) if isinstance(key, str) else None
        if kind is None:
            hint = did_you_mean(name, known).rstrip() or f"The fields are {', '.join(known)}."
            what = f"step {value['step_num']} has" if isinstance(value.get("step_num"), int) else "there is"
            raise source.fault(lines((*path, name)), f"{what} an unknown field {shown(name, 40)}", hint)
        if inner is not None and not _is(inner, kind):
            problem = f"{name} is {_named(inner)}; it has to be {_KINDS[kind]}"
            raise source.fault(lines((*path, name)), problem)


def _is(value: object, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "steps":
        return isinstance(value, list)
    part = "number" if kind == "numbers" else "text"
    return isinstance(value, list) and all(_is(item, part) for item in cast("list[object]", value))


def _named(value: object) -> str:
    if isinstance(value, str | int | float):
        return shown(str(value), 40)
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"
