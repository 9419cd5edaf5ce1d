"""`gitcoord upgrade`: what `init` wrote, as this version writes it; `--rules`: the ledgers, for this version's rules.

Only files that have something of ours are looked at. One that no one touched since is written anew; elsewhere what is
missing is added and what is of an older version renewed, and what people changed is kept and named.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.screens import change_list
from gitcoord.faces.cli.setup import config
from gitcoord.faces.cli.setup.init import PROGRAM, program_here
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import strings, text
from gitcoord.faces.cli.terminal.options import AsJson, examples
from gitcoord.faces.cli.wiring.change import Change, write
from gitcoord.source.checkout.repository import Repository, open_repository

if TYPE_CHECKING:
    from gitcoord.faces.cli.wiring.record import Record
    from gitcoord.faces.cli.wiring.wire import Planned


_EXAMPLES = ("gitcoord upgrade", "gitcoord upgrade --dry-run", "gitcoord upgrade --rules")


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("upgrade", epilog=examples(*_EXAMPLES))(upgrade)


@dataclass(frozen=True, slots=True)
class _UpgradePlan:
    files: "list[Planned]"
    hooks: list[Change]
    program: str | None
    notes: tuple[str, ...]

    @property
    def changes(self) -> list[Change]:
        return [*(file.change for file in self.files), *self.hooks]


def upgrade(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="Raise the team's ledgers to this version: older ones then only read them.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --rules: also while clones of older versions live.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Bring what `gitcoord init` wrote up to this version.

    Nothing is added to a tool that was not wired; what people changed is kept. With --rules, the team's ledgers are
    raised instead.
    """
    if rules:
        from gitcoord.service.team.upgrade_rules import upgrade_rules

        return answer(lambda workspace: upgrade_rules(workspace, force=force), _tell_rules, as_json=as_json)
    if force:
        raise UsageError("--force goes with --rules.", hint="See `gitcoord upgrade --help`.")
    from gitcoord.faces.cli.wiring.record import load_record

    repository = open_repository(world.folder(), world.environment())
    record = load_record(repository.common_dir)
    plan = _plan(repository, record)
    done = plan.changes if dry_run else _carry_out(repository, record, plan)
    settings = {PROGRAM: plan.program} if plan.program else {}
    if as_json:
        show.json_object(
            {"changes": change_list.rows(done), "settings": change_list.values(settings), "dry_run": dry_run}
        )
        return change_list.status(done)
    if dry_run:
        change_list.preview(done, settings)
    elif not done:
        show.line("Nothing of gitcoord is here; `gitcoord init` sets it up.")
    else:
        change_list.tell(done)
    change_list.complain(done, dry_run=dry_run)
    for note in plan.notes:
        show.aside("note", note)
    return change_list.status(done)


def _tell_rules(result: Result, _now: datetime) -> None:
    for ref in strings(result.get("ledgers")):
        show.line(f"raised {ref}")
    for ref in strings(result.get("unread")):
        show.aside("warning", f"{ref} is damaged and was left alone; `gitcoord doctor` says more.")
    show.line(f"Every ledger asks for gitcoord's rules {text(result.get('rules'))}, and older versions only read.")


def _plan(repository: Repository, record: "Record") -> _UpgradePlan:
    from gitcoord.faces.cli.wiring import git_hooks, wire

    found = git_hooks.find(repository)
    hooks = git_hooks.renew(found)
    program = program_here() if hooks else None
    known = git_hooks.program(repository)
    files = wire.renew(repository.top, world.environment(), record)
    return _UpgradePlan(files, hooks, None if program == known else program, found.notes if hooks else ())


def _carry_out(repository: Repository, record: "Record", plan: _UpgradePlan) -> list[Change]:
    from gitcoord.faces.cli.wiring import wire

    if plan.program:
        before = repository.text("config", "--local", "--get", PROGRAM)
        config.write(repository, config.find(PROGRAM), plan.program)
        record.remember_setting(PROGRAM, before, plan.program)
    done = wire.carry_out(plan.files, record)
    record.save()
    return [*done, *(write(change) for change in plan.hooks)]
