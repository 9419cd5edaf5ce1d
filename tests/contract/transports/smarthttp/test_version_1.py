"""Servers that are read by the first version of git's protocol: each listing is of all refs."""

import json

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.protocol import FaultKind, RefFault
from gitcoord.remote.http.pkt_line import FLUSH, line
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.transports.smarthttp.meddled import UPLOAD, behind
from tests.contract.worlds import CLAIMS, CONFIG, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers
from tests.servers.meddling_http import Meddled, Server

READ = "info/refs?service=git-upload-pack"


@pytest.fixture
def remote(servers: Servers, server: Server) -> Remote:
    return behind(server, servers.remote("http-old"))


def test_a_read_is_one_listing_and_what_it_brings_one_question(
    worlds: Worlds, ann: SmartTransport, remote: Remote, server: Server
) -> None:
    bob = worlds.smarthttp(remote)
    bob.read([CONFIG])
    one = commit(ann, "one")
    won(put(ann, CLAIMS, None, one))
    server.clear()

    listed = bob.read(["refs/coord/"])
    bob.fetch(listed.values())

    assert listed[CLAIMS] == one
    assert [asked.rpartition("/")[2] for asked in server.asked] == [READ.rpartition("/")[2], UPLOAD]
    assert (bob.name, bob.why_git) == ("smarthttp", "")


def test_a_listing_that_was_cut_short_is_no_listing(ann: SmartTransport, server: Server) -> None:
    """Of whole packets: what is missing would look deleted."""
    server.answers(READ, Meddled(body=None, change=lambda body: body[: -len(b"0000")]))

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])

    server.clear()
    assert set(ann.read(["refs/coord/"])) == {CONFIG}


@pytest.mark.parametrize("odd", ["z" * 40, "../../etc/passwd", ""])
def test_a_listing_with_an_odd_id_is_no_listing(ann: SmartTransport, server: Server, odd: str) -> None:
    """Else it would be asked for, and written into the clone's store."""
    more = line(f"{odd} {CLAIMS}") + FLUSH
    server.answers(READ, Meddled(body=None, change=lambda body: body.removesuffix(FLUSH) + more))

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])


def test_a_ref_of_no_object_is_a_fault(ann: SmartTransport, server: Server) -> None:
    tip = ann.read([CONFIG])[CONFIG]
    more = line(f"{'0' * 40} {CLAIMS}") + FLUSH
    server.answers(READ, Meddled(body=None, change=lambda body: body.removesuffix(FLUSH) + more))

    assert dict(ann.read(["refs/coord/"])) == {CONFIG: tip}
    assert [*ann.faults] == [RefFault(CLAIMS, FaultKind.NO_OBJECT)]
    assert ann.name == "smarthttp"


def test_one_that_learned_version_2_is_asked_anew(worlds: Worlds, servers: Servers) -> None:
    """What is kept says that it lists refs itself."""
    remote, folder = servers.remote("http"), worlds.new_folder()
    ann = worlds.smarthttp(remote, folder=folder)
    one = commit(ann, "one")
    won(put(ann, CONFIG, None, one))
    path = folder / "gitcoord" / "http.json"
    kept = json.loads(path.read_text())
    kept[remote.url]["uploading"] = {"version=1": "", "side-band-64k": ""}
    path.write_text(json.dumps(kept))

    later = worlds.smarthttp(remote, folder=folder)

    assert dict(later.read(["refs/coord/"])) == {CONFIG: one}
    assert later.why_git == ""
