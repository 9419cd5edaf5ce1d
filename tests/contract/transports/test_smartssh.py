"""The transport by ssh: one connection for a clone, whose it is, what ends it, and what is left to the git program."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gitcoord.errors import DeniedError, UnreachableError
from gitcoord.remote.contract.protocol import Oid, RefUpdate, SwapStatus, Transport
from gitcoord.remote.ssh.shared_connection import end_all
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, WAITING, Worlds, commit, put, won
from tests.servers.delaying_proxy import DelayingProxy
from tests.servers.fixtures import Remote, Servers
from tests.servers.sshd import Sshd, end_shared, master_of, sockets_in, wait_for_sessions


@pytest.fixture
def sshd(servers: Servers) -> Sshd:
    return servers.sshd()


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[DelayingProxy]:
    """Counts connections to the server."""
    running = DelayingProxy(sshd.port, 0)
    yield running
    running.stop()


@pytest.fixture
def remote(servers: Servers, sshd: Sshd, proxy: DelayingProxy) -> Iterator[Remote]:
    """A remote behind the proxy; no connection of an earlier test is left, and none of this one stays."""
    made = servers.remote("ssh")
    end_shared(sshd.runtime)
    yield replace(made, url=sshd.url_at(proxy.port, made.git_dir.name))
    end_shared(sshd.runtime)


def written(transport: Transport, count: int, tip: Oid | None = None) -> Oid:
    """Write claims so many times, and return the last tip."""
    for number in range(count):
        new = commit(transport, f"{number} on {tip}", tip)
        won(put(transport, CLAIMS, tip, new))
        tip = new
    assert tip is not None
    return tip


def the_socket(sshd: Sshd) -> Path:
    found = sockets_in(sshd.runtime)
    assert len(found) == 1, found
    return found[0]


# -- one connection ----------------------------------------------------------------------------------------------------


def test_reads_swaps_and_fetches_of_a_clone_share_one_connection(
    worlds: Worlds, remote: Remote, proxy: DelayingProxy
) -> None:
    folder = worlds.new_folder()
    ann, later = worlds.smartssh(remote, folder=folder), worlds.smartssh(remote, folder=folder)
    tip = written(ann, 4)

    assert dict(later.read(["refs/coord/"])) == {CLAIMS: tip}
    written(later, 3, tip)

    assert (ann.name, later.name, later.why_git, proxy.connections) == ("smartssh", "smartssh", "", 1)


def test_two_processes_at_once_begin_one_connection(
    worlds: Worlds, remote: Remote, sshd: Sshd, proxy: DelayingProxy
) -> None:
    folder = worlds.new_folder()
    both = threading.Barrier(2)
    listed: list[dict[str, str]] = []

    def look() -> None:
        transport = worlds.smartssh(remote, folder=folder)
        both.wait(60)
        listed.append({**transport.read(["refs/coord/"])})

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (listed, proxy.connections, len(sockets_in(sshd.runtime))) == ([{}, {}], 1, 1)


def test_another_clone_and_another_command_have_connections_of_their_own(
    worlds: Worlds, remote: Remote, sshd: Sshd
) -> None:
    folder = worlds.new_folder()
    other_command = {"GIT_SSH_COMMAND": f"{remote.env['GIT_SSH_COMMAND']} -oCompression=no"}

    for env, where in ((None, folder), (other_command, folder), (None, worlds.new_folder())):
        worlds.smartssh(remote, env=env, folder=where).read(["refs/coord/"])

    assert len(sockets_in(sshd.runtime)) == 3


def test_each_hour_begins_another_connection(worlds: Worlds, remote: Remote, proxy: DelayingProxy) -> None:
    hour = [400_000]
    clocks = WAITING._replace(wall_ns=lambda: hour[0] * 3600 * 10**9)
    ann = worlds.smartssh(remote, clocks=clocks)
    tip = written(ann, 1)

    hour[0] += 1
    written(ann, 1, tip)

    assert proxy.connections == 2


# -- what comes in between ---------------------------------------------------------------------------------------------


def test_a_connection_that_died_is_begun_again(
    worlds: Worlds, remote: Remote, sshd: Sshd, proxy: DelayingProxy
) -> None:
    ann = worlds.smartssh(remote)
    tip = written(ann, 3)  # a session was begun ahead, which dies with it

    path = the_socket(sshd)
    assert sshd.serving(remote.git_dir)
    os.kill(master_of(path), signal.SIGKILL)
    wait_for_sessions(path)
    tip = written(ann, 1, tip)

    assert (dict(ann.read([CLAIMS])), ann.name, proxy.connections) == ({CLAIMS: tip}, "smartssh", 2)


def test_a_socket_that_a_crash_left_over_is_removed(worlds: Worlds, remote: Remote, sshd: Sshd) -> None:
    ann = worlds.smartssh(remote)
    ann.read([CLAIMS])  # who has pushed begins a session ahead, which may take what is sent next, and never answer
    path = the_socket(sshd)
    end_shared(sshd.runtime)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))

    written(ann, 1)

    assert (the_socket(sshd), ann.name) == (path, "smartssh")
    assert master_of(path)


def test_a_session_that_the_server_ended_is_begun_again(worlds: Worlds, remote: Remote, sshd: Sshd) -> None:
    ann = worlds.smartssh(remote)
    tip = written(ann, 3)

    for process in sshd.serving(remote.git_dir):
        os.kill(process, signal.SIGKILL)
    wait_for_sessions(the_socket(sshd))
    new = commit(ann, "next", tip)
    outcome = put(ann, CLAIMS, tip, new)

    assert (outcome.status, remote.refs()) == (SwapStatus.WON, {CLAIMS: new})


def test_a_listing_that_is_old_stops_no_write(worlds: Worlds, remote: Remote) -> None:
    """A session that was begun ahead says where refs were then."""
    ann, bob = worlds.smartssh(remote), worlds.smartssh(remote)
    tip = written(ann, 3)
    theirs = written(bob, 1, tip)

    assert put(ann, CLAIMS, tip, commit(ann, "late", tip)).status is SwapStatus.LOST
    ann.fetch(ann.read([CLAIMS]).values())
    new = written(ann, 1, theirs)

    assert remote.refs() == {CLAIMS: new}


def test_who_was_overtaken_pushes_in_a_session_that_was_begun_beside_its_look(
    worlds: Worlds, remote: Remote, sshd: Sshd
) -> None:
    """Else a claim after others' writes waits for two round trips more."""
    ann, bob = worlds.smartssh(remote), worlds.gitcli(remote)
    served = worlds.folder / "served"
    remote.hook("pre-receive", f"cat >/dev/null; echo $PPID >>{served}")
    tip = written(ann, 3)

    def ahead(*besides: int) -> list[int]:
        """Wait for sessions that have served no push yet, which are ann's: git begins none ahead."""
        known = {*besides, *map(int, served.read_text(encoding="utf-8").split())}
        return sshd.serving(remote.git_dir, "receive-pack", known)

    def after_a_look(*, begins: bool) -> bool:
        """Let another write and ann look and write; tell whether ann's write was served by what ran before it.

        `begins`: the look has to begin a session, which the server may start a while later.
        """
        nonlocal tip
        bob.fetch(bob.read([CLAIMS]).values())
        tip = written(bob, 1, tip)
        running = ahead()
        ann.fetch(ann.read([CLAIMS]).values())
        running += ahead(*running) if begins else []
        tip = written(ann, 1, tip)
        return int(served.read_text(encoding="utf-8").split()[-1]) in running

    assert [after_a_look(begins=begins) for begins in (False, True, True)] == [False, True, True]
    assert remote.refs() == {CLAIMS: tip}


