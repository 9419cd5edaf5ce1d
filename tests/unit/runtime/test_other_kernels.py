"""A store that a virtual machine shares with its host: the file locks of one do not hold for the other.

Both are this process; what it is said to have mounted makes it the one or the other.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord import runtime
from gitcoord.errors import StorageError
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.store import store_locks
from gitcoord.remote.store.store import Store, StoreMode, begin_journal, end_journal, ensure_store, set_mode
from gitcoord.remote.store.write_out import is_behind, write_out
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.runtime import make_host
from gitcoord.runtime.machine import clocks
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.doctor import store as of_store
from gitcoord.service.doctor.check_run import Finding, Status
from gitcoord.service.doctor.site import Site
from gitcoord.service.session import clone_store
from gitcoord.source.checkout.repository import open_repository
from tests.conftest import Git, MakeBare
from tests.unit.service.world import Agents, store_of, tips

CLAIMS, BESIDE = RefName("refs/coord/claims"), RefName("refs/beside/one")
HOST, GUEST = (f"1 0 0:1 / / rw - {kind} disk rw" for kind in ("ext4", "9p"))


@pytest.fixture
def be(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Be the host or the guest from now on."""

    def become(mounts: str) -> None:
        monkeypatch.setattr(store_locks, "read_mounts", lambda: mounts)
        store_locks.locks_hold.cache_clear()

    return become


def folder_of(repo: Path) -> Path:
    return repo / ".git" / "gitcoord"


def mode_of(repo: Path) -> str:
    return json.loads((folder_of(repo) / "store.json").read_text())["mode"]


def left_unwritten(repo: Path) -> Oid:
    """Swap a ref in the journal, and die before anything of it is written out."""
    home = home_of(repo)
    new = home.read([CLAIMS])[CLAIMS]
    assert home.swap([RefUpdate(BESIDE, None, new)]).status is SwapStatus.WON
    return new


def home_of(repo: Path) -> HomeTransport:
    return HomeTransport(ensure_store(repo / ".git", StoreMode.HOME), clocks=clocks())


@pytest.mark.rule("STORE-1")
def test_a_guest_leaves_the_journal_of_its_host_alone_and_the_host_ends_it(
    agents: Agents, repo: Path, be: Callable[[str], None]
) -> None:
    be(HOST)
    ann = agents(repo, "ann/claude/wt", serve=True)
    assert claim_files(ann, patterns=["README.md"])["granted"]
    store_of(repo)
    tip, journal = left_unwritten(repo), (folder_of(repo) / "journal").read_bytes()

    be(GUEST)
    with pytest.raises(StorageError, match="may not hold for every process on 9p") as caught:
        agents(repo, "bob/cli/wt")
    at_guest = [mode_of(repo), (folder_of(repo) / "journal").read_bytes()]
    be(HOST)
    agents(repo, "eve/cli/wt")

    assert at_guest == ["journal", journal]
    assert "gitcoord status" in caught.value.hint
    assert (mode_of(repo), home_of(repo).read([BESIDE])) == ("home", {BESIDE: tip})
    assert claim_files(ann, patterns=["a.py"])["granted"]  # a session that was at work goes on as the host says
    be(GUEST)
    bob = agents(repo, "bob/cli/wt")
    assert claim_files(bob, patterns=["b.py"])["granted"]
    be(HOST)
    assert tips(agents(repo, "eve/cli/wt"))[CLAIMS] == tips(bob)[CLAIMS]
    assert mode_of(repo) == "home"


@pytest.mark.rule("STORE-1")
def test_where_a_guest_was_first_the_host_begins_no_journal(
    agents: Agents, repo: Path, be: Callable[[str], None]
) -> None:
    be(GUEST)
    bob = agents(repo, "bob/cli/wt")
    assert claim_files(bob, patterns=["README.md"])["granted"]

    be(HOST)
    ann = agents(repo, "ann/cli/wt")

    assert (mode_of(repo), tips(ann)) == ("home", tips(bob))


