"""`gitcoord policy …`: what the whole team decided, kept in the remote."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import names, prose
from gitcoord.faces.cli.terminal.fields import record, setting_word
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples, group


def _completed(incomplete: str) -> list[str]:
    from gitcoord.service.team.policy import fields

    return [name for name in fields() if name.startswith(incomplete)]


_app = group("Read and change the team's policy, which the remote keeps.")
_Name = Annotated[str, typer.Argument(metavar="NAME", help="See `gitcoord policy show`.", autocompletion=_completed)]
_Value = Annotated[
    str,
    typer.Argument(metavar="VALUE", help="true, false, a number, a folder, a word, or auto where that is the default."),
]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="policy")


@_app.command("show", epilog=examples("gitcoord policy show", "gitcoord policy show --json"))
def show_(*, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """Show every field of the policy."""
    from gitcoord.service.team import policy

    return answer(policy.get_policy, _lines, as_json=as_json, fresh=fresh)


# People who know `git config list` and `claim list` try this word first.
_app.command("list", hidden=True, epilog=examples("gitcoord policy list"))(show_)


@_app.command(
    "set", epilog=examples("gitcoord policy set require_pushed true", "gitcoord policy set auto_recover false")
)
def set_(name: _Name, value: _Value, *, as_json: AsJson = False) -> int:
    """Change one field for everyone who shares the remote."""
    from gitcoord.service.team import policy

    return answer(
        lambda workspace: policy.set_policy(workspace, name=name, value=value),
        lambda result, _: show.line(f"{name} is {setting_word(record(result.get('policy')).get(name))} for everyone"),
        as_json=as_json,
    )


def _lines(result: Result, _now: datetime) -> None:
    from gitcoord.service.inputs.policy_input import purposes

    said = purposes()
    rows = [[name, setting_word(value), said.get(name, "")] for name, value in record(result.get("policy")).items()]
    show.table(("policy", names("value"), prose("purpose")), rows)
