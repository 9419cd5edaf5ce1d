"""What tests of relays share: a receiver, and the rounds of a relay on the workspace of an agent."""

from collections.abc import Iterator

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.events import Event
from gitcoord.remote.git.bounded_http import HttpPlace
from gitcoord.service.relay.receiver import Receiver
from gitcoord.service.relay.rounds import Rounds
from gitcoord.service.session.workspace import Workspace
from tests.servers.webhook_receiver import SECRET, Hook, received


@pytest.fixture
def hook() -> Iterator[Hook]:
    with received() as hook:
        yield hook


def relay(workspace: Workspace, hook: Hook, *words: str, name: str = "webhooks", within_s: float = 60) -> Rounds:
    """Return the rounds of a relay; each call stands for a process of its own."""
    setting = workspace.setting
    unique = setting.host.draw_id()
    workspace.setting = replace(setting, host=replace(setting.host, unique=unique, chance=lambda: 0.0))
    place = HttpPlace.of_receiver(f"{hook.url}/hook?key=abc")
    sender = Receiver(place, SECRET, repo="shop", within_s=within_s)
    return Rounds(workspace, name, place.url, sender, frozenset(words or Event))


def begun(workspace: Workspace, hook: Hook, *words: str, **more: float) -> Rounds:
    """Return the rounds of a relay that has begun."""
    rounds = relay(workspace, hook, *words, **more)  # pyright: ignore[reportArgumentType]
    assert rounds.once()["begun"]
    return rounds
