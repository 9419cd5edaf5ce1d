"""git as a child process: what it may see, what it may do, and what is shown of what it says."""

import errno
import os
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.errors import RepositoryError
from gitcoord.remote.contract import deadline
from gitcoord.remote.git.git_failure import read_error
from gitcoord.remote.git.git_process import GLOVES, Bounds, Completed, clean_env, clean_text, run_git
from gitcoord.remote.git.user_config import connection_settings
from tests.conftest import Git, MakeRepo

BEGUN_S = (0.5, 5.0, 40.0)  # tried in turn: a busy machine may need longer to start a program
END_S = 30.0  # a bound for a hang


def test_nothing_that_git_exports_to_hooks_is_handed_on() -> None:
    exported = {
        "GIT_DIR": ".git",
        "GIT_WORK_TREE": ".",
        "GIT_INDEX_FILE": "index",
        "GIT_PREFIX": "src/",
        "GIT_OBJECT_DIRECTORY": "objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "x",
        "GIT_QUARANTINE_PATH": "q",
        "GIT_PUSH_OPTION_COUNT": "1",
        "GIT_PUSH_OPTION_0": "draft",
        "GIT_CONFIG_PARAMETERS": "'a.b'='c'",
        "GIT_NAMESPACE": "n",
        "GIT_TRACE": "1",
        "GIT_EDITOR": ":",
    }

    cleaned = clean_env({"PATH": "/bin", "HOME": "/home/ann", **exported})

    assert not exported.keys() & cleaned.keys()
    assert (cleaned["PATH"], cleaned["HOME"]) == ("/bin", "/home/ann")


def test_what_people_set_on_purpose_is_kept() -> None:
    env = {"GIT_SSL_CAINFO": "ca.pem", "GIT_EXEC_PATH": "/opt/git", "GIT_CONFIG_GLOBAL": "my", "GIT_PROXY_COMMAND": "p"}

    assert clean_env(env).items() >= env.items()


def test_a_look_at_a_worktree_takes_no_lock_that_the_users_own_git_would_fail_on(make_repo: MakeRepo) -> None:
    repository = make_repo()
    index = repository / ".git" / "index"
    os.utime(
        repository / "README.md", (1_000_000_000, 1_000_000_000)
    )  # a `git status` of the user's writes the index now
    before = index.read_bytes()

    ours = clean_env(os.environ)
    assert run_git(["status", "--porcelain"], cwd=repository, env=ours, timeout_s=30).rc == 0
    assert index.read_bytes() == before

    del ours["GIT_OPTIONAL_LOCKS"]
    assert run_git(["status", "--porcelain"], cwd=repository, env=ours, timeout_s=30).rc == 0
    assert index.read_bytes() != before


def test_settings_are_added_behind_those_of_the_user() -> None:
    user = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.proxy", "GIT_CONFIG_VALUE_0": "p"}

    cleaned = clean_env(user, settings=[("http.extraHeader", "Authorization: Basic x")])

    assert cleaned["GIT_CONFIG_COUNT"] == "2"
    assert cleaned["GIT_CONFIG_KEY_0"] == "http.proxy"
    assert cleaned["GIT_CONFIG_VALUE_1"] == "Authorization: Basic x"


def test_messages_are_english_and_the_character_set_is_the_users() -> None:
    cleaned = clean_env({"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"})

    assert "LC_ALL" not in cleaned
    assert "LANGUAGE" not in cleaned
    assert (cleaned["LC_MESSAGES"], cleaned["LC_CTYPE"]) == ("C", "de_DE.UTF-8")


