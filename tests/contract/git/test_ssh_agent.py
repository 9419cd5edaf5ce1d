"""Signing by a real ssh-agent without a program, and by ssh-keygen where the agent does not do it."""

import os
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gitcoord.errors import SigningError
from gitcoord.remote.git import commit_signer, ssh_agent
from gitcoord.remote.git.commit_signer import CommitSigner
from gitcoord.remote.git.signature_check import SignatureCheck, Verdict
from tests.servers.daemons import need
from tests.signing_keys import call
from tests.signing_keys import ssh_agent as running_agent

pytestmark = pytest.mark.rule("SEC-8")
KINDS = ["ed25519", "ecdsa -b 384", "rsa -b 2048"]
DATA = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a@x> 1 +0000\ncommitter a <a@x> 1 +0000\n\nclaim\n"


@pytest.fixture
def agent() -> Iterator[str]:
    with running_agent() as path:
        yield path


def make(folder: Path, kind: str, agent: str) -> Path:
    """Make a key that only the agent has; return the path where it was."""
    key, *more = kind.split()
    path = folder / f"id-{key}"
    call(need("ssh-keygen"), "-q", "-t", key, *more, "-N", "", "-f", str(path))
    call(need("ssh-add"), "-q", str(path), env={"SSH_AUTH_SOCK": agent})
    path.unlink()
    return path


def signer(key: str, folder: Path, agent: str, **env: str) -> CommitSigner:
    settings = {"gpg.format": "ssh", "user.signingkey": key}
    return CommitSigner(settings, "", {**os.environ, "SSH_AUTH_SOCK": agent, **env}, folder, folder)


def verdict(armored: str, public: str, folder: Path) -> Verdict:
    """Ask git."""
    (folder / "allowed").write_text(f"ann@example.org {public}\n")
    head, _, body = DATA.partition(b"\n\n")
    commit = head + b"\ngpgsig " + armored.strip().replace("\n", "\n ").encode() + b"\n\n" + body
    name = call("git", "hash-object", "-t", "commit", "--literally", str(_written(folder, commit))).strip()
    check = SignatureCheck((("gpg.ssh.allowedsignersfile", str(folder / "allowed")),), os.environ)
    return check.check({name: commit})[name].verdict  # pyright: ignore[reportArgumentType]


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "commit"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("named_by", ["its private half", "its public half", "itself"])
def test_a_key_that_the_agent_has_signs_without_a_program(kind: str, named_by: str, agent: str, tmp_path: Path) -> None:
    path = make(tmp_path, kind, agent)
    public = Path(f"{path}.pub").read_text().strip()
    names = {"its private half": str(path), "its public half": f"{path}.pub", "itself": f"key::{public}"}

    signed = signer(names[named_by], tmp_path, agent, PATH=str(tmp_path)).sign(DATA)

    assert verdict(signed, public, tmp_path) is Verdict.GOOD


