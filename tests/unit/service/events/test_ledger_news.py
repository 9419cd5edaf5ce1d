"""Who waits for news is woken by what moves, and by nothing else."""

import threading
from pathlib import Path

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.events.ledger_news import LedgerNews
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared

WAIT_S = 30.0  # a bound for a wait that hangs


def test_only_what_moved_is_news(ann: Workspace) -> None:
    news = LedgerNews(ann)

    first, second = news.look(), news.look()
    claim_files(ann, patterns=["a.zig"])
    third = news.look()

    assert (first, second) == ({}, None)
    assert third is not None
    assert ann.setting.refs.claims in third


def test_what_another_process_writes_ends_the_wait(agents: Agents, repo: Path) -> None:
    ann, bob = agents(repo, "ann/cli/wt"), agents(repo, "bob/cli/wt")
    news = LedgerNews(ann)
    news.look()
    writer = threading.Thread(target=lambda: claim_files(bob, patterns=["a.zig"]))
    writer.start()

    found = news.wait(Patience(), WAIT_S)
    writer.join()

    assert found is not None
    assert ann.setting.refs.claims in found


def test_a_wait_ends_with_its_patience(ann: Workspace) -> None:
    news, patience = LedgerNews(ann), Patience()
    news.look()
    patience.stop()

    assert news.wait(patience, WAIT_S) is None


def test_over_a_network_what_the_asking_session_of_the_clone_saw_is_news(
    agents: Agents, shared: Shared, git: Git
) -> None:
    for repo in (shared.one, shared.two):
        git(repo, "config", "remote.origin.url", f"file://{shared.remote}")
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    news = LedgerNews(ann)
    news.look()
    claim_files(bob, patterns=["a.zig"])

    found = news.wait(Patience(), WAIT_S)
    news.close()

    assert found is not None
    assert ann.setting.refs.claims in found
