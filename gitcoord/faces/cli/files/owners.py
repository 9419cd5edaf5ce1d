"""`gitcoord owners …`: who owns what, and which files everyone touches."""

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.errors import CoordError, NotFoundError, UsageError
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import REFUSED, Result, answer
from gitcoord.faces.cli.terminal.columns import ids, names, texts
from gitcoord.faces.cli.terminal.fields import listed, record, records, strings, text, whole
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples, group

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

_app = group("Show and change who owns what, and which files are shared.")
_File = Annotated[str, typer.Argument(metavar="FILE", help="A file in YAML; '-' reads standard input.")]
_Patterns = Annotated[list[str] | None, typer.Argument(metavar="[PATTERN]...", help="Only the rules for these places.")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="owners")


@_app.command("show", epilog=examples("gitcoord owners show", "gitcoord owners show 'src/auth/**' --json"))
def show_(patterns: _Patterns = None, *, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """Show the rules, or those for a place."""
    from gitcoord.service.team import owner_edits, owner_lookup

    return answer(
        lambda workspace: {**owner_lookup.show(workspace, patterns=patterns or ()), **owner_edits.to_follow(workspace)},
        _rules,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(epilog=examples("gitcoord owners edit", "EDITOR='code --wait' gitcoord owners edit"))
def edit(*, as_json: AsJson = False) -> int:
    """Change the rules in your editor; what is not valid is not written."""
    return answer(_edited, _written, as_json=as_json)


@_app.command("import", epilog=examples("gitcoord owners import owners.yaml", "gitcoord owners import - < owners.yaml"))
def import_(file: _File, *, as_json: AsJson = False) -> int:
    """Replace the rules with those of a file, if it is valid."""
    from gitcoord.service.team import owner_edits

    name, data = _read(file)
    return answer(lambda workspace: owner_edits.write(workspace, text=data, name=name), _written, as_json=as_json)


@_app.command(
    epilog=examples("gitcoord owners check .gitcoord/owners.yaml", "gitcoord owners check owners.yaml --json")
)
def check(file: _File, *, as_json: AsJson = False) -> int:
    """Validate a file of rules; name the lines that are not valid.

    Exit status 1 if it is not.
    """
    from gitcoord.service.inputs import owners_input
    from gitcoord.service.team import owners_file

    name, data = _read(file)
    checked = owners_input.check(data)
    what = "" if checked.faults else amount(len(owners_file.rules_in(checked.root, data).modules), "module")
    show.checked(name, checked.faults, checked.warnings, what, as_json=as_json)
    return REFUSED if checked.faults else 0


def _read(file: str) -> tuple[str, str]:
    from gitcoord.core.documents.limits import OWNERS_BYTES
    from gitcoord.service.team.owner_lookup import text_of

    name = "standard input" if file == "-" else show.plain(file)
    try:
        if file == "-":
            data = sys.stdin.buffer.read(OWNERS_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(OWNERS_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {name!r}.", hint="'-' reads standard input.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{name!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    return name, text_of(data, name)


def _edited(workspace: "Workspace") -> Result:
    from gitcoord.remote.git.editor import edit as run_editor
    from gitcoord.service.team import owner_edits

    begun = owner_edits.editable(workspace)
    folder = Path(tempfile.mkdtemp(prefix="gitcoord-owners."))
    file = folder / "owners.yaml"
    file.write_bytes(begun.text.encode())
    if not run_editor(file, world.environment()):
        raise UsageError("The editor failed; nothing was changed.", hint=f"Your text is in {file}.")
    try:
        _, new = _read(str(file))
        result = owner_edits.write(workspace, text=new, name="owners.yaml", instead_of=begun.text)
    except CoordError as error:  # of a mistake nothing is lost
        error.hint = f"{error.hint} Your text is in {file}; correct it, then `gitcoord owners import {file}`.".strip()
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _rules(result: Result, _now: datetime) -> None:
    places = records(result.get("places"))
    if places:
        facts = ("pattern", "modules", "severity", "owners", "shared_file")
        columns = (names("pattern"), names("modules"), "severity", names("owners"), "shared")
        show.table(columns, [[_cell(row.get(fact)) for fact in facts] for row in places])
        return
    modules = record(result.get("modules"))
    if not modules:
        todo = "" if result.get("next_step") else "; begin with `gitcoord owners edit`"
        show.line(f"no owners are set{todo}")
    else:
        facts = ("severity", "owners", "paths")
        rows = [[name, *(_cell(record(row).get(fact)) for fact in facts)] for name, row in modules.items()]
        show.table((ids("module"), "severity", names("owners"), names("paths")), rows)
    shared = [(row, "people") for row in records(result.get("shared_files"))]
    shared += [(row, f"machine, {text(row.get('auto_promoted'))}") for row in records(result.get("auto"))]
    if shared:
        show.line()
        show.table((names("shared file"), texts("by")), [[text(row.get("pattern")), who] for row, who in shared])
    for split in strings(result.get("suggested_splits")):
        show.line(f"should be split: {split}")


def _cell(value: Json) -> str:
    return listed(value) if isinstance(value, list) else text(value)


def _written(result: Result, _now: datetime) -> None:
    if not result.get("changed"):
        show.line("nothing to change")
        return
    where = f"{text(result.get('file'))}: " if result.get("file") else ""
    modules, files = (whole(result.get(name)) for name in ("modules", "shared_files"))
    show.line(f"{where}{amount(modules, 'module')}, {amount(files, 'shared file')}")
