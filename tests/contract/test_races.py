"""Real processes that swap the same ref at the same moment: exactly one wins each round."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitcoord.remote.contract.protocol import Oid, RefUpdate, SwapStatus, Transport
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.store.store import StoreMode, ensure_store
from gitcoord.remote.transports.gitcli import GitCliTransport
from gitcoord.remote.transports.local import LocalTransport
from tests.contract.worlds import CLAIMS, STEPS, WAITING, Worlds, commit
from tests.servers.fixtures import Remote, Servers

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

RACERS, ROUNDS, WAIT_S = 4, 5, 60.0


def open_local(remote: Remote, folder: Path) -> Transport:
    return LocalTransport(remote.git_dir, clocks=WAITING)


def open_gitcli(remote: Remote, folder: Path) -> Transport:
    store = ensure_store(folder, StoreMode.CACHE)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **remote.env}
    return GitCliTransport(
        remote.url, store_path=store.path, objects=CopiedObjects(store.path), env=env, clocks=WAITING, timeout_s=60
    )


def open_smarthttp(remote: Remote, folder: Path) -> Transport:
    return Worlds(folder).smarthttp(remote, folder=folder)


def open_smartssh(remote: Remote, folder: Path) -> Transport:
    return Worlds(folder).smartssh(remote, folder=folder)


def race(
    opened: Callable[[Remote, Path], Transport],
    remote: Remote,
    folder: Path,
    racer: int,
    barrier: Barrier,
    results: "Queue[tuple[int, int, str, str]]",
) -> None:
    transport = opened(remote, folder)
    for turn in range(ROUNDS):
        barrier.wait(WAIT_S)
        refs = transport.read(["refs/coord/"])
        transport.fetch(refs.values())
        old = refs.get(CLAIMS)
        new = commit(transport, f"racer {racer} turn {turn}", old)
        barrier.wait(WAIT_S)  # everybody has read; now everybody writes
        outcome = transport.swap([RefUpdate(CLAIMS, old, new), RefUpdate(STEPS, refs.get(STEPS), new)])
        results.put((turn, racer, outcome.status, new))


@pytest.mark.parametrize(
    ("opened", "kind"),
    [
        (open_local, "path"),
        (open_gitcli, "path-hook"),
        (open_gitcli, "http"),
        (open_smarthttp, "http"),
        (open_smartssh, "gitolite"),
        pytest.param(open_smarthttp, "jgit-http", marks=pytest.mark.torture),
        pytest.param(open_gitcli, "jgit-git", marks=pytest.mark.torture),
    ],
)
def test_of_racing_processes_exactly_one_wins(
    opened: Callable[[Remote, Path], Transport], kind: str, servers: Servers, tmp_path: Path
) -> None:
    remote = servers.remote(kind)
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(RACERS), context.Queue()
    racers = [
        context.Process(target=race, args=(opened, remote, tmp_path / f"clone-{racer}", racer, barrier, results))
        for racer in range(RACERS)
    ]

    for process in racers:
        process.start()
    told = [results.get(timeout=WAIT_S) for _ in range(RACERS * ROUNDS)]
    for process in racers:
        process.join(WAIT_S)

    winners = [Oid(new) for _, _, status, new in sorted(told) if status == SwapStatus.WON]
    assert {status for _, _, status, _ in told} == {SwapStatus.WON, SwapStatus.LOST}
    assert len(winners) == ROUNDS
    assert remote.refs() == {CLAIMS: winners[-1], STEPS: winners[-1]}
    history = remote.git("rev-list", "--first-parent", CLAIMS).split()
    assert history == winners[::-1]
