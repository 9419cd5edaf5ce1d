"""What a signature costs: claims with one and without one in turn, among 400 of others; and checking signatures."""

import resource
import subprocess
import time

from gitcoord.service.audit.audit import audit
from gitcoord.service.session.identity import signature_of
from tests.bench.claims import claim_one, fill
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

ACTIVE, PAIRS, WARM_UP = 400, 100, 10


@measures("P2s", limit_s=300)
def p2s() -> list[Figure]:
    """Pairs of claims of one process, signed with an ed25519 key by ssh-keygen and not; processor with its children."""
    with repository() as (top, env):
        key = top.parent / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        signers = top.parent / "signers"
        signers.write_text(f"bench@localhost {key.with_suffix('.pub').read_text()}")
        settings = {"gpg.format": "ssh", "user.signingKey": str(key), "gpg.ssh.allowedSignersFile": str(signers)}
        for name, value in {"gitcoord.sign": "on", **settings}.items():
            subprocess.run(["git", "-C", str(top), "config", name, value], check=True, env=env)
        one = workspace(top, env, "bench/cli/r")
        signs = signature_of(one.repository.settings(), one.repository)
        plain = signs._replace(sign=None)
        one.setting.clone.signature = plain
        fill(one, ACTIVE)
        wall: dict[bool, list[float]] = {True: [], False: []}
        used: dict[bool, list[float]] = {True: [], False: []}
        for at in range(2 * (WARM_UP + PAIRS)):
            is_signed = at % 2 == at // 2 % 2  # each comes first as often
            one.setting.clone.signature = signs if is_signed else plain
            before, begin = _processor_s(), time.perf_counter()
            claim_one(one, at)
            if at >= 2 * WARM_UP:
                wall[is_signed].append((time.perf_counter() - begin) * 1000)
                used[is_signed].append((_processor_s() - before) * 1000)
        before, begin = _processor_s(), time.perf_counter()
        checked = audit(one, signatures=True)
        audited = {"s": round(time.perf_counter() - begin, 1), "processor_s": round(_processor_s() - before, 1)}
    assert checked["clean"], checked
    figures = [
        Figure("P2s", f"claim of a file, {'signed' if is_signed else 'not signed'}", wall[is_signed])
        for is_signed in (False, True)
    ]
    for figure, is_signed in zip(figures, (False, True), strict=True):
        figure.notes = {"processor_ms": round(sum(used[is_signed]) / PAIRS, 1)}
    pairs = range(PAIRS)
    figures[1].notes |= {
        "wall_ratio": round(_middle([wall[True][pair] / wall[False][pair] for pair in pairs]), 2),
        "processor_ratio": round(sum(used[True]) / sum(used[False]), 2),
        "audit_of_signed": PAIRS + WARM_UP,
        "audit": audited,
    }
    return figures


def _processor_s() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
