"""`gitcoord audit`: whether each ledger is what its recorded commands give; for people, and for CI."""

import re
from collections import Counter
from datetime import datetime
from typing import Annotated

import typer

from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.terminal import completion, show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import ids
from gitcoord.faces.cli.terminal.fields import number, record, records, text, whole
from gitcoord.faces.cli.terminal.moments import moment_of
from gitcoord.faces.cli.terminal.options import AsJson, InProject, examples

_REVISION = re.compile(r"[0-9A-Fa-f]{7,64}")
_BEGINS = {
    "first": "its first commit",
    "published": "the commit that published it",
    "checkpoint": "the audit before",
    "since": "where you said",
    "roll": "the roll of a history that is not here",
    "cut_off": "the oldest commit that is here",
}
_Since = Annotated[
    str | None,
    typer.Option("--since", metavar="REV|WHEN", help="Only what came after a commit; or since 2h, 3d, 2026-11-28."),
]
_Ledger = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        "-l",
        metavar="LEDGER",
        help="Only this one: claims, or steps/PROJECT.",
        autocompletion=completion.ledgers,
    ),
]
_Signatures = Annotated[
    bool, typer.Option("--signatures", help="Also by whom each commit is signed, as git's settings here know it.")
]
_Full = Annotated[bool, typer.Option("--full", help="From the first commit, not from where the last audit ended.")]


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord audit",
        "gitcoord audit --project myapp",
        "gitcoord audit --ledger claims --since 2d",
        "gitcoord audit --signatures",
        "gitcoord audit --full --json",
    )
    root.command("audit", epilog=examples(*lines))(audit)


def audit(
    *,
    project: InProject = None,
    ledger: _Ledger = None,
    since: _Since = None,
    full: _Full = False,
    signatures: _Signatures = False,
    as_json: AsJson = False,
) -> int:
    """Replay the ledgers, and name what is not sound.

    Each commit's recorded commands are decided again by the rules; they must
    give its tree. Exit status 1 where something was found.
    """
    from gitcoord.service.audit import audit as auditing

    return answer(
        lambda workspace: auditing.audit(
            workspace,
            project=project,
            ledger=ledger,
            since=None
            if since is None or _REVISION.fullmatch(since)
            else moment_of(since, workspace.setting.host.now(), "the id of a commit; "),
            since_commit=since if since is not None and _REVISION.fullmatch(since) else None,
            full=full,
            signatures=signatures,
        ),
        _lines,
        as_json=as_json,
        refused=lambda result: not result.get("clean"),
    )


def _lines(result: Result, _now: datetime) -> None:
    rows = records(result.get("ledgers"))
    table = [
        [
            text(row.get("ledger")),
            number(row.get("commits")),
            _BEGINS.get(text(row.get("begin")), ""),
            "clean" if row.get("clean") else "NOT SOUND",
        ]
        for row in rows
    ]
    if table:
        show.table((ids("ledger"), "commits", "replayed from", "verdict"), table)
    for row in rows:
        for rules, count in record(row.get("not_replayed")).items():
            older = f"{amount(whole(count), 'commit')} of {text(row.get('ledger'))}"
            show.line(f"not replayed: {older}, decided by rules {rules} (these are {text(result.get('rules'))})")
    _signers(result)
    for finding in records(result.get("findings")):
        show.line()
        show.line(text(finding.get("message")))
        who = [f"written by {text(finding.get('author'))}"] if finding.get("author") else []
        who += [f"clone {text(finding.get('clone'))}"] if finding.get("clone") else []
        show.line(f"  {', '.join(who)}") if who else None
        for row in records(finding.get("differences")):
            field = f" {text(row.get('field'))}" if row.get("field") else ""
            found, given = text(row.get("found")) or "nothing", text(row.get("given")) or "nothing"
            show.line(f"  {text(row.get('document'))}{field}: {found}, but its commands give {given}")
        show.aside("next", text(finding.get("next_step")))
    commits = sum(whole(row.get("commits")) for row in rows)
    what = f"{amount(commits, 'commit')} of {amount(len(rows), 'ledger')} replayed"
    if result.get("clean"):
        show.line(f"{what}: each is what its recorded commands give." if rows else "There is no ledger yet.")
    else:
        show.line(f"{what}; {amount(whole(result.get('count')), 'finding')}.")


def _signers(result: Result) -> None:
    """Show how many commits of each ledger are signed by whom; `--json` has each of them."""
    counts = Counter(
        (
            text(row.get("ledger")),
            text(row.get("verdict")),
            text(row.get("signer")) or text(row.get("key")),
            text(row.get("why")),
        )
        for row in records(result.get("signatures"))
    )
    if counts:
        show.line()
        rows = [[ledger, str(count), *rest] for (ledger, *rest), count in sorted(counts.items())]
        show.table((ids("ledger"), "commits", "signature", "by", "why"), rows)
