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
    for ref in strings(result["deleted"]):
        show.line(f"{would}{'delete' if would else 'deleted'} {ref}")
    if whole(result["files"]):
        verb = "remove" if would else "removed"
        show.line(f"{would}{verb} {amount(whole(result['files']), 'file')} of sessions and commands that are over")
    store = record(result["store"])
    if store:
        sizes = [_size(record(store[name])) for name in ("before", "after") if store[name] is not None]
        show.line(f"{'store' if would else 'packed the store'}: {' -> '.join(sizes)}")
    older = strings(record(result["archives"])["unaudited"])
    if older:
        show.line(
            f"{amount(len(older), 'archive')} more than policy `archives_kept` stay: no audit has passed them yet"
        )
    for row in records(result["problems"]):
        show.aside("warning", text(row["message"]))
        show.aside("hint", text(row["hint"]))


def _size(size: Result) -> str:
    mib = whole(size["bytes"]) / (1 << 20)
    return f"{mib:.1f} MiB in {amount(whole(size['packs']), 'pack')} and {amount(whole(size['loose']), 'loose object')}"
