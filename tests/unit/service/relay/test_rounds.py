"""A relay delivers each event once while nothing fails, again until it is taken, and loses none."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents.events import Event
from gitcoord.core.relay.relay import Delivery, Relay
from gitcoord.core.relay.schedule import Response
from gitcoord.errors import ContendedError, DocumentError
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.relay import relay_ref, relays
from gitcoord.service.relay.rounds import Rounds
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, skip_step
from gitcoord.service.team.deletion import delete_project
from gitcoord.service.team.policy import set_policy
from gitcoord.service.upkeep.gc import gc
from tests.conftest import Git
from tests.servers.webhook_receiver import SECRET, Hook, Odd, end_early, garbage, lie, reply
from tests.unit.service.relay.conftest import begun, relay
from tests.unit.service.world import Agents, Shared, later, project, stopped, store_of

REF = "refs/coord/relay/webhooks"


def state(workspace: Workspace) -> Relay:
    _, found = relay_ref.look(workspace, relay_ref.ref_of(workspace, "webhooks"))
    assert found is not None
    return found


def once(rounds: Rounds) -> dict[str, Any]:
    return rounds.once()


def test_what_happens_after_the_first_round_is_delivered_in_order_and_once(ann: Workspace, hook: Hook) -> None:
    claim_files(ann, patterns=["before.zig"])
    rounds = begun(ann, hook)
    project(ann, ())
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    claim_files(ann, patterns=["a.zig"], description="the model")
    release_claims(ann)

    first, second = once(rounds), once(rounds)

    of_project = [event for event in hook.events if event.startswith(("project", "step"))]
    assert of_project == ["project_created", "step_claimed", "step_completed", "project_completed"]
    assert [event for event in hook.events if event.startswith("claim")] == ["claim_granted", *["claim_released"] * 2]
    assert (first["delivered"], first["failed"], second["delivered"]) == (7, 0, 0)
    assert len({*hook.ids}) == 7


@pytest.mark.rule("RELAY-3")
def test_a_delivery_is_canonical_json_with_a_signature_and_its_headers(ann: Workspace, hook: Hook, git: Git) -> None:
    rounds = begun(ann, hook)
    claim_files(ann, patterns=["a.zig"], description="the model")

    once(rounds)

    (post,) = hook.posts
    value = post.value
    assert post.path == "/hook?key=abc"
    assert [*value] == ["delivery_id", "detail", "event_type", "repo", "timestamp"]
    assert (value["delivery_id"], value["event_type"], value["repo"]) == (post.id, "claim_granted", "shop")
    detail = value["detail"]
    assert (detail["agent"], detail["patterns"], detail["description"]) == ("ann/cli/wt", ["a.zig"], "the model")
    assert post.body == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert post.is_signed_with(SECRET)
    assert not post.is_signed_with("another")
    kept = git(store_of(Path(ann.repository.top)), "show", f"{REF}:relay.json")
    assert "abc" not in kept
    assert SECRET not in kept
    assert json.loads(kept)["receiver"] == hook.url


def test_only_events_of_the_list_are_delivered_and_the_others_never_come(ann: Workspace, hook: Hook) -> None:
    rounds = begun(ann, hook, "claim_released")
    claim_files(ann, patterns=["a.zig"])
    release_claims(ann)

    once(rounds)
    once(relay(ann, hook))

    assert hook.events == ["claim_released"]


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        (lambda _: 500, "HTTP 500"),
        (lambda _: 404, "HTTP 404"),
        (lambda _: reply(302, Location="http://127.0.0.1:9/"), "HTTP 302, a redirect, which is not followed"),
        (lambda _: end_early, "cannot be posted to"),
        (lambda _: garbage, "cannot be posted to"),
        (lambda hook: hook.hang, "it took too long"),
        (lambda hook: hook.drip, "it took too long"),
    ],
    ids=["fails", "is not there", "redirects", "ends early", "talks garbage", "hangs", "drips"],
)
def test_what_is_no_yes_is_tried_again_with_the_same_id_and_body(
    ann: Workspace, hook: Hook, how: Callable[[Hook], int | Odd], answer: str
) -> None:
    rounds = begun(stopped(ann), hook, within_s=1 if answer == "it took too long" else 60)
    claim_files(ann, patterns=["a.zig"])
    hook.answers(how(hook), 200)

    failed = once(rounds)
    hook.wait_for(1)
    early = once(rounds)
    later(ann, seconds=60)
    again = once(relay(ann, hook))

    assert failed["failed"] == 1
    assert answer in failed["attempts"][0]["answer"]
    assert early["attempts"] == []
    assert (again["delivered"], again["waiting"]) == (1, 0)
    first, second = hook.posts
    assert (first.id, first.body) == (second.id, second.body)


@pytest.mark.parametrize("how", [lie, reply(200, "<html>no JSON at all</html>"), 204, 299])
def test_a_yes_is_one_whatever_else_the_answer_says(ann: Workspace, hook: Hook, how: int | Odd) -> None:
    rounds = begun(ann, hook)
    claim_files(ann, patterns=["a.zig"])
    hook.answers(how)

    assert once(rounds)["delivered"] == 1


@pytest.mark.rule("RELAY-2")
def test_the_fifth_failure_is_the_last_and_a_person_can_try_again(ann: Workspace, hook: Hook) -> None:
    rounds = begun(stopped(ann), hook)
    claim_files(ann, patterns=["a.zig"])
    hook.answers(500)

    assert once(rounds)["failed"] == 1
    for wait_s in (60, 120, 240, 480):
        later(ann, seconds=wait_s - 1)
        assert once(rounds)["attempts"] == []
        later(ann, seconds=1)
        assert once(rounds)["failed"] == 1
    later(ann, days=1)
    assert once(rounds)["attempts"] == []

    shown: Any = relays.get_tail(ann, name="webhooks")
    assert [row["result"] for row in shown["attempts"]] == ["exhausted", *["failed"] * 4]
    assert [row["attempts"] for row in shown["exhausted"]] == [5]
    assert relays.retry(ann, name="webhooks")["count"] == 1
    hook.answers(200)
    assert (once(rounds)["delivered"], state(ann).exhausted) == (1, ())
    assert len({*hook.ids}) == 1


@pytest.mark.rule("RELAY-2")
def test_a_receiver_that_asks_for_a_pause_gets_it_and_nothing_is_lost(ann: Workspace, hook: Hook) -> None:
    rounds = begun(stopped(ann), hook)
    claim_files(ann, patterns=["a.zig"])
    claim_files(ann, patterns=["b.zig"])
    hook.answers(reply(429, Retry_After="300"), 200)

    assert (once(rounds)["failed"], len(hook.posts)) == (1, 1)
    later(ann, seconds=299)
    assert once(rounds)["attempts"] == []
    later(ann, seconds=1)

    assert once(rounds)["delivered"] == 2
    assert len({*hook.ids}) == 2


def test_an_outage_costs_attempts_of_few_deliveries_and_no_event(ann: Workspace, hook: Hook) -> None:
    rounds = begun(stopped(ann), hook)
    for number in range(6):
        claim_files(ann, patterns=[f"{number}.zig"])
    hook.answers(503)

    assert once(rounds)["failed"] == 3
    later(ann, seconds=60)
    hook.answers(200)

    assert once(rounds)["delivered"] == 6
    assert len({*hook.ids}) == 6


@pytest.mark.rule("RELAY-1")
def test_of_two_relays_side_by_side_one_has_the_turn(agents: Agents, shared: Shared, hook: Hook) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    first, second = begun(ann, hook), relay(bob, hook)
    claim_files(ann, patterns=["a.zig"])
    refused: list[str] = []

    def meanwhile(request: BaseHTTPRequestHandler) -> None:
        with pytest.raises(ContendedError) as caught:
            second.once()
        refused.append(str(caught.value))
        reply(200)(request)

    hook.answers(meanwhile)
    assert once(first)["delivered"] == 1
    assert once(second)["delivered"] == 0

    assert refused == ["Another process delivers as the relay 'webhooks' now."]
    assert hook.events == ["claim_granted"]


class KilledError(Exception):
    """Stands for the end of a process between a delivery and its settling."""


@pytest.mark.rule("RELAY-1", "RELAY-4")
def test_what_was_not_settled_is_delivered_again_under_its_id_when_the_turn_is_over(ann: Workspace, hook: Hook) -> None:
    begun(stopped(ann), hook)
    claim_files(ann, patterns=["a.zig"])
    dying = relay(ann, hook)
    real = dying.sender

    class Dying:
        def send(self, delivery: Delivery, now: datetime) -> Response:
            real.send(delivery, now)
            raise KilledError

    with pytest.raises(KilledError):
        replace(dying, sender=Dying()).once()
    with pytest.raises(ContendedError):
        relay(ann, hook).once()
    later(ann, seconds=120)

    assert once(relay(ann, hook))["delivered"] == 1
    assert len(hook.ids) == 2
    assert len({*hook.ids}) == 1


def test_a_turn_that_was_taken_over_settles_nothing(ann: Workspace, hook: Hook) -> None:
    begun(stopped(ann), hook)
    claim_files(ann, patterns=["a.zig"])
    slow, quick = relay(ann, hook), relay(ann, hook)
    real = slow.sender

    class Slow:
        def send(self, delivery: Delivery, now: datetime) -> Response:
            later(ann, seconds=120)
            assert quick.once()["delivered"] == 1
            return real.send(delivery, now)

    replace(slow, sender=Slow()).once()

    assert (state(ann).delivered, len({*hook.ids})) == (1, 1)


def test_a_ledger_that_begins_later_is_delivered_from_its_first_commit(ann: Workspace, hook: Hook) -> None:
    rounds = begun(ann, hook)
    project(ann, (), name="late")

    once(rounds)

    assert hook.events == ["project_created"]


def test_a_project_of_the_same_name_after_a_deletion_is_a_new_one(ann: Workspace, hook: Hook) -> None:
    rounds = begun(ann, hook)
    project(ann, ())
    once(rounds)
    skip_step(ann, step_id="app/1", reason="x")
    delete_project(ann, name="app")
    once(rounds)
    project(ann, ())
    once(rounds)

    assert hook.events == ["project_created", "project_created"]
    assert len({*hook.ids}) == 2


@pytest.mark.rule("SAFE-9")
def test_a_ledger_that_went_back_waits_for_a_person(agents: Agents, shared: Shared, hook: Hook, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.zig"])
    before = git(shared.remote, "rev-parse", "refs/coord/claims")
    rounds = begun(ann, hook)
    claim_files(ann, patterns=["b.zig"])
    once(rounds)
    git(shared.remote, "update-ref", "refs/coord/claims", before)

    assert once(rounds)["delivered"] == 0
    assert len(hook.posts) == 1


def test_where_the_position_is_gone_what_is_not_older_is_delivered(agents: Agents, shared: Shared, hook: Hook) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.zig"])
    rounds = begun(later(ann, seconds=5), hook)
    claims = str(ann.setting.refs.claims)

    def lost(before: Relay | None) -> Relay | None:
        assert before is not None
        positions = [place.evolve(commit="0" * 40) if place.ledger == claims else place for place in before.positions]
        at = [place.evolve(at=ann.setting.host.now()) for place in positions]
        return before.evolve(positions=tuple(at))

    relay_ref.change(ann, "webhooks", lost)
    claim_files(later(ann, seconds=5), patterns=["b.zig"])

    once(rounds)

    assert [post.value["detail"]["patterns"] for post in hook.posts] == [["b.zig"]]


@pytest.mark.rule("SEC-6", "SEC-2")
def test_private_texts_and_credentials_do_not_leave(ann: Workspace, hook: Hook) -> None:
    rounds = begun(ann, hook)
    claim_files(ann, patterns=["a.zig"], description="see https://ann:hush@example.com/x")
    once(rounds)
    claim_files(ann, patterns=["b.zig"], description="hush-hush")
    set_policy(ann, name="texts", value="private")
    once(rounds)

    assert hook.posts[0].value["detail"]["description"] == "see https://***@example.com/x"
    assert "description" not in hook.posts[1].value["detail"]


def test_what_others_wrote_at_the_ref_is_named_and_stays(ann: Workspace, hook: Hook, git: Git) -> None:
    claim_files(ann, patterns=["a.zig"])
    store = store_of(Path(ann.repository.top))
    foreign = git(store, "rev-parse", "refs/coord/claims")
    git(store, "update-ref", REF, foreign)

    with pytest.raises(DocumentError, match="was not written by gitcoord: it has no"):
        relay(ann, hook).once()

    assert git(store, "rev-parse", REF) == foreign
    assert relays.get_stats(ann)["count"] == 0


def test_a_restart_goes_on_where_the_last_process_ended(agents: Agents, repo: Path, hook: Hook) -> None:
    begun(agents(repo, "ann/cli/wt"), hook)
    claim_files(agents(repo, "ann/cli/wt"), patterns=["a.zig"])

    assert once(relay(agents(repo, "bob/cli/wt"), hook))["delivered"] == 1
    assert once(relay(agents(repo, "bob/cli/wt"), hook))["delivered"] == 0


def test_every_word_of_events_can_be_asked_for(ann: Workspace, hook: Hook) -> None:
    assert relay(ann, hook).words == {*Event}


def test_a_relay_goes_on_across_rolls_also_one_that_was_away(ann: Workspace, hook: Hook) -> None:
    rounds = begun(ann, hook)
    for name in "abcd":
        claim_files(ann, patterns=[f"{name}.zig"])
    gc(ann, rolled_after=2)
    for name in "efgh":
        claim_files(ann, patterns=[f"{name}.zig"])
    gc(ann, rolled_after=2)
    claim_files(ann, patterns=["i.zig"])

    first, second = once(rounds), once(rounds)

    assert [post.value["detail"]["patterns"] for post in hook.posts] == [[f"{name}.zig"] for name in "abcdefghi"]
    assert (first["delivered"], second["delivered"]) == (9, 0)
