"""`gitcoord init`: set up a repository: where to coordinate, the agents' tools, and git's hooks.

Rules:
  * It can be run twice: what is there already is left as it is.
  * Only what is ours is written; a file that cannot be read, or that leads elsewhere, is left alone and named.
  * What was there before is remembered in git's folder, so that `uninstall` gives it back.
  * Git's configuration is written once for the clone, never for an agent.
  * Where it is unknown whose work it is, or the remote that was set is gone, `init` says so, because every command
    after this one would be refused.
  * What the clone holds in its own store is on the remote when it ends, so that a push or a CI right after it finds the
    steps there; where the remote does not take it, that is a warning: the next command publishes it.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli.screens import change_list
from gitcoord.faces.cli.setup import config, place_choice
from gitcoord.faces.cli.setup.config import HERE
from gitcoord.faces.cli.setup.place_choice import Sharing
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.options import AsJson, examples
from gitcoord.faces.cli.wiring.change import Change, write
from gitcoord.faces.cli.wiring.extras import Ci
from gitcoord.faces.cli.wiring.tools import Tool
from gitcoord.redaction import redact
from gitcoord.source.checkout.repository import Repository, open_repository
from gitcoord.source.checkout.team_file import FILE, doubts

if TYPE_CHECKING:
    from gitcoord.faces.cli.wiring.wire import Planned

PROGRAM = "gitcoord.program"
STORED_HINT = (
    "The password in this URL stands in .git/config for who can read that file, as with git itself; uninstall takes it "
    "away and keeps no copy. Better: name the URL without it (`gitcoord init --remote URL`), and let a credential "
    "helper keep it (`git help credentials`)."
)

_Server = Annotated[
    Path | None,
    typer.Option("--server", metavar="PATH", help="Only: have this repository check what is pushed to its ledgers."),
]
_Branches = Annotated[
    bool | None,
    typer.Option("--branches/--no-branches", help="With --server: also refuse branches that change what others hold."),
]


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord init",
        "gitcoord init --dry-run",
        "gitcoord init --remote origin --tool claude --tool codex --yes",
        "gitcoord init --remote https://example.com/team/coordination.git --repo myapp",
        "gitcoord init --remote .",
        "gitcoord init --ci github",
        "gitcoord init --status-line",
        "gitcoord init --server /srv/git/app.git",
        "gitcoord init --server /srv/git/app.git --branches",
    )
    root.command("init", epilog=examples(*lines))(init)


@dataclass(frozen=True, slots=True)
class _InitPlan:
    """All that is to be done. `missing`: what no agent can work here without. `hints`: what a person has to know.

    `published`: what came to the remote by it; `unpublished`: why what is here did not.
    """

    sharing: Sharing
    files: "list[Planned]"
    hooks: list[Change]
    settings: dict[str, str]
    hints: tuple[str, ...] = ()
    missing: CoordError | None = None
    published: tuple[str, ...] = ()
    unpublished: str = ""

    @property
    def changes(self) -> list[Change]:
        return [*(file.change for file in self.files), *self.hooks]


def init(  # noqa: PLR0913 - a command's options are its arguments
    *,
    tool: Annotated[
        list[Tool] | None, typer.Option("--tool", help="A tool to wire; may be repeated; those in use if left out.")
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option("--remote", metavar="NAME|URL", help="Coordinate through this remote (`.`: within this clone)."),
    ] = None,
    repo: Annotated[
        str | None,
        typer.Option("--repo", metavar="NAME", help="This repository's name, where several share one remote."),
    ] = None,
    hooks: Annotated[bool, typer.Option("--hooks/--no-hooks", help="Install git's and the tools' hooks.")] = True,
    ci: Annotated[Ci | None, typer.Option("--ci", help="Add the check for CI.")] = None,
    owners: Annotated[bool, typer.Option("--owners", help="Add a first .gitcoord/owners.yaml.")] = False,
    status_line: Annotated[
        bool, typer.Option("--status-line", help="Have Claude Code show here what needs you; yours alone.")
    ] = False,
    server: _Server = None,
    branches: _Branches = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; use origin if it can be pushed to.")] = False,
    as_json: AsJson = False,
) -> int:
    """Set up this repository, its agents' tools and git's hooks.

    What each tool reads is merged into what is there; `gitcoord uninstall` gives it back. A remote that is named is
    tried, then it is the one to coordinate through.
    """
    if server is not None:
        from gitcoord.faces.cli.setup.server import carry_out

        program = program_here()
        settings = {PROGRAM: program} if program else {}
        return carry_out(server, settings, branches=branches, dry_run=dry_run, as_json=as_json)
    if branches is not None:
        raise typer.BadParameter("it goes with --server", param_hint="--branches")
    repository = open_repository(world.folder(), world.environment())
    asks = not (yes or dry_run or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    where = Sharing(remote, repo) if dry_run else place_choice.decide(repository, remote, repo, yes=yes, asks=asks)
    plan = _plan(repository, where, tool, ci, has_hooks=hooks, has_owners=owners, has_line=status_line)
    if asks and any(change.is_needed for change in plan.changes):
        change_list.propose(plan.changes)
        if not typer.confirm("Write these?", default=True):
            show.line("Nothing was written.")
            return 0
    if dry_run:
        if as_json:
            return _report(repository, plan, plan.changes, as_json=True, dry_run=True)
        change_list.preview(plan.changes, dict(plan.settings))
        return _complain(plan, plan.changes, dry_run=True)
    done = _carry_out(repository, plan)
    status = _report(repository, _publish(repository, plan), done, as_json=as_json)
    if asks:
        place_choice.offer_private(where.probed)
    return status


def program_here() -> str | None:
    """Return where the program is that runs now, for hooks that do not find it on PATH."""
    started = Path(sys.argv[0])
    beside = Path(sys.executable).parent / "gitcoord"
    for path in (started if started.name == "gitcoord" else beside, beside):
        if path.is_file():
            return str(path.absolute())
    return None


def _plan(
    repository: Repository,
    where: Sharing,
    tools: list[Tool] | None,
    ci: Ci | None,
    *,
    has_hooks: bool,
    has_owners: bool,
    has_line: bool,
) -> _InitPlan:
    from gitcoord.faces.cli.wiring import extras, git_hooks, wire
    from gitcoord.faces.cli.wiring import tools as known_tools

    env = world.environment()
    wanted = known_tools.named(tools) if tools else known_tools.detect(repository.top, env)
    proposed = place_choice.proposal(repository, where)
    hidden = extras.other_status_line(repository.top, env) if has_line else ""
    more = [
        *([extras.team_file(proposed)] if proposed else []),
        *([extras.ci_file(ci)] if ci else []),
        *([extras.owners_file()] if has_owners else []),
        *([extras.status_line()] if has_line and not hidden else []),
    ]
    files = wire.install(repository.top, env, wanted, more, has_hooks=has_hooks)
    found = git_hooks.find(repository)
    hooks = git_hooks.install(found) if has_hooks else []
    hints = (*(found.notes if has_hooks else ()), *([extras.ci_hint(ci)] if ci and extras.ci_hint(ci) else []))
    hints = (*hints, *doubts(repository), *([_line_hint(hidden)] if has_line else []))
    settings = where.settings
    if any(redact(value) != value for value in settings.values()):
        hints = (*hints, STORED_HINT)
    program = program_here()
    if hooks and program and git_hooks.program(repository) != program:
        settings = {**settings, PROGRAM: program}
    return _InitPlan(where, files, hooks, settings, hints, _missing(repository, where))


def _line_hint(hidden: str) -> str:
    if hidden:
        return (
            f"{hidden} has a statusLine, which ours would hide, so none was written; add `gitcoord status --line` to it"
        )
    return ".claude/settings.local.json is yours alone: do not commit it"


def _missing(repository: Repository, where: Sharing) -> CoordError | None:
    from gitcoord import runtime
    from gitcoord.source.checkout.remote_urls import url_of

    remote = None if where.remote else place_choice.is_set(repository)  # one that is named was tried already
    try:
        runtime.agent_here(world.folder(), world.environment(), tool="cli")
        if remote and remote != HERE:
            url_of(remote, repository)
    except CoordError as error:
        return error
    return None


def _carry_out(repository: Repository, plan: _InitPlan) -> list[Change]:
    from gitcoord.faces.cli.wiring import wire
    from gitcoord.faces.cli.wiring.record import load_record

    record = load_record(repository.common_dir)
    if plan.sharing.remote == HERE:
        from gitcoord import runtime

        runtime.coordinate_here(world.folder(), world.environment())
    if plan.sharing.follows:
        from gitcoord import runtime

        runtime.follow_team(world.folder(), world.environment(), plan.sharing.follows)
    for name, value in plan.settings.items():
        key = config.find(name)
        before = repository.text("config", "--local", "--get", key.name)
        if before != value:
            config.write(repository, key, value)
            record.remember_setting(name, before, value)
    done = wire.carry_out(plan.files, record)
    record.save()
    return [*done, *(write(change) for change in plan.hooks)]


def _publish(repository: Repository, plan: _InitPlan) -> _InitPlan:
    """Publish what the clone's store holds, as any command does that opens the place; return what to report."""
    remote = plan.sharing.remote or place_choice.is_set(repository)
    if remote is None or remote == HERE or plan.missing is not None:
        return plan
    try:
        return replace(plan, published=place_choice.publish())
    except CoordError as error:
        text = f"What this clone holds is not on the remote yet: {error} {error.hint}".strip()
        return replace(plan, unpublished=text)


