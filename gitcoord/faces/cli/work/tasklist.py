"""Task lists: a Markdown file's open tasks as steps of a project.

    # My plan                                   the project's name, which is `My-plan`
    - [ ] 1. Data model (db)                    number, title, scope
    - [ ] 2. Endpoints (api) after 1            … and what it depends on
      More about it, for its worker.            indented below: the description
    - [x] 3. Spike                              done already: left out, also of what depends on it

Rules:
  * A task without a number has the one after the task above it.
  * Everything else in the file is not for us.
"""

import re
from dataclasses import dataclass, field

from gitcoord.core.documents.names import project_name, shown
from gitcoord.errors import InvalidError
from gitcoord.faces.cli.work.plan_source import Draft, Source, Step

_TASK = re.compile(r"(?P<indent>\s*)[-*+]\s+\[(?P<mark>[ xX])\]\s+(?:(?P<num>[0-9]{1,9})[.)]\s+)?(?P<rest>\S.*)")
_AFTER = re.compile(r"(?P<title>.*?)\s+after\s+(?P<nums>[0-9]+(?:(?:\s*,\s*|\s+and\s+|\s*&\s*)[0-9]+)*)\s*\.?")
_SCOPE = re.compile(r"(?P<title>.*\S)\s*\((?P<scope>[\w.+/-]+)\)")
_NOT_OF_NAMES = re.compile(r"[^A-Za-z0-9_.-]+|\.(?=\.)")
_HEADING = re.compile(r"#\s+(?P<name>\S.*?)\s*#*")


@dataclass(slots=True)
class _Task:
    line: int
    num: int
    is_done: bool
    indent: int
    title: str
    scope: str | None
    after: list[int]
    text: list[str] = field(default_factory=list[str])


def read(source: Source) -> Draft:
    """Return the open tasks as the steps of a plan that has no name.

    Raises:
        InvalidError: there is no open task, or a number is used twice.
    """
    tasks: list[_Task] = []
    seen: dict[int, int] = {}
    above: _Task | None = None
    for number, line in enumerate(source.text.splitlines(), start=1):
        match = _TASK.fullmatch(line.rstrip())
        if match is None:
            # A line belongs to the task above it, if it is indented below it; text at the margin ends the task.
            if above is not None and line.strip():
                if len(line) - len(line.lstrip()) > above.indent:
                    above.text.append(line.strip())
                else:
                    above = None
            continue
        task = _task(match, number, (tasks[-1].num if tasks else 0) + 1)
        if task.num in seen:
            raise source.fault(number, f"task {task.num} is there already, at line {seen[task.num]}")
        seen[task.num] = number
        tasks.append(task)
        above = task
    done = {task.num for task in tasks if task.is_done}
    open_tasks = [task for task in tasks if not task.is_done]
    if not open_tasks:
        raise source.fault(None, "there is no open task", "Write '- [ ] 1. title (scope)', one a line.")
    lines = [task.line for task in open_tasks]
    steps = [_step(task, done) for task in open_tasks]
    return Draft({"steps": steps}, lambda path: next((lines[word] for word in path if isinstance(word, int)), None))


def _task(match: "re.Match[str]", line: int, next_num: int) -> _Task:
    rest, after, scope = match["rest"].strip(), list[int](), None
    ending = _AFTER.fullmatch(rest)
    if ending:
        rest, after = ending["title"], [int(num) for num in re.findall(r"[0-9]+", ending["nums"])]
    scoped = _SCOPE.fullmatch(rest)
    if scoped:
        rest, scope = scoped["title"], scoped["scope"]
    num = int(match["num"]) if match["num"] else next_num
    return _Task(line, num, match["mark"] != " ", len(match["indent"]), rest, scope, after)


def _step(task: _Task, done: set[int]) -> Step:
    step: Step = {"step_num": task.num, "title": task.title}
    after = sorted({num for num in task.after if num not in done})
    if after:
        step["depends_on"] = [*after]
    if task.scope:
        step["scope"] = task.scope
    if task.text:
        step["description"] = "\n".join(task.text)
    return step


def name_of(source: Source) -> str:
    """Return the first heading as a project's name: what cannot be in one becomes a hyphen.

    Raises:
        InvalidError: there is no heading, or nothing in it can be in a name.
    """
    hint = "Give --name, or begin the file with a heading such as '# myapp'."
    for number, line in enumerate(source.text.splitlines(), start=1):
        match = _HEADING.fullmatch(line.strip())
        if match is None:
            continue
        try:
            return project_name(_NOT_OF_NAMES.sub("-", match["name"]).strip("-."))
        except InvalidError:
            raise source.fault(number, f"the heading {shown(match['name'])} cannot name a project", hint) from None
    raise source.fault(1, "the project has no name", hint)
