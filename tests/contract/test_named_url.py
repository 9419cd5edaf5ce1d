"""The environment in which git reaches a URL that a user named: the same for whoever reads or writes there."""

import pytest

from gitcoord.remote.named_url import env_for


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
