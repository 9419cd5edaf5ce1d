"""`gitcoord schema`: the JSON Schemas of what is in the ledgers, of files that people write, and of results."""

from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import completion, show
from gitcoord.faces.cli.terminal.columns import ids, prose
from gitcoord.faces.cli.terminal.options import AsJson, examples

_Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="As listed; its last part where that is enough.", autocompletion=completion.schemas
    ),
]


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord schema", "gitcoord schema documents/step", "gitcoord schema plan > plan.schema.json")
    root.command("schema", epilog=examples(*lines))(schema)


def schema(name: _Name = None, *, as_json: AsJson = False) -> int:
    """Print the JSON Schema of a document, file or result.

    Without a name: which there are; with --json, all of them by name.
    """
    from gitcoord.service.schemas import catalog

    if name is not None:
        show.json_object(catalog.schema(catalog.full_name(name)))
        return 0
    found = {name: catalog.schema(name) for name in catalog.names()}
    if as_json:
        show.json_object({"schemas": {**found}, "count": len(found)})
        return 0
    rows = [[name, str(schema.get("description")).partition("\n")[0]] for name, schema in found.items()]
    show.table((ids("schema"), prose("what")), rows)
    return 0
