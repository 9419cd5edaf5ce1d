"""The reference of the command line: a page for each group of the help, and one that lists all commands."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import typer

from gitcoord.faces.cli import parser
from gitcoord.faces.cli.help import GROUPS
from gitcoord.service.schemas.result_kinds import RESULTS
from tests.reference.markdown import WRITTEN, code, prose, table

INDEX = "README.md"
_FACT = re.compile(r"\s*\[(?:required|default: (.*))\]$")
_BESIDE = re.compile(r"^(gitcoord .*\S) {2,}(?=\S)(?!#)(.*)$")
_EXIT = """\
| status | meaning |
| --- | --- |
| 0 | done |
| 1 | refused by the rules, or something was found |
| 2 | usage: the call cannot be carried out as it is |
| 3 | a bug |
| 4 | contended: others were faster for as long as it was tried |
| 5 | a remote or a disk is out of reach, or the outcome is not known |
| 6 | denied by the remote |
| 130 | interrupted |

The [error codes](../errors.md) say more. Two commands have their own: `worktree in-use` ([worktrees](../worktrees.md))
and `status --exit-code` ([prompts](../prompts.md)).
"""


class Command(NamedTuple):
    """A command of the parser with the words that call it, and its context, which the parser asks for."""

    words: str
    parsed: Any
    context: Any

    @property
    def summary(self) -> str:
        return str(self.parsed.help).partition("\n")[0]


@cache
def commands() -> Mapping[str, tuple[Command, ...]]:
    """Return every command, by the group of the help."""
    root: Any = typer.main.get_command(parser.build([]))
    context = root.context_class(root, info_name="gitcoord")
    return {
        group: tuple(command for noun in nouns for command in _below(root.commands[noun], noun, context))
        for group, nouns in GROUPS.items()
    }


def _below(parsed: Any, words: str, parent: Any) -> Iterator[Command]:  # noqa: ANN401 - typer's own types are private
    context = parsed.context_class(parsed, info_name=words.rpartition(" ")[2], parent=parent)
    verbs = getattr(parsed, "commands", None)
    if verbs is None or parsed.invoke_without_command:
        yield Command(words, parsed, context)
    for verb, inner in (verbs or {}).items():
        if not inner.hidden:
            yield from _below(inner, f"{words} {verb}", context)


def texts() -> dict[str, str]:
    """Return the pages by their names."""
    return {INDEX: _index(), **{_page(group): _group(group) for group in GROUPS}}


def _page(group: str) -> str:
    return f"{group.lower().replace(' ', '-')}.md"


def _index() -> str:
    lists = ""
    for group, found in commands().items():
        rows = [(f"[`{each.words}`]({_page(group)}#{_anchor(each)})", prose(each.summary)) for each in found]
        lists += f"## {group}\n\n{table(('command', 'what it does'), rows)}\n"
    return (
        f"# Command line\n\n{WRITTEN}"
        "`gitcoord COMMAND --help` says the same in a terminal. `gitcoord --version` prints the version;\n"
        "`gitcoord --install-completion` has your shell complete commands, projects, steps and claims.\n\n"
        "Results are on stdout, all else on stderr. With `--json`, which most commands have, stdout has one JSON\n"
        "object, also where something breaks; its [schemas](../schemas.md) say what is in it.\n\n"
        f"{lists}## Exit statuses\n\n{_EXIT}"
    )


def _anchor(command: Command) -> str:
    return f"gitcoord-{command.words.replace(' ', '-')}"


def _group(group: str) -> str:
    sections = "\n".join(map(_section, commands()[group]))
    return f"# Commands: {group.lower()}\n\n{WRITTEN}[All commands](README.md).\n\n{sections}"


def _section(command: Command) -> str:
    usage = " ".join(command.parsed.collect_usage_pieces(command.context))
    parts = [
        f"## gitcoord {command.words}\n",
        _help(command.parsed.help),
        f"```text\nUsage: gitcoord {command.words} {usage}\n```\n",
        _parameters(command),
        *_epilog(command.parsed.epilog),
        _result(command),
        _statuses(command),
    ]
    return "\n".join(part for part in parts if part)


def _help(text: str) -> str:
    paragraphs = [part.replace("\b\n", "") for part in text.strip().split("\n\n")]
    return "\n\n".join(prose(part) for part in paragraphs) + "\n"


def _parameters(command: Command) -> str:
    found = [each.get_help_record(command.context) for each in command.parsed.get_params(command.context)]
    rows = [(code(words), _purpose(text)) for words, text in filter(None, found) if words != "--help"]
    return table(("argument or option", "what it is"), rows)


def _purpose(text: str) -> str:
    """Return what an option is for, with what the parser puts behind it in brackets as a sentence."""
    said = prose(_FACT.sub("", text))
    match _FACT.search(text):
        case None:
            return said
        case found if found[1]:
            return f"{said} Default: {code(found[1])}."
        case _:
            return f"{said} Needed."


def _epilog(text: str) -> Iterator[str]:
    """Yield each part of what stands below the options, which has a heading and lines that are kept."""
    for part in filter(str.strip, text.split("\b\n")):
        heading, _, lines = part.strip("\n").partition("\n")
        language = "sh" if heading == "Examples:" else "yaml" if heading == "A plan:" else "text"
        yield f"{heading}\n\n```{language}\n{_outdented(lines)}\n```\n"


def _outdented(lines: str) -> str:
    """Return lines without their indent; what stands beside a command becomes a comment of the shell."""
    return "\n".join(_BESIDE.sub(r"\1  # \2", line.removeprefix("  ")) for line in lines.splitlines())


def _statuses(command: Command) -> str:
    """Return where it is said what it exits with: some commands say in their help what is special about them."""
    options = " ".join(str(getattr(each, "help", "")) for each in command.parsed.params)
    has_own = "xit status" in f"{command.parsed.help} {command.parsed.epilog}" or "End with" in options
    said = "its own are said above, others are" if has_own else "those"
    return f"Exit statuses: {said} [of every command](README.md#exit-statuses).\n"


def _result(command: Command) -> str:
    name = command.words.replace(" ", "_")
    if command.words not in RESULTS:
        return ""
    return f"With `--json` it prints [`results/{name}`](../schemas/results/{name}.json).\n"
