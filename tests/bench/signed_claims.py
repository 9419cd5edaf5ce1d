"""What a signature costs: claims with one and without one in turn, among 400 of others; and checking signatures."""

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitcoord.service.audit.audit import audit
from gitcoord.service.session.identity import signature_of
from tests.bench.claims import claim_one, fill
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

ACTIVE, PAIRS, WARM_UP = 400, 100, 10


@measures("P2s", limit_s=300)
def p2s() -> list[Figure]:
    """Claims of one process in turn: not signed, signed with an ed25519 key by ssh-keygen, and by an ssh-agent.

    Processor with its children, and with the agent.
    """
    with repository() as (top, env):
        key = top.parent / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        signers = top.parent / "signers"
        signers.write_text(f"bench@localhost {key.with_suffix('.pub').read_text()}")
        settings = {"gpg.format": "ssh", "user.signingKey": str(key), "gpg.ssh.allowedSignersFile": str(signers)}
        for name, value in {"gitcoord.sign": "on", **settings}.items():
            subprocess.run(["git", "-C", str(top), "config", name, value], check=True, env=env)
        one = workspace(top, env, "bench/cli/r")
        repo = one.repository
        with _agent(key) as (socket, pid):
            alone, beside = ({**repo.env, "SSH_AUTH_SOCK": path} for path in ("", socket))
            signs = [signature_of(repo.settings(), repo._replace(env=of)) for of in (alone, beside)]
            by = [signs[0]._replace(sign=None), *signs]
            one.setting.clone.signature = by[0]
            fill(one, ACTIVE)
            wall: list[list[float]] = [[], [], []]
            used: list[list[float]] = [[], [], []]
            begun = _processor_of(pid)
            for at in range(3 * (WARM_UP + PAIRS)):
                way = (at + at // 3) % 3  # each comes first as often
                one.setting.clone.signature = by[way]
                before, begin = _processor_s(), time.perf_counter()
                claim_one(one, at)
                if at >= 3 * WARM_UP:
                    wall[way].append((time.perf_counter() - begin) * 1000)
                    used[way].append((_processor_s() - before) * 1000)
            used[2].append((_processor_of(pid) - begun) * 1000 * PAIRS / (PAIRS + WARM_UP))
        before, begin = _processor_s(), time.perf_counter()
        checked = audit(one, signatures=True)
        audited = {"s": round(time.perf_counter() - begin, 1), "processor_s": round(_processor_s() - before, 1)}
    assert checked["clean"], checked
    ways = ("not signed", "signed", "signed by an ssh-agent")
    figures = [Figure("P2s", f"claim of a file, {way}", times) for way, times in zip(ways, wall, strict=True)]
    for figure, times, processor in zip(figures, wall, used, strict=True):
        figure.notes = {"processor_ms": round(sum(processor) / PAIRS, 1)}
        if times is not wall[0]:
            ratios = [signed / plain for signed, plain in zip(times, wall[0], strict=True)]
            figure.notes["wall_ratio"] = round(_middle(ratios), 2)
            figure.notes["processor_ratio"] = round(sum(processor) / sum(used[0]), 2)
    figures[1].notes |= {"audit_of_signed": 2 * (PAIRS + WARM_UP), "audit": audited}
    return figures


@contextmanager
def _agent(key: Path) -> Iterator[tuple[str, int]]:
    """Run an ssh-agent that has a key; yield its socket and its process."""
    path = str(key.with_name("agent"))
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        try:
            agent.stdout.readline()  # written once it listens
            env = {**os.environ, "SSH_AUTH_SOCK": path}
            subprocess.run(["ssh-add", "-q", str(key)], check=True, env=env)
            yield path, agent.pid
        finally:
            agent.terminate()


def _processor_of(pid: int) -> float:
    """Return the seconds of processor that another process took; hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _processor_s() -> float:
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
