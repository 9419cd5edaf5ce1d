"""What the API of a forge answers: each odd answer is one clear error, and nothing goes where the token must not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gitcoord.core.relay.comment import Comment
from gitcoord.errors import CoordError, DeniedError, InvalidError, NotFoundError, UnreachableError, UsageError
from gitcoord.runtime import make_host
from gitcoord.service.checks.collisions import Proposal
from gitcoord.service.relay.forges import Forge, GitHub, forge_of
from tests.servers.forge import TOKEN, FakeForge, served_forge
from tests.servers.webhook_receiver import Odd, end_early, garbage, reply


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    with served_forge() as forge:
        yield forge


def api(forge: FakeForge, token: str = TOKEN) -> Forge:
    return forge_of({"GITHUB_TOKEN": token}, "github", make_host().now, repo="ann/shop", url=forge.url)


LISTS = r"^GET .*/pulls$"


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (reply(401), DeniedError, "does not take the token (HTTP 401)"),
        (reply(403), DeniedError, "does not allow that with this token (HTTP 403)"),
        (reply(404), NotFoundError, "knows nothing there (HTTP 404)"),
        (reply(422), DeniedError, "declines what is asked (HTTP 422)"),
        (reply(500), UnreachableError, "fails now (HTTP 500)"),
        (reply(200, "<html>Sign in</html>"), InvalidError, "answers with what is no answer of its API"),
        (reply(200, '{"message": "odd"}'), InvalidError, "answers with what is no answer of its API"),
        (reply(200, "[" * 100_000), InvalidError, "answers with what is no answer of its API"),
        (reply(302, Location="https://example.invalid/"), InvalidError, "redirects to 'https://example.invalid/'"),
        (end_early, UnreachableError, "cannot be read"),
        (garbage, UnreachableError, "cannot be read"),
    ],
    ids=["401", "403", "404", "422", "500", "a page", "an object", "deep", "moved", "early", "garbage"],
)
@pytest.mark.rule("SEC-2")
def test_each_odd_answer_is_one_clear_error_without_the_token(
    forge: FakeForge, answer: Odd, error: type[CoordError], says: str
) -> None:
    forge.fails_at, forge.answers = LISTS, answer

    with pytest.raises(error) as caught:
        api(forge).proposals()

    assert says in str(caught.value)
    assert TOKEN not in f"{caught.value}{caught.value.hint}"


def test_a_forge_that_hangs_is_left(forge: FakeForge) -> None:
    forge.fails_at, forge.answers = LISTS, forge.hang
    github = api(forge)
    assert isinstance(github, GitHub)

    with pytest.raises(UnreachableError, match="it took too long"):
        replace(github, client=replace(github.client, within_s=0.2)).proposals()


def test_a_page_of_long_texts_is_read_and_one_without_end_is_not(forge: FakeForge) -> None:
    for number in range(1, 101):
        forge.propose(number, head=f"{number:040x}", branch=f"b-{number}")
        forge.proposals[number]["body"] = "x" * 65_536

    assert len(api(forge).proposals()) == 100

    forge.fails_at, forge.answers = LISTS, reply(200, "[" + " " * (17 << 20) + "]")
    with pytest.raises(InvalidError, match="answers with more than 16 MB"):
        api(forge).proposals()


def test_a_repository_that_was_renamed_is_followed_on_the_same_host(forge: FakeForge) -> None:
    forge.propose(7, head="1" * 40, branch="feat/bob")
    moved = reply(301, Location="/repos/ann/shop/pulls?state=open&per_page=100&page=1")
    forge.fails_at, forge.answers = "/repos/ann/old/pulls", moved
    old = forge_of({"GITHUB_TOKEN": TOKEN}, "github", make_host().now, repo="ann/old", url=forge.url)

    assert old.proposals() == [Proposal(7, "1" * 40, "feat/bob", "main")]


@pytest.mark.rule("SEC-2")
def test_a_redirect_to_another_port_takes_no_token_along(forge: FakeForge) -> None:
    with served_forge() as other:
        forge.fails_at, forge.answers = LISTS, reply(307, Location=f"{other.url}/repos/ann/shop/pulls")
        with pytest.raises(InvalidError, match="the token is not taken elsewhere"):
            api(forge).proposals()

    assert other.asked == []


@pytest.mark.parametrize(
    ("location", "asked"), [("/repos/ann/shop/pulls", 4), ("http://[", 1), ("//ann:pw@127.0.0.1/", 1)]
)
def test_a_redirect_without_end_or_to_what_is_no_address_is_left(forge: FakeForge, location: str, asked: int) -> None:
    forge.fails_at, forge.answers = LISTS, reply(302, Location=location)

    with pytest.raises(InvalidError, match="redirects to"):
        api(forge).proposals()

    assert len(forge.asked) == asked


def test_a_change_is_not_made_elsewhere_than_asked(forge: FakeForge) -> None:
    forge.fails_at, forge.answers = "^POST", reply(302, Location="/repos/ann/shop/pulls")

    with pytest.raises(DeniedError, match="HTTP 302"):
        api(forge).create(7, "hello")

    assert len(forge.asked) == 1


def test_what_an_answer_lacks_is_left_out(forge: FakeForge) -> None:
    forge.propose(1, head="no commit", branch="one")
    forge.propose(2, head="2" * 40, branch="two", base="")
    forge.propose(3, head="3" * 40, branch="three", fork=True)
    forge.proposals[4] = {"number": True, "head": None}

    assert api(forge).proposals() == [Proposal(3, "3" * 40, None, "main")]


@pytest.mark.rule("RELAY-5")
def test_a_comment_whose_author_is_not_told_is_nobodys(forge: FakeForge) -> None:
    forge.fails_at, forge.answers = "/comments$", reply(200, '[{"id": 5, "body": "x"}, {"body": "y"}, 7]')

    assert api(forge).comments(7) == [Comment("5", "", "x")]


@pytest.mark.rule("RELAY-5")
def test_a_service_that_does_not_tell_whose_the_token_is_gets_no_comment(forge: FakeForge) -> None:
    forge.fails_at, forge.answers = "/user$", reply(200, "{}")

    with pytest.raises(InvalidError, match="does not tell whose the token is"):
        api(forge).author()


def test_an_enterprise_server_says_whose_a_token_is_beside_its_api() -> None:
    github = forge_of(
        {"GITHUB_TOKEN": "x"}, "github", make_host().now, repo="a/b", url="https://git.example.com/api/v3/"
    )

    assert isinstance(github, GitHub)
    assert (github.client.place.url, github.viewer.place.url) == (
        "https://git.example.com/api/v3",
        "https://git.example.com/api",
    )


def test_a_token_that_is_not_the_forges_is_named_as_such(forge: FakeForge) -> None:
    with pytest.raises(DeniedError, match="does not take the token"):
        api(forge, "other").author()


@pytest.mark.parametrize(
    ("env", "words"),
    [({"GITHUB_TOKEN": "x"}, "No repository is named."), ({"GITHUB_REPOSITORY": "a/b"}, "has no 'GITHUB_TOKEN'")],
)
def test_what_is_not_named_is_asked_for(env: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        forge_of(env, "github", make_host().now)


@pytest.mark.parametrize(
    ("kind", "repo"),
    [("github", "shop"), ("github", "../.."), ("github", "ann/shop/x"), ("github", "a b/c"), ("gitlab", "ann")],
)
def test_what_is_no_name_of_a_repository_is_refused(kind: str, repo: str) -> None:
    with pytest.raises(InvalidError, match="is no name of a repository there"):
        forge_of({"GITHUB_TOKEN": "x", "GITLAB_TOKEN": "x"}, kind, make_host().now, repo=repo)


@pytest.mark.rule("SEC-2")
def test_a_token_does_not_go_over_plain_http() -> None:
    with pytest.raises(InvalidError, match="plain http"):
        forge_of({"GITHUB_TOKEN": "x"}, "github", make_host().now, repo="ann/shop", url="http://git.example.com")