def overtaken(worlds: Worlds, ann: Transport, remote: Remote, times: int) -> Oid:
    """Let another write before each of ann's writes; return the last tip."""
    bob = worlds.gitcli(remote)
    tip = written(ann, 3)
    for _ in range(times):
        bob.fetch(bob.read([CLAIMS]).values())
        theirs = written(bob, 1, tip)
        ann.fetch(ann.read([CLAIMS]).values())
        tip = written(ann, 1, theirs)
    return tip


def test_who_was_overtaken_looks_in_a_session_that_was_begun_ahead_and_hears_of_now(
    worlds: Worlds, remote: Remote, sshd: Sshd
) -> None:
    """Else a claim after others' writes waits for two round trips more."""
    ann, bob = worlds.smartssh(remote), worlds.gitcli(remote)
    tip = overtaken(worlds, ann, remote, 1)
    waiting = sshd.serving(remote.git_dir, "upload-pack")
    bob.fetch([tip])
    theirs = written(bob, 1, tip)

    ann.fetch(found := ann.read([CLAIMS]).values())

    assert [*found] == [theirs]
    sshd.wait_for_end(waiting)


def test_who_writes_alone_begins_no_session_to_look_in_ahead(worlds: Worlds, remote: Remote, sshd: Sshd) -> None:
    ann = worlds.smartssh(remote)
    tip = written(ann, 1)
    ann.fetch(ann.read([CLAIMS]).values())
    looked = sshd.serving(remote.git_dir, "upload-pack")

    written(ann, 2, tip)

    assert sshd.serving(remote.git_dir, "receive-pack")  # which is begun before the other would be
    assert {*sshd.served_by(remote.git_dir, "upload-pack")} <= {*looked}


