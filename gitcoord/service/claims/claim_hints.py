"""Hints: what a reply to a call that claims says beside the outcome of the rules, with the call that helps.

Rules:
  * The outcome stays as the rules have it: an audit replays it, text and all. What more is known is said beside it.

What this file does not know: how a call is decided.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim import SHARED_HOURS, Kind
from gitcoord.core.claims.claim_commands import Wish
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.rules import grant
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.core.patterns.resolve import overlapping_files
from gitcoord.errors import CoordError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import owner_lookup

SOONER = timedelta(minutes=1)  # an end that is nearer to what was asked is as asked


def beside(workspace: Workspace, actor: Actor, outcome: Outcome, wishes: Sequence[Wish]) -> list[str]:
    """Return what to know about the outcome of a call: where its time or its owners are not what the caller thinks."""
    with suppress(CoordError):  # it is decided by now: what cannot be looked up is not said
        return [*_beside(workspace, actor, outcome, wishes)]
    return []


def _beside(workspace: Workspace, actor: Actor, outcome: Outcome, wishes: Sequence[Wish]) -> Iterator[str]:
    if outcome.code == "not_owner":
        yield from _not_owned(workspace, actor, wishes)
        return
    ids = outcome.facts.get("claims")
    if isinstance(ids, list) and any(wish.hours for wish in wishes):
        yield from _sooner(workspace, [*map(str, ids)], wishes)
    if outcome.code == "claim_granted" and not outcome.facts.get("already"):
        tracked = workspace.checkout.tracked()
        names = [wish.pattern for wish in wishes if grant.area_of(wish).pattern.is_floating]
        for name in (name for name in names if tracked.is_file(name) and len(tracked.named(name)) == 1):
            # With several of that name the caller has been shown all of them (`resolve`).
            every = "has no slash and matches at any depth: no other agent can claim a folder as a whole beside it."
            yield f"{shown(name)} {every} To claim only this one write {shown('/' + name)}."


def of_step(
    workspace: Workspace,
    actor: Actor,
    step: Mapping[str, Json],
    places: Sequence[Pattern],
    refs: Mapping[RefName, Oid],
    *,
    was_held: bool,
) -> Iterator[str]:
    """Yield which paths of a step are claimed for less time than it, and which are not claimed any more.

    `was_held`: the step was the caller's before, so that what was claimed with it may have ended since.
    """
    register, repo, now = workspace.register(refs), step.get("repo") or workspace.repo, workspace.setting.host.now()
    lost: list[str] = []
    for area in map(Area, places):
        own = register.near(area, lambda claim: actor.is_party(*claim.holder) and claim.repo == repo)
        claim = conflicts.own_cover(own, conflicts.Ask(area), now)
        if claim is None:
            lost.append(area.pattern.text)
        elif claim.step == step["id"] and any(
            item.kind is Kind.SHARED_FILE and item.area.surely_contains(area) for item in claim.items
        ):
            lasts = f"is a shared file: it is yours for {SHARED_HOURS:g} hours, and longer while you beat."
            yield f"{shown(area.pattern.text)} {lasts}"
    if lost and was_held:
        again = Call.of("claim_files", patterns=lost)
        yield sentence("Your claim of these paths of the step has ended. To claim them: ", again, ".")


def out_of_circle(workspace: Workspace, circle: Json, wishes: Sequence[Wish]) -> str:
    """Return what to do, with the claim of another one in the circle that is in the way; "" where a waiter is."""
    agents = circle[1:-1] if isinstance(circle, list) else []
    for claim in _register(workspace).claims.values():
        areas = [item.area for item in claim.items]
        if claim.agent in agents and any(grant.area_of(wish).overlaps(area) for wish in wishes for area in areas):
            ask = Call.of("request_release", claim_id=claim.id, reason=...)
            return sentence("Release what you hold first, or ask: ", ask, ".")
    return ""


def _register(workspace: Workspace) -> Register:
    """Return the claims as the call saw and left them: a hint is not worth another question to the remote."""
    with suppress(CoordError):
        refs = freshness.left(workspace)
        return workspace.register(refs) if refs is not None else Register()
    return Register()


def _not_owned(workspace: Workspace, actor: Actor, wishes: Sequence[Wish]) -> Iterator[str]:
    """Say which patterns reach into what others own, and which of them only where no file is."""
    tracked, places = workspace.checkout.tracked(), [grant.area_of(wish).pattern for wish in wishes]
    refs = freshness.left(workspace)
    found = owner_lookup.not_owned(workspace, places, refs, actor.agent) if refs is not None else []
    for place, module, path in found:
        name, owners = shown(place.text), ", ".join(module.owners)
        yield f"{name} reaches into module {shown(module.name)} ({path.text}), which belongs to {owners}."
        if place.is_floating and not overlapping_files(place, path, tracked)[0]:
            yield f"{name} has no slash and matches at any depth; the one at the root is {shown('/' + place.text)}."


def _sooner(workspace: Workspace, ids: Sequence[str], wishes: Sequence[Wish]) -> Iterator[str]:
    """Say which of the caller's claims end before the time that it asks for them again: that extends nothing."""
    register, now = _register(workspace), workspace.setting.host.now()
    for claim in filter(None, map(register.claims.get, ids)):
        # A shared file lasts no longer, and what a request has shortened is not extended (CLAIM-6, CLAIM-12).
        ends = [
            (item.expires_at, wish.hours, item.pattern)
            for item in claim.items
            for wish in wishes
            if wish.hours and grant.area_of(wish).overlaps(item.area)
            if item.kind is not Kind.SHARED_FILE and not item.clamped_from
        ]
        early = [row for row in ends if row[0] < now + timedelta(hours=row[1]) - SOONER]
        if early:
            end, hours, pattern = min(early)
            longer = Call.of("extend_claims", ttl_hours=hours, claim_ids=[claim.id])
            said = f"Your claim on {shown(pattern)} ends at {time_text(end)}, as before. To hold it longer: "
            yield sentence(said, longer, ".")
