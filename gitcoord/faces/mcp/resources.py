"""Resources: what can be read without a tool, as JSON.

coord://status            one screen: who is there, on what, what needs attention
coord://claims            who has claimed what, and who waits
coord://notices           what the session was not shown yet; to read it acknowledges nothing
coord://projects/{name}   one project
"""

from collections.abc import Callable
from urllib.parse import unquote

import mcp_types as types
from mcp.shared.exceptions import MCPError

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.results import fit, text_of
from gitcoord.service.claims import requests
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import projects
from gitcoord.service.watch import overview, pending_notices
from gitcoord.service.watch.watch import NOTICES

STATUS = "coord://status"
CLAIMS = "coord://claims"
PROJECTS = "coord://projects/"
_JSON = "application/json"

RESOURCES = [
    types.Resource(
        name="status",
        title="Status",
        uri=STATUS,
        mime_type=_JSON,
        description="Who is at work, on what, what is available and what needs attention.",
    ),
    types.Resource(
        name="claims",
        title="Claims",
        uri=CLAIMS,
        mime_type=_JSON,
        description="Who has claimed which files and symbols, until when, and who waits for some.",
    ),
    types.Resource(
        name="notices",
        title="Notices",
        uri=NOTICES,
        mime_type=_JSON,
        description="What concerns this session and it was not shown yet: releases that others ask for, files that it "
        "waited for and holds now, steps that it lost. Reading it answers and acknowledges nothing.",
    ),
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
        return overview.status
    if uri == CLAIMS:
        return requests.claims_and_line
    if uri == NOTICES:
        return pending_notices.listed
    name = unquote(uri.removeprefix(PROJECTS))
    if uri.startswith(PROJECTS) and name and "/" not in name:
        return lambda workspace: projects.get_project(workspace, name=name)
    raise not_found(uri)


def not_found(uri: str) -> MCPError:
    """Return the error for a resource that does not exist."""
    return MCPError(types.INVALID_PARAMS, f"There is no resource {uri[:200]!r}.", {"uri": uri})


def contents(uri: str, value: dict[str, Json]) -> types.ReadResourceResult:
    """Return a resource's content, cut like a tool's result."""
    text = text_of(fit(value, "The tools get_project, get_step and list_claims show more."))
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=_JSON, text=text)])
