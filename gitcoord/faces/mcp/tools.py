"""The table of all tools, and the sets that a server is started with.

A noun's tools are a module with a tuple `TOOLS`; they register by being listed here.
"""

from collections.abc import Iterable

from gitcoord.faces.mcp import claim_tools, predict_tools, project_tools, request_tools, step_tools
from gitcoord.faces.mcp.tool import Tool, ToolSet

_MODULES = (step_tools, claim_tools, request_tools, predict_tools, project_tools)


def tools_of(tool_set: ToolSet) -> dict[str, Tool]:
    """Return the tools of a set, by name: what a worker needs, that and what a lead needs, or all."""
    return {tool.name: tool for tool in _every() if tool_set != "work" or tool.for_workers}


def _every() -> Iterable[Tool]:
    return (tool for module in _MODULES for tool in module.TOOLS)