def test_what_the_agent_has_not_ssh_keygen_signs_and_a_program_of_the_user_s_goes_first(
    agent: str, tmp_path: Path
) -> None:
    key, log = tmp_path / "key", tmp_path / "log"
    call(need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\ntouch "{log}"\nexec {shutil.which("ssh-keygen")} "$@"\n')
    program.chmod(0o755)
    public = Path(f"{key}.pub").read_text().strip()

    by_program = signer(str(key), tmp_path, agent).sign(DATA)
    call(need("ssh-add"), "-q", str(key), env={"SSH_AUTH_SOCK": agent})
    own = signer(str(key), tmp_path, agent)
    by_own = own._replace(settings={**own.settings, "gpg.ssh.program": str(program)}).sign(DATA)

    assert [verdict(signed, public, tmp_path) for signed in (by_program, by_own)] == [Verdict.GOOD] * 2
    assert log.exists()


ANSWERS = {
    "ends": b"",
    "is cut": struct.pack(">I", 100) + b"\x0e",
    "is too large": struct.pack(">I", 1 << 31) + b"\x0e" * 100,
    "fails": struct.pack(">I", 1) + b"\x05",
    "has no signature": struct.pack(">I", 1) + b"\x0e",
    "is of a weak kind": struct.pack(">I", 20)
    + b"\x0e"
    + struct.pack(">I", 15)
    + struct.pack(">I", 7)
    + b"ssh-rsa"
    + b"\0" * 4,
}

# That it has the key b"\0\0\0" with an empty comment.
LISTED = struct.pack(">I", 16) + b"\x0c" + struct.pack(">II", 1, 3) + b"\0\0\0" + struct.pack(">I", 0)


@pytest.fixture
def odd_agent(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket where an agent's would be."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "agent"))
        server.listen()
        yield server


def replies(odd_agent: socket.socket, *answers: bytes) -> threading.Thread:
    """Answer one request after the other, then close; return the thread that does."""

    def answer() -> None:
        with odd_agent.accept()[0] as there:
            for reply in answers:
                there.recv(ssh_agent.ANSWER_BYTES_MAX)
                there.sendall(reply)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize(
    ("listed", "name"),
    [(listed, name) for listed in ([], [LISTED]) for name in ANSWERS if not (listed and name == "fails")],
)
def test_an_agent_whose_answer_is_none_is_passed_over(
    listed: list[bytes], name: str, odd_agent: socket.socket, tmp_path: Path
) -> None:
    """Whether it is asked for its keys or for a signature."""
    thread = replies(odd_agent, *listed, ANSWERS[name])

    found = ssh_agent.sign(str(tmp_path / "agent"), "ssh-rsa AAAA", "git", DATA, 10)
    thread.join()

    assert found is None


def test_a_person_who_refuses_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, askpass = tmp_path / "log", tmp_path / "askpass"
    askpass.write_text(f'#!/bin/sh\necho "$1" >>"{log}"\nexit 1\n')
    askpass.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(askpass))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":0")
    with running_agent() as agent:
        key = tmp_path / "key"
        call(need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "mine", "-f", str(key))
        call(need("ssh-add"), "-q", "-c", str(key), env={"SSH_AUTH_SOCK": agent})
        key.unlink()

        with pytest.raises(SigningError, match="ssh-agent has the key and refuses"):
            signer(str(key), tmp_path, agent).sign(DATA)

    assert log.read_text().count("mine") == 1


@pytest.mark.rule("SEC-4")
def test_an_agent_that_answers_byte_by_byte_has_the_same_time_for_all(odd_agent: socket.socket, tmp_path: Path) -> None:
    ended = threading.Event()

    def trickle() -> None:
        with odd_agent.accept()[0] as there, suppress(BrokenPipeError, ConnectionResetError):
            there.sendall(struct.pack(">I", ssh_agent.ANSWER_BYTES_MAX))
            while not ended.wait(0.02):
                there.sendall(b"\x0c")

    thread = threading.Thread(target=trickle)
    thread.start()
    with pytest.raises(TimeoutError):
        ssh_agent.sign(str(tmp_path / "agent"), "ssh-rsa AAAA", "git", DATA, 1)
    ended.set()
    thread.join()


def test_no_agent_and_a_key_of_another_kind_are_ssh_keygens(agent: str, tmp_path: Path) -> None:
    for path, key in ((tmp_path / "none", "ssh-ed25519 AAAA"), (agent, "sk-ssh-ed25519@openssh.com AAAA"), (agent, "")):
        assert ssh_agent.sign(str(path), key, "git", DATA, 10) is None
    assert ssh_agent.sign(agent, "ssh-ed25519 %", "git", DATA, 10) is None


def test_an_agent_that_asks_a_person_for_long_is_given_up(
    odd_agent: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_signer, "SIGN_S", 0.05)

    with pytest.raises(SigningError, match="ssh-agent: it did not answer in time"):
        signer("key::ssh-ed25519 AAAA", tmp_path, str(odd_agent.getsockname())).sign(DATA)
