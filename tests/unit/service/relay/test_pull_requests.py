"""Comments on pull requests: one each, found again, changed only where there is news, and never somebody else's."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json, clock_text
from gitcoord.core.relay.comment import CLEAR, MARKER
from gitcoord.errors import RateLimitError
from gitcoord.runtime import make_host, open_inspection
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.relay.forge_client import PAGES_MAX
from gitcoord.service.relay.forges import forge_of
from gitcoord.service.relay.pull_requests import LOOK_S, Commenter
from gitcoord.service.session.workspace import Workspace
from tests.conftest import Git
from tests.servers.forge import TOKEN, FakeForge, served_forge
from tests.servers.webhook_receiver import Odd, reply
from tests.unit.service.world import Agents, Result, Shared

on_both = pytest.mark.parametrize("forge", ["github", "gitlab"], indirect=True)


@dataclass
class Place:
    """A forge, and two clones of the repository whose pull requests it has."""

    forge: FakeForge
    shared: Shared
    ann: Workspace
    bob: Workspace
    git: Git

    def branch(self, folder: Path, name: str, text: str, file: str = "a.py") -> str:
        """Push a branch that changes a file; return its commit."""
        self.git(folder, "switch", "--quiet", "--create", name, "origin/main")
        (folder / file).write_text(text)
        self.git(folder, "add", file)
        self.git(folder, "commit", "--quiet", "--message", name)
        self.git(folder, "push", "--quiet", "--no-verify", "origin", name)
        return self.git(folder, "rev-parse", "HEAD").strip()

    def commenter(self, *, only_shows: bool = False) -> Commenter:
        """Return what keeps the comments, as another process would have it."""
        host = replace(make_host(), sleep=lambda _seconds: None)
        env = {"GITHUB_TOKEN": TOKEN, "GITLAB_TOKEN": TOKEN}
        forge = forge_of(env, self.forge.kind, host.now, repo="ann/shop", url=self.forge.url)
        inspect = partial(open_inspection, self.shared.two, dict(os.environ))
        return Commenter(forge, host, inspect, only_shows=only_shows)

    def look(self) -> dict[str, Json]:
        return self.commenter().look()


@pytest.fixture
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    with served_forge(getattr(request, "param", "github")) as forge:
        yield forge


@pytest.fixture
def place(forge: FakeForge, agents: Agents, shared: Shared, git: Git) -> Place:
    (shared.one / "a.py").write_text("def one():\n    return 1\n")
    git(shared.one, "add", "a.py")
    git(shared.one, "commit", "--quiet", "--message", "code")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "pull", "--quiet")
    return Place(forge, shared, agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two"), git)


@pytest.fixture
def colliding(place: Place) -> str:
    """Bob's pull request, which changes what ann has claimed on her branch; return the claim."""
    text = "rework @bob's `prices`"
    granted: Result = claim_files(place.ann, patterns=["a.py"], branch="feat/ann", description=text)
    head = place.branch(place.shared.two, "feat/bob", "def one():\n    return 2\n")
    place.forge.propose(7, head=head, branch="feat/bob")
    return str(granted["claim"]["id"])


@on_both
def test_a_comment_says_what_is_held_by_whom_and_until_when(place: Place, colliding: str) -> None:
    report = place.look()

    [body] = place.forge.bodies(7)
    claim = place.ann.register(place.ann.listed()).claims[colliding]
    held = f"`ann/cli/one` holds it until {clock_text(claim.items[0].expires_at, claim.created_at)}"
    assert body.splitlines()[:4] == [
        MARKER,
        "**gitcoord**: this pull request collides with other work.",
        "",
        f"- collides with branch `feat/ann` in `a.py`: {held} (`{colliding}`, `rework @bob's 'prices'`)",
    ]
    assert (report["count"], report["collisions"], report["changed"], report["failed"]) == (1, 1, 1, 0)