def test_of_a_server_of_the_first_version_no_session_to_look_in_is_begun_ahead(
    worlds: Worlds, servers: Servers, sshd: Sshd
) -> None:
    old = servers.remote("ssh-old")
    ann = worlds.smartssh(old)

    tip = overtaken(worlds, ann, old, 2)

    assert sshd.serving(old.git_dir, "receive-pack")  # which is begun before the other would be
    assert sshd.served_by(old.git_dir, "upload-pack") == []
    assert dict(ann.read([CLAIMS])) == {CLAIMS: tip}


def test_absence_is_compared_with_a_listing_of_now(worlds: Worlds, remote: Remote) -> None:
    ann, bob = worlds.smartssh(remote), worlds.smartssh(remote)
    tip = written(ann, 3)
    config = commit(bob, "config")
    won(put(bob, CONFIG, None, config))

    outcome = ann.swap([RefUpdate(CLAIMS, tip, commit(ann, "new", tip)), RefUpdate(CONFIG, None, None)])
    won(ann.swap([RefUpdate(CLAIMS, tip, new := commit(ann, "newer", tip)), RefUpdate(STEPS, None, None)]))

    assert outcome.status is SwapStatus.LOST
    assert remote.refs() == {CLAIMS: new, CONFIG: config}


def test_what_hangs_before_a_push_is_unreachable_and_after_it_unknown(
    worlds: Worlds, remote: Remote, sshd: Sshd
) -> None:
    folder = worlds.new_folder()
    ann = worlds.smartssh(remote, folder=folder)
    tip = written(ann, 1)
    remote.hook("pre-receive", "cat >/dev/null; exec sleep 100")

    for timeout_s in (2, 10, 40):  # a busy server may not have begun a session in less
        hasty = worlds.smartssh(remote, folder=folder, timeout_s=timeout_s)
        after = put(hasty, CLAIMS, tip, commit(hasty, "held", tip))
        if after.status is not SwapStatus.UNREACHABLE:
            break
    stranger = worlds.smartssh(remote, timeout_s=2)
    with sshd.hanging():
        before = put(stranger, CLAIMS, None, commit(stranger, "x"))

    assert (after.status, before.status) == (SwapStatus.UNKNOWN, SwapStatus.UNREACHABLE)


@pytest.mark.rule("SAFE-3")
@pytest.mark.parametrize("words", ["FATAL: W backup user DENIED by fallthru", "Permission denied (publickey)."])
def test_a_denial_that_is_said_after_a_push_was_sent_is_none_of_the_push(
    worlds: Worlds, remote: Remote, words: str
) -> None:
    """The ref has moved by then."""
    ann = worlds.smartssh(remote)
    tip = written(ann, 1)
    new = commit(ann, "next", tip)
    remote.hook("post-receive", f"cat >/dev/null; echo '{words}' >/proc/$PPID/fd/2; kill -9 $PPID")

    outcome = put(ann, CLAIMS, tip, new)

    assert outcome.status is SwapStatus.UNKNOWN
    assert remote.refs() == {CLAIMS: new}


