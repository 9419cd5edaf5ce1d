"""Swaps by libgit2: locks, odd refs, other writers, and when a path may be driven this way."""

import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from gitcoord.errors import DocumentError, MissingObjectError, UnreachableError
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.store.pygit_objects import OBJECT_BYTES_MAX
from gitcoord.remote.transports.path_remote import git_dir_of, usable_as_local
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, commit, local, put, won
from tests.open_files import open_below
from tests.servers.fixtures import Remote, Servers


@pytest.fixture
def remote(servers: Servers) -> Remote:
    return servers.remote("path")


def test_refs_are_written_in_the_order_given(remote: Remote) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    # The second ref cannot be written: a folder that is not empty is in its place.
    (remote.git_dir / CONFIG / "below").mkdir(parents=True)
    (remote.git_dir / CONFIG / "below" / "file.txt.lock").touch()

    outcome = ann.swap([RefUpdate(STEPS, None, first), RefUpdate(CONFIG, None, first)])

    assert outcome.status in {SwapStatus.UNKNOWN, SwapStatus.DENIED}
    assert (STEPS in remote.refs()) == (outcome.status is SwapStatus.UNKNOWN)


def test_a_swap_leaves_no_file_open_though_it_looks_at_folders_as_at_refs(remote: Remote) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))

    won(put(ann, STEPS, None, first))  # `refs/coord` is there, and could be a ref

    assert open_below(remote.git_dir) == []


@pytest.mark.parametrize("packed", [False, True])
def test_packed_refs_are_refs(remote: Remote, packed: bool) -> None:
    ann = local(remote.git_dir)
    first, second = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    if packed:
        remote.git("pack-refs", "--all", "--prune")

    assert dict(ann.read(["refs/coord/"])) == {CLAIMS: first, CONFIG: first}
    assert put(ann, CLAIMS, None, second).status is SwapStatus.LOST
    won(put(ann, CLAIMS, first, second))
    won(put(ann, CONFIG, first, None))
    assert dict(ann.read(["refs/coord/"])) == remote.refs() == {CLAIMS: second}


def test_a_write_by_git_within_the_same_instant_is_seen(remote: Remote) -> None:
    ann = local(remote.git_dir)
    tips = [commit(ann, str(number)) for number in range(20)]
    won(put(ann, CLAIMS, None, tips[0]))
    path = remote.git_dir / CLAIMS

    for tip in tips:
        path.write_text(f"{tip}\n")  # same inode, same size, and often the same time stamp
        assert dict(ann.read([CLAIMS])) == {CLAIMS: tip}


def test_what_is_not_a_ref_is_skipped_and_named(remote: Remote, tmp_path: Path) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    folder = remote.git_dir / "refs" / "coord"
    (folder / "symbolic").write_text("ref: refs/coord/claims\n")
    (folder / "garbage").write_bytes(b"\x00\xff" * 3000)
    (folder / "empty").touch()
    (folder / "bad\nname").write_text(f"{first}\n")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as unreadable:
        unreadable.bind(str(tmp_path / "s"))
    (tmp_path / "s").rename(folder / "socket")  # its own path could be too long to bind to

    for _ in range(2):
        assert dict(ann.read(["refs/coord/"])) == {CLAIMS: first}
        assert len(ann.faults) == 7
    assert put(ann, RefName("refs/coord/symbolic"), None, first).status is SwapStatus.DENIED
    assert put(ann, RefName("refs/coord/garbage"), None, first).status is SwapStatus.DENIED
    assert len(ann.faults) == 7  # of the last listing, whatever a swap has looked at since


@pytest.mark.parametrize("ref", ["refs/coord/claims/below", "refs/coord", "refs/coord/../x", "refs/coord/a b"])
def test_a_name_that_cannot_be_is_denied(remote: Remote, ref: str) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))

    assert put(ann, RefName(ref), None, first).status is SwapStatus.DENIED
    assert remote.refs() == {CLAIMS: first}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; samples/denied-read-only.txt is git's word")
def test_a_repository_that_may_not_be_written_is_denied(remote: Remote) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    (remote.git_dir / "refs").chmod(stat.S_IRUSR | stat.S_IXUSR)

    assert put(ann, CLAIMS, None, first).status is SwapStatus.DENIED


def test_a_repository_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    ann = local(tmp_path / "none")

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, Oid("1" * 40)).status is SwapStatus.UNREACHABLE


