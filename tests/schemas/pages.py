"""The schemas of the catalog as files below `docs/schemas/`, and the table of them on its page."""

import json
from collections.abc import Mapping
from pathlib import Path

from gitcoord.service.schemas import catalog

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "schemas.md"
FOLDER = DOCS / "schemas"
TABLE = "## All of them\n"


def files() -> Mapping[Path, str]:
    """Return what is generated: each schema, and the page with the table of all."""
    found = {name: catalog.schema(name) for name in catalog.names()}
    spelled = {name: json.dumps(schema, ensure_ascii=False, indent=1) for name, schema in found.items()}
    said = {name: str(schema["description"]).partition("\n")[0] for name, schema in found.items()}
    rows = [f"| [`{name}`](schemas/{name}.json) | {text} |\n" for name, text in said.items()]
    page = PAGE.read_text("utf-8").partition(TABLE)[0]
    table = f"{TABLE}\n| schema | what it describes |\n| --- | --- |\n{''.join(rows)}"
    return {PAGE: page + table, **{FOLDER / f"{name}.json": f"{text}\n" for name, text in spelled.items()}}


def write() -> None:
    """Write all, and remove what is there no more."""
    made = files()
    for path in {*FOLDER.rglob("*.json")} - made.keys():
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
