"""The transport by http: what it sends, what answers mean to it, and what it leaves to the git program."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest

from gitcoord.errors import DeniedError, UnreachableError
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.http import report_status
from gitcoord.remote.http.fetch import HAVES_MAX, Brought, Wanted
from gitcoord.remote.http.git_server import GitServer
from gitcoord.remote.http.pack_reader import count_of
from gitcoord.remote.http.pkt_line import FLUSH, line, packet, packets
from gitcoord.remote.http.wrong_push import wrong_push
from gitcoord.remote.journal.pack_files import LEVEL_PACKS
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.transports.smarthttp.meddled import LIST, NO_EXCEPTIONS, RECEIVE, UPLOAD, behind, helper, posts
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, WAITING, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers
from tests.servers.http_backend import PASSWORD, USER
from tests.servers.meddling_http import Meddled, Server, meddling
from tests.servers.tunnelling_proxy import tunnelling


def atomic_too(body: bytes) -> bytes:
    """Return an advertisement with one capability more."""
    head, first, *rest = [each for each in packets(body) if isinstance(each, bytes)]
    return packet(head) + FLUSH + packet(first.replace(b"\n", b"") + b" atomic\n") + b"".join(map(packet, rest)) + FLUSH


def always_yes(body: bytes) -> bytes:
    """Return a report that says yes to all that the real one is of."""
    real = report_status.parsed(body, banded=True)
    lines = [line("unpack ok"), *(line(f"ok {ref}") for ref in sorted({*real.ok, *real.failed})), FLUSH]
    return packet(b"\x01" + b"".join(lines)) + FLUSH


@pytest.fixture
def halving(servers: Servers, server: Server) -> Remote:
    """A remote that says `atomic` and lands a part: the real one does not hear of it."""
    server.answers(LIST, Meddled(body=None, change=atomic_too))
    return behind(server, servers.remote("no-atomic"))


# -- one request -------------------------------------------------------------------------------------------------------


def test_a_swap_is_one_request_on_a_connection_that_stays(ann: SmartTransport, server: Server) -> None:
    server.clear()
    tip: Oid | None = None
    connections = server.connections

    for text in ("one", "two", "three"):
        new = commit(ann, text, tip)
        won(put(ann, CLAIMS, tip, new))
        tip = new

    assert (posts(server), len(server.asked), server.connections) == (3, 3, connections)
    assert ann.why_git == ""


def test_a_process_of_the_clone_knows_the_server_from_an_earlier_one(
    worlds: Worlds, remote: Remote, server: Server
) -> None:
    folder = worlds.new_folder()
    first = worlds.smarthttp(remote, folder=folder)
    old = commit(first, "one")
    first.read(["refs/coord/"])
    won(put(first, CLAIMS, None, old))
    server.clear()

    second = worlds.smarthttp(remote, folder=folder)
    assert second.sends_checks
    won(put(second, CLAIMS, old, commit(second, "two", old)))
    second.read(["refs/coord/"])

    assert (posts(server), posts(server, UPLOAD), len(server.asked)) == (1, 1, 2)
    agent = server.headers[0]["user-agent"]
    assert agent.startswith("git/")
    assert " gitcoord/" in agent


def test_what_another_wrote_is_brought_without_what_is_here(
    worlds: Worlds, remote: Remote, server: Server, ann: SmartTransport
) -> None:
    folder = worlds.new_folder()
    bob = worlds.smarthttp(remote, folder=folder)
    bob.fetch(bob.read(["refs/coord/"]).values())
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    again = worlds.smarthttp(remote, folder=folder)

    again.fetch(again.read(["refs/coord/"]).values())

    assert again.objects.has(first)
    haves = subprocess.run(
        ["git", f"--git-dir={folder}/gitcoord/store.git", "for-each-ref", "--format=%(objectname)", "refs/http/"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=30,
    )
    assert set(haves.stdout.split()) == set(again.read(["refs/coord/"]).values())


def test_of_a_ledger_among_many_refs_comes_what_is_new(
    worlds: Worlds, remote: Remote, ann: SmartTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs: list[bytes] = []
    pack_of = GitServer.pack_of

    def noted(server: GitServer, wanted: Wanted) -> Brought:
        brought = pack_of(server, wanted)
        packs.append(brought.pack)
        return brought

    monkeypatch.setattr(GitServer, "pack_of", noted)
    tip: Oid | None = None
    for turn in range(20):
        tip, old = commit(ann, f"claims {turn}", tip), tip
        won(put(ann, CLAIMS, old, tip))
    beats = (commit(ann, f"beat {number}") for number in count())
    before = islice((beat for beat in beats if tip and beat < tip), HAVES_MAX)  # by their ids, as by their names
    won(ann.swap([RefUpdate(RefName(f"refs/coord/beats/{number}"), None, beat) for number, beat in enumerate(before)]))
    bob = worlds.smarthttp(remote, folder=worlds.new_folder())
    bob.fetch(bob.read(["refs/coord/"]).values())
    packs.clear()
    won(put(ann, CLAIMS, tip, new := commit(ann, "new", tip)))

    bob.fetch(bob.read(["refs/coord/"]).values())

    assert bob.objects.has(new)
    assert [count_of(pack) for pack in packs] == [3]  # a commit, its tree and its document


def test_what_a_clone_wrote_itself_is_kept_from_the_next_look_on(worlds: Worlds, remote: Remote) -> None:
    """A gc of the store takes what no ref names."""
    folder = worlds.new_folder()
    ann = worlds.smarthttp(remote, folder=folder)
    tip = commit(ann, "one")
    won(put(ann, CLAIMS, None, tip))

    ann.fetch(ann.read(["refs/coord/"]).values())

    words = ["git", f"--git-dir={folder}/gitcoord/store.git", "for-each-ref", "--format=%(objectname)", "refs/http/"]
    kept = subprocess.run(words, capture_output=True, encoding="utf-8", check=True, timeout=30)
    assert kept.stdout.split() == [tip]


def test_what_is_brought_is_one_pack_and_many_packs_are_joined(
    worlds: Worlds, remote: Remote, ann: SmartTransport
) -> None:
    folder = worlds.new_folder()
    bob = worlds.smarthttp(remote, folder=folder)
    packs = folder / "gitcoord" / "store.git" / "objects" / "pack"
    found: list[int] = []
    old: Oid | None = None
    for turn in range(LEVEL_PACKS):
        new = commit(ann, f"{turn}", old)
        won(put(ann, CLAIMS, old, new))
        old = new
        bob.fetch(bob.read(["refs/coord/"]).values())
        found.append(len([*packs.glob("*.pack")]))

    assert found == [*range(1, LEVEL_PACKS), 1]
    assert [*packs.glob("*.keep")] == []  # `gitcoord gc` packs the rest
    assert old
    assert bob.objects.read(old)[0] is ObjectKind.COMMIT
    subprocess.run(
        ["git", f"--git-dir={packs.parents[1]}", "fsck", "--strict", "--no-dangling"], check=True, timeout=60
    )


# -- what is compared by the server ------------------------------------------------------------------------------------


def test_a_check_and_a_deletion_go_with_the_write_in_one_request(ann: SmartTransport, server: Server) -> None:
    one, two = commit(ann, "one"), commit(ann, "two")
    config = ann.read([CONFIG])[CONFIG]
    won(ann.swap([RefUpdate(CLAIMS, None, one), RefUpdate(STEPS, None, two)]))
    server.clear()

    won(
        ann.swap(
            [RefUpdate(CLAIMS, one, two), RefUpdate(STEPS, two, None), RefUpdate(CONFIG, config, config)],
        )
    )

    assert (posts(server), len(server.asked)) == (1, 1)
    assert dict(ann.read(["refs/coord/"])) == {CONFIG: config, CLAIMS: two}


@pytest.mark.parametrize("stale", ["check", "deletion", "pruned deletion"])
def test_one_stale_line_stops_all_with_nothing_written(
    ann: SmartTransport, worlds: Worlds, remote: Remote, stale: str
) -> None:
    one, two, three = (commit(ann, text) for text in ("one", "two", "three"))
    won(put(ann, STEPS, None, one))
    bob = worlds.smarthttp(remote)
    won(put(bob, STEPS, one, commit(bob, "moved")))
    if stale == "pruned deletion":  # a server deletes without comparing where it does not know the old object
        remote.git("reflog", "expire", "--all", "--expire=now")
        remote.git("gc", "--prune=now", "--quiet")
    before = remote.refs()

    update = RefUpdate(STEPS, one, one if stale == "check" else None)
    outcome = ann.swap([RefUpdate(CLAIMS, None, two), update])
    alone = put(ann, STEPS, one, None if stale != "check" else three)

    assert (outcome.status, alone.status) == (SwapStatus.LOST, SwapStatus.LOST)
    assert remote.refs() == before


def test_absence_is_looked_at_before_and_never_sent(ann: SmartTransport, remote: Remote, server: Server) -> None:
    """A command from zero to zero would delete what is there."""
    one = commit(ann, "one")
    won(put(ann, STEPS, None, one))
    server.clear()

    outcome = ann.swap([RefUpdate(CLAIMS, None, one), RefUpdate(STEPS, None, None)])

    assert outcome.status is SwapStatus.LOST
    assert posts(server) == 0
    assert remote.refs()[STEPS] == one


@pytest.mark.rule("SAFE-5")
def test_a_server_that_would_land_a_part_is_found_out_and_sent_one_ref_at_a_time(
    worlds: Worlds, halving: Remote
) -> None:
    ann = worlds.smarthttp(halving)
    one, two = commit(ann, "one"), commit(ann, "two")

    won(put(ann, STEPS, None, one))
    outcome = ann.swap([RefUpdate(CLAIMS, None, two), RefUpdate(STEPS, one, two)])

    assert (outcome.status, ann.atomic, ann.sends_checks) == (SwapStatus.LOST, False, False)
    assert halving.refs() == {STEPS: one}
    assert ann.name == "smarthttp"


@pytest.mark.rule("SAFE-1")
def test_what_took_halves_and_says_nothing_of_a_wrong_push_has_not_compared(
    worlds: Worlds, halving: Remote, server: Server
) -> None:
    """First the refs of the push that landed by halves are not listed, then the answer to the next one is lost."""
    server.answers("service=git-upload-pack", Meddled(502))
    ann = worlds.smarthttp(halving)
    one = commit(ann, "one")
    assert put(ann, CLAIMS, None, one).status is SwapStatus.UNREACHABLE
    assert not ann.atomic

    server.clear()
    server.answers(f"/{RECEIVE}", Meddled(502))
    put(ann, CLAIMS, None, one)

    assert ann.looks_again
    server.clear()
    won(put(ann, STEPS, None, one))
    assert not ann.looks_again
    assert ann.name == "smarthttp"


@pytest.mark.rule("SAFE-1")
def test_a_server_that_says_yes_without_comparing_gets_no_push_of_ours(
    worlds: Worlds, servers: Servers, server: Server
) -> None:
    """What it says of a push that is wrong on purpose gives it away, before anything is decided by what it says."""
    remote = behind(server, servers.remote("http"))
    server.answers(f"/{RECEIVE}", Meddled(body=None, change=always_yes))
    ann = worlds.smarthttp(remote)
    one = commit(ann, "one")

    ann.swap([RefUpdate(CLAIMS, None, one)])

    assert (ann.name, ann.why_git) == ("gitcli", "it says yes to a push that it does not take")
    assert ann.compares


@pytest.mark.rule("SAFE-1")
def test_a_server_that_takes_a_wrong_push_is_known_for_it(worlds: Worlds, servers: Servers) -> None:
    """Here it is right: what the push that is wrong on purpose expects is there already."""
    remote = servers.remote("http")
    clocks = WAITING._replace(wall_ns=lambda: 1_800_000_000 * 10**9)
    bob = worlds.smarthttp(remote)
    wrong = wrong_push(bob.objects, "refs/coord/", 1_800_000_000, atomic=True).lines[-1]
    won(put(bob, wrong.ref, None, wrong.old))
    ann = worlds.smarthttp(remote, clocks=clocks)
    one = commit(ann, "one")

    won(put(ann, CLAIMS, None, one))

    assert (ann.name, ann.why_git) == ("gitcli", "it takes pushes without comparing")
    assert not ann.compares
    assert remote.refs() == {CLAIMS: one}


@pytest.mark.rule("SAFE-1")
def test_a_server_that_takes_the_wrong_half_of_a_push_is_known_for_it(
    worlds: Worlds, servers: Servers, server: Server
) -> None:
    """Here the other half is refused, as that ref is there already."""
    remote = behind(server, servers.remote("no-atomic"))
    bob = worlds.smarthttp(remote)
    one = commit(bob, "one")
    won(put(bob, STEPS, None, one))
    right, wrong = wrong_push(bob.objects, "refs/coord/", 1_800_000_000, atomic=True).lines
    for update in (RefUpdate(right.ref, None, one), RefUpdate(wrong.ref, None, wrong.old)):
        won(bob.swap([update]))
    server.answers(LIST, Meddled(body=None, change=atomic_too))
    ann = worlds.smarthttp(remote, clocks=WAITING._replace(wall_ns=lambda: 1_800_000_000 * 10**9))

    won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert (ann.why_git, ann.compares, ann.atomic) == ("it takes pushes without comparing", False, False)


def test_a_server_has_to_refuse_once_a_day(ann: SmartTransport, remote: Remote, server: Server) -> None:
    assert posts(server) == 2  # one that is wrong on purpose, and the first that is not
    assert set(remote.refs()) == {CONFIG}

    won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert posts(server) == 3


# -- answers that are missing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        Meddled(body=None, drops=True),
        Meddled(body=None, change=lambda body: body[: len(body) // 2]),
        Meddled(body=None, change=lambda body: body[:-30], says_length=False),
        Meddled(body=None, change=lambda _: b""),
        Meddled(body=None, change=lambda _: b"<html>welcome</html>", headers={"content-type": "text/html"}),
        Meddled(500),
        Meddled(502, body=b"<html>bad gateway</html>"),
        Meddled(503, {"Retry-After": "3"}),
    ],
    ids=["dropped", "half a packet", "cut short", "empty", "html", "500", "502", "503"],
)
def test_a_push_without_its_answer_is_unknown_and_never_lost(ann: SmartTransport, server: Server, how: Meddled) -> None:
    new = commit(ann, "one")

    server.answers(RECEIVE, how)
    outcome = put(ann, CLAIMS, None, new)
    server.clear()

    assert outcome.status is SwapStatus.UNKNOWN, outcome
    landed = how.body is None
    assert (ann.read([CLAIMS]) == {CLAIMS: new}) is landed
    after = put(ann, CLAIMS, new if landed else None, commit(ann, "two", new))
    assert after.status is SwapStatus.WON
    assert ann.why_git == ""


def test_a_kept_connection_that_swallows_a_push_makes_a_second_try_and_no_lie(
    ann: SmartTransport, server: Server
) -> None:
    """The first try landed, the second one met it: whose it is cannot be said from the answer."""
    new = commit(ann, "one")
    server.answers(RECEIVE, Meddled(body=None, drops=True))

    outcome = put(ann, CLAIMS, None, new)

    assert posts(server) == 4  # the two of the fixture, and two tries
    assert outcome.status is SwapStatus.UNKNOWN


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        (Meddled(403, {"Content-Type": "text/plain"}, b"no pushes for ann"), SwapStatus.DENIED, "no pushes for ann"),
        (Meddled(413), SwapStatus.DENIED, "it answers 413"),
        (
            Meddled(429, {"Retry-After": "7"}),
            SwapStatus.UNREACHABLE,
            "it answers 429. The remote asks for fewer requests. Try again in 7 s",
        ),
    ],
    ids=["403", "413", "429"],
)
def test_a_push_that_a_server_says_no_to_has_its_words(
    ann: SmartTransport, server: Server, how: Meddled, status: SwapStatus, words: str
) -> None:
    server.answers(RECEIVE, how)

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is status
    assert outcome.message.endswith(words)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (Meddled(403), DeniedError),
        (Meddled(404), DeniedError),
        (Meddled(429, {"Retry-After": "7"}), UnreachableError),
        (Meddled(500), UnreachableError),
        (Meddled(body=None, drops=True), UnreachableError),
    ],
    ids=["403", "404", "429", "500", "dropped"],
)
def test_a_read_that_fails_says_how(ann: SmartTransport, server: Server, how: Meddled, error: type[Exception]) -> None:
    server.answers(UPLOAD, how)

    with pytest.raises(error):
        ann.read(["refs/coord/"])


def test_a_hook_that_says_no_is_denied_with_its_words(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("http")
    remote.hook("pre-receive", "cat >/dev/null; echo 'no pushes on Fridays \033[31m' >&2; exit 1")
    ann = worlds.smarthttp(remote)

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert "no pushes on Fridays" in outcome.message
    assert "\033" not in outcome.message


def test_nothing_was_sent_to_a_server_that_is_not_there(worlds: Worlds) -> None:
    ann = worlds.smarthttp(Remote("gone", "http://127.0.0.1:1/x.git", Path("/nowhere")))

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.UNREACHABLE


def test_a_push_that_takes_too_long_is_unknown(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("http")
    ann = worlds.smarthttp(remote)
    won(put(ann, CONFIG, None, commit(ann, "config")))

    with servers.http().hanging(), deadline.asking_until(lambda: 1.0):
        outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.UNKNOWN


# -- what only git knows -----------------------------------------------------------------------------------------------


def test_what_is_unfamiliar_is_left_to_git_and_remembered(worlds: Worlds, servers: Servers, server: Server) -> None:
    remote = behind(server, servers.remote("http"))
    remote.git("config", "receive.certNonceSeed", "seed")
    folder = worlds.new_folder()
    ann = worlds.smarthttp(remote, folder=folder)

    won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert (ann.name, ann.why_git) == ("gitcli", "it asks for signed pushes")
    later = worlds.smarthttp(remote, folder=folder)
    assert (later.name, later.why_git) == ("gitcli", "it asks for signed pushes")
    assert set(later.read(["refs/coord/"])) == {CLAIMS}
    known = json.loads((folder / "gitcoord" / "http.json").read_text())
    assert [row["by_git"] for row in known.values()] == ["it asks for signed pushes"]


def test_a_process_that_lives_for_long_asks_again_each_day(worlds: Worlds, servers: Servers, server: Server) -> None:
    remote, days = behind(server, servers.remote("http")), [0]
    ann = worlds.smarthttp(remote, clocks=WAITING._replace(wall_ns=lambda: (days[0] + 20_000) * 86_400 * 10**9))
    remote.git("config", "receive.certNonceSeed", "seed")
    one = commit(ann, "one")
    won(put(ann, CLAIMS, None, one))
    assert ann.name == "gitcli"
    remote.git("config", "--unset", "receive.certNonceSeed")

    days[0] = 1
    won(put(ann, CLAIMS, one, commit(ann, "two", one)))

    assert ann.name == "smarthttp"


def test_a_server_that_speaks_neither_version_is_left_to_git(worlds: Worlds, servers: Servers, server: Server) -> None:
    remote = behind(server, servers.remote("http"))
    ann = worlds.smarthttp(remote)
    server.answers(
        "service=git-upload-pack",
        Meddled(body=None, change=lambda body: body.replace(b"version 2\n", b"version 1\n")),
    )
    with pytest.raises((DeniedError, UnreachableError)):  # git does not take that either, and says so
        ann.read(["refs/coord/"])
    server.clear()

    assert dict(ann.read(["refs/coord/"])) == {}
    won(put(ann, CLAIMS, None, commit(ann, "one")))
    assert ann.name == "smarthttp"


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (("http.sslVersion", "tlsv1.2"), "http.sslversion is set"),
        (("http.cookieFile", "/dev/null"), "http.cookiefile is set"),
        (("http.extraHeader", "no header"), "http.extraHeader is no header"),
    ],
)
def test_settings_that_only_git_knows_are_left_to_it(
    worlds: Worlds, servers: Servers, setting: tuple[str, str], why: str
) -> None:
    ann = worlds.smarthttp(replace(servers.remote("http"), settings=(setting,)))

    assert dict(ann.read(["refs/coord/"])) == {}
    assert (ann.name, ann.why_git) == ("gitcli", why)


def test_a_proxy_that_is_no_http_proxy_is_left_to_git(worlds: Worlds, servers: Servers) -> None:
    proxied = replace(servers.remote("http"), settings=(("http.proxy", "socks5://127.0.0.1:1"),))
    ann = worlds.smarthttp(proxied, env=NO_EXCEPTIONS)

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])


def test_a_server_that_changed_is_asked_again(ann: SmartTransport, server: Server, remote: Remote) -> None:
    """What it said before was believed; the first surprise asks it anew."""
    remote.git("config", "receive.advertiseAtomic", "false")
    moved = RefName("refs/coord/moved")

    server.answers(RECEIVE, Meddled(405))
    outcome = put(ann, moved, None, commit(ann, "one"))
    server.clear()

    assert outcome.status is not SwapStatus.LOST
    won(put(ann, CLAIMS, None, commit(ann, "two")))


# -- who asks ----------------------------------------------------------------------------------------------------------


def test_a_helper_is_asked_once_and_its_credential_is_sent_at_once_later(
    worlds: Worlds, servers: Servers, server: Server, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    settings = helper(f"username={USER}\\npassword={PASSWORD}\\n", log)
    remote = behind(server, servers.remote("http-auth"), settings=settings)
    folder = worlds.new_folder()
    ann = worlds.smarthttp(remote, folder=folder)

    won(put(ann, CLAIMS, None, commit(ann, "one")))
    assert [line for line in log.read_text().splitlines() if line in {"get", "store", "erase"}] == ["get", "store"]
    assert "authorization" not in server.headers[0]
    server.clear()
    later = worlds.smarthttp(remote, folder=folder)
    later.read(["refs/coord/"])

    assert all("authorization" in headers for headers in server.headers)
    assert PASSWORD not in (folder / "gitcoord" / "http.json").read_text()
    assert later.name == "smarthttp"


def test_a_wrong_password_is_rejected_and_denied(worlds: Worlds, servers: Servers, tmp_path: Path) -> None:
    log = tmp_path / "log"
    settings = helper(f"username={USER}\\npassword=wrong\\n", log)
    ann = worlds.smarthttp(replace(servers.remote("http-auth"), settings=settings))

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert "erase" in log.read_text().splitlines()
    assert "wrong" not in outcome.message


def test_a_password_in_the_url_is_used_and_never_shown(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("http-auth")
    ann = worlds.smarthttp(replace(remote, url=remote.url.replace("://", f"://{USER}:{PASSWORD}@")))
    won(put(ann, CLAIMS, None, commit(ann, "one")))
    assert ann.name == "smarthttp"
    (remote.git_dir / "HEAD").unlink()

    with pytest.raises((DeniedError, UnreachableError)) as caught:
        ann.read(["refs/coord/"])

    assert PASSWORD not in str(caught.value)


# -- where it is -------------------------------------------------------------------------------------------------------


def test_a_redirect_within_the_host_is_followed_and_remembered(
    worlds: Worlds, servers: Servers, server: Server
) -> None:
    remote = behind(server, servers.remote("http"))
    there = remote.url.partition("127.0.0.1")[2].partition("/")[2]
    old = replace(remote, url=remote.url.replace("/open/", "/old/"))
    for service in (RECEIVE, UPLOAD):
        location = f"/{there}/info/refs?service={service}"
        server.answers(
            f"/old/{there.rpartition('/')[2]}/info/refs?service={service}", Meddled(301, {"Location": location})
        )
    folder = worlds.new_folder()
    ann = worlds.smarthttp(old, folder=folder)

    won(put(ann, CLAIMS, None, commit(ann, "one")))
    later = worlds.smarthttp(old, folder=folder)
    server.clear()

    assert set(later.read(["refs/coord/"])) == {CLAIMS}
    assert later.name == "smarthttp"
    assert not any("/old/" in asked for asked in server.asked if asked.startswith("POST"))


def test_a_redirect_to_another_host_is_left_to_git(
    worlds: Worlds, servers: Servers, server: Server, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    real = servers.remote("http")
    remote = behind(server, real, settings=helper(f"username={USER}\\npassword={PASSWORD}\\n", log))
    for service in (RECEIVE, UPLOAD):
        server.answers(f"service={service}", Meddled(302, {"Location": f"{real.url}/info/refs?service={service}"}))
    ann = worlds.smarthttp(remote)

    assert dict(ann.read(["refs/coord/"])) == {}
    assert (ann.name, ann.why_git) == ("gitcli", "it redirects to another place")


def test_an_http_proxy_is_used_and_passed_by_where_it_is_said(worlds: Worlds, servers: Servers, server: Server) -> None:
    remote = replace(servers.remote("http"), settings=(("http.proxy", f"http://u:p@127.0.0.1:{server.port}"),))
    ann = worlds.smarthttp(remote, env=NO_EXCEPTIONS)

    won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert ann.name == "smarthttp"
    assert server.asked[0].startswith("GET http://127.0.0.1:")
    assert server.headers[0]["proxy-authorization"] == "Basic dTpw"
    server.clear()
    direct = worlds.smarthttp(remote, env={"no_proxy": "127.0.0.1"})
    assert set(direct.read(["refs/coord/"])) == {CLAIMS}
    assert server.asked == []


# -- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that no one but itself vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    about = ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*words, *about, "-keyout", key, "-out", file], check=True, capture_output=True, timeout=60)
    return file, key


@pytest.fixture
def secure(servers: Servers, certificate: tuple[Path, Path]) -> Iterator[Server]:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.load_verify_locations(certificate[0])  # for clients that have one
    with meddling(servers.http().port, context) as running:
        yield running


def secured(secure: Server, servers: Servers, *settings: tuple[str, str]) -> Remote:
    remote = behind(secure, servers.remote("http"), settings=settings)
    return replace(remote, url=remote.url.replace("http://", "https://"))


def test_a_private_authority_is_taken_from_gits_settings_and_the_connection_stays(
    worlds: Worlds, servers: Servers, secure: Server, certificate: tuple[Path, Path]
) -> None:
    ann = worlds.smarthttp(secured(secure, servers, ("http.sslCAInfo", str(certificate[0]))))
    one = commit(ann, "one")

    won(put(ann, CLAIMS, None, one))
    won(put(ann, CLAIMS, one, commit(ann, "two", one)))

    assert (ann.name, secure.connections, posts(secure)) == ("smarthttp", 1, 3)


def test_a_certificate_that_is_not_trusted_is_left_to_git_which_trusts_it_neither(
    worlds: Worlds, servers: Servers, secure: Server
) -> None:
    ann = worlds.smarthttp(secured(secure, servers))

    with pytest.raises(UnreachableError, match=r"(?i)certificate"):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.UNREACHABLE
    assert secure.asked == []


def test_certificates_are_not_looked_at_where_a_user_says_so(worlds: Worlds, servers: Servers, secure: Server) -> None:
    remote = secured(secure, servers)
    host = remote.url.rpartition("/open/")[0]
    ann = worlds.smarthttp(replace(remote, settings=((f"http.{host}/.sslVerify", "false"),)))

    assert dict(ann.read(["refs/coord/"])) == {}
    assert ann.name == "smarthttp"


def test_a_proxy_carries_tls_through_and_hears_nothing_of_it(
    worlds: Worlds, servers: Servers, secure: Server, certificate: tuple[Path, Path]
) -> None:
    with tunnelling() as proxy:
        settings = (("http.sslCAInfo", str(certificate[0])), ("http.proxy", f"http://u:p@127.0.0.1:{proxy.port}"))
        ann = worlds.smarthttp(secured(secure, servers, *settings), env=NO_EXCEPTIONS)

        won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert ann.name == "smarthttp"
    assert proxy.asked == [(f"127.0.0.1:{secure.port}", "Basic dTpw")]
