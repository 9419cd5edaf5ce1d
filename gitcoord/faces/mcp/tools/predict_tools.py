"""The tool that tells which branches would not merge, before an agent has invested an hour."""

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.tools.arguments import Integer, Text, argument
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.session.workspace import Workspace


def predicted(workspace: Workspace, *, branch: str | None = None, limit: int = 20) -> dict[str, Json]:
    """Call the service, which loads libgit2: a seventh of what the first call of any tool loads (`late_modules`)."""
    from gitcoord.service.checks import predict_conflicts

    return predict_conflicts.predict_conflicts(workspace, branch=branch, limit=limit)


TOOLS = (
    Tool(
        "predict_conflicts",
        "Predict merge conflicts",
        "Merge active branches and worktrees pairwise in memory, uncommitted changes too. Returns predictions[]: "
        "conflicts[] by file, lines, symbols; troubles[] that merge but break: a symbol removed or renamed that the "
        "other uses.",
        predicted,
        {"branch": argument(Text, "Only pairs with this one."), "limit": argument(Integer, minimum=1)},
        effect="reads",
        hint="will branches merge, before merging",
        narrow="Narrow with branch or limit.",
        smallest="work",
    ),
)
