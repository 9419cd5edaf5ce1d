"""P2h: claims in a store whose history grows while as many claims as before are active; P16 measures months of it."""

import time

from gitcoord.service.claims.claims import claim_files, release_claims
from tests.bench.claims import claim_one, fill
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

ACTIVE = 100
COMMITS = (100, 1_000, 4_000)
CLAIMS = 60


@measures("P2h", limit_s=300)
def p2h() -> list[Figure]:
    """Measure claims each time that the ledger has grown so far."""
    figures: list[Figure] = []
    with repository() as (top, env):
        claimer = workspace(top, env, "bench/cli/r")
        fill(claimer, ACTIVE)
        commits = 0
        for size in COMMITS:
            while commits < size:
                assert claim_files(claimer, patterns=["passing.py"])["granted"]
                release_claims(claimer)
                commits += 2
            samples: list[float] = []
            for turn in range(CLAIMS):
                begin = time.perf_counter()
                claim_one(claimer, size + turn)
                samples.append((time.perf_counter() - begin) * 1000)
                release_claims(claimer)
            commits += 2 * CLAIMS
            figure = Figure("P2h", f"claim of a file after {size:,} commits, {ACTIVE} active claims", samples)
            figures.append(figure.over("commits of history", size, "claim_files"))
    return figures
