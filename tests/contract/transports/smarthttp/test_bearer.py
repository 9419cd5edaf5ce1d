"""Signing in with a token that is no password: from a header of git's settings, and from a credential helper.

Helpers give one from git 2.46 on, to who says `capability[]=authtype`. See git-credential(1), authtype.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import SwapStatus
from gitcoord.remote.git.git_version import git_version
from tests.contract.transports.smarthttp.meddled import behind, helper, posts
from tests.contract.worlds import CLAIMS, Worlds, commit, put, won
from tests.servers.daemons import need
from tests.servers.fixtures import Remote, Servers
from tests.servers.http_backend import PASSWORD, TOKEN, USER
from tests.servers.meddling_http import Server

# `git credential` with one helper, as git 2.47.3 was seen to do it: what the helper says, then what it was asked.
_SINCE_2_46 = """\
#!/bin/sh
case " $* " in
*" credential fill "*) action=get ;;
*" credential approve "*) action=store ;;
*" credential reject "*) action=erase ;;
*) exec {git} "$@" ;;
esac
helper=$({git} config --get-all credential.helper | tail -n 1)
asked=$(cat)
printf '%s\\n\\n' "$asked" | sh -c "${{helper#!}} $action"
test $action != get || printf '%s\\n' "$asked"
"""


@pytest.fixture
def remote(servers: Servers, server: Server) -> Remote:
    return behind(server, servers.remote("http-bearer"))


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a git that knows `authtype`: that of this machine, or one with `_SINCE_2_46`."""
    if git_version(tmp_path, os.environ)[:2] >= (2, 46):
        return {}
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(_SINCE_2_46.format(git=need("git")))
    program.chmod(0o755)
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def tokens(token: str, log: Path) -> tuple[tuple[str, str], ...]:
    return helper(f"capability[]=authtype\\nauthtype=Bearer\\ncredential={token}\\n", log)


def calls(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line in {"get", "store", "erase"}]


@pytest.mark.rule("SEC-2")
def test_a_token_in_a_header_of_gits_settings_is_sent_with_each_question(
    worlds: Worlds, remote: Remote, server: Server
) -> None:
    ann = worlds.smarthttp(replace(remote, settings=(("http.extraHeader", f"Authorization: Bearer {TOKEN}"),)))
    one = commit(ann, "one")

    won(put(ann, CLAIMS, None, one))
    listed = dict(ann.read(["refs/coord/"]))

    assert (ann.name, listed) == ("smarthttp", remote.refs())
    assert {headers.get("authorization") for headers in server.headers} == {f"Bearer {TOKEN}"}


def test_a_token_in_a_header_that_is_refused_is_denied_and_not_shown(
    worlds: Worlds, remote: Remote, tmp_path: Path
) -> None:
    settings = ("http.extraHeader", "Authorization: Bearer stale-token"), *tokens(TOKEN, tmp_path / "log")
    ann = worlds.smarthttp(replace(remote, settings=settings))

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert "stale-token" not in outcome.message
    assert remote.refs() == {}


@pytest.mark.rule("SEC-2")
def test_a_helpers_token_is_asked_for_once_and_sent_at_once_later(
    worlds: Worlds, remote: Remote, server: Server, tmp_path: Path, env: dict[str, str]
) -> None:
    log, folder = tmp_path / "log", worlds.new_folder()
    signing_in = replace(remote, settings=tokens(TOKEN, log))
    ann = worlds.smarthttp(signing_in, folder=folder, env=env)

    won(put(ann, CLAIMS, None, commit(ann, "one")))
    said = log.read_text().splitlines()
    server.clear()
    later = worlds.smarthttp(signing_in, folder=folder, env=env)
    later.read(["refs/coord/"])

    assert (ann.name, later.name) == ("smarthttp", "smarthttp")
    assert calls(log)[:2] == ["get", "store"]
    assert 'wwwauth[]=Bearer realm="gitcoord tests"' in said[: said.index("store")]
    assert {"authtype=Bearer", f"credential={TOKEN}"}.issubset(said[said.index("store") :])
    assert {headers.get("authorization") for headers in server.headers} == {f"Bearer {TOKEN}"}
    assert TOKEN not in (folder / "gitcoord" / "http.json").read_text()


def test_a_helpers_token_that_is_refused_is_rejected_and_denied(
    worlds: Worlds, remote: Remote, tmp_path: Path, env: dict[str, str]
) -> None:
    log = tmp_path / "log"
    ann = worlds.smarthttp(replace(remote, settings=tokens("stale-token", log)), env=env)

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert "stale-token" not in outcome.message
    assert "erase" in calls(log)
    assert remote.refs() == {}


def test_a_password_is_no_token(worlds: Worlds, remote: Remote, server: Server, tmp_path: Path) -> None:
    """A helper that knows only that is asked, by us and by git, and the server says no."""
    log = tmp_path / "log"
    ann = worlds.smarthttp(replace(remote, settings=helper(f"username={USER}\\npassword={PASSWORD}\\n", log)))

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.DENIED
    assert PASSWORD not in outcome.message
    assert posts(server) == 0
