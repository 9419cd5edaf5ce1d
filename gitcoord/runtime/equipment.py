"""What a clone works with: its id and folder, its sessions, heartbeat and clocks, and where its work is pushed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from gitcoord.ledger.clone import clone_id, snapshot_files
from gitcoord.ledger.clone.host import Clone, Host
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.kinds.table import Ledgers
from gitcoord.ledger.leader.push_budget import per_minute_of
from gitcoord.ledger.liveness import heartbeat
from gitcoord.ledger.liveness.clock_offset import ClockOffset
from gitcoord.ledger.liveness.clocks import Watchfulness
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.remote.contract import clone_folder
from gitcoord.remote.contract.boot_id import machine_id
from gitcoord.remote.contract.protocol import Oid
from gitcoord.runtime.transport import Place, clock_of
from gitcoord.source.checkout.repository import Repository


def clone_of(repository: Repository, host: Host, signature: Signature) -> Clone:
    """Return this clone, which gets its id now if it has none, and keeps the name of the worktree."""
    folder = repository.common_dir / "gitcoord"
    clone_folder.close(folder)
    snapshot_files.keep_name(str(repository.top))
    drawn = clone_id.load_or_draw(folder, machine_id(), host.draw_id, host.unique, boot=host.boot)
    return Clone(drawn, folder, signature, others=clone_id.others(folder), earlier=clone_id.earlier(folder))


def setting_of(
    host: Host,
    place: Place,
    repository: Repository,
    settings: Mapping[str, str],
    clone: Clone,
    env: Mapping[str, str],
    ledgers: Ledgers,
) -> Setting:
    """Return everything that the transactions of this clone work with."""
    folder = clone.folder
    sessions = Sessions(folder, host.unique)
    code_url = code_url_of(place, repository, settings)

    def branch_look(branches: Collection[str], *, here: bool) -> Mapping[str, tuple[Oid, datetime]]:
        if here:
            return {branch: tip for branch in branches if (tip := repository.local_tip(branch))}
        return repository.branch_tips(branches, code_url) if code_url else {}

    interval_s = interval_of(place, settings, env)
    refs, url = place.refs, place.url or ""
    marks = Marks(folder, url, refs.namespace, settings.get("gitcoord.repo"))
    seen = partial(marks.newest, refs.namespace) if url else dict
    beating = heartbeat.Beats(host, clone, refs, sessions, interval_s, place=url, seen=seen)
    path: Path | None = None
    if url:
        from gitcoord.source.checkout.remote_urls import path_of

        path = path_of(url, repository)
    watchful = Watchfulness(host, interval_s, folder / "clocks.json")
    return Setting(
        host=host,
        clone=clone,
        transport=place.transport,
        refs=place.refs,
        sessions=sessions,
        beats=beating,
        branch_look=branch_look,
        watchfulness=watchful,
        clock_offset=ClockOffset(host, watchful, clock_of(place.transport, path)),
        repo=settings.get("gitcoord.repo"),
        ledgers=ledgers,
        pushes_per_minute=per_minute_of(place.url, settings.get("gitcoord.pushesperminute", "")),
    )


def code_url_of(place: Place, repository: Repository, settings: Mapping[str, str]) -> str | None:
    """Return where the work is pushed to: the remote of coordination, or `origin` where that one is apart."""
    if place.url is None or "gitcoord.repo" not in settings:
        return place.url
    return repository.remote_url("origin") or None


def interval_of(place: Place, settings: Mapping[str, str], env: Mapping[str, str]) -> int:
    """Return how often this clone beats, in seconds."""
    wanted = env.get("GITCOORD_BEAT_SECONDS") or settings.get("gitcoord.beatseconds", "")
    return heartbeat.interval_of(place.url, wanted, is_far=place.transport.is_far)