@on_both
def test_the_comment_is_found_again_and_changed_only_where_its_text_is_another(place: Place, colliding: str) -> None:
    place.forge.comment(7, "Looks good to me.", author=place.forge.other)
    place.look()
    before = [*place.forge.changes]

    again = place.look()
    release_claims(place.ann, claim_ids=[colliding])
    place.look()
    at_last = place.look()

    assert (len(before), again["changed"], at_last["changed"]) == (1, 0, 0)
    assert place.forge.bodies(7) == ["Looks good to me.", f"{MARKER}\n{CLEAR}"]
    assert len(place.forge.changes) == 2


def test_where_there_is_nothing_to_say_there_is_no_comment(place: Place) -> None:
    place.forge.propose(7, head=place.branch(place.shared.two, "feat/bob", "x = 1\n"), branch="feat/bob")

    assert place.look()["changed"] == 0
    assert place.forge.changes == []


@on_both
@pytest.mark.rule("RELAY-5")
def test_what_another_account_wrote_is_never_touched_whatever_it_says(place: Place, colliding: str) -> None:
    place.forge.comment(7, f"{MARKER}\nAll is well.", author=place.forge.other)
    place.forge.comment(7, f"Quoted:\n{MARKER}\n", author=place.forge.me)

    place.look()

    assert place.forge.bodies(7)[:2] == [f"{MARKER}\nAll is well.", f"Quoted:\n{MARKER}\n"]
    assert [word for word, _ in place.forge.changes] == ["POST"]


@on_both
def test_of_several_comments_of_ours_one_stays(place: Place, colliding: str) -> None:
    for text in ("one", "two"):
        place.forge.comment(7, f"{MARKER}\r\n{text}  ", author=place.forge.me)

    place.look()

    [body] = place.forge.bodies(7)
    assert "collides with branch `feat/ann`" in body


@on_both
@pytest.mark.parametrize("says_next", [True, False])
def test_a_comment_is_found_on_a_later_page(place: Place, colliding: str, *, says_next: bool) -> None:
    place.forge.says_next = says_next
    for number in range(130):
        place.forge.comment(7, f"No. {number}", author="ann")
    place.look()

    again = place.look()

    assert again["changed"] == 0
    assert len(place.forge.comments[7]) == 131


def test_where_not_all_comments_can_be_seen_none_is_written(place: Place, colliding: str) -> None:
    place.forge.per_page_max = 1
    for number in range(PAGES_MAX + 1):
        place.forge.comment(7, f"No. {number}", author="ann")

    report = place.look()

    assert report["failed"] == 1
    assert place.forge.changes == []


@on_both
def test_two_pull_requests_that_do_not_merge_name_each_other(place: Place) -> None:
    one = place.branch(place.shared.one, "feat/ann", "def one():\n    return 3\n")
    place.forge.propose(6, head=one, branch="feat/ann")
    two = place.branch(place.shared.two, "feat/bob", "def one():\n    return 2\n")
    place.forge.propose(7, head=two, branch="feat/bob")
    place.forge.propose(8, head=two, branch="feat/bob", base="next")

    place.look()

    sign = place.forge.sign
    [[first], [second]] = place.forge.bodies(6), place.forge.bodies(7)
    assert f"- does not merge with {sign}7: `a.py`" in first.splitlines()
    assert f"- does not merge with {sign}6: `a.py`" in second.splitlines()
    assert place.forge.bodies(8) == []  # it goes elsewhere, and its base is nowhere


@on_both
def test_a_claim_of_a_branch_with_a_pull_request_is_named_by_its_number(place: Place, colliding: str) -> None:
    head = place.branch(place.shared.one, "other", "b = 1\n", "b.py")
    place.forge.propose(5, head=head, branch="feat/ann")

    place.look()

    assert f"- collides with {place.forge.sign}5 in `a.py`: `ann/cli/one` holds it" in place.forge.bodies(7)[0]


