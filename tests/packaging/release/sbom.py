"""The bill of materials of the wheel, and the licences of all that comes with it: `make sbom`.

Written into a folder: `gitcoord-<version>.cdx.json` (CycloneDX 1.6) and `gitcoord-<version>-licences.md`. They name
what a user gets who installs the wheel on that day. `cyclonedx-bom` reads the metadata of what is installed; it and its
libraries are installed from pins with hashes into an environment of their own, beside that of the wheel.

Rules:
  * A library without a licence is an error. One whose metadata has none that can be read is in `LICENCES`, taken from
    its source by a person.
  * What is written is valid by the schema of CycloneDX, after the last change to it.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gitcoord
from tests.packaging.programs import ROOT, environment, run
from tests.packaging.release import packages

RUN_S = 600  # A bound for a hang: the schema takes 16 s of processor.
LICENCES = {
    # Its metadata (1.21.0) says it in words that are no SPDX expression; its COPYING has the exception.
    "pygit2": "GPL-2.0-only with the linking exception of libgit2",
}
# Strict: no field that the schema does not know.
_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1], encoding="utf-8").read())
sys.exit(error and str(error))
"""

Bom = dict[str, Any]


def complete(bom: Bom, version: str, licences: Mapping[str, str]) -> Bom:
    """Return a bill of materials with our version, and with the licences that metadata does not name."""
    root = {**bom["metadata"]["component"], "version": version, "purl": f"pkg:pypi/gitcoord@{version}"}
    return {
        **bom,
        "metadata": {**bom["metadata"], "component": root},
        "components": [_licensed(component, licences) for component in bom["components"]],
    }


def _licensed(component: Bom, licences: Mapping[str, str]) -> Bom:
    known = licences.get(component["name"])
    return component if component.get("licenses") or not known else {**component, "licenses": [_named(known)]}


def _named(name: str) -> Bom:
    return {"license": {"acknowledgement": "concluded", "name": name}}


def licences_of(bom: Bom) -> dict[str, str]:
    """Return the licences of each component by name and version; "" where there is none."""
    return {
        f"{component['name']} {component['version']}": " AND ".join(map(_text, component.get("licenses", [])))
        for component in [bom["metadata"]["component"], *bom["components"]]
    }


def _text(entry: Bom) -> str:
    return entry.get("expression") or entry["license"].get("id") or entry["license"]["name"]


def table(licences: Mapping[str, str]) -> str:
    """Return the licences as a table in Markdown.

    Raises:
        ValueError: a component has none.
    """
    if lost := [name for name, text in licences.items() if not text]:
        message = f"no licence is known of {', '.join(lost)}; read its source and add it to LICENCES"
        raise ValueError(message)
    rows = [f"| {name} | {text} |" for name, text in sorted(licences.items(), key=lambda row: row[0].lower())]
    return "\n".join(["| package | licence |", "| --- | --- |", *rows, ""])


def write(out: Path) -> tuple[Path, Path]:
    """Build the wheel, and write its bill of materials and licences into a folder; return both paths."""
    out.mkdir(parents=True, exist_ok=True)
    bom_path = out / f"gitcoord-{gitcoord.__version__}.cdx.json"
    licences_path = out / f"gitcoord-{gitcoord.__version__}-licences.md"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _, wheel = packages.built(work)
        user = environment(work / "user", wheel)
        tools = environment(work / "tools", "--require-hashes", "--requirement", packages.TOOLS)
        read = (tools / "cyclonedx-py", "environment", user / "python", "--pyproject", ROOT / "pyproject.toml")
        # Without its qualifiers an address names the package alone, not the index that it came from.
        how = ("--short-PURLs", "--output-reproducible", "--spec-version", "1.6", "--no-validate")
        run(*read, *how, "--output-file", work / "read.json", cwd=work, timeout_s=RUN_S)
        bom = complete(json.loads((work / "read.json").read_text("utf-8")), gitcoord.__version__, LICENCES)
        bom_path.write_text(json.dumps(bom, indent=2) + "\n", "utf-8")
        licences_path.write_text(table(licences_of(bom)), "utf-8")
        run(tools / "python", "-I", "-c", _VALIDATE, bom_path, cwd=work, timeout_s=RUN_S)
    return bom_path, licences_path


if __name__ == "__main__":
    print(*write(Path(sys.argv[1]).resolve()), sep="\n")
