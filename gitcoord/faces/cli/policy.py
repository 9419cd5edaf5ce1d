"""`gitcoord policy …`: what the whole team decided, kept in the remote."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.options import AsJson, examples, group

_app = group("Read and change the team's policy, which the remote keeps.")
_Name = Annotated[str, typer.Argument(metavar="NAME", help="See `gitcoord policy show`.")]
_Value = Annotated[
    str, typer.Argument(metavar="VALUE", help="true, false, a number, a folder, or auto where that is the default.")
]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="policy")


@_app.command("show", epilog=examples("gitcoord policy show", "gitcoord policy show --json"))
def show_(*, as_json: AsJson = False) -> int:
    """Show every field of the policy."""
    from gitcoord.service import policy

    return answer(policy.get_policy, _lines, as_json=as_json)


@_app.command(
    "set", epilog=examples("gitcoord policy set require_pushed true", "gitcoord policy set auto_recover false")
)
def set_(name: _Name, value: _Value, *, as_json: AsJson = False) -> int:
    """Change one field for everybody who shares the remote."""
    from gitcoord.service import policy

    return answer(lambda workspace: policy.set_policy(workspace, name=name, value=value), _lines, as_json=as_json)


def _lines(result: Result, _now: datetime) -> None:
    fields = result.get("policy")
    rows = fields.items() if isinstance(fields, dict) else ()
    show.table(("policy", "value"), [[name, _word(value)] for name, value in rows])


def _word(value: object) -> str:
    if value is None:
        return "auto"
    return str(value).lower() if isinstance(value, bool) else str(value)
