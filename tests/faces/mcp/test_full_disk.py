"""A disk that fills up while a server runs: each tool says so, the session goes on, and a waiter waits for room."""

from pathlib import Path

from tests.faces.mcp.conftest import Serve


def test_a_tool_on_a_full_disk_says_so_and_works_again_once_there_is_room(repo: Path, serve: Serve) -> None:
    server = serve(repo)
    server.initialize()
    first = server.call("claim_files", patterns=["src/a.py"])["claim"]["id"]

    server.fill_the_disk()
    refused = server.error("claim_files", patterns=["src/b.py"])
    looked = server.call("list_claims")["claims"]
    server.make_room()
    granted = server.call("claim_files", patterns=["src/b.py"])

    assert refused.startswith("[storage] ")
    assert "cannot be written: File too large. Make room on the disk." in refused
    assert [claim["id"] for claim in looked] == [first]
    assert granted["granted"] is True
