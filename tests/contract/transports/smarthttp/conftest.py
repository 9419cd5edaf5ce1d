"""A clone whose remote is behind the meddling server."""

from collections.abc import Iterator

import pytest

from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.transports.smarthttp.meddled import behind
from tests.contract.worlds import CONFIG, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers
from tests.servers.meddling_http import Server, meddling


@pytest.fixture
def server(servers: Servers) -> Iterator[Server]:
    with meddling(servers.http().port) as running:
        yield running


@pytest.fixture
def remote(servers: Servers, server: Server) -> Remote:
    return behind(server, servers.remote("http"))


@pytest.fixture
def ann(worlds: Worlds, remote: Remote) -> SmartTransport:
    """A clone that has written once, so that it knows the server and has a connection to it."""
    transport = worlds.smarthttp(remote)
    won(put(transport, CONFIG, None, commit(transport, "config")))
    return transport