@pytest.mark.parametrize(
    ("env", "configured", "expected"),
    [
        ({}, "", "ssh -oBatchMode=yes"),
        ({}, "ssh -i key", "ssh -i key -oBatchMode=yes"),
        ({"GIT_SSH_COMMAND": "ssh -v"}, "ssh -i key", "ssh -v -oBatchMode=yes"),
        ({"GIT_SSH": "/opt/my ssh"}, "", "'/opt/my ssh' -oBatchMode=yes"),
        ({"GIT_SSH": "plink"}, "", "plink -batch"),
        ({}, "C:\\x\\TortoisePlink.exe", "C:\\x\\TortoisePlink.exe"),
    ],
)
def test_ssh_never_asks(env: dict[str, str], configured: str, expected: str) -> None:
    assert clean_env(env, ssh_command=configured)["GIT_SSH_COMMAND"] == expected


@pytest.mark.parametrize(
    ("by_user", "scheme", "expected"),
    [
        (None, "", "file:git:http:https:ssh"),
        (None, "codecommit", "file:git:http:https:ssh:codecommit"),
        (None, "ext", "file:git:http:https:ssh"),
        (None, "fd", "file:git:http:https:ssh"),
        ("https:ext", "ext", "https"),
    ],
)
def test_only_expected_protocols_are_allowed(by_user: str | None, scheme: str, expected: str) -> None:
    env = {} if by_user is None else {"GIT_ALLOW_PROTOCOL": by_user}

    assert clean_env(env, scheme=scheme)["GIT_ALLOW_PROTOCOL"] == expected


def hung(cwd: Path, env: Mapping[str, str], bounds: Bounds | None = None) -> Completed:
    """Return what is left of a git that says that it has begun, and hangs."""
    for timeout_s in BEGUN_S:
        done = run_git(["version"], cwd=cwd, env=env, timeout_s=timeout_s, bounds=bounds)
        if done.stdout or done.stderr:
            return done
    pytest.fail("it never began")


def is_read(pipe: Path) -> bool:
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        assert error.errno == errno.ENXIO  # noqa: PT017 - what says that no process has it open
        return False
    return True


