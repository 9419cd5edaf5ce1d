"""The bill of materials names all that comes with the wheel, each with a licence, and is valid."""

import json
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import gitcoord
from tests.npm import IN_CI
from tests.packaging import pins
from tests.packaging.release import sbom

RUN_S = 1200  # two installations and a check of the schema


def bom(*components: sbom.Bom) -> sbom.Bom:
    root = {"name": "gitcoord", "licenses": [{"license": {"id": "Apache-2.0"}}]}
    return {"metadata": {"component": root}, "components": list(components)}


def test_our_version_and_licences_that_metadata_lacks_are_filled_in() -> None:
    known = {"name": "known", "version": "1", "licenses": [{"expression": "MIT OR BSD-3-Clause"}]}

    done = sbom.complete(bom({"name": "bare", "version": "2"}, known), "0.9", {"bare": "ISC", "known": "GPL"})

    assert done["metadata"]["component"]["purl"] == "pkg:pypi/gitcoord@0.9"
    assert sbom.licences_of(done) == {"gitcoord 0.9": "Apache-2.0", "bare 2": "ISC", "known 1": "MIT OR BSD-3-Clause"}


def test_a_package_without_a_licence_is_named() -> None:
    done = sbom.complete(bom({"name": "bare", "version": "2"}), "0.9", {})

    with pytest.raises(ValueError, match="no licence is known of bare 2;"):
        sbom.table(sbom.licences_of(done))


def test_the_table_is_sorted_whatever_the_case() -> None:
    assert sbom.table({"b 1": "MIT", "A 2": "ISC"}).splitlines()[2:] == ["| A 2 | ISC |", "| b 1 | MIT |"]


@pytest.mark.external
@pytest.mark.torture
@pytest.mark.timeout(RUN_S)
def test_what_is_written_is_valid_and_names_every_library_with_its_licence(tmp_path: Path) -> None:
    try:
        bom_path, licences_path = sbom.write(tmp_path)
    except AssertionError as error:
        if IN_CI or "No matching distribution" not in str(error):
            raise
        pytest.skip(f"no package index: {error}")

    written = json.loads(bom_path.read_text("utf-8"))
    named = {canonicalize_name(component["name"]): component["version"] for component in written["components"]}
    needed = pins.closure(pins.runtime(), pins.installed)
    assert named.keys() == {canonicalize_name(requirement.name) for requirement in needed}
    assert written["metadata"]["component"]["version"] == gitcoord.__version__
    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.6")
    assert licences_path.read_text("utf-8").count("\n") == len(named) + 3  # the head, and our own
    assert "file:" not in bom_path.read_text("utf-8")
