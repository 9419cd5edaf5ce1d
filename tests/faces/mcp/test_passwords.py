"""A server whose remote has a password: neither `ps` nor what the client gets shows it."""

import json
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.mcp.conftest import Serve
from tests.servers.command_lines import spied
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.http_backend import PASSWORD, USER


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("is_rule", [False, True], ids=["in the URL", "in a rule"])
def test_no_command_line_of_a_server_and_none_of_its_answers_shows_a_password(
    serve: Serve, repo: Path, servers: Servers, git: Git, tmp_path: Path, is_rule: bool
) -> None:
    url, log = servers.remote("http-auth").url, tmp_path / "log"
    whole = url.replace("://", f"://{USER}:{PASSWORD}@")
    git(repo, "remote", "add", "origin", url if is_rule else whole)
    git(repo, "config", "gitcoord.remote", "origin")
    if is_rule:
        git(repo, "config", "--global", f"url.{whole}.insteadOf", url)
    server = serve(repo, env=spied(tmp_path / "bin", log))
    server.initialize()

    claimed = server.call("claim_files", patterns=["src/a.py"])
    status = server.request("resources/read", {"uri": "coord://status"})
    mistake = server.error("get_step", step_id=whole)
    server.end()

    assert " credential fill" in log.read_text()
    assert PASSWORD not in log.read_text()
    assert "***@" in mistake
    assert PASSWORD not in json.dumps([claimed, status, mistake]) + server.errors.decode()
