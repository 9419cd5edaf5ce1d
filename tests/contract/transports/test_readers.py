"""Who can read a remote, asked as a stranger."""

import os

import pytest

from gitcoord.remote.transports.readers import Readers, readers_of
from tests.servers.fixtures import Servers

pytestmark = pytest.mark.rule("SEC-6")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("http", Readers.EVERYBODY),
        ("daemon", Readers.EVERYBODY),
        ("http-auth", Readers.ALLOWED),
        ("path", Readers.UNKNOWN),
    ],
)
def test_a_stranger_is_answered_or_refused(servers: Servers, kind: str, expected: Readers) -> None:
    assert readers_of(servers.remote(kind).url, os.environ) is expected


@pytest.mark.parametrize("url", ["/srv/a.git", "git@host.invalid:a.git", "ssh://host.invalid/a.git", "ext::sh -c x"])
def test_nobody_is_asked_where_a_stranger_could_not_be(url: str) -> None:
    assert readers_of(url, os.environ) is Readers.UNKNOWN
