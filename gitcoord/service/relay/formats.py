"""Formats of a delivery: a webhook that is signed, a message in Slack, a comment at GitHub or GitLab.

    webhook   {"delivery_id": …, "detail": {…}, "event_type": …, "repo": …, "timestamp": …}
              X-Coord-Event-Type, X-Coord-Delivery-Id, X-Coord-Signature: HMAC-SHA256 of the body, in hexadecimal
    slack     {"text": …}      to a URL that is a secret by itself
    github    {"body": …}      Authorization: Bearer …
    gitlab    {"body": …}      PRIVATE-TOKEN: …

Rules:
  * The body is canonical: keys sorted, UTF-8, no blanks; the same delivery is the same bytes.
  * RELAY-3: the secret is in the signature, or in a header of its own, and nowhere else.
  * SEC-1: what agents and people wrote stands in code: it mentions no one, links nowhere and formats nothing.

What this file does not know: when to send, and where.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json, compact, time_text
from gitcoord.core.relay.relay import Delivery

FILES_NAMED = 5


class Message(NamedTuple):
    """What is posted."""

    body: bytes
    headers: Mapping[str, str]


def webhook(delivery: Delivery, secret: str, repo: str) -> Message:
    """Return a signed webhook."""
    value: dict[str, Json] = {
        "delivery_id": delivery.id,
        "event_type": delivery.event,
        "timestamp": time_text(delivery.at),
        "repo": repo,
        "detail": dict(delivery.detail),
    }
    body = compact(value).encode()
    headers = {
        "X-Coord-Event-Type": delivery.event,
        "X-Coord-Delivery-Id": delivery.id,
        "X-Coord-Signature": hmac.new(secret.encode(), body, "sha256").hexdigest(),
    }
    return Message(body, headers)


def slack(delivery: Delivery, _secret: str, repo: str) -> Message:
    """Return a message for an incoming webhook of Slack, which takes these three characters as markup in code, too."""
    text = sentence(delivery, repo).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Message(compact({"text": text}).encode(), {})


def github(delivery: Delivery, secret: str, repo: str) -> Message:
    """Return a comment for an issue or a pull request."""
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {secret}"}
    return Message(compact({"body": sentence(delivery, repo)}).encode(), headers)


def gitlab(delivery: Delivery, secret: str, repo: str) -> Message:
    """Return a note for an issue or a merge request."""
    return Message(compact({"body": sentence(delivery, repo)}).encode(), {"PRIVATE-TOKEN": secret})


def sentence(delivery: Delivery, repo: str) -> str:
    """Return an event as one line: what happened, to what, by whom, and what for."""
    detail = delivery.detail
    patterns, claims = detail.get("patterns"), detail.get("claims")
    files = [*patterns[:FILES_NAMED], *["…"][: len(patterns) - FILES_NAMED]] if isinstance(patterns, list) else []
    named = files or (claims if isinstance(claims, list) else [])
    subject = detail.get("step") or detail.get("project") or ", ".join(map(str, named))
    about = detail.get("title") or detail.get("description")
    parts = [f"{code(repo)}: {delivery.event.replace('_', ' ')} {code(subject)}"]
    parts += [f"by {code(detail['agent'])}"] if detail.get("agent") else []
    return " ".join(parts) + (f": {code(about)}" if about else "")


def code(value: Json) -> str:
    """Return a text in code, on one line: nothing in it can end that."""
    text = "".join(char if char.isprintable() else " " for char in str(value or "-")).replace("`", "'")
    return f"`{text}`"


FORMATS: Mapping[str, Callable[[Delivery, str, str], Message]] = {
    "webhook": webhook,
    "slack": slack,
    "github": github,
    "gitlab": gitlab,
}
OPEN = frozenset({"webhook", "slack"})  # no token is in what they send, so that plain http gives none away
WITHOUT_SECRET = frozenset({"slack"})
