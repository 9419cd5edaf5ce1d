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
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gitcoord.core.documents.names import project_name, shown
from gitcoord.core.steps.project import STALE_MINUTES
from gitcoord.errors import InvalidError, NotFoundError, UsageError
from gitcoord.faces.cli.work import tasklist
from gitcoord.faces.cli.work.plan_source import Draft, ProjectFile, Source, Step

if TYPE_CHECKING:
    from gitcoord.core.documents.outcomes import Outcome
    from gitcoord.service.inputs.plan_input import PlanInput

BYTES_MAX = 32 * 1024 * 1024  # a plan of as many steps as a project may have is about 2 MB


def read_project(
    file: str, *, from_markdown: bool = False, name: str | None = None, base_commit: str | None = None
) -> ProjectFile:
    """Read a project from a file; `-` is standard input.

    Raises:
        InvalidError: the file is not a plan, or breaks a rule of planning; the sentence names the line.
        NotFoundError: there is no such file.
    """
    return parse_project(_source(file), name, base_commit, from_markdown=from_markdown or _is_markdown(file))


def read_steps(file: str, *, from_markdown: bool = False) -> list[Step]:
    """Read steps to add: a list of them, or a plan's `steps`. Raises as `read_project` does."""
    return parse_steps(_source(file), from_markdown=from_markdown or _is_markdown(file))


def _is_markdown(file: str) -> bool:
    return Path(file).suffix.lower() in {".md", ".markdown"}


def parse_steps(source: Source, *, from_markdown: bool = False) -> list[Step]:
    """Make steps of a text in YAML or JSON, or of a task list. What they depend on is not looked at."""
    draft = tasklist.read(source) if from_markdown else _load(source)
    if isinstance(draft.value, list):
        whole = draft
        draft = Draft({"steps": whole.value}, lambda path: whole.line(path[1:]), whole.twice)
    return _steps(_checked(source, draft.without_name()))


def parse_project(
    source: Source, name: str | None = None, base_commit: str | None = None, *, from_markdown: bool = False
) -> ProjectFile:
    """Make a project of a text in YAML or JSON, or of a task list."""
    from gitcoord.core.steps.rules.plan import nested_fault, plan_fault
    from gitcoord.service.steps.projects import definitions

    draft = tasklist.read(source) if from_markdown else _load(source)
    plan = _checked(source, draft.without_name() if name else draft)
    wanted = name or plan.name or (tasklist.name_of(source) if from_markdown else None)
    if wanted is None:
        raise source.fault(1, "the project has no name", "Write 'name: myapp', or give --name.")
    steps = _steps(plan)
    planned = {step.step_num: step.as_step(wanted) for step in definitions(steps)}
    fault = plan_fault(planned) or nested_fault(planned, planned)
    if fault:
        where = _place(plan, fault)
        raise source.fault(draft.line(("steps", *where)), fault.message.rstrip("."), fault.hint)
    return ProjectFile(
        name=project_name(wanted),
        base_commit=base_commit or ("HEAD" if plan.base_commit is None else plan.base_commit),
        steps=steps,
        description=plan.description or "",
        stale_minutes=plan.stale_minutes or STALE_MINUTES,
    )


def _place(plan: "PlanInput", fault: "Outcome") -> tuple[str | int, ...]:
    """Return where the step is that a rule of planning names; of two of one branch the second."""
    cycle = fault.facts.get("cycle")
    num = cycle[0] if isinstance(cycle, list) else fault.facts.get("step_num")
    branches = [step.branch for step in plan.steps]
    for index, step in enumerate(plan.steps):
        if step.step_num == num:
            return index, "branch" if fault.code == "nested_branch" else "depends_on"
        if num is None and step.branch and step.branch in branches[:index]:
            return index, "branch"
    return ()


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


def _load(source: Source) -> Draft:
    """Return a text in YAML or JSON as data."""
    if source.text.lstrip()[:1] in ("{", "["):
        return _load_json(source)
    from gitcoord.service.inputs import yaml_text

    try:
        loaded = yaml_text.load_with_nodes(source.text)
        count = yaml_text.items_of(loaded.root)
    except yaml_text.YamlError as error:
        raise source.fault(error.line, str(error)) from None
    if count > max(yaml_text.ITEMS_MAX, len(source.text)):  # without aliases each takes a character
        raise source.fault(1, f"aliases make {count} items of its lists, more than a plan may have")
    return Draft(loaded.value, yaml_text.Places(loaded.root).line, loaded.twice)


def _load_json(source: Source) -> Draft:
    """Return a text in JSON as data. YAML 1.2 reads JSON too: by that the lines of mistakes are found."""
    from gitcoord.service.inputs import yaml_text

    doubled: list[str] = []

    def one_of(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in pairs}) < len(pairs):
            doubled.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return dict(pairs)

    @cache
    def nodes() -> yaml_text.Node | None:
        try:
            return yaml_text.compose(source.text)
        except yaml_text.YamlError:
            return None

    @cache
    def places() -> yaml_text.Places:
        return yaml_text.Places(nodes())

    try:
        value = json.loads(source.text, object_pairs_hook=one_of)
    except json.JSONDecodeError as error:
        raise source.fault(error.lineno, f"this is not JSON: {error.msg}") from None
    except RecursionError:
        raise source.fault(None, "this is nested too deep") from None
    except ValueError:  # the only other one: Python takes no number of more than 4,300 digits
        raise source.fault(None, "a number has thousands of digits") from None
    twice = [*yaml_text.twice_given(nodes())] if doubled else []
    known = twice or [((name,), None) for name in doubled]
    return Draft(value, lambda path: places().line(path) if nodes() else None, known)


def _checked(source: Source, draft: Draft) -> "PlanInput":
    """Return the plan that a text has.

    Raises:
        InvalidError: it is none; all that is wrong with it is named.
    """
    from gitcoord.service.inputs import mistakes
    from gitcoord.service.inputs.plan_input import PlanInput

    plan, found = mistakes.check(PlanInput, draft.value, draft.line, draft.twice)
    seen: dict[int, int] = {}
    for index, step in enumerate(plan.steps if plan else ()):
        if seen.setdefault(step.step_num, index) != index:
            first = draft.line(("steps", seen[step.step_num]))
            problem = f"step {step.step_num} is there already, at line {first}"
            found.append(mistakes.Mistake(draft.line(("steps", index)), problem))
    if found:
        raise mistakes.as_error(source.name, found)
    return cast("PlanInput", plan)


def _steps(plan: "PlanInput") -> list[Step]:
    return [step.model_dump(exclude_none=True) for step in plan.steps]
