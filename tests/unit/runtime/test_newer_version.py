"""Another version of gitcoord uses the same clone: who finds a format that it does not know stops, and says so."""

import json
from pathlib import Path

import pytest

from gitcoord.errors import SchemaError
from gitcoord.remote.store.store import FORMAT
from gitcoord.service.claims.claims import claim_files
from tests.unit.service.world import Agents, Shared, tips


def raise_format(repo: Path) -> None:
    """Describe the store as a newer version does."""
    path = repo / ".git" / "gitcoord" / "store.json"
    fields = {**json.loads(path.read_text(encoding="utf-8")), "schema": FORMAT + 1}
    path.write_text(json.dumps(fields), encoding="utf-8")


@pytest.mark.parametrize("kind", ["embedded", "remote"])
def test_a_session_that_runs_stops_where_a_newer_version_has_changed_the_format(
    agents: Agents, shared: Shared, repo: Path, kind: str
) -> None:
    repo = shared.one if kind == "remote" else repo
    workspace = agents(repo, "ann/claude/wt", serve=True)
    claim_files(workspace, patterns=["README.md"])
    before = tips(workspace)
    raise_format(repo)

    with pytest.raises(SchemaError, match="A newer gitcoord uses this clone") as raised:
        claim_files(workspace, patterns=["src/a.py"])

    assert raised.value.hint.startswith("Restart this session")
    assert workspace.setting.transport.read(["refs/coord/claims"]) == {"refs/coord/claims": before["refs/coord/claims"]}


def test_a_new_process_stops_as_well(agents: Agents, shared: Shared) -> None:
    claim_files(agents(shared.one, "ann/cli/wt"), patterns=["README.md"])
    raise_format(shared.one)

    with pytest.raises(SchemaError, match="A newer gitcoord uses this clone"):
        agents(shared.one, "ann/cli/wt")
