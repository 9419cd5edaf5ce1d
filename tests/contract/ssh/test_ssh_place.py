"""Where a URL of ssh leads, and which ssh is one that shares connections."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from gitcoord.remote.git.git_process import clean_env
from gitcoord.remote.ssh.ssh_command import OwnSharing, own_sharing, why_not_openssh
from gitcoord.remote.ssh.ssh_place import SshPlace, ssh_place


@pytest.mark.parametrize(
    "url",
    [
        "ssh://host.example/srv/a.git",
        "ssh://ann@host.example:2222/srv/a b.git",
        "ssh://ann@host.example/~ann/a.git",
        "ssh://host.example/srv/it's%20here!.git",
        "git+ssh://host.example/a.git",
        "ann@host.example:a/b.git",
        "ann@host.example:/srv/a.git",
        "host.example:~/a.git",
    ],
)
def test_a_url_leads_where_git_has_it_lead(url: str, tmp_path: Path) -> None:
    """Both are asked through an ssh that notes what it is started with."""
    place = ssh_place(url)
    assert place is not None
    spy = tmp_path / "ssh"
    spy.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done >{shlex.quote(str(tmp_path))}/words\n')
    spy.chmod(0o700)
    env = {**os.environ, "GIT_SSH": str(spy), "GIT_SSH_VARIANT": "ssh", "GIT_PROTOCOL": "version=0"}

    command = ["git", "-c", "protocol.version=0", "ls-remote", url]
    subprocess.run(command, env=env, capture_output=True, timeout=30, check=False)

    port = ["-p", place.port] if place.port else []
    words = (tmp_path / "words").read_text().splitlines()
    assert words == [*port, place.host, place.command("git-upload-pack")]


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=touch/x",
        "ssh://ann:secret@host.example/a.git",
        "ssh://[::1]/a.git",
        "ssh://host.example",
        "host.example:-x",
        "-x:y",
        "https://host.example/a.git",
        "/srv/a.git",
        "ssh://host.example/a\nb.git",
        "ssh://host.example/a%0ab.git",
        "ext::sh -c x",
    ],
)
def test_what_is_not_plainly_of_ssh_is_left_to_git(url: str) -> None:
    assert ssh_place(url) is None


def test_the_path_is_one_word_at_the_other_end() -> None:
    command = SshPlace("host", "", "/srv/it's; touch x").command("git-upload-pack")

    assert shlex.split(command) == ["git-upload-pack", "/srv/it's; touch x"]


@pytest.mark.parametrize(
    ("env", "variant", "is_openssh"),
    [
        ({}, "", True),
        ({}, "auto", True),
        ({"GIT_SSH_COMMAND": "/usr/bin/ssh -i key"}, "", True),
        ({"GIT_SSH_COMMAND": "wrapper", "GIT_SSH_VARIANT": "ssh"}, "", True),
        ({"GIT_SSH_COMMAND": "wrapper"}, "", False),
        ({"GIT_SSH": "/opt/plink"}, "", False),
        ({"GIT_SSH_VARIANT": "simple"}, "ssh", False),
        ({}, "tortoiseplink", False),
    ],
)
def test_only_openssh_shares_connections(env: dict[str, str], variant: str, *, is_openssh: bool) -> None:
    assert (why_not_openssh(clean_env(env), variant) == "") is is_openssh


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("controlmaster false\ncontrolpersist no\n", OwnSharing("", is_kept=False, beats=False)),
        ("controlpath none\nserveraliveinterval 30\n", OwnSharing("", is_kept=False, beats=True)),
        ("controlmaster auto\ncontrolpath /a b\ncontrolpersist 300\n", OwnSharing("/a b", is_kept=True, beats=False)),
        ("controlmaster false\ncontrolpath /a\ncontrolpersist yes\n", OwnSharing("/a", is_kept=False, beats=False)),
    ],
)
def test_what_the_user_shares_is_read_of_ssh_itself(said: str, expected: OwnSharing) -> None:
    assert own_sharing(said) == expected
