"""P9, the wire: the pack of one claim, among many others. What http adds to it, P5 counts."""

from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.http.pack_writer import PackWriter
from tests.bench.claims import claim_one, fill
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

SIZES = (100, 10_000)
CLAIMS = 30
PACK_MAX = 1536


@measures("P9")
def p9() -> list[Figure]:
    """The pack of a claim, with trees and texts as deltas of what was read, and as whole objects."""
    return [figure for size in SIZES for figure in measured(size, CLAIMS)]


def measured(size: int, claims: int) -> list[Figure]:
    """Make claims in a store, and pack each as a push would."""
    sent: list[float] = []
    whole: list[float] = []
    with repository() as (top, env):
        holder = workspace(top, env, "bench/cli/r")
        fill(holder, size)
        objects, ref = holder.setting.transport.objects, holder.setting.refs.claims
        tip = holder.setting.transport.read([ref])[ref]
        for turn in range(claims):
            claim_one(holder, turn)
            new = holder.setting.transport.read([ref])[ref]
            writer = PackWriter(objects, [tip])
            writer.add(new, tip)
            sent.append(len(writer.pack()))
            whole.append(len(writer.pack(with_deltas=False)))
            tip = Oid(new)
    figure = Figure("P9", f"pack of a claim, {size:,} claims", sent, unit="bytes")
    return [figure.at_most(PACK_MAX), Figure("P9", f"the same without deltas, {size:,} claims", whole, unit="bytes")]
