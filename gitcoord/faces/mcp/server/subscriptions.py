"""Updates of resources, in both eras of the protocol.

Until 2025-11-25 a client names resources with `resources/subscribe` and gets updates on the connection; from 2026-07-28
it holds a `subscriptions/listen` request open and gets them on that.
"""

from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated

if TYPE_CHECKING:
    from mcp.server.session import ServerSession

SUBSCRIPTIONS_MAX = 1000  # resources that one client may name; a client has a handful


class Subscriptions:
    """The subscriptions of one connection."""

    def __init__(self) -> None:
        self._bus = InMemorySubscriptionBus()
        self._session: ServerSession | None = None
        self._named: set[str] = set()
        self.listen = ListenHandler(self._bus)

    async def subscribe(
        self, ctx: ServerRequestContext[Any, Any], params: types.SubscribeRequestParams
    ) -> types.EmptyResult:
        """Serve `resources/subscribe`."""
        self._session = ctx.session
        if len(self._named) < SUBSCRIPTIONS_MAX:
            self._named.add(params.uri)
        return types.EmptyResult()

    async def unsubscribe(
        self, _: ServerRequestContext[Any, Any], params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        """Serve `resources/unsubscribe`."""
        self._named.discard(params.uri)
        return types.EmptyResult()

    async def publish(self, uris: list[str]) -> None:
        """Tell the client that resources changed, if it wants to know."""
        for uri in uris:
            await self._bus.publish(ResourceUpdated(uri))
            if self._session is not None and uri in self._named:
                await self._session.send_resource_updated(uri)
