"""A new clone brings the tips of ledgers alone, and the rest of them where it is looked for."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import walk
from gitcoord.ledger.hook_view import hook_rewind
from gitcoord.ledger.hook_view.glance import Glance
from gitcoord.ledger.rewinds.lookback import descent
from gitcoord.remote.contract.deadline import asking_until, until
from gitcoord.remote.contract.object_graph import referred_oids
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid, SwapStatus, Transport, here
from gitcoord.remote.copies import known_tips
from gitcoord.remote.copies.boundaries import BELIEVED_S, LOCK_TRIES, Boundaries
from gitcoord.remote.copies.buffered_objects import BufferedObjects, Made
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.copies.whole_history import AGAIN_S, WholeHistory
from gitcoord.remote.http.fetch import Brought, Wanted
from gitcoord.remote.http.git_server import GitServer
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.store.compaction import compact, lacking
from gitcoord.remote.store.plain_store import PlainStore
from gitcoord.remote.store.stale_locks import STALE_LOCK_S
from gitcoord.remote.transports.gitcli import GitCliTransport
from gitcoord.remote.transports.push_source import LeftOutError
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.store.damage import zeroed_inside
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, WAITING, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers

COMMITS = 12
each_way = pytest.mark.parametrize("way", ["http", "ssh"])


@pytest.fixture
def way() -> str:
    return "http"


@pytest.fixture
def remote(servers: Servers, way: str) -> Remote:
    return servers.remote(way)


def clone_of(worlds: Worlds, remote: Remote, folder: Path | None = None) -> SmartTransport:
    return (worlds.smartssh if "ssh" in remote.kind else worlds.smarthttp)(remote, folder=folder)


def chain(transport: Transport, count: int, tip: Oid | None = None) -> list[Oid]:
    """Write claims so many times; return the tips, the oldest first."""
    made = list[Oid]()
    for number in range(count):
        new = commit(transport, f"{number} after {tip}", tip)
        won(put(transport, CLAIMS, tip, new))
        tip = new
        made.append(new)
    return made


def look(transport: Transport) -> dict[str, Oid]:
    listed = transport.read(["refs/coord/"])
    transport.fetch(listed.values())
    return {**listed}


class Begun(NamedTuple):
    """A clone that has written claims, and the folder of another one that began with their tip."""

    writer: SmartTransport
    folder: Path
    tips: list[Oid]
    clone: SmartTransport


def begun(worlds: Worlds, remote: Remote, count: int = 5) -> Begun:
    writer, folder = clone_of(worlds, remote), worlds.new_folder()
    tips = chain(writer, count)
    clone = clone_of(worlds, remote, folder)
    look(clone)
    return Begun(writer, folder, tips, clone)


def store_of(folder: Path) -> Path:
    return folder / "gitcoord" / "store.git"


def boundaries(folder: Path) -> set[Oid]:
    return {*Boundaries(store_of(folder), WAITING, "").read()}


def git(folder: Path, *words: str) -> None:
    done = subprocess.run(
        ["git", f"--git-dir={store_of(folder)}", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def whole(objects: Objects, tip: Oid) -> int:
    """Count the objects of a commit without what it came from; each is here."""
    tree = commits.read(objects, tip).tree
    return 2 + sum(1 for oid in referred_oids(*objects.read(tree)) if objects.read(oid))


def objects_in(folder: Path) -> int:
    words = ["git", f"--git-dir={store_of(folder)}", "cat-file", "--batch-check", "--batch-all-objects"]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60)
    return len(done.stdout.splitlines())


@each_way
def test_a_new_clone_brings_the_tips_alone(worlds: Worlds, remote: Remote) -> None:
    ann, folder = clone_of(worlds, remote), worlds.new_folder()
    tips = chain(ann, COMMITS)
    won(put(ann, CONFIG, None, commit(ann, "config")))
    bob = clone_of(worlds, remote, folder)

    look(bob)

    assert objects_in(folder) == 2 * 3  # of each tip a commit, its tree and its document
    assert boundaries(folder) == {tips[-1]}  # the server names first commits, too
    assert (here(bob.objects).has(tips[-1]), here(bob.objects).has(tips[-2])) == (True, False)


def test_tips_that_come_in_a_large_pack_come_alone_too(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, folder = clone_of(worlds, remote), worlds.new_folder()
    tips = chain(ann, COMMITS)
    monkeypatch.setattr(known_tips, "OBJECTS_MAX", 1)
    bob = clone_of(worlds, remote, folder)

    look(bob)

    assert (objects_in(folder), boundaries(folder)) == (3, {tips[-1]})
    assert [oid for oid, _ in walk(bob.objects, tips[-1])] == tips[::-1]


@each_way
def test_who_walks_the_history_finds_all_of_it(worlds: Worlds, remote: Remote) -> None:
    _, folder, tips, bob = begun(worlds, remote, COMMITS)

    found = [oid for oid, _ in walk(bob.objects, tips[-1])]

    assert found == tips[::-1]
    assert boundaries(folder) == set()
    assert clone_of(worlds, remote, folder).objects.has(tips[0])


def test_a_read_of_what_was_left_out_brings_it(worlds: Worlds, remote: Remote) -> None:
    ann, _, tips, bob = begun(worlds, remote, 3)

    assert bob.objects.read(tips[1]) == ann.objects.read(tips[1])


@each_way
def test_what_is_new_comes_whole_though_the_server_has_it_in_what_was_left_out(worlds: Worlds, remote: Remote) -> None:
    """A server that is not told takes all that a commit came from for what is here."""
    ann, folder, tips, _ = begun(worlds, remote, 10)
    objects = ann.objects
    old = objects.read(tips[2])[1]
    again = objects.write(ObjectKind.COMMIT, old.replace(f"parent {tips[1]}".encode(), f"parent {tips[-1]}".encode()))
    won(put(ann, CLAIMS, tips[-1], again))
    remote.git("repack", "-adbq")  # with bitmaps a server knows all that a commit came from
    later = clone_of(worlds, remote, folder)

    look(later)

    assert whole(here(later.objects), again) == 3
    assert boundaries(folder) == {tips[-1]}


def test_all_between_two_looks_is_brought(worlds: Worlds, remote: Remote) -> None:
    """SAFE-9: what a clone has seen of a ledger is in what it has of the next tip."""
    ann, folder, tips, _ = begun(worlds, remote)
    newer = chain(ann, 5, tips[-1])
    later = clone_of(worlds, remote, folder)

    look(later)

    assert all(map(here(later.objects).has, [tips[-1], *newer]))
    assert boundaries(folder) == {tips[-1]}


@each_way
def test_a_clone_of_tips_pushes(worlds: Worlds, remote: Remote) -> None:
    _, _, tips, bob = begun(worlds, remote)

    own = chain(bob, 3, tips[-1])
    won(put(bob, STEPS, None, commit(bob, "steps", own[-1])))  # of a parent that the remote has

    assert remote.refs()[CLAIMS] == own[-1]
    assert not here(bob.objects).has(tips[0])


def test_what_git_pushes_is_whole(worlds: Worlds, remote: Remote) -> None:
    """A remote helper, or a server of another make, may take a boundary for a first commit."""
    _, folder, tips, bob = begun(worlds, remote)
    by_git = worlds.gitcli(remote, folder=folder)

    last = chain(by_git, 2, tips[-1])[-1]

    assert remote.refs()[CLAIMS] == last
    assert (here(bob.objects).has(tips[0]), boundaries(folder)) == (True, set())


def mirrored(old: Remote, new: Remote) -> None:
    old.git("push", "--quiet", str(new.git_dir), "refs/coord/*:refs/coord/*")


@pytest.mark.parametrize("way", ["http"])
@pytest.mark.parametrize("to", ["http", "git", "dulwich-http", "dulwich-git"])
def test_a_clone_of_tips_that_moves_pushes_where_its_history_is(
    worlds: Worlds, remote: Remote, servers: Servers, to: str
) -> None:
    _, folder, tips, _ = begun(worlds, remote)
    new = servers.remote(to)
    mirrored(remote, new)
    bob = worlds.smarthttp(new, folder=folder) if "http" in to else worlds.gitcli(new, folder=folder)
    look(bob)

    own = chain(bob, 2, tips[-1])

    assert new.refs()[CLAIMS] == own[-1]
    assert [oid for oid, _ in walk(bob.objects, own[-1])] == [*own[::-1], *tips[::-1]]


@pytest.mark.parametrize("to", ["git", "dulwich-http", "dulwich-git"])
def test_a_clone_of_tips_that_moves_pushes_where_another_history_is(
    worlds: Worlds, remote: Remote, servers: Servers, to: str
) -> None:
    _, folder, tips, _ = begun(worlds, remote)
    new = servers.remote(to)
    bob = worlds.smarthttp(new, folder=folder) if "http" in to else worlds.gitcli(new, folder=folder)
    look(bob)

    another = commit(bob, "another")
    won(put(bob, CLAIMS, None, another))
    own = chain(bob, 2, another)

    assert (new.refs()[CLAIMS], boundaries(folder)) == (own[-1], {tips[-1]})
    assert clone_of(worlds, remote, folder).objects.has(tips[-2])


_HELPER = """#!/bin/sh
unset GIT_DIR
while read -r word; do
    case "$word" in
        capabilities) printf 'connect\n\n' ;;
        "connect "*) echo && exec git "${word#connect git-}" "${2#x::}" ;;
    esac
