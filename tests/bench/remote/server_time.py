"""P5, the server's own time: what nginx and git take for the requests of a claim, among few documents and many."""

from collections.abc import Sequence

from tests.bench.claims import claim_one, fill
from tests.bench.registry import measures
from tests.bench.remote.http_claims import line
from tests.bench.report import Figure

SIZES = (100, 10_000)
CLAIMS = 20
WARM_UP = 2  # a clone's first fetch brings all that others have


@measures("P5t", limit_s=600)
def p5t() -> list[Figure]:
    """Claims over http without any delay, as the server's log has them."""
    return [figure for size in SIZES for figure in by_the_log(size, CLAIMS)]


def by_the_log(size: int, claims: int) -> Sequence[Figure]:
    """Let two clones claim in turn, so that each has to read what the other wrote."""
    with line(0) as given:
        fill(given.claimer, size)
        assert given.http is not None
        before = 0
        for turn in range(WARM_UP + claims):
            if turn == WARM_UP:
                before = len(given.http.requests())
            claim_one(given.claimer, turn)
            claim_one(given.other, WARM_UP + claims + turn)
        asked = given.http.requests()[before:]
    kinds = {"push": [took for _, took, push in asked if push], "read": [took for _, took, push in asked if not push]}
    return [
        Figure("P5t", f"the server's time for a {kind}, {size:,} claims", samples).over(
            "claims at the server", size, f"a {kind}"
        )
        for kind, samples in kinds.items()
        if samples
    ]
