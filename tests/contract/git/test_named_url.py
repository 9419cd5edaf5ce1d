"""The environment in which git reaches a URL that a user named: the same for whoever reads or writes there."""

import os

import pytest

from gitcoord.remote.git.git_process import run_git
from gitcoord.remote.git.named_url import env_for, is_by_helper, named_url
from tests.conftest import Git, MakeRepo


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [("testgit::/srv/r.git", "testgit"), ("codecommit://r", "codecommit"), ("https://host/r.git", "https")],
)
def test_the_protocol_of_a_url_that_was_named_is_allowed(url: str, is_allowed: str) -> None:
    assert is_allowed in env_for("gitcoord", url, {})["GIT_ALLOW_PROTOCOL"].split(":")


def test_a_protocol_that_runs_commands_never_is() -> None:
    assert "ext" not in env_for("gitcoord", "ext::sh -c id", {})["GIT_ALLOW_PROTOCOL"].split(":")


def test_a_password_is_in_the_environment_alone() -> None:
    env = env_for("gitcoord", "https://ann:secret@host/r.git", {})

    assert [name for name, value in env.items() if "secret" in value] == ["GITCOORD_URL_PASSWORD"]


def given_to_git(url: str) -> str:
    """Return what git takes the URL for, by the rule that rewrites its name."""
    (word,) = (value for key, value in named_url("there", url).settings if key == "remote.there.url")
    return next(
        key[len("url.") : -len(".insteadOf")]
        for key, value in named_url("there", url).settings
        if value == word and key.endswith(".insteadOf")
    )


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize(
    ("url", "bare", "user", "password"),
    [
        ("https://ann:s3cret@host/x.git", "https://host/x.git", "ann", "s3cret"),
        ("https://ann:p%40ss%3A@host:8443/x", "https://host:8443/x", "ann", "p@ss:"),
        ("HTTP://ann:a@b@host/x", "HTTP://host/x", "ann", "a@b"),
        ("https://ann:two words@host/x", "https://host/x", "ann", "two words"),
        ("https://t0ken:@host", "https://host", "t0ken", ""),
    ],
)
def test_a_password_is_taken_out_of_a_url(url: str, bare: str, user: str, password: str) -> None:
    named = named_url("there", url)

    assert given_to_git(url) == bare
    assert named.env == {"GITCOORD_URL_USERNAME": user, "GITCOORD_URL_PASSWORD": password}
    assert not any(value and value in f"{named.settings}" for value in (password,))


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:x/s3cret@host/x.git", "https://***@host/x.git"),
        ("https://ann:s3cret?#@host/x.git", "https://***@host/x.git"),
        ("https://ann%0A:s3cret@host/x", "https://host/x"),
    ],
)
def test_a_password_that_git_could_not_read_is_not_given_to_it(url: str, shown: str) -> None:
    assert given_to_git(url) == shown
    assert "s3cret" not in f"{named_url('there', url)}"


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x@y.git",
        "https://host:8443/x@y.git",
        "http://[::1]:8080/x@y.git",
        "ssh://git@host/x",
        "git@host:x.git",
        "/srv/ann:b@c/x.git",
    ],
)
def test_other_urls_stay_as_they_are(url: str) -> None:
    assert given_to_git(url) == url
    assert named_url("there", url).env == {}


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("prefix", ["https://host/r.git", "https://host/", "h", "", "th"])
def test_no_rule_of_the_user_rewrites_it_again(make_repo: MakeRepo, git: Git, prefix: str) -> None:
    repo = make_repo()
    git(repo, "config", "url.https://ann:s3cret@host/r.git.insteadOf", prefix)
    git(repo, "config", "url.https://ann:pushed@host/r.git.pushInsteadOf", prefix)
    env = {**os.environ, **env_for("there", "https://host/r.git", os.environ)}

    done = run_git(["remote", "-v"], cwd=repo, env=env, timeout_s=30)

    rows = done.stdout.decode().splitlines()
    assert [row for row in rows if row.startswith("there")] == [
        "there\thttps://host/r.git (fetch)",
        "there\thttps://host/r.git (push)",
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("codecommit://r", True),
        ("testgit::https://host/r.git", True),
        ("HTTPS://host/r.git", False),
        ("git+ssh://host/r.git", False),
        ("git@host:x.git", False),
        ("/srv/r.git", False),
    ],
)
def test_a_helper_of_someone_elses_is_told_from_git(url: str, expected: bool) -> None:
    assert is_by_helper(url) is expected
