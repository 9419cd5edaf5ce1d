"""A remote behind the meddling server: what was asked of it, and what signs in to it."""

from dataclasses import replace
from pathlib import Path

from tests.servers.fixtures import Remote
from tests.servers.meddling_http import Server

LIST, RECEIVE, UPLOAD = "info/refs?service=git-receive-pack", "git-receive-pack", "git-upload-pack"
NO_EXCEPTIONS = {"no_proxy": "", "NO_PROXY": ""}  # from a proxy, whatever the machine's environment says


def behind(server: Server, remote: Remote, **changes: object) -> Remote:
    """Return a remote as it is reached through the meddling server."""
    url = remote.url.replace(remote.url.split("/")[2], f"127.0.0.1:{server.port}")
    return replace(remote, url=url, **changes)


def posts(server: Server, service: str = RECEIVE) -> int:
    return sum(1 for asked in server.asked if asked.startswith("POST") and asked.endswith(service))


def helper(answer: str, log: Path) -> tuple[tuple[str, str], ...]:
    script = f'!f() {{ echo "$1" >>{log}; cat >>{log}; test "$1" != get || printf "{answer}"; }}; f'
    return (("credential.helper", ""), ("credential.helper", script))
