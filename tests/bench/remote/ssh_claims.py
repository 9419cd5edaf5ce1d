"""P5 over ssh: one claim in a running process, beside `git push` of one commit over the same shared connection."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.remote.http_claims import JUDGED_MS, ROUND_TRIPS_MS, RUNS, Line, Passing, judged, measured
from tests.bench.report import Figure
from tests.servers.delaying_proxy import DelayingProxy
from tests.servers.sshd import Sshd, sockets_in

RATIO = 0.6  # of a push


@measures("P5ssh", limit_s=400)
def p5ssh() -> list[Figure]:
    """Measure claims over ssh as those over http are."""
    figures: list[Figure] = []
    for round_trip_ms in ROUND_TRIPS_MS:
        with line(round_trip_ms) as given:
            found = measured(given, round_trip_ms, RUNS, "ssh")
        if round_trip_ms == JUDGED_MS:
            judged(found, RATIO)
        figures += found
    return figures


@contextmanager
def line(round_trip_ms: int) -> Iterator[Line]:
    """Serve a repository by ssh over a line of that length; two clones have it as their remote."""
    home = Path(tempfile.mkdtemp(prefix="gitcoord-bench-ssh-"))
    server = Sshd(home)
    proxy = DelayingProxy(server.port, round_trip_ms / 1000)
    bare = server.root / "r.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(["git", f"--git-dir={bare}", "config", "gc.auto", "0"], check=True)
    url = server.url_at(proxy.port, "r.git")
    ssh = server.client_env()

    def shared() -> dict[str, str]:
        newest = max(sockets_in(server.runtime), key=lambda path: path.stat().st_ctime)
        return {"GIT_SSH_COMMAND": f"{ssh['GIT_SSH_COMMAND']} -oControlMaster=no -oControlPath={newest}"}

    try:
        with repository() as (top, env), repository() as (elsewhere, other_env):
            here = {**ssh, "GITCOORD_REMOTE": url}
            subprocess.run(["git", "remote", "add", "origin", url], cwd=top, env=env, check=True)
            passing, mine = Passing(), {**env, **here}
            other = workspace(elsewhere, {**other_env, **here}, "other/cli/r", passing.host)
            claimer = workspace(top, mine, "bench/cli/r", passing.host)
            claimer.setting.transport.read(["refs/coord/"])  # the connection that the push shares
            yield Line(proxy, top, mine, claimer, other, passing, shared)
    finally:
        server.stop()
        proxy.stop()
        shutil.rmtree(home, ignore_errors=True)
