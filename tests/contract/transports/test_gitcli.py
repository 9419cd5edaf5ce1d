"""The git program as a transport: what goes wrong with real servers, and what of the user's must not run."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from gitcoord.errors import DeniedError, MissingObjectError, UnreachableError
from gitcoord.remote.contract.protocol import FaultKind, Oid, RefFault, RefName, RefUpdate, SwapStatus
from gitcoord.remote.transports.gitcli import GitCliTransport
from gitcoord.remote.transports.slots import free_slot
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, Worlds, commit, put, won
from tests.servers.command_lines import spied
from tests.servers.dropping_proxy import DroppingProxy
from tests.servers.fixtures import Remote, Servers


def at(worlds: Worlds, url: str, **env: str) -> GitCliTransport:
    return worlds.gitcli(Remote("elsewhere", url, Path("/nowhere"), env))


def test_a_hook_that_says_no_is_denied_with_its_words(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("http")
    remote.hook("pre-receive", "cat >/dev/null; echo 'no pushes on Fridays' >&2; exit 1")
    ann = worlds.gitcli(remote)

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert "no pushes on Fridays" in outcome.message
    assert remote.refs() == {}


def test_a_server_that_serves_reading_only_is_denied(worlds: Worlds, servers: Servers) -> None:
    for kind, setting in (("http", "http.receivepack"), ("daemon", "daemon.receivepack")):
        remote = servers.remote(kind)
        remote.git("config", setting, "false")
        ann = worlds.gitcli(remote)

        assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.DENIED
        assert dict(ann.read(["refs/coord/"])) == {}


def test_a_wrong_password_is_denied_and_says_what_to_do(worlds: Worlds, servers: Servers) -> None:
    ann = at(worlds, servers.remote("http-auth").url)

    with pytest.raises(DeniedError) as caught:
        ann.read(["refs/coord/"])
    assert "Sign in to the remote once with git" in caught.value.hint
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.DENIED


def test_credentials_in_the_url_work_and_are_never_shown(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("http-auth")
    ann = at(worlds, remote.url.replace("://", "://ann:s3cret-word@"))
    won(put(ann, CLAIMS, None, commit(ann, "one")))
    remote.hook("update", 'echo "see https://ann:s3cret-word@example.invalid/x"; exit 1')

    outcome = put(ann, CONFIG, None, commit(ann, "two"))
    (remote.git_dir / "HEAD").unlink()
    with pytest.raises((DeniedError, UnreachableError)) as caught:
        ann.read(["refs/coord/"])

    assert "https://***@example.invalid/x" in outcome.message
    assert "s3cret" not in f"{outcome.message} {caught.value}"


def test_an_unknown_ssh_key_is_denied(worlds: Worlds, servers: Servers) -> None:
    ann = at(worlds, servers.remote("ssh").url, **servers.sshd().client_env("stranger"))

    with pytest.raises(DeniedError, match="publickey"):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.DENIED


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.git", "git://127.0.0.1:1/x.git", "ssh://git@127.0.0.1:1/x.git", "/no/such/place.git"]
)
def test_a_remote_that_is_not_there_is_unreachable(worlds: Worlds, url: str) -> None:
    ann = at(worlds, url, GIT_SSH_COMMAND="ssh -F none")

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.UNREACHABLE


def test_a_protocol_that_runs_programs_is_refused(worlds: Worlds, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    ann = at(worlds, f"ext::sh -c touch% {proof}")

    with pytest.raises(DeniedError, match="not allowed"):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.DENIED
    assert not proof.exists()


@pytest.mark.parametrize("answer_bytes", [0, 20])
def test_a_push_whose_answer_is_lost_is_unknown_and_reading_shows_that_it_landed(
    worlds: Worlds, servers: Servers, answer_bytes: int
) -> None:
    remote = servers.remote("http")
    proxy = DroppingProxy(servers.http().port)
    proxy.answer_bytes = answer_bytes
    ann = at(worlds, remote.url.replace(str(servers.http().port), str(proxy.port)))
    assert dict(ann.read(["refs/coord/"])) == {}
    new = commit(ann, "one")

    proxy.dropping = True
    outcome = put(ann, CLAIMS, None, new)
    proxy.dropping = False

    assert proxy.dropped > 0
    assert outcome.status is SwapStatus.UNKNOWN
    assert dict(ann.read(["refs/coord/"])) == {CLAIMS: new}
    proxy.stop()


def test_a_push_that_takes_too_long_is_unknown(worlds: Worlds, servers: Servers, tmp_path: Path) -> None:
    remote = servers.remote("path")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    remote.hook("pre-receive", f"cat >/dev/null; read line <{gate}")
    ann = worlds.gitcli(remote, timeout_s=1)

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.UNKNOWN


def test_no_hook_and_no_setting_of_the_user_has_a_part_in_our_pushes(
    worlds: Worlds, servers: Servers, hermetic: Path, tmp_path: Path
) -> None:
    hooks, proof = tmp_path / "hooks", tmp_path / "ran"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-update", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {proof}\nexit 1\n")
        (hooks / name).chmod(stat.S_IRWXU)
    with (hermetic / ".gitconfig").open("a") as config:
        config.write(f"[core]\n\thooksPath = {hooks}\n[push]\n\tgpgSign = true\n\tpushOption = draft\n")
        config.write("\tfollowTags = true\n\trecurseSubmodules = only\n[fetch]\n\tprune = true\n")
    remote = servers.remote("http")
    ann = worlds.gitcli(remote)
    first = commit(ann, "one")

    won(put(ann, CLAIMS, None, first))
    won(put(ann, CLAIMS, first, commit(ann, "two", first)))
    bob = worlds.gitcli(remote)
    bob.fetch(bob.read(["refs/coord/"]).values())

    assert not proof.exists()


def test_a_hook_on_a_path_runs_although_our_own_do_not(worlds: Worlds, servers: Servers, tmp_path: Path) -> None:
    remote = servers.remote("path-hook")
    proof = tmp_path / "ran"
    remote.hook("pre-receive", f"cat >{proof}")
    ann = worlds.gitcli(remote)

    won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert proof.read_text().endswith(f" {CLAIMS}\n")


def test_what_git_exports_to_its_hooks_is_not_obeyed(worlds: Worlds, servers: Servers, tmp_path: Path) -> None:
    other = tmp_path / "other.git"
    subprocess.run(["git", "init", "-q", "--bare", str(other)], check=True, timeout=30)
    env = {
        "GIT_DIR": str(other),
        "GIT_INDEX_FILE": "/no/index",
        "GIT_OBJECT_DIRECTORY": str(other / "objects"),
        "GIT_QUARANTINE_PATH": "/no/quarantine",
        "GIT_PUSH_OPTION_COUNT": "x",
        "GIT_CONFIG_PARAMETERS": "'core.bare'='false'",
        "GIT_TRACE": "1",
        "LC_ALL": "de_DE.UTF-8",
    }
    ann = worlds.gitcli(servers.remote("http"), env=env)

    new = commit(ann, "one")
    won(put(ann, CLAIMS, None, new))

    assert dict(ann.read(["refs/coord/"])) == {CLAIMS: new}
    assert [path for path in (other / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.rule("SAFE-5")
def test_a_remote_without_atomic_is_found_out_by_the_first_swap_of_two_refs(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("no-atomic")
    ann = worlds.gitcli(remote)
    first = commit(ann, "one")
    assert ann.atomic

    outcome = ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(STEPS, None, first)])

    assert (outcome.status, ann.atomic, remote.refs()) == (SwapStatus.LOST, False, {})
    won(ann.swap([RefUpdate(CLAIMS, None, first)]))


def test_reads_at_the_same_time_in_one_store_do_not_disturb_each_other(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("path")
    ann = worlds.gitcli(remote)
    new = commit(ann, "one")
    won(put(ann, CLAIMS, None, new))
    bob = worlds.gitcli(remote)

    with free_slot(bob._store) as taken:
        refs = bob.read(["refs/coord/"])

    assert taken == 0
    assert dict(refs) == {CLAIMS: new}
    assert bob.objects.has(new)


def test_lock_files_of_a_killed_read_do_not_stop_the_next(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("path")
    ann = worlds.gitcli(remote)
    first, second = commit(ann, "one"), commit(ann, "two")
    won(put(ann, CLAIMS, None, first))
    bob = worlds.gitcli(remote)
    assert dict(bob.read(["refs/coord/"])) == {CLAIMS: first}
    (bob._store / "refs/slots/0/claims.lock").touch()
    won(put(ann, CLAIMS, first, second))

    assert [dict(bob.read(["refs/coord/"])) for _ in range(2)] == [{CLAIMS: second}] * 2

    assert not (bob._store / "refs/slots/0/claims.lock").exists()


def test_one_damaged_ref_of_the_remote_does_not_hide_the_others(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("path")
    ann = worlds.gitcli(remote)
    good, lost = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, good), RefUpdate(RefName("refs/coord/config"), None, lost)]))
    for path in remote.git_dir.glob(f"objects/{lost[:2]}/{lost[2:]}"):
        path.chmod(stat.S_IRWXU)
        path.write_bytes(b"damaged")
    bob = worlds.gitcli(remote)

    refs = bob.read(["refs/coord/"])
    bob.fetch([refs[CLAIMS]])

    assert refs[CLAIMS] == good
    assert bob.objects.has(good)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.git", "git://127.0.0.1:1/x.git", "ssh://git@127.0.0.1:1/x.git", "/no/such/place.git"]
)
def test_an_error_of_reading_is_one_sentence_with_what_to_do(worlds: Worlds, url: str) -> None:
    ann = at(worlds, url, GIT_SSH_COMMAND="ssh -F none")

    for prefix in ("refs/coord/", "refs/heads/"):
        with pytest.raises(UnreachableError) as caught:
            ann.read([prefix])
        assert str(caught.value).isprintable()
        assert str(caught.value).endswith(".")
        assert not str(caught.value).endswith("..")
        assert caught.value.hint


def test_a_remote_that_is_gone_says_what_to_do(worlds: Worlds, servers: Servers) -> None:
    remote = servers.remote("path-hook")
    ann = worlds.gitcli(remote)
    new = commit(ann, "one")
    won(put(ann, CLAIMS, None, new))
    shutil.rmtree(remote.git_dir)

    with pytest.raises(UnreachableError, match="does not appear to be a git repository") as caught:
        ann.read(["refs/coord/"])
    with pytest.raises(UnreachableError) as fetched:
        ann.fetch([Oid("1" * 40)])

    assert "git remote -v" in caught.value.hint
    assert fetched.value.hint


@pytest.mark.rule("SEC-2")
def test_no_command_line_shows_a_password(worlds: Worlds, servers: Servers, tmp_path: Path) -> None:
    """Of all that runs meanwhile only our own counts: tests beside this one configure git with that password."""
    remote, log = servers.remote("http-auth"), tmp_path / "log"
    ann = at(worlds, remote.url.replace("://", "://ann:s3cret-word@"), **spied(tmp_path / "bin", log))

    won(put(ann, CLAIMS, None, commit(ann, "one")))

    assert "git-remote-http " in log.read_text()
    assert "s3cret" not in log.read_text()


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", ["path-hook", "http", "ssh", "daemon"])
def test_damaged_refs_of_the_remote_are_named_and_hide_no_other(worlds: Worlds, servers: Servers, kind: str) -> None:
    remote = servers.remote(kind)
    ann = worlds.gitcli(remote)
    tips = [commit(ann, text) for text in ("one", "two", "three")]
    won(ann.swap([RefUpdate(ref, None, tip) for ref, tip in zip((CLAIMS, CONFIG, STEPS), tips, strict=True)]))
    empty, lost = "refs/coord/steps/empty", RefName("refs/coord/steps/lost")
    (remote.git_dir / empty).write_bytes(b"")
    (remote.git_dir / lost).write_text("1" * 40 + "\n")
    bob = worlds.gitcli(remote)

    for _ in range(2):
        refs = bob.read(["refs/coord/"])
        assert {CLAIMS, CONFIG, STEPS} <= set(refs)
        assert bob.faults in ((), (RefFault(empty, FaultKind.NO_OBJECT),))
        assert empty not in refs
        if lost in refs:
            with pytest.raises(MissingObjectError):
                bob.fetch(refs.values())
        else:
            bob.fetch(refs.values())
        assert all(bob.objects.has(tip) for tip in tips)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("content", ["", "1" * 40 + "\n", "nonsense"])
def test_what_a_power_cut_left_of_our_copy_of_a_ref_is_read_again(
    worlds: Worlds, servers: Servers, content: str
) -> None:
    remote = servers.remote("path")
    ann, bob = worlds.gitcli(remote), worlds.gitcli(remote)
    first, second = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    bob.read(["refs/coord/"])
    (bob._store / "refs/slots/0/claims").write_text(content)
    won(put(ann, CLAIMS, first, second))

    assert dict(bob.read(["refs/coord/"])) == {CLAIMS: second, CONFIG: first}
    assert bob.objects.has(second)
    assert (bob._store / "refs/slots/0/claims").read_text() == f"{second}\n"


def test_a_lock_of_the_packed_refs_that_a_killed_read_left_does_not_stop_the_next(
    worlds: Worlds, servers: Servers
) -> None:
    remote = servers.remote("path")
    ann, bob = worlds.gitcli(remote), worlds.gitcli(remote)
    first = commit(ann, "one")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    bob.read(["refs/coord/"])
    subprocess.run(["git", f"--git-dir={bob._store}", "pack-refs", "--all"], check=True, timeout=30)
    (bob._store / "packed-refs.lock").touch()
    os.utime(bob._store / "packed-refs.lock", (0, 0))
    won(put(ann, CONFIG, first, None))

    assert dict(bob.read(["refs/coord/"])) == {CLAIMS: first}
    assert not (bob._store / "packed-refs.lock").exists()


def test_what_git_could_not_prune_is_not_listed_even_if_it_says_that_all_went_well(
    worlds: Worlds, servers: Servers, tmp_path: Path
) -> None:
    """As versions before 2.36 do."""
    (tmp_path / "git").write_text(f'#!/bin/sh\n{shutil.which("git")} "$@"\nrc=$?\n[ $rc = 1 ] || exit $rc\n')
    (tmp_path / "git").chmod(0o755)
    remote = servers.remote("path")
    ann, bob = worlds.gitcli(remote), worlds.gitcli(remote, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    first = commit(ann, "one")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    bob.read(["refs/coord/"])
    subprocess.run(["git", f"--git-dir={bob._store}", "pack-refs", "--all"], check=True, timeout=30)
    (bob._store / "packed-refs.lock").touch()  # of a process that is at work
    won(put(ann, CONFIG, first, None))

    assert dict(bob.read(["refs/coord/"])) == {CLAIMS: first}


HEARTBEAT, SIDE = RefName("refs/coord/heartbeats/bob"), RefName("refs/coord/probe/newer")


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("kind", ["path-hook", "http", "ssh"])
@pytest.mark.parametrize("moves", [True, False], ids=["moved", "checked"])
def test_a_ref_that_is_moved_is_compared_by_the_server_and_one_that_is_checked_is_not(
    worlds: Worlds, servers: Servers, kind: str, moves: bool
) -> None:
    remote = servers.remote(kind)
    ann, bob = worlds.gitcli(remote), worlds.gitcli(remote)
    beat, newer = commit(bob, "beat"), commit(bob, "newer")
    won(bob.swap([RefUpdate(HEARTBEAT, None, beat), RefUpdate(SIDE, None, newer)]))
    assert ann.read([HEARTBEAT]) == {HEARTBEAT: beat}
    lands_meanwhile = f"env -u GIT_QUARANTINE_PATH git update-ref {HEARTBEAT} {newer} {beat}"
    remote.hook("pre-receive", f"cat >/dev/null; {lands_meanwhile}")

    judged = commit(ann, "judged", beat) if moves else beat
    outcome = ann.swap([RefUpdate(HEARTBEAT, beat, judged), RefUpdate(STEPS, None, commit(ann, "taken"))])

    refs = remote.refs()
    assert refs[HEARTBEAT] == newer
    assert (outcome.status, STEPS in refs) == ((SwapStatus.LOST, False) if moves else (SwapStatus.WON, True))