@pytest.mark.rule("STORE-1")
def test_a_guest_that_is_at_work_writes_to_no_journal_that_its_host_began(
    agents: Agents, repo: Path, be: Callable[[str], None]
) -> None:
    """A host with an older version does not look for what the guest left."""
    be(GUEST)
    bob = agents(repo, "bob/claude/wt", serve=True)
    assert claim_files(bob, patterns=["README.md"])["granted"]
    be(HOST)
    begin_journal(ensure_store(repo / ".git", StoreMode.HOME), "boot", 1)
    left_unwritten(repo)
    journal = (folder_of(repo) / "journal").read_bytes()

    be(GUEST)
    with pytest.raises(StorageError, match="has a journal") as caught:
        claim_files(bob, patterns=["a.py"])
    is_out = write_out(folder_of(repo), clocks())

    assert "gitcoord status" in caught.value.hint
    assert (is_out, is_behind(folder_of(repo))) == (False, True)
    assert (folder_of(repo) / "journal").read_bytes() == journal


@pytest.mark.rule("STORE-1")
def test_what_a_guest_left_while_a_host_began_a_journal_ends_it_again(
    agents: Agents, repo: Path, be: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    be(HOST)
    end_journal(ensure_store(repo / ".git", StoreMode.HOME))

    def begun(store: Store, boot: str, generation: int) -> Store:
        store_locks.mark(store.folder)
        return begin_journal(store, boot, generation)

    monkeypatch.setattr(clone_store, "begin_journal", begun)
    ann = agents(repo, "ann/cli/wt")

    assert mode_of(repo) == "home"
    assert claim_files(ann, patterns=["README.md"])["granted"]


@pytest.mark.rule("STORE-1")
@pytest.mark.parametrize("remote", ["", "https://host/hub.git"], ids=["", "where publishing stopped half-way"])
def test_who_says_that_no_other_machine_uses_a_clone_ends_the_journal_where_locks_may_not_hold(
    agents: Agents, repo: Path, be: Callable[[str], None], remote: str
) -> None:
    be(HOST)
    assert claim_files(agents(repo, "ann/cli/wt"), patterns=["README.md"])["granted"]
    store_of(repo)
    tip = left_unwritten(repo)
    set_mode(ensure_store(repo / ".git", StoreMode.HOME), StoreMode.HOME, remote=remote)

    be(GUEST)
    runtime.coordinate_here(repo, os.environ)

    bob = agents(repo, "bob/cli/wt")
    assert (mode_of(repo), home_of(repo).read([BESIDE])) == ("home", {BESIDE: tip})
    assert claim_files(bob, patterns=["a.py"])["granted"]


@pytest.mark.rule("STORE-1")
def test_a_guest_publishes_no_journal_of_its_host(
    agents: Agents, repo: Path, be: Callable[[str], None], make_bare: MakeBare, git: Git
) -> None:
    be(HOST)
    assert claim_files(agents(repo, "ann/cli/wt"), patterns=["README.md"])["granted"]
    hub = make_bare(repo.parent / "hub.git")

    be(GUEST)
    with pytest.raises(StorageError, match="has a journal"):
        agents(repo, "bob/cli/wt", GITCOORD_REMOTE=str(hub))

    assert (mode_of(repo), git(hub, "for-each-ref")) == ("journal", "")


@pytest.mark.parametrize(
    ("mounts", "was_there", "words"),
    [
        (HOST, HOST, "in a journal"),
        (GUEST, GUEST, "as loose refs: file locks may not hold for every process on 9p"),
        ("", "", "as loose refs: file locks may not hold for every process here"),
        (HOST, GUEST, "loose-refs says"),
    ],
)
def test_doctor_says_where_the_refs_of_a_store_are_and_why(
    agents: Agents, repo: Path, be: Callable[[str], None], mounts: str, was_there: str, words: str
) -> None:
    be(was_there)
    agents(repo, "ann/cli/wt")

    be(mounts)
    found = examined(repo)

    assert (found.status, words in found.text) == (Status.OK, True), found.text
    assert found.facts["refs"] == ("journal" if mounts == was_there == HOST else "loose")


def test_doctor_says_that_a_journal_is_of_another_machine(
    agents: Agents, repo: Path, be: Callable[[str], None]
) -> None:
    be(HOST)
    agents(repo, "ann/cli/wt")

    be(GUEST)
    found = examined(repo)

    assert (found.status, found.facts["code"], found.facts["refs"]) == (Status.FAIL, "storage", "journal")
    assert "gitcoord status" in found.hint


def examined(repo: Path) -> Finding:
    site = Site(repo, os.environ, make_host(), clocks, is_offline=True)
    site.repository = open_repository(repo, os.environ)
    return of_store.store(site)
