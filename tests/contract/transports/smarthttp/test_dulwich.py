"""dulwich's server: it compares, says yes all the same, and lands several refs by halves."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gitcoord.remote.contract.protocol import RefUpdate, SwapStatus
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.transports.smarthttp.meddled import LIST, behind, posts
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers
from tests.servers.meddling_http import Meddled, Server, meddling

WHY = "it says yes to a push that it does not take"


@pytest.fixture
def server(servers: Servers) -> Iterator[Server]:
    with meddling(servers.foreign("dulwich").ports["http"]) as running:
        yield running


@pytest.fixture
def remote(servers: Servers, server: Server) -> Remote:
    return behind(server, servers.remote("dulwich-http"))


@pytest.fixture
def ann(worlds: Worlds, remote: Remote) -> SmartTransport:
    return worlds.smarthttp(remote)


def test_it_is_found_out_before_the_first_push_and_nothing_is_left_of_that(ann: SmartTransport, remote: Remote) -> None:
    one = commit(ann, "one")

    won(put(ann, CLAIMS, None, one))

    assert remote.refs() == {CLAIMS: one}
    assert (ann.name, ann.why_git) == ("gitcli", WHY)
    assert (ann.compares, ann.atomic, ann.sends_checks) == (True, False, False)


def test_another_process_of_the_clone_knows_it(worlds: Worlds, remote: Remote, server: Server) -> None:
    folder = worlds.new_folder()
    ann = worlds.smarthttp(remote, folder=folder)
    won(put(ann, CONFIG, None, commit(ann, "config")))
    server.clear()

    later = worlds.smarthttp(remote, folder=folder)
    won(put(later, CLAIMS, None, commit(later, "one")))

    assert later.why_git == WHY
    assert posts(server) == 1


@pytest.mark.rule("SAFE-1", "SAFE-3")
@pytest.mark.parametrize("settings", [(), (("http.sslVersion", "tlsv1.2"),)])
def test_a_yes_to_a_push_that_lost_its_race_is_no_win(
    worlds: Worlds, remote: Remote, server: Server, settings: tuple[tuple[str, str], ...]
) -> None:
    """Another clone writes between the listing that git pushes by and the push, also where git does it all."""
    ann = worlds.smarthttp(replace(remote, settings=settings))
    one = commit(ann, "one")
    won(put(ann, CLAIMS, None, one))
    bob = worlds.smarthttp(remote)
    others = commit(bob, "of bob")
    won(put(bob, CONFIG, None, others))

    def moved(listing: bytes) -> bytes:
        remote.git("update-ref", CLAIMS, others, one)
        return listing

    server.answers(LIST, Meddled(body=None, change=moved))
    outcome = put(ann, CLAIMS, one, commit(ann, "two", one))

    assert outcome.status is SwapStatus.UNKNOWN
    assert remote.refs()[CLAIMS] == others


@pytest.mark.rule("SAFE-5")
def test_several_refs_are_written_one_after_another(ann: SmartTransport, remote: Remote) -> None:
    one = commit(ann, "one")
    won(put(ann, CLAIMS, None, one))

    outcome = ann.swap([RefUpdate(CLAIMS, one, commit(ann, "two", one)), RefUpdate(STEPS, None, one)])

    assert outcome.status is SwapStatus.LOST
    assert remote.refs() == {CLAIMS: one}


@pytest.mark.rule("SAFE-1", "SAFE-3")
def test_a_listing_that_is_cut_short_hides_neither_a_lost_race_nor_what_was_tried(
    worlds: Worlds, ann: SmartTransport, remote: Remote, server: Server
) -> None:
    """It is cut where the refs of the wrong push are looked for."""
    bob = worlds.smarthttp(remote)
    one = commit(bob, "one")
    others = commit(bob, "of bob", one)
    won(put(bob, CLAIMS, None, one))
    won(put(bob, CONFIG, None, others))
    server.answers("service=git-upload-pack", Meddled(body=None, change=lambda listing: listing[:-4]))

    def moved(listing: bytes) -> bytes:
        remote.git("update-ref", CLAIMS, others)
        return listing

    server.answers(LIST, Meddled(body=None), Meddled(body=None, change=moved))
    outcome = put(ann, CLAIMS, one, commit(ann, "two", one))

    assert outcome.status is SwapStatus.UNKNOWN
    assert remote.refs() == {CLAIMS: others, CONFIG: others}
