"""P9, the wire: the pack of one claim among many others, and all that goes over the line for it with http."""

from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.http.pack_writer import PackWriter
from tests.bench.claims import claim_one, fill
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.remote.http_claims import line, notes_of
from tests.bench.report import Figure

SIZES = (100, 10_000)
CLAIMS = 30
PACK_MAX = 1536
HTTP_MAX = 2560  # both ways: headers, the command, the pack and the answer
WARM_UP = 3


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


@measures("P9w", limit_s=600)
def p9w() -> list[Figure]:
    """The bytes of a claim over http among 10,000 others, as a proxy counts them."""
    return [over_http(SIZES[-1], CLAIMS)]


def over_http(size: int, claims: int) -> Figure:
    """Claim now and then in a running process, where no other clone writes."""
    asked: list[tuple[int, int]] = []
    with line(0) as given:
        fill(given.claimer, size)
        for turn in range(WARM_UP + claims):
            given.rest()
            before = given.proxy.requests, given.proxy.size_bytes
            claim_one(given.claimer, turn)
            asked.append((given.proxy.requests - before[0], given.proxy.size_bytes - before[1]))
    sizes = [float(size_bytes) for _, size_bytes in asked[WARM_UP:]]
    figure = Figure("P9w", f"a claim over http, {size:,} claims", sizes, unit="bytes", notes=notes_of(asked[WARM_UP:]))
    return figure.at_most(HTTP_MAX)