done
"""


def by_helper(worlds: Worlds, remote: Remote, folder: Path) -> GitCliTransport:
    """Reach a repository by a helper that git asks to begin a conversation; others pack what they find."""
    programs = worlds.new_folder()
    programs.mkdir()
    program = programs / "git-remote-x"
    program.write_text(_HELPER)
    program.chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return worlds.gitcli(replace(remote, url=f"x::{remote.git_dir}"), env={"PATH": path}, folder=folder)


def test_a_remote_helper_is_sent_no_history_that_was_left_out(worlds: Worlds, remote: Remote, servers: Servers) -> None:
    """It may bundle what came later, in place of the whole that is there."""
    _, folder, tips, _ = begun(worlds, remote)
    new = servers.remote("path")
    bob = by_helper(worlds, new, folder)
    on = commit(bob, "on", tips[-1])

    outcome = put(bob, CLAIMS, None, on)

    assert (outcome.status, new.refs()) == (SwapStatus.UNREACHABLE, {})
    assert isinstance(outcome.cause, LeftOutError)
    assert tips[-1][:12] in outcome.message
    assert clone_of(worlds, remote, folder).objects.has(tips[-2])  # as `gitcoord log` looks there
    won(put(by_helper(worlds, new, folder), CLAIMS, None, on))


def test_what_git_brings_anew_comes_whole_and_leaves_no_boundary(worlds: Worlds, remote: Remote) -> None:
    """Git would drop what is behind one when the store is packed."""
    _, folder, tips, _ = begun(worlds, remote)

    assert worlds.gitcli(remote, folder=folder).refetch(tips[-1])

    assert boundaries(folder) == set()
    git(folder, "repack", "-q", "-a", "-d")
    git(folder, "prune", "--expire=now")
    objects = here(clone_of(worlds, remote, folder).objects)
    assert [oid for oid, _ in walk(objects, tips[-1])] == tips[::-1]


def test_a_server_that_does_not_say_what_it_gives_of_what_was_left_out_leaves_no_boundary(
    worlds: Worlds, remote: Remote
) -> None:
    """JGit's: it says so of what it sends after what was asked for, and what is lacking is before it."""
    _, folder, tips, _ = begun(worlds, remote)
    store = store_of(folder)

    def brings(lacking: Oid) -> None:
        words = ["git", f"--git-dir={remote.git_dir}", "pack-objects", "--revs", "--stdout", "-q"]
        packed = subprocess.run(words, input=f"{lacking}\n".encode(), capture_output=True, check=True, timeout=60)
        words = ["git", f"--git-dir={store}", "index-pack", "--stdin"]
        subprocess.run(words, input=packed.stdout, capture_output=True, check=True, timeout=60)

    objects = WholeHistory(CopiedObjects(store), Boundaries(store, WAITING, ""), WAITING, brings)

    assert [oid for oid, _ in walk(objects, tips[-1])] == tips[::-1]
    assert boundaries(folder) == set()


