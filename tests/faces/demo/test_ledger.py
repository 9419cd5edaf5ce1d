"""Reading the ledgers with plain git, where there is not much to read."""

import os
from pathlib import Path

from gitcoord.faces.demo import ledger
from gitcoord.faces.demo.place import set_up_place


def test_claims_that_nobody_made_are_none_and_the_log_has_nothing_of_them(tmp_path: Path) -> None:
    place = set_up_place(tmp_path, os.environ, remote=None, name="shop", agents=2)

    assert ledger.read_claims(place) == []
    assert ledger.subjects(place) == []
    assert (place.people, place.claims) == (("ann",), "refs/coord/claims")
