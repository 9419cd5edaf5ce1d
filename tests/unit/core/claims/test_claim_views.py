"""Replies: the claim that an outcome speaks of."""

from typing import Any

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.claim_views import CLAIM_FIELDS, ITEM_FIELDS, claim_view
from tests.unit.core.play import NOW


def test_a_claim_comes_with_all_that_is_documented_of_it() -> None:
    item = Item(pattern="src/a.py", expires_at=NOW)
    claim = Claim(id="c-1", agent="ann", clone="one", items=(item,), created_at=NOW, expires_at=NOW, last_activity=NOW)

    view: dict[str, Any] = claim_view(claim)

    assert set(CLAIM_FIELDS) <= view.keys()
    assert (view["description"], view["branch"], view["owners"]) == ("", None, [])
    assert view["items"] == [
        {
            "pattern": "src/a.py",
            "symbols": [],
            "kind": "file",
            "mode": "write",
            "narrowable": True,
            "expires_at": "2026-11-21T09:30:00.000Z",
        }
    ]
    assert set(ITEM_FIELDS) == view["items"][0].keys()
