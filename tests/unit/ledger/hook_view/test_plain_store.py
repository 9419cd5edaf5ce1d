"""What hooks read with git alone is bounded by the very numbers that writers keep to."""

import os
import socket
from pathlib import Path

import pytest

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError, UnreachableError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.hook_view.glance import Clocks, Glance, Where
from gitcoord.ledger.hook_view.view import bring_steps
from gitcoord.ledger.kinds.ledger import Tally
from gitcoord.remote.store.plain_store import Place, PlainStore
from gitcoord.remote.store.pygit_objects import PygitObjects
from tests.conftest import Git
from tests.unit.ledger.fakes import SIGNATURE, START

META = "meta.json"
COUNT = limits.LEDGER_BYTES // limits.DOCUMENT_BYTES


@pytest.mark.rule("SAFE-8", "SEC-4")
@pytest.mark.torture
@pytest.mark.parametrize(("more", "is_taken"), [(b"", True), (b" ", False)])
def test_hooks_take_a_ledger_as_large_as_writers_make_it_and_no_larger(
    tmp_path: Path, git: Git, more: bytes, is_taken: bool
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "store.git")
    objects = PygitObjects(tmp_path / "store.git")
    document = b"{}".ljust(limits.DOCUMENT_BYTES)
    files: dict[str, bytes | None] = {f"claims/c/a/c-{number}.json": document for number in range(COUNT - 1)}
    files |= {"claims/c/b/c-0.json": document[:-1], "claims/c/b/c-1.json": b" " + more, META: b"{}"}
    tree = trees.write(objects, trees.EMPTY, files).oid
    assert tree
    tip = commits.write(objects, tree, [], SIGNATURE, START, "large")
    store = PlainStore(tmp_path / "store.git", os.environ)

    def count_as_reader() -> None:
        tally = Tally(0, {})
        for data in (data for path, data in files.items() if data and path != META):
            tally.replace(0, len(data))
        tally.check()

    if is_taken:
        count_as_reader()
        assert {*store.files(tip, ["claims"], beside=[META])} == {*files}
    else:
        with pytest.raises(DocumentError, match="too large"):
            count_as_reader()
        with pytest.raises(DocumentError, match="too large"):
            store.files(tip, ["claims"], beside=[META])


def test_a_remote_that_is_silent_for_less_than_a_second_is_not_said_to_have_had_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/team.git"
        store = PlainStore(tmp_path / "store.git", os.environ)
        store.ensure()

        with pytest.raises(UnreachableError, match="did not answer in the time that was left"):
            store.fetch(Place(url, "refs/coord", tmp_path, "refs/pushing/x/"), ["c*"], 0.2)


def test_steps_for_which_there_is_no_time_are_not_asked_for(tmp_path: Path) -> None:
    clocks = Clocks(lambda: 0.0, lambda: 10.0, lambda _: None)
    where = Where(tmp_path, "git://127.0.0.1:1/team.git", "refs/coord", tmp_path, os.environ)

    with pytest.raises(UnreachableError, match="The steps were not read in time"):
        bring_steps(Glance(where, clocks, 10.0, "", {}))

    assert not (tmp_path / "watch").exists()
