"""`gitcoord doctor`: look at everything that coordinating needs, and say what to do about what is wrong.

Rules:
  * One line a check, or for each thing that it found, as soon as it is known. One that fails or hangs stops no other.
  * Nothing is changed but by --repair, and then only what a person said yes to, or all of it with --yes, but for what
    takes others' work with it: a person is asked.
  * The team's ref is repaired before anything else: repairs of ledgers are recorded there.
  * What a repair replaces is kept in this clone before it, and named with the command that brings it back.
  * Another way than a repair that was carried out is neither taken nor asked about.
  * The exit status is 1 while anything fails; a warning is none.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli.terminal import commands, show, world
from gitcoord.faces.cli.terminal.options import AsJson, examples
from gitcoord.service.doctor import machine
from gitcoord.service.doctor.check_run import Check, Finding, Repair, Status, examine, fail

if TYPE_CHECKING:
    from gitcoord.service.doctor.site import Site

FAILED = 1
PARTS_MAX = 20  # lines of one check


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord doctor", "gitcoord doctor --offline --json", "gitcoord doctor --repair")
    root.command("doctor", epilog=examples(*lines))(doctor)


@dataclass(slots=True)
class _Row:
    """One check with what it found, and what became of what could be repaired."""

    check: Check
    finding: Finding
    repaired: list[dict[str, Json]]


def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Fix what is safe to fix; ask about each on a terminal.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --repair: ask only where others' work would go.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Contact no remote.")] = False,
    start_servers: Annotated[
        bool,
        typer.Option("--start-servers", help="Start what the tools' files name, also where init did not write it."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Check everything that coordination needs; say what to fix.

    Git, the store, the remote, hooks, tools, identity, ledgers. A remote is tried by really swapping a ref of its own.
    Exit status 1 if anything fails.
    """
    folder, env = world.folder(), world.environment()
    checks = machine.checks(folder, env)
    rows: list[_Row] = []
    # Where no clock can be loaded it stands still: each call then has its usual time.
    monotonic, is_here = (lambda: 0.0), False
    try:
        site, more = _site(offline=offline, starts_any=start_servers)
        checks += more
        monotonic, is_here = site.host.monotonic, site.repository is not None
    except ImportError as error:
        text, name = f"Nothing else can be looked at: {error}.", error.name or ""
        checks.append(Check("repository", lambda: fail(text, machine.INSTALL, module=name)))
    for check in checks:
        finding = _examined(check, monotonic)
        rows.append(_Row(check, finding, []))
        if not as_json and (is_here or finding.status is not Status.SKIP):
            _tell(check.id, finding)
    if repair:
        _carry_out(rows, monotonic, asks=not (yes or as_json), yes=yes, as_json=as_json)
    if as_json:
        said: dict[str, Json] = {"checks": [_as_json(row) for row in rows], "status": _worst(rows).value}
        show.json_object(commands.result_for_shell(said))
    else:
        count = Counter(row.finding.status for row in rows)
        parts = [f"{count[status]} {word}" for status, word in _WORDS if count[status] or status is Status.OK]
        show.line(", ".join(parts))
        if not repair and any(row.finding.repairs for row in rows):
            show.aside("next", "gitcoord doctor --repair")
    return FAILED if _worst(rows) is Status.FAIL else 0


def _site(*, offline: bool, starts_any: bool) -> "tuple[Site, list[Check]]":
    """Open what is here, and list what is to be looked at; with a package missing, not even that can be loaded."""
    from gitcoord import runtime
    from gitcoord.faces.cli.setup import wiring_checks
    from gitcoord.service.doctor import all_checks

    site = runtime.examine_here(world.folder(), world.environment(), offline=offline)
    return site, [
        *all_checks.of_repository(site),
        *wiring_checks.checks(site, starts_any=starts_any),
        *all_checks.of_place(site),
    ]


def _examined(check: Check, monotonic: Callable[[], float]) -> Finding:
    """Carry out a check; where a sandbox is why something failed, what to do is to leave it."""
    found = examine(check, monotonic)
    code = found.facts.get("code")
    if found.status is not Status.FAIL or not isinstance(code, str):
        return found
    from gitcoord.runtime import sandbox  # seldom needed

    return replace(found, hint=sandbox.hint_of(code, world.folder(), "have this command run", found.hint))


