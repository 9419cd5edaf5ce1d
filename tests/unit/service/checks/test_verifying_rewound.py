"""Verifying in a clone that saw more of a ledger than its remote has now."""

import os
from pathlib import Path

import pygit2
import pytest

from gitcoord.core.checks.findings import Rule
from gitcoord.remote.transports.read_only import DEPTH
from gitcoord.runtime import open_inspection
from gitcoord.service.checks.commit_range import Wanted
from gitcoord.service.checks.verification import Report, verify
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.gc import gc
from gitcoord.service.watch.overview import status
from tests.unit.service.hub import APP, CLAIMS, Hub
from tests.unit.service.hub import ann as ann  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.hub import hub as hub  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, commit_on, project, seen

pytestmark = pytest.mark.rule("SAFE-9")


def check(repo: Path) -> Report:
    with open_inspection(repo, dict(os.environ)) as inspection:
        return verify(inspection, Wanted())


def marks(repo: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (repo / ".git" / "gitcoord" / "seen").iterdir()}


def rewound(repo: Path) -> list[tuple[str, str]]:
    """Return what is found of ledgers that went back, in words; nothing may be written down for it."""
    before = marks(repo)
    found = [(one.message, one.hint) for one in check(repo).findings if one.rule is Rule.LEDGER_REWOUND]
    assert marks(repo) == before
    return found


def oddities(workspace: Workspace) -> list[tuple[str, str]]:
    return [(one["message"], one["next_step"]) for one in seen(status(workspace))["oddities"]]


def test_a_ledger_that_went_back_is_a_finding_in_the_words_of_status(hub: Hub, ann: Workspace) -> None:
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    hub.rewind(CLAIMS)

    found = rewound(hub.one)

    assert "claims went back: this clone saw it at sequence number 2" in found[0][0]
    assert found == oddities(ann)
    assert not check(hub.one).is_ok


def test_ledgers_that_are_gone_are_findings_in_the_words_of_status(hub: Hub, ann: Workspace) -> None:
    project(ann)
    claim_files(ann, patterns=["a.py"])
    hub.mirror()

    found = rewound(hub.one)

    assert [message.split(":")[0] for message, _ in found] == [f"{CLAIMS} is gone", f"{APP} is gone"]
    assert found == oddities(ann)


def test_a_clone_that_saw_nothing_finds_nothing(hub: Hub, ann: Workspace) -> None:
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    hub.rewind(CLAIMS)

    assert check(hub.two).findings == ()


def test_what_others_wrote_since_is_none_even_where_the_copy_does_not_go_back_that_far(
    hub: Hub, ann: Workspace, agents: Agents
) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(agents(hub.two, "bob/cli/two"), patterns=["b.py"])
    assert rewound(hub.one) == []

    go_on(hub.path, CLAIMS, DEPTH + 1)

    assert rewound(hub.one) == []


def test_who_put_a_damaged_ledger_back_to_its_last_good_commit_took_nothing(hub: Hub, ann: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    whole = hub.git(hub.path, "rev-parse", CLAIMS)
    go_on(hub.path, CLAIMS, 1, damage=True)
    status(ann)

    hub.git(hub.path, "update-ref", CLAIMS, whole)

    assert rewound(hub.one) == []


def go_on(git_dir: Path, ref: str, count: int, *, damage: bool = False) -> None:
    """Let others commit to a ledger; the commits change nothing, or damage a document."""
    repository = pygit2.Repository(str(git_dir))
    tip = repository.references[ref].target
    assert isinstance(tip, pygit2.Oid)
    tree = repository[tip].peel(pygit2.Tree)
    if damage:
        builder = repository.TreeBuilder(tree)
        builder.insert("claims", _bad_folder(repository), pygit2.enums.FileMode.TREE)
        tree = repository[builder.write()].peel(pygit2.Tree)
    who = pygit2.Signature("Others", "others@example.invalid", 1_790_000_000)
    for _ in range(count):
        tip = repository.create_commit(None, who, who, "others went on", tree.id, [tip])
    repository.references.create(ref, tip, force=True)


def _bad_folder(repository: pygit2.Repository) -> pygit2.Oid:
    inner = repository.TreeBuilder()
    inner.insert("c-bad.json", repository.create_blob(b"{"), pygit2.enums.FileMode.BLOB)
    outer = repository.TreeBuilder()
    outer.insert("ba", inner.write(), pygit2.enums.FileMode.TREE)
    return outer.write()


@pytest.mark.parametrize("archive", [True, False], ids=["with its archive", "without"])
def test_claims_of_before_a_roll_count_and_where_they_are_gone_that_is_said(
    hub: Hub, ann: Workspace, *, archive: bool
) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(ann, patterns=["b.py"])
    commit_on(hub.git, hub.one, "feat", **{"a.py": "x = 1\n"})
    release_claims(ann)
    gc(ann, rolled_after=1)
    if not archive:
        hub.git(hub.path, "update-ref", "-d", "refs/coord/archive/claims/1")

    found = [finding.message for finding in check(hub.one).findings if finding.rule is Rule.CANNOT_CHECK]

    assert (found == []) is archive
