"""The schemas in the documentation are those of the code."""

import pytest

from tests.schemas import pages


@pytest.mark.docs
def test_the_schemas_in_the_documentation_are_those_of_the_code() -> None:
    made = pages.files()
    kept = {path: path.read_text("utf-8") for path in [pages.PAGE, *pages.FOLDER.rglob("*.json")]}

    stale = sorted(str(path) for path in {*made, *kept} if made.get(path) != kept.get(path))
    assert stale == [], "run: python -m tests.schemas"
