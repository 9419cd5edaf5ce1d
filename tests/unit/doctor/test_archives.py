"""Looking brings no archive to the clone: what a roll took out of a ledger may be large, and nothing needs it."""

import subprocess
from pathlib import Path

import pytest

from gitcoord.runtime import examine_here
from gitcoord.service.audit.audit import audit
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.doctor import all_checks
from gitcoord.service.doctor.check_run import Status, examine
from gitcoord.service.upkeep.gc import gc
from tests.conftest import Clone, Git
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, store_of

ARCHIVE = "refs/coord/archive/claims/1"


def has(repo: Path, oid: str) -> bool:
    words = ["git", f"--git-dir={store_of(repo)}", "cat-file", "-e", oid]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("kind", ["file", "http"])
def test_doctor_fetches_no_archive_where_it_only_looks(
    kind: str, servers: Servers, clone: Clone, agents: Agents, git: Git, tmp_path: Path
) -> None:
    remote = servers.remote("http" if kind == "http" else "path")
    url = remote.url if kind == "http" else f"file://{remote.git_dir}"
    first, second = clone(remote.git_dir, tmp_path / "first"), clone(remote.git_dir, tmp_path / "second")
    for repo in (first, second):
        git(repo, "config", "gitcoord.remote", url)
    ann = agents(first, "ann/cli/first")
    for name in ("a.py", "b.py"):
        claim_files(ann, patterns=[name])
    gc(ann, rolled_after=1)
    archived = git(remote.git_dir, "rev-parse", ARCHIVE)

    site = examine_here(second, {})
    found = {check.id: examine(check, site.host.monotonic).status for check in all_checks.of_place(site)}
    was_brought = has(second, archived)
    audit(agents(second, "bob/cli/second"), full=True)

    assert {found["ledgers"], found["audit"], found["rewound"]} == {Status.OK}
    assert (was_brought, has(second, archived)) == (False, True)
