"""Formats of deliveries: what Slack, GitHub and GitLab take, and nothing of agents that acts there."""

import json
from datetime import UTC, datetime

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.core.relay.relay import Delivery
from gitcoord.errors import InvalidError
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.relay import relays
from gitcoord.service.relay.formats import FORMATS, sentence
from gitcoord.service.session.workspace import Workspace
from tests.servers.webhook_receiver import Hook

TOKEN = "t0ken"  # noqa: S105 - of a receiver that lives as long as a test


def delivery(event: str = "step_completed", **detail: Json) -> Delivery:
    return Delivery(id="d1", event=event, at=datetime(2026, 11, 29, tzinfo=UTC), detail=detail)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            delivery(step="shop/1", agent="ann/cli/wt", title="Add the column"),
            "`shop`: step completed `shop/1` by `ann/cli/wt`: `Add the column`",
        ),
        (delivery("project_completed", project="app"), "`shop`: project completed `app`"),
        (delivery("claim_granted", patterns=list("abcdefg")), "`shop`: claim granted `a, b, c, d, e, …`"),
        (delivery("claim_expired", claims=["c-1"]), "`shop`: claim expired `c-1`"),
        (delivery(), "`shop`: step completed `-`"),
    ],
)
def test_an_event_is_one_line(given: Delivery, line: str) -> None:
    assert sentence(given, "shop") == line


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("name", ["slack", "github", "gitlab"])
def test_what_agents_wrote_stays_in_code(name: str) -> None:
    body = FORMATS[name](delivery(step="a/1", title="` @ann\n# <!channel> ` <b>"), TOKEN, "shop").body

    (text,) = json.loads(body).values()
    assert text.count("`") == 6
    assert "\n" not in text
    assert name != "slack" or "&lt;!channel&gt;" in text


@pytest.mark.rule("RELAY-3")
@pytest.mark.parametrize(
    ("name", "header", "value"),
    [("github", "authorization", f"Bearer {TOKEN}"), ("gitlab", "private-token", TOKEN), ("slack", "x-none", None)],
)
def test_a_message_is_posted_with_its_token_in_a_header(
    ann: Workspace, hook: Hook, name: str, header: str, value: str | None
) -> None:
    rounds = relays.rounds_of(ann, name="chat", url=f"{hook.url}/x", secret=TOKEN, format_name=name)
    rounds.once()
    claim_files(ann, patterns=["a.zig"])

    assert rounds.once()["delivered"] == 1

    (post,) = hook.posts
    assert post.headers.get(header) == value
    assert [*post.value] == ["text" if name == "slack" else "body"]
    assert TOKEN.encode() not in post.body


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_token_never_goes_over_plain_http(ann: Workspace, name: str) -> None:
    with pytest.raises(InvalidError, match="plain http"):
        relays.rounds_of(ann, name="chat", url="http://example.com/x", secret=TOKEN, format_name=name)
