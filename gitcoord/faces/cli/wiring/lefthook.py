"""lefthook's file: a line of ours under each hook that it has, because `lefthook install` writes over git's hooks.

The line is put in as text, at the place that ruamel.yaml finds, and read back: the file must say what it said before,
and the line. Where that cannot be done (a hook in one line, a file that is no YAML), `init` says what a person has to
add.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitcoord.faces.cli.wiring.change import Edited, NotOursError
from gitcoord.service.inputs import yaml_text
from gitcoord.service.inputs.yaml_text import YamlError
from gitcoord.source.checkout.checkout_file import read_small

FILES = (
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".config/lefthook.yml",
    ".config/lefthook.yaml",
)
_OURS = re.compile(r"^[ ]*(?:- |commands: \{|gitcoord: )?.*'if command -v gitcoord .*\}\r?\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lefthook:
    """The lines that a file shall have, one under each of the hooks that are in it."""

    path: str
    names: tuple[str, ...]

    def put(self, text: str | None) -> Edited:
        """Add the lines that are missing.

        Raises:
            NotOursError: the file is written in a way that nothing can be added to.
        """
        after = text or ""
        for name in self.names:
            if f"gitcoord hook {name}" not in after:
                after = _with(after, name)
        return Edited(text if after == (text or "") else after)

    def take(self, text: str) -> Edited:
        """Remove the lines."""
        return Edited(_OURS.sub("", text))


def find(top: Path) -> str | None:
    """Return lefthook's file, if it is in use here."""
    return next((name for name in FILES if (top / name).is_file()), None)


def hooks_in(top: Path, path: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of these hooks lefthook has; none if the file cannot be read."""
    try:
        root = _composed(read_small(top / path).decode())
    except (OSError, UnicodeDecodeError, NotOursError):
        return ()
    return tuple(name for name in names if _value(root, name) is not None)


def line(name: str) -> str:
    """Return our command as lefthook writes one."""
    say = f'echo "gitcoord: NOTHING WAS CHECKED ({name}): it is not on PATH" >&2'
    # Where the policy `enforce` holds, what was not checked stops, too; see the hooks at the top of this repository.
    open_ = '! -e "$(git rev-parse --git-common-dir)/gitcoord/snapshot/enforce"'
    is_judging = name in {"pre-push", "pre-commit"}
    check = f"[ $? -ne 1 -a {open_} ]" if is_judging else "[ $? -ne 1 ]"
    say += f"; [ {open_} ]" if is_judging else ""
    run = f"if command -v gitcoord >/dev/null; then gitcoord hook {name} {{0}} || {check}; else {say}; fi"
    stdin = "use_stdin: true, " if name == "pre-push" else ""
    return f"{stdin}run: '{run}'"


def _with(text: str, name: str) -> str:
    hook = _value(_composed(text), name)
    commands, jobs = _value(hook, "commands"), _value(hook, "jobs")
    if _is_block(commands, "mapping"):
        after = _inserted(text, commands.value[0][0], f"gitcoord: {{{line(name)}}}")
    elif _is_block(jobs, "sequence"):
        after = _inserted(text, jobs.value[0], f"- {{name: gitcoord, {line(name)}}}")
    elif _is_block(hook, "mapping") and commands is None and jobs is None:
        after = _inserted(text, hook.value[0][0], f"commands: {{gitcoord: {{{line(name)}}}}}")
    else:
        after = text
    says_the_same = _loaded(_OURS.sub("", after)) == _loaded(_OURS.sub("", text))
    if after == text or not says_the_same or f"hook {name}" not in str(_loaded(after)):
        raise NotOursError(f"its {name} is written in a way that nothing can be added to; add by hand: {line(name)}")
    return after


def _inserted(text: str, before: Any, entry: str) -> str:  # noqa: ANN401 - a node of ruamel.yaml, which has no types
    """Put a line before the one on which a node begins, as far in as that one."""
    lines = text.splitlines(keepends=True)
    index = int(before.start_mark.line)
    margin = lines[index][: len(lines[index]) - len(lines[index].lstrip(" "))]
    newline = "\r\n" if lines[index].endswith("\r\n") else "\n"
    return "".join([*lines[:index], f"{margin}{entry}{newline}", *lines[index:]])


def _is_block(node: Any, kind: str) -> bool:  # noqa: ANN401 - as above
    return node is not None and node.id == kind and not node.flow_style and bool(node.value)


def _value(node: Any, key: str) -> Any:  # noqa: ANN401 - as above
    if node is None or node.id != "mapping":
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _composed(text: str) -> Any:  # noqa: ANN401 - as above
    try:
        return yaml_text.compose(text)
    except YamlError as error:
        raise NotOursError(f"it is not YAML (line {error.line}: {error}); fix it, then run this again") from None


def _loaded(text: str) -> object:
    try:
        return yaml_text.load(text)
    except YamlError:
        return None