def test_a_claim_that_was_refused_is_told_while_it_is_held(place: Place, colliding: str) -> None:
    head = place.branch(place.shared.two, "feat/two", "b = 1\n", "b.py")
    place.forge.propose(9, head=head, branch="feat/two")
    assert claim_files(place.bob, patterns=["a.py"])["granted"] is False
    assert claim_files(place.bob, patterns=["b.py"])["granted"] is True  # its commit carries the refusal
    place.look()
    [told] = place.forge.bodies(9)

    release_claims(place.ann, claim_ids=[colliding])
    place.look()

    [line] = [line for line in told.splitlines() if "refused" in line and line.startswith("-")]
    assert line.startswith("- `bob/cli/two` was refused `a.py` at ")
    assert ", because `ann/cli/one` holds it until " in line
    assert place.forge.bodies(9) == [f"{MARKER}\n{CLEAR}"]


@on_both
def test_the_branch_of_a_fork_is_not_the_branch_of_that_name_here(place: Place, colliding: str) -> None:
    head = place.git(place.shared.two, "rev-parse", "feat/bob").strip()
    place.forge.propose(8, head=head, branch="feat/ann", fork=True)

    place.look()

    assert "in `a.py`: `ann/cli/one` holds it" in place.forge.bodies(8)[0]


def test_one_that_cannot_be_judged_keeps_its_comment_and_stops_no_other(place: Place, colliding: str) -> None:
    place.forge.propose(3, head="1" * 40, branch="gone")
    place.forge.comment(3, f"{MARKER}\nas it was", author=place.forge.me)

    report = place.look()

    assert (report["failed"], report["unknown"], report["changed"]) == (0, 1, 1)
    assert place.forge.bodies(3) == [f"{MARKER}\nas it was"]
    assert len(place.forge.bodies(7)) == 1


def test_what_was_settled_is_not_asked_again_by_the_same_process(place: Place, colliding: str) -> None:
    commenter = place.commenter()
    commenter.look()
    place.forge.asked.clear()

    commenter.look()

    assert [path.rpartition("/")[2] for _, path in place.forge.asked] in (["pulls"], ["merge_requests"])


def test_a_dry_run_shows_and_changes_nothing(place: Place, colliding: str) -> None:
    report = place.commenter(only_shows=True).look()

    assert report["changed"] == 1
    assert place.forge.changes == []


def test_the_token_of_a_job_is_known_by_the_other_api(place: Place, colliding: str) -> None:
    place.forge.is_job = True
    place.look()

    assert place.look()["changed"] == 0
    assert len(place.forge.bodies(7)) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(429, Retry_After="90"), 90),
        (reply(429), 60),
        (reply(403, Retry_After="30"), 30),
        (reply(403, X_RateLimit_Remaining="0", X_RateLimit_Reset="1"), 1),
        (reply(503, Retry_After="999999999"), 3600),
    ],
    ids=["says when", "does not say", "too many at once", "has none left", "for ever"],
)
def test_a_forge_that_asks_for_a_pause_gets_it(place: Place, colliding: str, answer: Odd, seconds: float) -> None:
    place.forge.fails_at, place.forge.answers = "^POST", answer
    pauses: list[float] = []
    commenter = place.commenter()

    def sleep(pause: float) -> None:
        pauses.append(pause)
        place.forge.fails_at = "(?!)"
        if len(pauses) > 2:
            raise KeyboardInterrupt

    commenter.host = replace(commenter.host, sleep=sleep)
    with pytest.raises(RateLimitError):
        place.look()
    told: list[dict[str, Json]] = []
    with pytest.raises(KeyboardInterrupt):
        commenter.forever(told.append)

    assert pauses == [seconds, 1.0, LOOK_S]
    assert told[0]["problem"]
    assert told[1]["changed"] == 1
    assert len(place.forge.bodies(7)) == 1


def test_a_comment_that_fails_is_named_and_stops_no_other(place: Place, colliding: str) -> None:
    head = place.git(place.shared.two, "rev-parse", "feat/bob").strip()
    place.forge.propose(8, head=head, branch="feat/bob")
    place.forge.fails_at, place.forge.answers = "^POST .*/7/", reply(403)

    report = place.look()

    assert (report["changed"], report["failed"]) == (1, 1)
    assert (len(place.forge.bodies(7)), len(place.forge.bodies(8))) == (0, 1)
