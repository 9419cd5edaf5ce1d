"""A server that checks each object takes all that is written: documents of every kind, and commits of every shape."""

from pathlib import Path

import pytest

from gitcoord.remote.contract.object_graph import referred_oids
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate
from tests.contract.worlds import Worlds, won
from tests.golden import world as golden
from tests.servers.fixtures import Servers


def copied(source: Objects, target: Objects, tip: Oid) -> None:
    """Copy a commit with its tree and its parents."""
    waiting = [tip]
    while waiting:
        oid = waiting.pop()
        if target.has(oid):
            continue
        kind, data = source.read(oid)
        assert target.write(kind, data) == oid
        waiting += referred_oids(kind, data)


@pytest.mark.rule("SAFE-8")
@pytest.mark.parametrize("kind", ["http-fsck", "fsck"])
def test_a_server_that_checks_objects_takes_every_kind_of_document(
    tmp_path: Path, worlds: Worlds, servers: Servers, kind: str
) -> None:
    world = golden.played(tmp_path / "team")
    remote = servers.remote(kind)
    ann = worlds.smarthttp(remote) if kind == "http-fsck" else worlds.gitcli(remote)
    refs = {RefName(ref): Oid(tip) for ref, tip in world.remote.refs.items()}
    for tip in refs.values():
        copied(world.remote.objects, ann.objects, tip)

    won(ann.swap([RefUpdate(ref, None, tip) for ref, tip in refs.items()]))

    assert len(refs) > 2
    assert remote.refs() == refs
    assert remote.git("fsck", "--strict", "--no-dangling", "--no-progress") == ""