def test_who_is_not_let_in_hears_so_and_keeps_no_connection(worlds: Worlds, remote: Remote, sshd: Sshd) -> None:
    stranger = worlds.smartssh(remote, env=sshd.client_env("stranger"))

    with pytest.raises(DeniedError, match="Permission denied"):
        stranger.read(["refs/coord/"])
    assert put(stranger, CLAIMS, None, commit(stranger, "x")).status is SwapStatus.DENIED
    assert sockets_in(sshd.runtime) == []


def test_a_repository_that_is_not_there_is_named(worlds: Worlds, remote: Remote) -> None:
    ann = worlds.smartssh(replace(remote, url=f"{remote.url}-gone"))

    with pytest.raises(UnreachableError, match="does not appear to be a git repository"):
        ann.read(["refs/coord/"])


def test_a_connection_is_ended_with_the_clone(worlds: Worlds, remote: Remote, sshd: Sshd) -> None:
    folder, others = worlds.new_folder(), worlds.new_folder()
    for where in (folder, others):
        worlds.smartssh(remote, folder=where).read(["refs/coord/"])

    end_all(folder / "gitcoord", remote.env | {"PATH": os.environ["PATH"]}, WAITING.monotonic)

    assert len(sockets_in(sshd.runtime)) == 1
    assert master_of(the_socket(sshd))


# -- whose connection it is, and what git does instead -----------------------------------------------------------------


def test_a_folder_that_others_may_enter_has_no_socket(worlds: Worlds, remote: Remote, sshd: Sshd) -> None:
    (sshd.runtime / "gitcoord").mkdir(exist_ok=True)
    (sshd.runtime / "gitcoord").chmod(0o755)
    ann = worlds.smartssh(remote)
    try:
        tip = written(ann, 1)
    finally:
        (sshd.runtime / "gitcoord").chmod(0o700)

    assert (sockets_in(sshd.runtime), remote.refs()) == ([], {CLAIMS: tip})


@pytest.mark.parametrize("why", ["the path is too long", "no socket can be made"])
def test_where_no_socket_can_be_made_git_writes(worlds: Worlds, remote: Remote, sshd: Sshd, why: str) -> None:
    folder = worlds.folder / ("long" * 20 if why == "the path is too long" else "short")
    folder.mkdir()
    if why == "no socket can be made":
        (sshd.runtime / "x").mkdir(mode=0o700, exist_ok=True)
        (sshd.runtime / "x" / "gitcoord").touch()
    ann = worlds.smartssh(
        remote, folder=folder, env={"XDG_RUNTIME_DIR": "" if "long" in why else str(sshd.runtime / "x")}
    )

    tip = written(ann, 2)

    assert (sockets_in(sshd.runtime), sockets_in(folder), remote.refs()) == ([], [], {CLAIMS: tip})


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_connection_that_the_user_shares_is_used_as_it_is(
    worlds: Worlds, remote: Remote, sshd: Sshd, proxy: DelayingProxy, *, is_kept: bool
) -> None:
    own = sshd.runtime / "own"
    persist = "ControlPersist 60\n" if is_kept else ""
    config = worlds.folder / "config"
    config.write_text(f"Host *\n ControlMaster auto\n ControlPath {own}\n {persist}")
    env = {"GIT_SSH_COMMAND": remote.env["GIT_SSH_COMMAND"].replace("-F none", f"-F {config}")}
    ann = worlds.smartssh(remote, env=env)

    tip = written(ann, 3)

    assert remote.refs() == {CLAIMS: tip}
    assert sockets_in(sshd.runtime) == ([own] if is_kept else [])
    assert (proxy.connections == 1) is is_kept


@pytest.mark.parametrize(
    ("env", "settings"),
    [
        ({"GIT_SSH_VARIANT": "simple"}, ()),
        ({}, (("ssh.variant", "plink"),)),
        ({"GIT_SSH_COMMAND": "/usr/local/bin/connect"}, ()),
        ({"GIT_ALLOW_PROTOCOL": "https"}, ()),
    ],
)
def test_git_talks_to_it_where_the_command_is_not_openssh(
    worlds: Worlds, remote: Remote, env: dict[str, str], settings: tuple[tuple[str, str], ...]
) -> None:
    ann = worlds.smartssh(replace(remote, settings=settings), env=env)

    assert ann.name == "gitcli"
    assert ann.why_git