def test_a_transaction_waits_for_another_process_no_longer_than_it_may_take(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, tips, bob = begun(worlds, remote)
    waits = list[float]()

    def lock(_: Boundaries, wait_s: float) -> None:
        waits.append(wait_s)
        raise UnfamiliarError("another process is at it")

    monkeypatch.setattr(Boundaries, "lock", lock)
    with until(lambda: 2.0), pytest.raises(UnreachableError, match="another process"):
        bob.objects.has(tips[-2])

    assert waits == [2.0]


def test_git_finds_the_store_whole_before_and_after_it_is_packed(worlds: Worlds, remote: Remote) -> None:
    _, folder, tips, bob = begun(worlds, remote)
    bob.fetch(())

    git(folder, "fsck", "--strict", "--no-dangling")
    compact(store_of(folder), os.environ)
    git(folder, "fsck", "--strict", "--no-dangling")

    assert boundaries(folder) == {tips[-1]}
    assert lacking(store_of(folder), os.environ, ()) == []
    again = clone_of(worlds, remote, folder)
    assert [oid for oid, _ in walk(again.objects, tips[-1])] == tips[::-1]
    git(folder, "fsck", "--strict", "--no-dangling")


def test_a_process_that_ends_before_its_pack_is_kept_harms_nothing(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, folder = clone_of(worlds, remote), worlds.new_folder()
    tips = chain(ann, 5)
    bob = clone_of(worlds, remote, folder)

    def ends(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(BufferedObjects, "put", ends)
        with pytest.raises(KeyboardInterrupt):
            look(bob)
    assert boundaries(folder) == {tips[-1]}  # the other way round git, and who walks, would miss what is behind it
    newer = chain(ann, 2, tips[-1])
    later = clone_of(worlds, remote, folder)

    look(later)

    assert boundaries(folder) == {newer[-1]}
    git(folder, "fsck", "--strict", "--no-dangling")
    assert [oid for oid, _ in walk(later.objects, newer[-1])] == [*newer[::-1], *tips[::-1]]


def test_a_history_that_cannot_be_brought_does_not_look_like_a_short_one(worlds: Worlds, remote: Remote) -> None:
    _, folder, tips, bob = begun(worlds, remote)
    away = remote.git_dir.rename(remote.git_dir.with_name("away.git"))

    with pytest.raises(UnreachableError, match=tips[-2][:12]):
        list(walk(bob.objects, tips[-1]))
    assert [oid for oid, _ in walk(here(bob.objects), tips[-1])] == tips[-1:]

    away.rename(remote.git_dir)
    later = clone_of(worlds, remote, folder)
    assert [oid for oid, _ in walk(later.objects, tips[-1])] == tips[::-1]


def test_after_a_try_in_vain_the_remote_is_not_asked_at_each_step(worlds: Worlds, remote: Remote) -> None:
    _, folder, tips, _ = begun(worlds, remote)
    now, tries = [0.0], list[float]()

    def fails(_: Oid) -> None:
        tries.append(now[0])
        raise UnreachableError("A test.")

    clocks = WAITING._replace(monotonic=lambda: now[0])
    store = store_of(folder)
    objects = WholeHistory(CopiedObjects(store), Boundaries(store, clocks, ""), clocks, fails)
    for now[0] in (0.0, 1.0, AGAIN_S - 1, AGAIN_S, AGAIN_S + 1):
        with pytest.raises(UnreachableError):
            objects.has(tips[-2])

    assert tries == [0.0, AGAIN_S]


def test_a_caller_with_a_bound_on_its_questions_keeps_it(worlds: Worlds, remote: Remote) -> None:
    _, _, tips, bob = begun(worlds, remote)

    with asking_until(lambda: 0.0), pytest.raises(UnreachableError, match="was not asked"):
        bob.objects.has(tips[-2])

    assert bob.objects.has(tips[-2])


def test_another_process_that_is_at_it_is_waited_for_once(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder, tips, bob = begun(worlds, remote)
    waits, lock = list[float](), Boundaries.lock
    monkeypatch.setattr("gitcoord.remote.copies.whole_history.WAIT_S", 0.0)
    with lock(Boundaries(store_of(folder), WAITING, "")):
        monkeypatch.setattr(Boundaries, "lock", lambda self, wait_s: (waits.append(wait_s), lock(self, wait_s))[1])
        for _ in range(3):
            with pytest.raises(UnreachableError, match="another process"):
                bob.objects.has(tips[-2])

    assert len(waits) == 1


def test_who_looks_between_the_note_of_another_process_and_its_pack_finds_the_rest_later(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, folder = clone_of(worlds, remote), worlds.new_folder()
    tips = chain(ann, 3)
    bob, cat = clone_of(worlds, remote, folder), clone_of(worlds, remote, folder)
    found, keep = list[bool](), BufferedObjects.put

    def looked(objects: BufferedObjects, made: Iterable[Made]) -> None:
        found.append(cat.objects.has(tips[-2]))
        keep(objects, made)

    monkeypatch.setattr(BufferedObjects, "put", looked)
    look(bob)

    assert found == [False]
    assert cat.objects.has(tips[-2])


def test_what_is_here_is_told_apart_without_a_look_at_the_disk(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look does it, once for every heartbeat."""
    ann, folder = clone_of(worlds, remote), worlds.new_folder()
    chain(ann, 3)
    bob = clone_of(worlds, remote, folder)
    look(bob)
    looks = list[Boundaries]()
    monkeypatch.setattr(Boundaries, "read", looks.append)

    assert here(bob.objects) is not bob.objects
    assert looks == []


def test_what_the_remote_does_not_have_any_more_is_asked_for_once_a_day(worlds: Worlds, remote: Remote) -> None:
    _, folder, tips, _ = begun(worlds, remote)
    asked = list[Oid]()

    def process(now_s: int) -> WholeHistory:
        clocks = WAITING._replace(wall_ns=lambda: now_s * 10**9)
        objects = BufferedObjects(store_of(folder), clocks.wall_ns)
        return WholeHistory(objects, Boundaries(store_of(folder), clocks, ""), clocks, asked.append)

    for now_s in (1_800_000_000, 1_800_000_100, 1_800_000_000 + BELIEVED_S):
        assert not process(now_s).has(tips[-2])
        assert not process(now_s).leaves_out()

    assert asked == [tips[-2]] * 2


def test_what_one_remote_does_not_have_is_asked_of_the_other(worlds: Worlds, remote: Remote, servers: Servers) -> None:
    """As in a clone whose remote is another one for a while."""
    _, folder, tips, _ = begun(worlds, remote)

    assert not clone_of(worlds, servers.remote("http"), folder).objects.has(tips[-2])

    assert clone_of(worlds, remote, folder).objects.has(tips[-2])


def test_a_history_that_ends_in_what_was_never_left_out_brings_nothing(worlds: Worlds, remote: Remote) -> None:
    """As behind a roll: the tip that it replaces is in an archive."""
    _, folder, tips, bob = begun(worlds, remote)

    assert descent(bob.objects, commit(bob, "on", Oid("9" * 40)), tips[-1]) is None
    assert boundaries(folder) == {tips[-1]}


def test_a_hook_sees_what_was_written_beside_what_was_seen(worlds: Worlds, remote: Remote) -> None:
    """SAFE-9: both come from the boundary, and neither from the other."""
    ann, folder, tips, _ = begun(worlds, remote)
    seen = chain(ann, 2, tips[-1])
    look(clone_of(worlds, remote, folder))
    remote.git("update-ref", CLAIMS, tips[-1])
    bob = clone_of(worlds, remote)
    other = commit(bob, "another", tips[-1])
    won(put(bob, CLAIMS, tips[-1], other))
    anew = chain(bob, 3, other)
    look(clone_of(worlds, remote, folder))

    where = SimpleNamespace(store=PlainStore(store_of(folder), os.environ))
    glance = cast("Glance", SimpleNamespace(where=where))

    assert hook_rewind._descends(glance, anew[-1], seen[-1]) is False
    assert hook_rewind._descends(glance, seen[-1], tips[-1]) is True


def test_a_clone_that_has_seen_a_ledger_brings_all(worlds: Worlds, remote: Remote) -> None:
    """SAFE-9: what it saw of it may be in what would be left out."""
    ann, folder = worlds.smarthttp(remote), worlds.new_folder()
    tips = chain(ann, 5)
    bob = worlds.smarthttp(remote, folder=folder)
    bob._store._is_new = lambda: False

    look(bob)

    assert (boundaries(folder), here(bob.objects).has(tips[0])) == (set(), True)


def test_a_damaged_tip_comes_anew(worlds: Worlds, remote: Remote) -> None:
    _, folder, tips, _ = begun(worlds, remote)
    for pack in (store_of(folder) / "objects" / "pack").glob("*.pack"):
        zeroed_inside(pack)
    bob = worlds.smarthttp(remote, folder=folder)
    bob.read(["refs/coord/"])

    assert bob.refetch(tips[-1])

    assert whole(here(bob.objects), tips[-1]) == 3
    assert [oid for oid, _ in walk(bob.objects, tips[-1])] == tips[::-1]


@pytest.mark.rule("SAFE-9")
def test_two_processes_that_begin_at_once_have_all_between_their_tips(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, folder = worlds.smarthttp(remote), worlds.new_folder()
    first = chain(ann, 5)
    bob, cat = worlds.smarthttp(remote, folder=folder), worlds.smarthttp(remote, folder=folder)
    at_first = bob.read(["refs/coord/"])
    newer = chain(ann, 3, first[-1])
    at_second = cat.read(["refs/coord/"])

    pack_of = GitServer.pack_of

    def later(server: GitServer, wanted: Wanted) -> Brought:
        brought = pack_of(server, wanted)
        if server is cat._server:
            bob.fetch(at_first.values())
        return brought

    monkeypatch.setattr(GitServer, "pack_of", later)
    cat.fetch(at_second.values())
    remote.git("update-ref", CLAIMS, newer[0])
    anew = chain(ann, 3, newer[0])
    last = clone_of(worlds, remote, folder)
    look(last)

    assert boundaries(folder) == {first[-1]}
    assert descent(last.objects, anew[-1], newer[-1]) is False
    git(folder, "fsck", "--strict", "--no-dangling")
    assert [oid for oid, _ in walk(cat.objects, newer[-1])] == [*newer[::-1], *first[::-1]]


@pytest.mark.parametrize("objects_max", [200, 1], ids=["small", "large"])
def test_all_is_brought_from_a_server_that_does_not_say_what_it_left_out(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch, objects_max: int
) -> None:
    ann, folder = worlds.smarthttp(remote), worlds.new_folder()
    tips = chain(ann, 5)
    kept, pack_of = list[bool](), GitServer.pack_of

    def silent(server: GitServer, wanted: Wanted) -> Brought:
        kept.append(CopiedObjects(store_of(folder)).has(tips[-1]))
        return Brought(pack_of(server, wanted).pack)

    monkeypatch.setattr(GitServer, "pack_of", silent)
    monkeypatch.setattr(known_tips, "OBJECTS_MAX", objects_max)
    bob = worlds.smarthttp(remote, folder=folder)

    look(bob)

    assert kept == [False, False]  # who ends in between has no tip whose history ends without a word
    assert [oid for oid, _ in walk(here(bob.objects), tips[-1])] == tips[::-1]
    assert (bob.why_git, boundaries(folder)) == ("", set())


def test_where_branches_are_guarded_all_is_brought(worlds: Worlds, remote: Remote) -> None:
    bob = worlds.smarthttp(remote)
    bob._store.namespace = "refs/heads/agents/coord/"

    assert not bob._store.wanted([], ()).tips_only


@pytest.mark.parametrize(
    "way", ["http-old", "ssh-old", "dulwich-http", pytest.param("jgit-http", marks=pytest.mark.torture)]
)
def test_a_server_of_another_make_or_version_gives_what_it_can_and_is_pushed_to(worlds: Worlds, remote: Remote) -> None:
    ann, folder = worlds.gitcli(remote), worlds.new_folder()
    tips = chain(ann, 5)
    bob = clone_of(worlds, remote, folder)

    look(bob)

    own = chain(bob, 2, tips[-1])
    assert remote.refs()[CLAIMS] == own[-1]
    assert [oid for oid, _ in walk(bob.objects, own[-1])] == [*own[::-1], *tips[::-1]]
    git(folder, "fsck", "--strict", "--no-dangling")


def test_a_server_that_leaves_nothing_out_is_asked_for_all(
    worlds: Worlds, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, folder = worlds.smarthttp(remote), worlds.new_folder()
    tips = chain(ann, 5)
    uploading = GitServer.uploading
    monkeypatch.setattr(GitServer, "uploading", lambda server: {**uploading(server), "fetch": ""})
    bob = worlds.smarthttp(remote, folder=folder)

    look(bob)

    assert (bob.why_git, boundaries(folder), here(bob.objects).has(tips[0])) == ("", set(), True)


def test_a_lock_that_git_left_is_removed_and_one_that_it_holds_is_waited_for(tmp_path: Path) -> None:
    lock, now = tmp_path / "shallow.lock", [1_800_000_000.0]
    waited = list[float]()
    clocks = WAITING._replace(wall_ns=lambda: int(now[0] * 10**9), sleep=waited.append)
    found = Boundaries(tmp_path, clocks, "")
    lock.touch()
    os.utime(lock, (now[0], now[0]))

    with pytest.raises(UnfamiliarError):
        found.add([Oid("a" * 40)])
    assert (len(waited), lock.exists(), found.read()) == (LOCK_TRIES, True, frozenset())

    now[0] += STALE_LOCK_S + 1
    found.add([Oid("a" * 40)])
    found.add([Oid("b" * 40)])
    assert (lock.exists(), found.read()) == (False, {"a" * 40, "b" * 40})
