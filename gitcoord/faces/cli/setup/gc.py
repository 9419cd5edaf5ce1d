"""`gitcoord gc`: what grows is brought back within its bounds."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import record, records, strings, text, whole
from gitcoord.faces.cli.terminal.options import AsJson, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("gc", epilog=examples("gitcoord gc --dry-run", "gitcoord gc", "gitcoord gc --json"))(gc)


def gc(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Roll long ledgers, delete leftovers, pack the store.

    Agents go on meanwhile. Run it once a day where a team writes much: cron, or a scheduled run of CI.
    """
    from gitcoord.service.upkeep.gc import gc as keep_within_bounds

    return answer(
        lambda workspace: keep_within_bounds(workspace, dry_run=dry_run),
        _tell,
        as_json=as_json,
        refused=lambda result: bool(result["problems"]),
    )


def _tell(result: Result, _now: datetime) -> None:
    would = "would " if result["dry_run"] else ""
    for row in records(result["rolled"]):
        verb = "roll" if would else "rolled"
        show.line(f"{would}{verb} {text(row['ref'])}: {whole(row['commits']):,} commits go to {text(row['archive'])}")
    archives = record(result["archives"])
    for ref in [*strings(archives["deleted"]), *strings(result["deleted"])]:
        show.line(f"{would}{'delete' if would else 'deleted'} {ref}")
    if whole(result["files"]):
        verb = "remove" if would else "removed"
        show.line(f"{would}{verb} {amount(whole(result['files']), 'file')} of sessions and commands that are over")
    store = record(result["store"])
    if store:
        found = [record(store[name]) for name in ("before", "after") if store[name] is not None]
        sizes = [
            f"{_size(whole(size['bytes']))} in {amount(whole(size['packs']), 'pack')} and "
            f"{amount(whole(size['loose']), 'loose object')}"
            for size in found
        ]
        show.line(f"{'store' if would else 'packed the store'}: {' -> '.join(sizes)}")
    older = strings(archives["unaudited"])
    if older:
        kept = f"{amount(len(older), 'archive')} beyond the {whole(archives['kept'])} of each ledger"
        show.line(f"{kept} stay until `gitcoord audit` has passed them in this clone")
    for row in records(result["problems"]):
        show.aside("warning", text(row["message"]))
        show.aside("hint", text(row["hint"]))


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{count / 1024:.0f} KiB"