def test_a_git_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "git").write_text(f"#!/bin/sh\necho begun >&2\ncat {pipe} &\nwait\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {**clean_env(os.environ), "PATH": f"{tmp_path}:/usr/bin:/bin"}

    done = hung(tmp_path, env)

    assert done.timed_out
    assert done.errors == "begun\n"
    end = time.monotonic() + END_S
    while is_read(pipe):  # a child that was sent the signal dies when it is scheduled
        assert time.monotonic() < end


@pytest.mark.rule("SEC-4")
def test_what_a_git_says_beyond_the_bound_is_not_read_and_git_ends(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nyes\n")
    fake.chmod(0o755)
    env = {"PATH": f"{fake.parent}:{os.environ['PATH']}"}

    done = run_git(["version"], cwd=tmp_path, env=env, timeout_s=60, bounds=Bounds(1_000_000))

    assert (done.is_cut, done.timed_out, done.stdout) == (True, False, b"")


@pytest.mark.rule("SEC-4")
def test_a_git_that_hangs_within_the_bound_is_killed_too(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho begun\nsleep 100\n")
    fake.chmod(0o755)
    env = {"PATH": f"{fake.parent}:{os.environ['PATH']}"}

    done = hung(tmp_path, env, Bounds(1_000_000))

    assert (done.is_cut, done.timed_out, done.stdout) == (False, True, b"begun\n")


def test_who_looks_on_is_told_what_is_waited_for_and_the_answer_still_comes(tmp_path: Path) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\nuntil [ -e {tmp_path}/told ]; do :; done\ncat\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {**clean_env(os.environ), "PATH": f"{tmp_path}:/usr/bin:/bin"}

    def tell(remote: str) -> None:
        (tmp_path / "told").write_text(remote)

    with deadline.telling(tell):
        done = run_git(["fetch"], cwd=tmp_path, env=env, timeout_s=50, input=b"asked", asks="https://x.example/r.git")

    assert (done.rc, done.stdout, done.timed_out) == (0, b"asked", False)
    assert (tmp_path / "told").read_text() == "https://x.example/r.git"


def test_a_remote_that_no_time_is_left_for_counts_as_one_without_answer_and_git_alone_goes_on(tmp_path: Path) -> None:
    env = clean_env(os.environ)

    with deadline.asking_until(lambda: 0.0):
        asked = run_git(["ls-remote"], cwd=tmp_path / "gone", env=env, timeout_s=60, asks="https://x.example/r.git")
        alone = run_git(["version"], cwd=tmp_path, env=env, timeout_s=60)
        with deadline.asking_until(None):
            unbounded = deadline.asked_for(60)

    assert (asked.timed_out, alone.rc, unbounded) == (True, 0, 60)


def test_all_questions_of_a_read_share_its_time() -> None:
    left = iter([3.0, 1.0, 0.0])

    with deadline.asking_until(lambda: next(left)):
        assert [deadline.asked_for(15) for _ in range(3)] == [3.0, 1.0, None]


def test_a_write_waits_for_a_remote_that_hangs_once_and_for_others_as_before(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 50\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {**clean_env(os.environ), "PATH": f"{tmp_path}:/usr/bin:/bin"}

    def is_asked(remote: str) -> bool:
        try:  # what is started where there is no folder says so
            is_asked = not run_git(["fetch"], cwd=tmp_path / "gone", env=env, timeout_s=0.5, asks=remote).timed_out
        except RepositoryError:
            is_asked = True
        assert run_git(["fetch"], cwd=tmp_path, env=env, timeout_s=0.5, asks=remote).timed_out
        return is_asked

    with deadline.asking_once():
        with deadline.asking_once():
            asked = [is_asked(remote) for remote in ("https://a", "https://a", "https://b")]
        asked.append(is_asked("https://a"))
        with deadline.asking_again():
            asked.append(is_asked("https://a"))
    asked.append(is_asked("https://a"))

    assert asked == [True, False, True, False, True, True]


def test_a_remote_that_our_own_time_cut_off_is_none_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 50\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {**clean_env(os.environ), "PATH": f"{tmp_path}:/usr/bin:/bin"}

    with deadline.asking_once():
        with deadline.until(lambda: deadline.LEFT_MIN_S):
            done = run_git(["fetch"], cwd=tmp_path, env=env, timeout_s=15, asks="https://a")
        left_s = deadline.asked_for(15, "https://a")

    assert (done.timed_out, left_s) == (True, 15)
    assert isinstance(read_error(done, "https://a"), deadline.TooSlowError)


@pytest.mark.parametrize(("waited_s", "usual_s", "is_one"), [(2.9, 15, False), (3, 15, True), (0.5, 0.5, True)])
def test_a_remote_is_silent_once_it_was_waited_for_for_as_long_as_one_that_answers_takes(
    waited_s: float, usual_s: float, *, is_one: bool
) -> None:
    assert deadline.is_silence(waited_s, usual_s) is is_one


def test_a_program_here_that_hangs_is_no_remote_that_does(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 50\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {**clean_env(os.environ), "PATH": f"{tmp_path}:/usr/bin:/bin"}

    with deadline.asking_once():
        run_git(["status"], cwd=tmp_path, env=env, timeout_s=0.1)

        assert deadline.asked_for(15) == 15


@pytest.mark.rule("SEC-4")
def test_a_git_within_bounds_is_given_all_and_may_flood_its_errors(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nyes | head -c 3000000 >&2\ncat\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    given = b"0123456789" * 100_000

    done = run_git(["version"], cwd=tmp_path, env=env, timeout_s=60, input=given, bounds=Bounds(len(given)))

    assert (done.rc, done.stdout == given, done.is_cut, done.timed_out) == (0, True, False, False)
    assert 0 < len(done.stderr) < 2_000_000


@pytest.mark.rule("SEC-4")
def test_a_git_that_ends_before_it_has_read_all_is_no_error_of_ours(tmp_path: Path) -> None:
    done = run_git(
        ["version"], cwd=tmp_path, env=clean_env(os.environ), timeout_s=60, input=b"x" * 10**6, bounds=Bounds(10**6)
    )

    assert (done.rc, done.stdout.startswith(b"git version")) == (0, True)


@pytest.mark.rule("SEC-4")
@pytest.mark.skipif(sys.platform != "linux", reason="only there another process can be given a limit")
def test_a_git_that_takes_more_memory_than_it_may_fails(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nread go\nhead -c 400000000 /dev/zero | tail -c 300000000 | wc -c\n")
    (tmp_path / "git").chmod(stat.S_IRWXU)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    done, free = (
        run_git(["version"], cwd=tmp_path, env=env, timeout_s=60, input=b"go\n", bounds=Bounds(10**6, most))
        for most in (100_000_000, 1_000_000_000)
    )

    assert (int(done.stdout), int(free.stdout)) == (0, 300_000_000)


def test_output_within_the_bound_is_all_there(tmp_path: Path) -> None:
    env = clean_env(os.environ)

    plain = run_git(["--exec-path"], cwd=tmp_path, env=env, timeout_s=60)
    bounded = run_git(["--exec-path"], cwd=tmp_path, env=env, timeout_s=60, bounds=Bounds(len(plain.stdout)))
    failed = run_git(["no-such-command"], cwd=tmp_path, env=env, timeout_s=60, bounds=Bounds(1))

    assert bounded == plain
    assert (failed.rc, "no-such-command" in failed.errors) == (1, True)


def test_a_missing_git_and_a_missing_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="git is not installed"):
        run_git(["version"], cwd=tmp_path, env={"PATH": str(tmp_path)}, timeout_s=5)
    with pytest.raises(RepositoryError, match="is gone"):
        run_git(["version"], cwd=tmp_path / "none", env=clean_env(os.environ), timeout_s=5)


def test_every_glove_is_a_setting_that_git_accepts(tmp_path: Path) -> None:
    done = run_git(["config", "--list"], cwd=tmp_path, env=clean_env(os.environ), timeout_s=30)

    listed = done.stdout.decode().lower().splitlines()
    assert [glove for glove in GLOVES if glove.lower() not in listed] == []


@given(st.text(st.characters(exclude_characters="/ \t\r\n")))
def test_no_password_survives(password: str) -> None:
    secret = f"S3CRET{password}".replace("@", "")

    assert "S3CRET" not in clean_text(f"fatal: unable to access 'https://ann:{secret}@host/x': no")


@given(st.text())
def test_nothing_that_moves_a_terminal_is_shown(text: str) -> None:
    shown = clean_text(text)

    assert not any(ord(char) < 32 and char not in "\n\t" for char in shown)
    assert not set(shown) & set("\x1b\x7f\x9b\u202e\u2066\u200f")
    assert len(shown) <= 500


def test_the_connection_settings_of_a_repository_are_found(make_repo: MakeRepo, git: Git, hermetic: Path) -> None:
    repo = make_repo()
    git(repo, "config", "http.extraHeader", "X-Token: 1")
    git(repo, "config", "credential.helper", "")
    git(repo, "config", "--add", "credential.helper", "!echo")
    git(repo, "config", "core.hooksPath", "/hooks")
    git(repo, "config", "url.https://ann:pw@host/.insteadOf", "https://host/")
    with (hermetic / ".gitconfig").open("a") as config:
        config.write("[core]\n\tsshCommand = ssh -i key\n[http]\n\tproxy = p\n")

    assert connection_settings(repo, os.environ) == (
        ("core.sshcommand", "ssh -i key"),
        ("http.extraheader", "X-Token: 1"),
        ("credential.helper", ""),
        ("credential.helper", "!echo"),
    )


def test_a_configuration_that_git_cannot_read_is_said(make_repo: MakeRepo) -> None:
    repo = make_repo()
    (repo / ".git" / "config").write_text("[broken")

    with pytest.raises(RepositoryError, match="cannot read the configuration"):
        connection_settings(repo, os.environ)
