"""The SDK's low-level server, with our tools, resources and prompts."""

from typing import Any

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.server import NotificationOptions, Server
from mcp.shared.exceptions import MCPError

from gitcoord import __version__
from gitcoord.faces.mcp import calls, prompts, resources
from gitcoord.faces.mcp.instructions import instructions
from gitcoord.faces.mcp.manifest import LISTS
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
from gitcoord.faces.mcp.server.subscriptions import Subscriptions
from gitcoord.faces.mcp.tool_call import ToolCall

Context = ServerRequestContext[Any, Any]
# The lists change only with gitcoord's version, so never while a server runs.
_LISTS = CacheHint(ttl_ms=3_600_000, scope="public")


class ListsStay(Server[dict[str, Any]]):
    """A server that says that its lists of tools, resources and prompts do not change while it runs.

    In the era of 2026-07-28 the SDK derives that from `subscriptions/listen`, which we serve for resources. Claude Code
    2.1.329 believes it and holds `tools/list` back until the subscription is acknowledged: by the engine, which takes a
    second to load. On a busy machine it then sent its first request without our tools six times of ten; so, never.
    """

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> types.ServerCapabilities:
        """Return what the SDK says, but for that."""
        found = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        for capability in (found.prompts, found.resources, found.tools):
            if capability is not None:
                capability.list_changed = False
        return found


class Handlers:
    """What the server does for each request."""

    def __init__(self, early: EarlyCalls) -> None:
        self._tools = early.tools
        self._workplace = early.workplace

    async def meet(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """See every message first."""
        self._workplace.meet(ctx.method, ctx.params or {})
        return await call_next(ctx)

    async def list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Serve `tools/list`."""
        return types.ListToolsResult(tools=[tool.definition() for tool in self._tools.values()])

    async def call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Serve `tools/call`."""
        tool = self._tools.get(params.name)
        if tool is None:
            message = f"Unknown tool {params.name[:60]!r}; there are {', '.join(self._tools)}."
            raise MCPError(types.INVALID_PARAMS, message)
        begun = ctx.request if isinstance(ctx.request, ToolCall) else None  # what the engine delivered with the message
        return await calls.call_tool(ctx, begun or ToolCall(self._workplace, tool, self._tools, ctx.params))

    async def list_resources(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """Serve `resources/list`."""
        return types.ListResourcesResult(resources=resources.RESOURCES)

    async def list_templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """Serve `resources/templates/list`."""
        return types.ListResourceTemplatesResult(resource_templates=resources.TEMPLATES)

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """Serve `resources/read`."""
        return await calls.read_resource(self._workplace, self._tools, ctx, params.uri)

    async def list_prompts(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        """Serve `prompts/list`."""
        return types.ListPromptsResult(prompts=prompts.PROMPTS)

    async def get_prompt(self, _: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """Serve `prompts/get`."""
        return prompts.prompt(params.name, params.arguments or {})


def build(early: EarlyCalls, subscriptions: Subscriptions) -> Server[dict[str, Any]]:
    """Return the server for one connection."""
    handlers = Handlers(early)
    server = ListsStay(
        "gitcoord",
        version=__version__,
        title="gitcoord",
        instructions=instructions(early.tool_set),
        cache_hints=dict.fromkeys(LISTS, _LISTS),
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_subscribe_resource=subscriptions.subscribe,
        on_unsubscribe_resource=subscriptions.unsubscribe,
        on_subscriptions_listen=subscriptions.listen,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
    )
    server.middleware.append(handlers.meet)
    return server
