"""What cannot be written on this machine is said as that, and not as a remote that is gone."""

from pathlib import Path

import pytest

from gitcoord.errors import StorageError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from tests.unit.service.world import project, says


def test_a_journal_that_cannot_be_written_is_said_and_nothing_is_done(repo: Path, ann: Workspace) -> None:
    project(ann)
    journal = repo / ".git" / "gitcoord" / "journal"
    journal.rename(journal.with_name("aside"))
    journal.mkdir()

    for call in (lambda: claim_step(ann), lambda: set_policy(ann, name="auto_recover", value="false")):
        with pytest.raises(StorageError, match=r"The journal in .* cannot be read") as caught:
            call()
        assert says(caught.value) == (5, "storage", True)
        assert "network" not in caught.value.hint
    journal.rmdir()
    journal.with_name("aside").rename(journal)

    assert claim_step(ann)["step"]


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_is_kept(
    repo: Path, ann: Workspace, tmp_path: Path
) -> None:
    project(ann)
    target = tmp_path / "precious"
    target.write_text("kept")
    lock = repo / ".git" / "gitcoord" / "lock"
    lock.unlink()
    lock.symlink_to(target)

    with pytest.raises(StorageError, match=r"The lock .* cannot be made") as caught:
        claim_step(ann)

    assert caught.value.hint == "Remove the symbolic link that is in its place."
    assert target.read_text() == "kept"