def test_objects_that_another_process_packs_meanwhile_are_found(remote: Remote) -> None:
    ann, bob = local(remote.git_dir), local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    assert bob.objects.has(first)
    remote.git("repack", "-a", "-d", "-q")
    second = commit(ann, "two", first)
    won(put(ann, CLAIMS, first, second))
    assert bob.objects.read(first)[0] is ObjectKind.COMMIT
    remote.git("repack", "-a", "-d", "-q")

    assert bob.objects.read(first)[0] is ObjectKind.COMMIT
    assert bob.objects.read(second)[0] is ObjectKind.COMMIT


def test_damaged_missing_and_huge_objects_are_told_apart(remote: Remote) -> None:
    objects = local(remote.git_dir).objects
    damaged, swapped = (objects.write(ObjectKind.BLOB, data) for data in (b"damaged", b"swapped"))
    huge = objects.write(ObjectKind.BLOB, bytes(OBJECT_BYTES_MAX + 1))
    tag = Oid(remote.git("hash-object", "-t", "tag", "-w", "--literally", os.devnull).strip())
    paths = [remote.git_dir / "objects" / oid[:2] / oid[2:] for oid in (damaged, swapped)]
    other = paths[0].read_bytes()
    for path, content in zip(paths, (b"garbage", other), strict=True):
        path.chmod(stat.S_IRWXU)
        path.write_bytes(content)

    for oid in (damaged, swapped, huge, tag):
        with pytest.raises(DocumentError, match=oid):
            local(remote.git_dir).objects.read(oid)
    with pytest.raises(MissingObjectError):
        objects.read(Oid("1" * 40))


def test_an_ordinary_repository_on_a_path_is_usable(remote: Remote) -> None:
    assert usable_as_local(remote.git_dir, env=os.environ) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.sharedRepository", "group"),
        ("core.logAllRefUpdates", "always"),
        ("receive.hideRefs", "refs/coord"),
        ("receive.procReceiveRefs", "refs/coord"),
        ("extensions.partialClone", "origin"),
        ("hook.audit.event", "reference-transaction"),
    ],
)
def test_a_repository_with_rules_of_its_own_is_left_to_git(remote: Remote, key: str, value: str) -> None:
    remote.git("config", key, value)

    reason = usable_as_local(remote.git_dir, env=os.environ)

    assert reason is not None
    assert key.lower() in reason.lower()


@pytest.mark.parametrize("hook", ["pre-receive", "update", "post-receive", "post-update", "reference-transaction"])
@pytest.mark.parametrize("scope", ["repository", "global"])
def test_a_repository_whose_hooks_would_run_is_left_to_git(
    remote: Remote, hook: str, scope: str, hermetic: Path, tmp_path: Path
) -> None:
    remote.hook(hook, "exit 0")
    if scope == "global":
        (remote.git_dir / "hooks").rename(tmp_path / "hooks")
        with (hermetic / ".gitconfig").open("a") as config:
            config.write(f"[core]\n\thooksPath = {tmp_path / 'hooks'}\n")

    assert usable_as_local(remote.git_dir, env=os.environ) == f"its hook {hook!r} would run"


def test_a_hook_that_only_concerns_the_users_own_commits_does_not_matter(remote: Remote) -> None:
    remote.hook("pre-commit", "exit 1")

    assert usable_as_local(remote.git_dir, env=os.environ) is None


def test_branch_rules_matter_where_the_namespace_is_of_branches(remote: Remote) -> None:
    remote.git("config", "receive.denyNonFastForwards", "true")

    assert usable_as_local(remote.git_dir, env=os.environ) is None
    assert usable_as_local(remote.git_dir, env=os.environ, namespace="refs/heads/x/coord/") is not None


def test_a_reflog_matters_where_git_would_write_one(remote: Remote) -> None:
    branches = "refs/heads/x/coord/"
    assert usable_as_local(remote.git_dir, env=os.environ, namespace=branches) is None

    remote.git("config", "core.bare", "false")

    assert usable_as_local(remote.git_dir, env=os.environ) is None
    assert "logAllRefUpdates" in str(usable_as_local(remote.git_dir, env=os.environ, namespace=branches))


def test_a_path_without_a_repository_of_its_own_is_left_to_git(tmp_path: Path) -> None:
    repo, worktree = tmp_path / "repo", tmp_path / "wt"
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["worktree", "add", "-q", "../wt"]):
        repo.mkdir(exist_ok=True)
        subprocess.run(["git", *command], cwd=repo, check=True, timeout=30)

    assert git_dir_of(repo) == repo / ".git"
    assert usable_as_local(repo, env=os.environ) is None
    assert usable_as_local(worktree, env=os.environ) is not None
    assert usable_as_local(tmp_path / "none", env=os.environ) is not None


def test_a_sha256_repository_is_left_to_git(servers: Servers) -> None:
    remote = servers.remote("path", object_format="sha256")

    assert "sha256" in str(usable_as_local(remote.git_dir, env=os.environ))