def _report(
    repository: Repository, plan: _InitPlan, done: list[Change], *, as_json: bool, dry_run: bool = False
) -> int:
    remote = plan.sharing.remote or place_choice.is_set(repository)
    remote = None if remote is None or remote == HERE else redact(remote)
    if as_json:
        missing = plan.missing
        lacks: Json = {"message": str(missing), "next_step": missing.hint} if missing else None
        shared: dict[str, Json] = {
            "remote": remote,
            "repo": plan.sharing.repo,
            "probe": dict(plan.sharing.probed) or None,
        }
        result: dict[str, Json] = {
            "changes": change_list.rows(done),
            "settings": change_list.values(plan.settings),
            "hints": [*plan.hints, *([plan.unpublished] if plan.unpublished else [])],
            "published": [*plan.published],
        }
        show.json_object({**result, **shared, "missing": lacks, "dry_run": dry_run})
        return _status(plan, done)
    from gitcoord.faces.cli.setup.wiring_checks import not_found_by_login
    from gitcoord.faces.cli.wiring import entry, extras

    change_list.tell(done)
    _tell_where(repository, plan.sharing, remote)
    for sentence in plan.published:
        show.line(sentence)
    if plan.unpublished:
        show.aside("warning", plan.unpublished)
    if plan.sharing.probed:
        from gitcoord.remote.transports.readers import Readers
        from gitcoord.service.place.visibility import sentence_of

        readers, name = plan.sharing.probed.get("readers"), str(plan.sharing.probed.get("remote"))
        show.line(sentence_of(Readers(str(readers)), name))
    written = {planned.change.path for planned in plan.files if planned.change.is_needed}
    if shared_files := written - extras.PERSONAL:
        what = f"all but {', '.join(sorted(written & extras.PERSONAL))}" if shared_files != written else "these files"
        show.aside("next", f"commit {what}, so that every worktree and colleague has them; then restart your agents")
    elif written:
        show.aside("next", "restart Claude Code; that file is yours alone and is not committed")
    if plan.sharing.probed and not plan.sharing.follows:
        if any(planned.change.path == FILE for planned in plan.files):
            for_others = f"once {FILE} is on the default branch, fresh clones coordinate there by themselves"
        else:
            for_others = f"in each other clone run `gitcoord init --remote`: {FILE} cannot name this remote for them"
        show.aside("next", for_others)
    texts = [(planned.change.after or b"").decode("utf-8", "replace") for planned in plan.files]
    by_name = any(f'"{entry.NAME}"' in text and f'"{entry.NAME}==' not in text for text in texts)
    if by_name and (lacks := not_found_by_login(world.environment())):
        show.aside("warning", lacks)
    return _complain(plan, done)


def _tell_where(repository: Repository, where: Sharing, remote: str | None) -> None:
    if where.follows:
        show.line(f"coordinating through {where.probed.get('remote')}, as {FILE} of the default branch says")
    elif where.probed:
        transport = where.probed.get("transport")
        show.line(f"coordinating through {where.probed.get('remote')} (a test write succeeded; transport: {transport})")
    elif remote:
        show.line(f"coordinating through {remote}, as set before")
    else:
        name = "origin" if repository.remote_url("origin") else "URL"
        show.line(f"coordinating within this clone and its worktrees; for more: gitcoord init --remote {name}")


def _complain(plan: _InitPlan, done: list[Change], *, dry_run: bool = False) -> int:
    change_list.complain(done, dry_run=dry_run)
    for hint in plan.hints:
        show.aside("note", hint)
    if plan.missing is not None:
        show.aside("missing", f"{plan.missing} {plan.missing.hint}")
    return _status(plan, done)


def _status(plan: _InitPlan, done: list[Change]) -> int:
    return change_list.INCOMPLETE if plan.missing is not None else change_list.status(done)
