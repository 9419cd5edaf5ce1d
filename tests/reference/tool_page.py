"""The reference of the MCP server: its tools with their arguments, its resources and its prompts."""

import inspect
import json
from typing import Any

from gitcoord.core.documents.call import Call
from gitcoord.faces.cli.terminal.commands import command
from gitcoord.faces.mcp.prompts import PROMPTS
from gitcoord.faces.mcp.resources import RESOURCES, TEMPLATES
from gitcoord.faces.mcp.tools.arguments import schema_of
from gitcoord.faces.mcp.tools.tool import Effect, Tool, ToolSet
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.service.schemas.result_kinds import RESULTS
from tests.reference.markdown import WRITTEN, prose, table

_SETS: dict[ToolSet, str] = {
    "work": "Tools of a worker: `--tools work`, and each larger set",
    "lead": "Tools of a planner: `--tools lead`, and `all`",
    "all": "Tools for scripts and for users of older tools: `--tools all`",
}
_EFFECTS: dict[Effect, str] = {
    "reads": "only reads; while the remote is away it is answered from what is here",
    "idempotent": "writes; the same call again changes nothing more",
    "writes": "writes",
    "ends": "ends something that others may rely on",
}
_HEAD = f"""\
# Reference of the MCP server

{WRITTEN}\
`gitcoord mcp` offers these tools, resources and prompts; [the MCP server](mcp.md) says how it works. Arguments are
JSON, and so is a result; the schema that is named describes its fields. A client lists tools with the same texts.
"""


def text() -> str:
    """Return the page."""
    tools = [*tools_of("all").values()]
    parts = [_HEAD]
    for name, heading in _SETS.items():
        parts += [f"## {heading}\n", *(_tool(tool) for tool in tools if tool.smallest == name)]
    return "\n".join([*parts, _resources(), _prompts()])


def _tool(tool: Tool) -> str:
    schema: dict[str, Any] = schema_of(tool.model)
    needed = schema.get("required", [])
    rows = [
        (f"`{name}`", _kind(node), _default(tool, name, needed), prose(node.get("description", "")))
        for name, node in schema["properties"].items()
    ]
    facts = f"Effect: {_EFFECTS[tool.effect]}." + " A call may block for up to 50 s." * tool.waits
    listed = table(("argument", "type", "default", "what it is"), rows)
    return "\n".join(filter(None, [f"### {tool.name}\n", f"{prose(tool.text)}\n", f"{facts}\n", listed, _result(tool)]))


def _kind(node: dict[str, Any]) -> str:
    """Return the type of an argument in words: what is in a list or an object follows it."""
    if "enum" in node:
        return " or ".join(f"`{json.dumps(word)}`" for word in node["enum"])
    if node["type"] == "array":
        return f"list of {_kind(node['items'])}"
    if properties := node.get("properties"):
        return f"object ({', '.join(f'`{name}`: {_kind(inner)}' for name, inner in properties.items())})"
    if inner := node.get("additionalProperties"):
        return f"object of {_kind(inner)}"
    return f"{node['type']}, at least {node['minimum']}" if "minimum" in node else str(node["type"])


def _default(tool: Tool, name: str, needed: list[str]) -> str:
    if name in needed:
        return "**needed**"
    value = inspect.signature(tool.call).parameters[name].default
    return "" if value is None or value == "" else f"`{json.dumps(value)}`"


def _result(tool: Tool) -> str:
    same = command(Call.of(tool.name)).strip("`").split()[1:]
    name = next(words for length in range(len(same), 0, -1) if (words := " ".join(same[:length])) in RESULTS)
    slug = name.replace(" ", "_")
    return f"Result: [`results/{slug}`](schemas/results/{slug}.json), as of the command `gitcoord {name}`.\n"


def _resources() -> str:
    rows = [(f"`{each.uri}`", prose(each.description or "")) for each in RESOURCES]
    rows += [(f"`{each.uri_template}`", prose(each.description or "")) for each in TEMPLATES]
    return f"## Resources\n\nEach is JSON, and can be subscribed to.\n\n{table(('address', 'what it is'), rows)}"


def _prompts() -> str:
    sections = ""
    for prompt in PROMPTS:
        rows = [(f"`{each.name}`", prose(each.description or "")) for each in prompt.arguments or []]
        listed = table(("argument", "what it is"), rows)
        sections += f"\n### {prompt.name}\n\n{prose(prompt.description or '')}\n\n{listed}"
    return f"## Prompts\n{sections}"
