"""Resources: what can be read without a tool, as JSON.

coord://status            one screen: who is there, on what, what needs attention
coord://projects/{name}   one project
"""

from collections.abc import Callable
from urllib.parse import unquote

import mcp_types as types
from mcp.shared.exceptions import MCPError

from gitcoord.core.doc import Json
from gitcoord.faces.mcp.results import fit, text_of
from gitcoord.service import projects, reading
from gitcoord.service.workspace import Workspace

STATUS = "coord://status"
PROJECTS = "coord://projects/"
_JSON = "application/json"

RESOURCES = [
    types.Resource(
        name="status",
        title="Status",
        uri=STATUS,
        mime_type=_JSON,
        description="Who is at work, on what, what is available and what needs attention.",
    )
]
TEMPLATES = [
    types.ResourceTemplate(
        name="project",
        title="Project",
        uri_template=f"{PROJECTS}{{name}}",
        mime_type=_JSON,
        description="A project, its first steps, what is available and who is on what.",
    )
]


def reader_of(uri: str) -> Callable[[Workspace], dict[str, Json]]:
    """Return what reads a resource.

    Raises:
        MCPError: there is no such resource.
    """
    if uri == STATUS:
        return reading.status
    name = unquote(uri.removeprefix(PROJECTS))
    if uri.startswith(PROJECTS) and name and "/" not in name:
        return lambda workspace: projects.get_project(workspace, name=name)
    raise not_found(uri)


def not_found(uri: str) -> MCPError:
    """Return the error for a resource that does not exist."""
    return MCPError(types.INVALID_PARAMS, f"There is no resource {uri[:200]!r}.", {"uri": uri})


def contents(uri: str, value: dict[str, Json]) -> types.ReadResourceResult:
    """Return what was read, cut like a tool's result."""
    text = text_of(fit(value, "The tools get_project and get_step show more."))
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)])
