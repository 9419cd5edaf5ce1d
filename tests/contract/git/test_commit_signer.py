"""Signing and checking commits with the real programs: what is signed git verifies, and no person is asked."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcoord.errors import SigningError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.remote.contract.deadline import until
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.git.git_version import git_version
from gitcoord.remote.git.signature_check import Checked, SignatureCheck, Verdict
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.service.session.identity import signature_of
from gitcoord.source.checkout.repository import open_repository
from tests.conftest import Git, MakeRepo
from tests.signing_keys import SshKeys, call, keyring, ssh_agent, ssh_keys

WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ANN = "ann <ann@example.org>"


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


@pytest.fixture
def keys(tmp_path: Path) -> SshKeys:
    return ssh_keys(tmp_path / "keys")


@pytest.fixture
def gpg_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with keyring() as env:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        yield


def signature(repo: Path) -> Signature:
    opened = open_repository(repo, os.environ)
    return signature_of(opened.settings(), opened)


def written(repo: Path, *, by: Signature | None = None, when: datetime = WHEN, message: str = "claim\n\n{}") -> Oid:
    """Write a commit as a ledger has it, by the settings of a repository."""
    objects = PygitObjects(repo / ".git")
    tree = trees.write(objects, trees.EMPTY, {"meta.json": b"{}\n"}).oid or Oid("")
    return commits.write(objects, tree, [], by or signature(repo), when, message)


def checked(repo: Path, *names: Oid) -> list[Checked]:
    objects = PygitObjects(repo / ".git")
    found = SignatureCheck.of(repo, repo, os.environ).check({name: objects.read(name)[1] for name in names})
    return [found[name] for name in names]


def changed(repo: Path, commit: Oid, change: Callable[[bytes], bytes]) -> Oid:
    objects = PygitObjects(repo / ".git")
    kind, data = objects.read(commit)
    return objects.write(kind, change(data))


def test_git_verifies_what_was_signed_with_an_ssh_key(repo: Path, keys: SshKeys, git: Git) -> None:
    keys.sign_by(git, repo, "ann")

    commit = written(repo)

    git(repo, "verify-commit", commit)
    assert git(repo, "log", "-1", "--format=%G? %GS", commit) == "G ann@example.org"
    assert git(repo, "fsck", "--strict", "--no-dangling") == ""
    assert commits.read(PygitObjects(repo / ".git"), commit).message == "claim\n\n{}\n"
    (found,) = checked(repo, commit)
    assert (found.verdict, found.signer, found.key[:7]) == (Verdict.GOOD, "ann@example.org", "SHA256:")


def test_git_verifies_what_was_signed_with_an_openpgp_key(repo: Path, gpg_home: None, git: Git) -> None:
    for key, value in {"gitcoord.sign": "on", "user.name": "ann", "user.email": "ann@example.org"}.items():
        git(repo, "config", key, value)

    commit = written(repo)

    git(repo, "verify-commit", commit)
    (found,) = checked(repo, commit)
    assert (found.verdict, found.signer, "ann@example.org" in found.names) == (Verdict.GOOD, ANN, True)


def test_what_is_not_to_be_signed_is_not(repo: Path, keys: SshKeys, git: Git) -> None:
    keys.sign_by(git, repo, "ann")
    git(repo, "config", "gitcoord.sign", "off")

    assert signature(repo).sign is None
    assert checked(repo, written(repo)) == [Checked(Verdict.UNSIGNED)]


@pytest.mark.rule("SEC-8")
def test_each_way_to_tamper_is_told_from_what_is_good(repo: Path, keys: SshKeys, git: Git, tmp_path: Path) -> None:
    keys.sign_by(git, repo, "ann")
    ann = signature(repo)
    good = written(repo, by=ann)
    other = trees.write(PygitObjects(repo / ".git"), trees.EMPTY, {"meta.json": b"[]\n"}).oid or ""
    message = changed(repo, good, lambda raw: raw.replace(b"{}", b"[]"))
    tree = changed(repo, good, lambda raw: re.sub(rb"^tree \w+", f"tree {other}".encode(), raw))
    garbage = changed(
        repo, good, lambda raw: re.sub(rb"gpgsig -.*?-----END SSH SIG", b"gpgsig x", raw, flags=re.DOTALL)
    )
    keys.sign_by(git, repo, "bob")
    bob = written(repo)
    plain = written(repo, by=Signature("ann", "ann@example.org"))

    verdicts = [found.verdict for found in checked(repo, good, message, tree, garbage, bob, plain)]

    unknown, bad = Verdict.UNKNOWN, Verdict.BAD
    assert verdicts == [Verdict.GOOD, bad, bad, bad, unknown, Verdict.UNSIGNED]
    revoked = tmp_path / "revoked"
    revoked.write_bytes((keys.folder / "ann.pub").read_bytes())
    git(repo, "config", "gpg.ssh.revocationFile", str(revoked))
    assert [found.verdict for found in checked(repo, good)] == [Verdict.BAD]


@pytest.mark.rule("SEC-8")
def test_a_key_counts_only_for_commits_of_the_days_that_it_is_valid(repo: Path, keys: SshKeys, git: Git) -> None:
    keys.sign_by(git, repo, "ann")
    keys.allowed.write_text("")
    keys.allow("ann", 'valid-after="20260101",valid-before="20270101"')
    days = [datetime(year, 6, 1, tzinfo=UTC) for year in (2025, 2026, 2027)]

    found = checked(repo, *(written(repo, when=day) for day in days))

    if git_version(repo, os.environ)[:2] < (2, 35):  # these compare the days with today
        assert len({of_day.verdict for of_day in found}) == 1
    else:
        assert [of_day.verdict for of_day in found] == [Verdict.UNKNOWN, Verdict.GOOD, Verdict.UNKNOWN]


def test_without_a_file_of_signers_it_is_said_what_is_missing(repo: Path, keys: SshKeys, git: Git) -> None:
    keys.sign_by(git, repo, "ann")
    git(repo, "config", "--unset", "gpg.ssh.allowedSignersFile")

    assert checked(repo, written(repo)) == [
        Checked(Verdict.UNKNOWN, why="git could not check it: gpg.ssh.allowedSignersFile is not set")
    ]


def test_a_file_of_signers_is_found_from_the_worktree_as_git_finds_it(repo: Path, keys: SshKeys, git: Git) -> None:
    keys.sign_by(git, repo, "ann")
    (repo / "signers").write_bytes(keys.allowed.read_bytes())
    git(repo, "config", "gpg.ssh.allowedSignersFile", "signers")

    assert [found.verdict for found in checked(repo, written(repo))] == [Verdict.GOOD]


def test_a_key_with_a_passphrase_signs_once_an_agent_has_it_and_no_one_is_asked(
    repo: Path, keys: SshKeys, git: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    asked.write_text(f"#!/bin/sh\ntouch {asked}.once\necho hidden\n")
    asked.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setenv("SSH_ASKPASS", str(asked))
    private = keys.make("carl", "hidden")
    keys.allow("carl")
    keys.sign_by(git, repo, "carl")
    with pytest.raises(SigningError) as caught:
        written(repo)

    with ssh_agent() as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        call("ssh-add", "-q", str(private), env={"SSH_ASKPASS_REQUIRE": "force"})
        Path(f"{asked}.once").unlink()
        private.unlink()
        by_agent = written(repo)
        public = (keys.folder / "carl.pub").read_text().strip()
        git(repo, "config", "user.signingKey", f"key::{public}")
        by_name = written(repo, message="named")
        git(repo, "config", "--unset", "user.signingKey")
        git(repo, "config", "gpg.ssh.defaultKeyCommand", "ssh-add -L")
        by_default = written(repo, message="default")

    assert "cannot be signed by ssh-keygen: " in str(caught.value)
    assert "ssh-agent" in caught.value.hint
    assert not Path(f"{asked}.once").exists()
    assert {found.signer for found in checked(repo, by_agent, by_name, by_default)} == {"carl@example.org"}


def test_an_openpgp_key_with_a_passphrase_fails_rather_than_asks(repo: Path, gpg_home: None, git: Git) -> None:
    for key, value in {"gitcoord.sign": "on", "user.signingKey": "enc@example.org"}.items():
        git(repo, "config", key, value)

    with pytest.raises(SigningError, match=r"^The commit cannot be signed by gpg: .*"):
        written(repo)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"gpg.format": "x509"}, "gpg.format is x509; ledgers are signed with ssh or openpgp."),
        ({"gpg.format": "ssh"}, "gpg.format is ssh, and neither user.signingKey nor a default key is set."),
        ({"gpg.program": "no-such-gpg"}, "The commit cannot be signed by no-such-gpg: it cannot be started: No such"),
        ({"gpg.program": "true"}, "The commit cannot be signed by true: it wrote no signature."),
    ],
)
def test_what_cannot_sign_is_said(repo: Path, git: Git, settings: dict[str, str], problem: str) -> None:
    for key, value in {"gitcoord.sign": "on", **settings}.items():
        git(repo, "config", key, value)

    with pytest.raises(SigningError) as caught:
        written(repo)

    assert str(caught.value).startswith(problem)
    assert caught.value.hint


@pytest.mark.rule("SEC-4")
def test_a_relative_program_finds_nothing_of_a_checkout(repo: Path, git: Git, tmp_path: Path) -> None:
    program = repo / "tool"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    for key, value in {"gitcoord.sign": "on", "gpg.program": "./tool"}.items():
        git(repo, "config", key, value)

    with pytest.raises(SigningError):
        written(repo)

    assert not (tmp_path / "ran").exists()


def test_a_program_that_hangs_is_ended_with_the_time_of_the_transaction(repo: Path, git: Git, tmp_path: Path) -> None:
    program = tmp_path / "gpg"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    for key, value in {"gitcoord.sign": "on", "gpg.program": str(program)}.items():
        git(repo, "config", key, value)

    signs = signature(repo)

    with until(lambda: 1.0), pytest.raises(SigningError, match="it did not end in time"):
        written(repo, by=signs)


@pytest.mark.parametrize("command", [" ", "\t"])
def test_a_blank_command_for_a_key_is_none(repo: Path, keys: SshKeys, git: Git, command: str) -> None:
    keys.sign_by(git, repo, "ann")
    git(repo, "config", "--unset", "user.signingKey")
    git(repo, "config", "gpg.ssh.defaultKeyCommand", command)

    with pytest.raises(SigningError, match=r"neither user\.signingKey nor a default key is set"):
        written(repo)


def test_what_a_program_writes_that_is_no_text_is_no_signature(
    repo: Path, keys: SshKeys, git: Git, tmp_path: Path
) -> None:
    keys.sign_by(git, repo, "ann")
    program = tmp_path / "signs"
    program.write_text('#!/bin/sh\nfor file; do :; done\nprintf "\\377\\376" > "$file.sig"\n', encoding="ascii")
    program.chmod(0o755)
    git(repo, "config", "gpg.ssh.program", str(program))

    with pytest.raises(SigningError, match="is no signature"):
        written(repo)
