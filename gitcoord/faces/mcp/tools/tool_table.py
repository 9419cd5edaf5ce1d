"""The table of all tools, and the sets that a server is started with.

A noun's tools are a module with a tuple `TOOLS`; they register by being listed here.
"""

from gitcoord.faces.mcp.manifest import TOOL_SETS
from gitcoord.faces.mcp.tools import claim_tools, predict_tools, project_tools, request_tools, step_tools
from gitcoord.faces.mcp.tools.tool import Tool, ToolSet

_MODULES = (step_tools, claim_tools, request_tools, predict_tools, project_tools)


def tools_of(tool_set: ToolSet) -> dict[str, Tool]:
    """Return the tools of a set, by name.

    `work` is what a worker needs; `lead` that, with projects, recovery and metrics; `all` also what scripts and the
    users of older tools call.
    """
    sets = TOOL_SETS[: TOOL_SETS.index(tool_set) + 1]
    every = (tool for module in _MODULES for tool in module.TOOLS)
    return {tool.name: tool for tool in every if tool.smallest in sets}
