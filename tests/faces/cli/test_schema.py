"""`gitcoord schema`: what there is, one of them, and what was meant by a name that is none."""

import json
from pathlib import Path

from gitcoord.service.schemas import catalog
from tests.faces.cli.conftest import Run


def test_it_lists_every_schema_outside_of_a_repository_too(run: Run, tmp_path: Path) -> None:
    listed = run("schema", cwd=tmp_path)

    assert (listed.status, listed.err) == (0, "")
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == catalog.names()
    assert run("schema", "--json", cwd=tmp_path).json["schemas"].keys() == {*catalog.names()}


def test_it_prints_the_schema_of_a_name(run: Run) -> None:
    assert run("schema", "documents/step").json == json.loads(json.dumps(catalog.schema("documents/step")))
    assert run("schema", "plan", "--json").json["$id"] == "urn:gitcoord:files/plan"


def test_a_name_that_is_none_is_a_usage_error_with_what_was_meant(run: Run) -> None:
    done = run("schema", "documents/stpe")

    assert (done.status, done.out) == (2, "")
    assert "hint: Did you mean 'documents/step'?" in done.err
