"""Next steps: what a sentence of ours says to do, checked as whoever reads it would do it.

    for call in calls(text)          each call of a tool, as a client would send it
    refused(text)                    why a tool, or the command line for people, would not take what is said

`…` stands for what the reader knows; it is filled in with a value of the argument's kind. `a|b` is a choice of words.
"""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from gitcoord.core.documents.call import calls_of
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli.parser import build
from gitcoord.faces.cli.terminal.commands import for_shell
from gitcoord.faces.mcp.tools.arguments import read_arguments, schema_of
from gitcoord.faces.mcp.tools.mistakes import Node
from gitcoord.faces.mcp.tools.tool_table import tools_of

TOOLS = tools_of("all")
_CALL = re.compile(rf"(?<![.\w])({'|'.join(TOOLS)})\(([^()]*)\)")
_COMMAND = re.compile(r"`gitcoord ([^`]+)`")
_ARGUMENTS = {name for tool in TOOLS.values() for name in tool.arguments}
_LOOSE = re.compile(rf"\b(?:{'|'.join(_ARGUMENTS)})=")
_QUOTED = re.compile(r"""'[^']*'|"[^"$`\\]*"|\\.""")
_ACTED_ON = re.compile(r"[^\w\s@%+=:,./-]", re.ASCII)  # by some shell: what `shlex.quote` quotes
_PUNCTUATION = frozenset("();<>|&")
_SAMPLES: Mapping[str, Json] = {
    "string": "x",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array of string": ["x"],
    "array of integer": [1],
    "array of object": [{"step_num": 1}],
    "object": {"a.py": ["f"]},
}
_Call = tuple[str, dict[str, Json]]


def calls(text: str) -> Iterator[_Call]:
    """Yield the tools that a text says to call, with their arguments."""
    for found in _CALL.finditer(text):
        tool = TOOLS[found[1]]
        schema = schema_of(tool.model)
        known, required = schema["properties"], schema.get("required", [])
        parts = [part.partition("=") for part in re.split(r", (?=\w+=|…)", found[2]) if part]
        given = {name: _value(known.get(name), value) for name, equals, value in parts if equals}
        if any(name == "…" for name, _, _ in parts):
            given |= {name: _sample(known[name]) for name in required if name not in given}
        given |= {name: "" for name, equals, _ in parts if not equals and name != "…"}  # no argument has such a name
        yield tool.name, given


def _value(argument: Node | None, text: str) -> Json:
    if argument is None or text in {"…", "'…'", "[…]"}:
        return _sample(argument) if argument is not None else "x"
    if text in {"true", "false"}:
        return text == "true"
    try:
        value: Any = ast.literal_eval(text.replace("…", "x"))
    except (SyntaxError, ValueError):
        return text.partition("|")[0]  # a choice of words, which only a tool's call spells so
    return value


def _sample(argument: Node) -> Json:
    if "enum" in argument:
        return argument["enum"][0]
    items = argument.get("items")
    return _SAMPLES[f"array of {items['type']}" if items else argument["type"]]


def refused(text: str) -> list[str]:
    """Return why what a text says to do would not be taken: over MCP as it stands, or in a shell as shown there."""
    lines = [f"gitcoord {words}" for words in _COMMAND.findall(for_shell(text))]
    named, spelled = (
        sorted(names) for names in ((call.tool for call in calls_of(text)), (tool for tool, _ in calls(text)))
    )
    lost = [] if named == spelled else [f"calls that no face can say in its own words: {text}"]
    return [*lost, *refused_over_mcp(text), *(why for line in lines for why in refused_as_printed(line))]


def refused_over_mcp(text: str) -> Iterator[str]:
    """Yield why a call would not be taken as it stands, or only after it was read otherwise."""
    for name, given in calls(text):
        try:
            read = read_arguments(name, TOOLS[name].model, given)
        except CoordError as error:
            yield f"{name}({given}): {error}"
        else:
            if read.notes:
                yield f"{name}({given}): {read.notes}"
    if _LOOSE.search(_CALL.sub("", text)):
        yield f"an argument outside of a call: {text}"


def refused_as_printed(line: str) -> Iterator[str]:
    """Yield why a command would not be taken if it were pasted as it is."""
    if found := _ACTED_ON.search(_QUOTED.sub("", line)):
        yield f"{line}: a shell acts on {found[0]}"
    yield from refused_in_a_shell(line)


def refused_in_a_shell(line: str) -> Iterator[str]:
    """Yield why the first command of a line would not be taken. WORDS in capitals stand for what its reader knows."""
    words = _first_command(line)
    if words[1:2] and words[1].startswith("-"):
        return  # an option of gitcoord itself
    try:
        _parse([word for word in words[1:] if "…" not in word])
    except typer.TyperException as error:
        said = error.format_message()
        if not any(word.isupper() and repr(word) in said for word in words):
            yield f"{line}: {said}"


def _first_command(line: str) -> list[str]:
    """Return the words up to where a shell would end the command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word and set(word) <= _PUNCTUATION:
            break
        words.append(word)
    return words


def _parse(words: list[str]) -> None:
    """Parse a command as the shell would hand it over, without running it."""
    command: Any = typer.main.get_command(build(words))
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if hasattr(command, "commands") and not command.invoke_without_command:
        raise typer.BadParameter(f"no command {words[:1]}")
    command.make_context("gitcoord", list(words))


def next_steps(result: Json) -> Iterator[str]:
    """Yield every next step of a result, those of its notices and of what is in it too."""
    if isinstance(result, dict):
        for name, value in result.items():
            if name == "next_step" and isinstance(value, str):
                yield value
            else:
                yield from next_steps(value)
    elif isinstance(result, list):
        for value in result:
            yield from next_steps(value)
