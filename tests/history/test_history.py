"""What each released version left at a remote: this one reads all of it, byte for byte, and goes on from it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents.json_text import canonical
from gitcoord.core.steps.board import Board
from gitcoord.ledger.format.meta import Meta
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.remote.contract.protocol import RefName
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import get_project
from gitcoord.service.steps.step_work import claim_step, complete_step
from tests.conftest import Clone, Git
from tests.unit.service.world import Agents, later, seen

HERE = Path(__file__).parent
VERSIONS = sorted(folder.name for folder in HERE.iterdir() if (folder / "hub.bundle").exists())
PARSED = ("project.json", "steps/", "claims/", "queue/", "requests/", "notices/", "barriers/")

pytestmark = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture
def hub(version: str, tmp_path: Path, git: Git) -> Path:
    git(tmp_path, "clone", "--quiet", "--mirror", str(HERE / version / "hub.bundle"), "hub.git")
    return tmp_path / "hub.git"


@pytest.fixture
def carl(hub: Path, clone: Clone, git: Git, agents: Agents) -> Workspace:
    """A newcomer's clone, a minute after the ledgers were written."""
    repo = clone(hub, "carl")
    git(repo, "config", "gitcoord.remote", "origin")
    written = json.loads(git(hub, "show", "refs/coord/claims:meta.json"))["at"]
    passed = datetime.fromisoformat(written) - datetime.now(UTC)
    return later(agents(repo, "carl/cli/wt"), seconds=passed.total_seconds() + 60)


def documents(hub: Path, git: Git, ref: str) -> dict[str, str]:
    """Return the stored text of every document that has a type, as plain git reads it."""
    names = git(hub, "ls-tree", "-r", "--name-only", ref).splitlines()
    return {name: git(hub, "show", f"{ref}:{name}") for name in names if name.startswith(PARSED)}


def parsed(state: LedgerState[Any]) -> dict[str, str]:
    """Return every document of a ledger as this version would write it, by its path."""
    held = state.content
    tables = (
        [[held.project], held.steps.values()]
        if isinstance(held, Board)
        else [table.values() for table in (held.claims, held.entries, held.requests, held.notices, held.barriers)]
    )
    docs = {state.kind.path_of(doc): doc for table in tables for doc in table}
    return {path: canonical(doc.dump()).decode().rstrip("\n") for path, doc in docs.items()}


def test_every_document_is_read_and_would_be_written_the_same(hub: Path, git: Git, carl: Workspace) -> None:
    reader, listed = carl.combiner.transactions.reader, carl.listed()
    refs = [RefName(ref) for ref in git(hub, "for-each-ref", "--format=%(refname)", "refs/coord/").splitlines()]
    ledgers = [ref for ref in refs if "/steps/" in ref or ref.endswith("/claims")]

    read = {ref: parsed(reader.ledger(ref, listed[ref])) for ref in ledgers}

    assert read == {ref: documents(hub, git, ref) for ref in ledgers}
    assert {"refs/coord/claims", "refs/coord/steps/shop", "refs/coord/steps/old"} <= read.keys()
    assert all(any(name.startswith(kind) for name in read[RefName("refs/coord/claims")]) for kind in PARSED[2:])


def test_what_was_held_is_held_and_work_goes_on(hub: Path, git: Git, carl: Workspace) -> None:
    refused = seen(claim_files(carl, patterns=["src/router.py"]))
    taken = seen(claim_step(carl, project="shop"))["step"]
    done: Any = seen(complete_step(carl, step_id=taken["id"], commit_hash="HEAD"))["step"]
    statuses = {step["step_num"]: step["status"] for step in seen(get_project(carl, name="shop"))["steps"]}

    assert (refused["granted"], [row["agent"] for row in refused["conflicts"]]) == (False, ["ann/cli/wt", "bob/cli/wt"])
    assert (taken["id"], done["status"]) == ("shop/3", "completed")
    assert statuses == {
        1: "completed", 2: "claimed", 3: "completed", 4: "failed", 5: "not_started", 6: "skipped",
    }  # fmt: skip


def test_a_write_of_ours_leaves_the_ledger_to_older_writers(hub: Path, git: Git, carl: Workspace) -> None:
    before = Meta.parse(json.loads(git(hub, "show", "refs/coord/claims:meta.json")))

    granted = seen(claim_files(carl, patterns=["src/many/1.py"]))["granted"]

    after = Meta.parse(json.loads(git(hub, "show", "refs/coord/claims:meta.json")))
    assert (granted, after.writer_min, after.seq > before.seq) == (True, before.writer_min, True)


def test_an_audit_takes_what_an_older_version_decided_as_it_is_and_replays_what_came_after(carl: Workspace) -> None:
    seen(claim_files(carl, patterns=["src/many/2.py"]))

    result: Any = audit(carl)

    assert result["findings"] == []
    rows = {row["ledger"]: row for row in result["ledgers"]}
    assert rows["refs/coord/claims"]["commits"] == 1
    assert all(row["not_replayed"].keys() == {"1"} for row in rows.values())