def _tell(name: str, finding: Finding) -> None:
    parts = finding.parts or (finding,)
    for part in parts[:PARTS_MAX]:
        show.judged(part.status.value, name, commands.for_shell(part.text), commands.for_shell(part.hint))
    if len(parts) > PARTS_MAX:
        show.judged(finding.status.value, name, f"and {len(parts) - PARTS_MAX} more", "gitcoord doctor --json")


def _carry_out(rows: Sequence[_Row], monotonic: Callable[[], float], *, asks: bool, yes: bool, as_json: bool) -> None:
    """Carry out the repairs that are agreed to, then look again at what they were of, and at what failed beside it."""
    wanted = [(row, repair) for row in rows for repair in row.finding.repairs]
    wanted.sort(key=lambda pair: not pair[1].is_first)
    for row, repair in wanted:
        if repair.is_else and row.repaired[-1]["done"]:
            continue
        asks_here = asks or (repair.needs_person and not as_json)
        is_left = repair.is_else and not asks_here
        if is_left or not ((yes and not repair.needs_person) or (asks_here and _agreed(repair))):
            how = "at a terminal" if repair.needs_person or repair.is_else else "--yes"
            row.repaired.append({"repair": repair.text, "done": False, "text": f"not done: not confirmed ({how})"})
        else:
            row.repaired.append(_done(repair))
        if not as_json:
            what = "" if row.repaired[-1]["done"] else f"{repair.text}: "
            show.line(f"{row.check.id}: {what}{row.repaired[-1]['text']}")
            if row.repaired[-1].get("command"):
                show.aside("back", str(row.repaired[-1]["command"]))
    if not any(repair["done"] for row in rows for repair in row.repaired):
        return
    # What is damaged may have hindered other checks: git takes no push beside a ref without its commit.
    for row in rows:
        is_hindered = row.finding.status is Status.FAIL or row.finding.facts.get("unread")
        if is_hindered or any(repair["done"] for repair in row.repaired):
            row.finding = _examined(row.check, monotonic)
            if not as_json:
                _tell(row.check.id, row.finding)


def _done(repair: Repair) -> dict[str, Json]:
    """Keep what a repair replaces, and carry it out; return what became of it."""
    row: dict[str, Json] = {"repair": repair.text, "done": False}
    copy = ""
    try:
        kept = repair.keeps() if repair.keeps else None
        if kept is not None:
            row |= {"kept": str(kept.path), "command": kept.command}
            what = "What was there is kept" if kept.is_whole else "Of what was there only the newest state is kept"
            copy = f" {what}: {kept.path}"
        elif repair.keeps:
            copy = " Nothing of what was there can be read, so nothing is kept"
        said = repair.do()
    except CoordError as error:  # it may have changed something before that
        return {**row, "text": f"not done: {error} {error.hint}".strip() + copy}
    return {**row, "done": True, "text": f"{said}.{copy}" if copy else said}


def _agreed(repair: Repair) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    why = f" ({repair.why_ask})" if repair.why_ask else ""
    return typer.confirm(show.plain(f"{repair.text[:1].upper()}{repair.text[1:]}?{why}"), default=False)


def _as_json(row: _Row) -> Json:
    found = row.finding
    said: dict[str, Json] = {"id": row.check.id, "status": found.status.value, "text": found.text, "hint": found.hint}
    said["facts"] = dict(found.facts)
    said["repairs"] = [*row.repaired] or [
        {"repair": repair.text, "done": False, "text": ""} for repair in found.repairs
    ]
    return said


def _worst(rows: Sequence[_Row]) -> Status:
    order = (Status.FAIL, Status.WARN)
    return next((status for status in order if any(row.finding.status is status for row in rows)), Status.OK)


_WORDS = ((Status.OK, "ok"), (Status.WARN, "warned"), (Status.FAIL, "failed"), (Status.SKIP, "not looked at"))
