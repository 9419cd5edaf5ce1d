"""Use cases of those who run a relay: begin one, look at it, try again, clean up."""

import posixpath
from collections.abc import Mapping, Sequence

from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.core.relay import schedule
from gitcoord.core.relay.relay import Delivery, Relay
from gitcoord.errors import InvalidError, NotFoundError, UsageError
from gitcoord.redaction import redact
from gitcoord.remote.git.bounded_http import HttpPlace
from gitcoord.service.relay import relay_ref
from gitcoord.service.relay.formats import OPEN
from gitcoord.service.relay.receiver import Receiver
from gitcoord.service.relay.rounds import Rounds
from gitcoord.service.session.workspace import Workspace

NAME = "webhooks"


def rounds_of(
    workspace: Workspace, *, name: str, url: str, secret: str, events: Sequence[str] = (), format_name: str = "webhook"
) -> Rounds:
    """Return the rounds of a relay. `events`: the words to deliver; none: all.

    Raises:
        InvalidError: the name, the URL or a word cannot be one, or the URL is not safe enough for a token.
    """
    relay_ref.ref_of(workspace, name)
    for word in events:
        if word not in [*Event]:
            hint = f"{did_you_mean(word, [*Event])}It is one of {', '.join(Event)}."
            raise InvalidError(f"There is no event {shown(word)}.", hint=hint)
    place = HttpPlace.of_receiver(url)
    if place.is_clear and format_name not in OPEN:
        raise InvalidError("The token would go over plain http, where others can read it.", hint="Give an https URL.")
    sender = Receiver(place, secret, repo=_repo(workspace), format=format_name)
    return Rounds(workspace, name, place.url, sender, frozenset(events or Event))


def _repo(workspace: Workspace) -> str:
    """Return what receivers call this repository: its name among several, else the last part of the remote's."""
    path = redact(workspace.remote_url).rstrip("/") if workspace.remote_url else str(workspace.repository.top)
    return workspace.repo or posixpath.basename(path.replace(":", "/")).removesuffix(".git")


def value_in(env: Mapping[str, str], name: str, what: str) -> str:
    """Return what a variable of the environment holds.

    Raises:
        UsageError: it is not set, or empty, or not one line; what it holds is not shown.
    """
    value = env.get(name, "").strip()
    if not value:
        raise UsageError(f"The environment has no {shown(name)}, where {what} was to be.", hint=f"Set {name}.")
    if not value.isprintable():  # a library that refuses it in a header would show it
        raise UsageError(f"{shown(name)} holds more than one line, where {what} was to be.", hint=f"Set {name} anew.")
    return value


def get_stats(workspace: Workspace, *, name: str | None = None) -> dict[str, Json]:
    """Return the counts of all relays, or of one.

    Raises:
        NotFoundError: there is no such relay.
    """
    found = relay_ref.every(workspace) if name is None else {name: _relay(workspace, name)}
    return {"relays": [stats_of(relay) for relay in found.values()], "count": len(found)}


def get_tail(workspace: Workspace, *, name: str, limit: int = 20) -> dict[str, Json]:
    """Return the last attempts of a relay, the newest first, and what waits or was given up.

    Raises:
        NotFoundError: there is no such relay.
    """
    return tail_of(_relay(workspace, name), limit)


def tail_of(relay: Relay, limit: int) -> dict[str, Json]:
    """Return the last attempts of a relay, the newest first, and what waits or was given up."""
    attempts = [*reversed(relay.recent)][:limit]
    rows: list[Json] = [
        {
            "delivery_id": attempt.id,
            "event_type": attempt.event,
            "at": time_text(attempt.at),
            "attempt": attempt.number,
            "result": attempt.result,
            "answer": attempt.answer,
        }
        for attempt in attempts
    ]
    return {
        "relay": relay.name,
        "attempts": rows,
        "waiting": [_row(delivery) for delivery in relay.waiting[:limit]],
        "exhausted": [_row(delivery) for delivery in relay.exhausted[-limit:]],
    }


def retry(workspace: Workspace, *, name: str, ids: Sequence[str] = ()) -> dict[str, Json]:
    """Have deliveries tried again in the next round: these, or all that wait or were given up.

    Raises:
        NotFoundError: there is no such relay, or no such delivery in it.
        CoordError: it was not written.
    """
    relay = _relay(workspace, name)
    known = [delivery.id for delivery in (*relay.waiting, *relay.exhausted)]
    missing = [wanted for wanted in ids if wanted not in known]
    if missing:
        message = f"The relay {name!r} has no delivery {shown(missing[0])} to try again."
        raise NotFoundError(message, hint=f"See `gitcoord relay tail --name {name}`.")
    now = workspace.setting.host.now()
    relay_ref.change(workspace, name, lambda before: schedule.retry(before, ids, now) if before and known else None)
    return {"relay": name, "count": len(ids or known)}


def purge(workspace: Workspace, *, name: str, waiting: bool = False, relay: bool = False) -> dict[str, Json]:
    """Give up for good what was exhausted; `waiting`: what waits, too; `relay`: the whole relay, with its position.

    Raises:
        NotFoundError: there is no such relay.
        CoordError: it was not written.
    """
    known = _relay(workspace, name)
    gone = len(known.exhausted) + (len(known.waiting) if waiting or relay else 0)
    if relay:
        relay_ref.remove(workspace, name)
    else:
        relay_ref.change(workspace, name, lambda before: before and _purged(before, waiting=waiting))
    return {"relay": name, "purged": gone, "removed": relay}


def _purged(relay: Relay, *, waiting: bool) -> Relay | None:
    after = relay.evolve(exhausted=(), waiting=() if waiting else relay.waiting)
    return after if after != relay else None


def _relay(workspace: Workspace, name: str) -> Relay:
    _, relay = relay_ref.look(workspace, relay_ref.ref_of(workspace, name))
    if relay is None:
        known = [*relay_ref.every(workspace)]
        hint = f"{did_you_mean(name, known)}" + (f"There are {', '.join(known)}." if known else "None was started yet.")
        raise NotFoundError(f"There is no relay {shown(name)}.", hint=hint)
    return relay


def stats_of(relay: Relay) -> dict[str, Json]:
    """Return the counts of a relay."""
    next_at = schedule.next_at(relay)
    return {
        "relay": relay.name,
        "receiver": relay.receiver,
        "delivered": relay.delivered,
        "failed": relay.failed,
        "given_up": relay.given_up,
        "waiting": len(relay.waiting),
        "exhausted": len(relay.exhausted),
        "next_attempt_at": time_text(next_at) if next_at else None,
        "paused_until": time_text(relay.paused_until) if relay.paused_until else None,
    }


def _row(delivery: Delivery) -> dict[str, Json]:
    return {
        "delivery_id": delivery.id,
        "event_type": delivery.event,
        "at": time_text(delivery.at),
        "attempts": delivery.attempts,
        "due_at": time_text(delivery.due_at) if delivery.due_at else None,
        "problem": delivery.problem,
    }
