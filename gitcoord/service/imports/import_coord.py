"""Importing from coord, a claim service: its active claims and its ownership rules.

    file or URL ──read whole──> claims of one repository ──decided together──> one commit of the claims
                           └──> ownership rules ─────────────validated───────> one commit of the team's rules

Rules:
  * Everything is decided before the first write; what conflicts with a holder's claim, or would replace people's rules,
    refuses the whole import.
  * A claim keeps its time, and belongs to its engineer in a clone that is none (`coord`): no agent here is exempt from
    it, and it ends by its time, by force, or five minutes after an agent asks for its release.
  * SEC-2: the token comes from the environment or from git's credential helper, and goes into a header only.

What this file does not know: how coord is read (`source/imports/coord`), who may have what
(`core/claims/rules/import_claims`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gitcoord.core.claims import claim_table
from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.claim_commands import ImportClaims
from gitcoord.core.claims.rules.call_limits import HOURS_MAX
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import branch_name, shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import CoordError, InvalidError, RefusedError
from gitcoord.ledger.format.team_layout import OWNERS
from gitcoord.remote.git.bounded_http import HttpPlace
from gitcoord.remote.git.git_credential import password_for
from gitcoord.service.claims import claim_results, requested_items
from gitcoord.service.claims.dry_run import context_of
from gitcoord.service.imports.foreign_names import agent_of, claim_id_of
from gitcoord.service.inputs import owners_input
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import config_ref, owner_edits, owners_file
from gitcoord.service.team.owner_lookup import text_of
from gitcoord.source.imports.coord import CoordClaim, CoordState, read_file, read_service, repos_of

CLONE = "coord"  # who holds an imported claim has no clone; ids of clones that are drawn have 16 characters
TOKEN = "COORD_AUTH_TOKEN"  # noqa: S105 - the name of the variable that coord's own clients read
PARTS = ("claims", "owners")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_RULES = "coord's ownership rules"


@dataclass(frozen=True, slots=True)
class _Owners:
    """The rules that would be imported: what they say, and what becomes of them."""

    text: str
    state: str
    modules: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _CoordPlan:
    """What would be imported. `outcome`: what the rules say of the claims now; `left_out`: claims of others."""

    version: str
    sources: Mapping[str, CoordClaim]
    command: ImportClaims
    outcome: Outcome | None
    owners: _Owners | None
    left_out: int
    warnings: tuple[str, ...]


def import_coord(
    workspace: Workspace,
    *,
    source: str,
    repo: str | None = None,
    only: str | None = None,
    dry_run: bool = False,
) -> dict[str, Json]:
    """Import what a file of coord has, or what its service answers. `repo`: as coord names the repository.

    Raises:
        InvalidError: what is there cannot be imported; nothing was written.
        CoordError: reading or writing broke; the hint says what landed.
    """
    if only not in (None, *PARTS):
        raise InvalidError(f"{shown(only or '')} cannot be imported alone.", hint="It is claims or owners.")
    if not _URL.match(source):
        read = read_file(Path(source))
    else:
        place, here = HttpPlace.of(source), workspace.repository
        token = here.env.get(TOKEN) or password_for(place.parts, cwd=here.top, env=here.env)
        read = read_service(place, token, repo=repo, wants_claims=only != "owners", wants_owners=only != "claims")
    plan = _planned(workspace, read, repo, only)
    result: dict[str, Json] = {"source": "coord", "version": plan.version, "dry_run": dry_run}
    refusal = _refusal(workspace, plan)
    if refusal:
        return {**result, **refusal, "warnings": [*plan.warnings]}
    if not dry_run:
        _write(workspace, plan)
    facts = plan.outcome.facts.get("known") if plan.outcome is not None else None
    known, fresh = facts if isinstance(facts, list) else [], "new" if dry_run else "imported"
    rows: list[Json] = [
        {
            "id": claim.id,
            "was": plan.sources[claim.id].id,
            "agent": claim.agent,
            "items": [{"pattern": item.pattern, "symbols": [*item.symbols]} for item in claim.items],
            "expires_at": time_text(claim.expires_at),
            "state": "already" if claim.id in known else fresh,
        }
        for claim in plan.command.claims
    ]
    result |= {"claims": [*rows], "count": len(rows), "left_out": plan.left_out}
    if plan.owners is not None:
        state = "imported" if plan.owners.state == "new" and not dry_run else plan.owners.state
        result["owners"] = {"state": state, "modules": plan.owners.modules}
    return {**result, "warnings": [*plan.warnings, *(plan.owners.warnings if plan.owners else ())]}


def _planned(workspace: Workspace, state: CoordState, repo: str | None, only: str | None) -> _CoordPlan:
    warnings, now = [*state.warnings], workspace.setting.host.now()
    found = [claim for claim in state.claims if claim.expires_at > now] if only != "owners" else []
    # Without a name, of the only one there is.
    if repo is not None:
        chosen = [claim for claim in found if claim.repo == repo]
    else:
        repos = repos_of(found)
        if len([repo for repo in repos if repo]) > 1:
            named = ", ".join(shown(repo, 60) for repo in repos if repo)
            message = f"There are claims of several repositories: {named}. Nothing was imported."
            raise InvalidError(message, hint="Say which of them this is: --repo NAME.")
        chosen = list(found)
    # Files before symbols, which are carved out of them as they were there; then who came first.
    in_order = sorted(chosen, key=lambda claim: (claim.symbols is not None, claim.created_at, claim.id))
    sources = {claim_id_of(claim.id): claim for claim in in_order}
    if len(sources) < len(chosen):
        raise InvalidError("Two claims of coord have one id here. Nothing was imported.", hint="Release one of them.")
    claims = tuple(_claim(workspace, name, claim, now, warnings) for name, claim in sources.items())
    names = {claim.id: name for name, claim in sources.items()}
    pairs = {
        (name, names[other])
        for name, claim in sources.items()
        for other in claim.partners
        if other in names and claim.id in sources[names[other]].partners
    }
    shared = tuple(sorted(pair for pair in pairs if pair[0] < pair[1]))
    command = ImportClaims(claims=claims, shared=shared)
    owners = _owners(workspace, state.owners) if only != "claims" and state.owners is not None else None
    outcome = _decided(workspace, command) if claims else None
    return _CoordPlan(state.version, sources, command, outcome, owners, len(found) - len(chosen), tuple(warnings))


def _claim(workspace: Workspace, name: str, claim: CoordClaim, now: datetime, warnings: list[str]) -> Claim:
    latest = (now + timedelta(hours=HOURS_MAX)).replace(second=0, microsecond=0)
    if claim.expires_at > latest:
        warnings.append(
            f"{claim.where}: it lasts until {time_text(claim.expires_at)} there, and {HOURS_MAX:g} hours here."
        )
    expires = min(claim.expires_at, latest)
    items = tuple(_items(workspace, claim, expires))
    try:
        branch = branch_name(claim.branch) if claim.branch else None
    except InvalidError as error:
        warnings.append(f"{claim.where}: {error} It has none here.")
        branch = None
    return Claim(
        id=name,
        agent=agent_of(claim.engineer, warnings),
        clone=CLONE,
        repo=workspace.repo,
        branch=branch,
        description=claim.description,
        items=items,
        severity=claim.severity,
        created_at=claim.created_at,
        expires_at=expires,
        last_activity=claim.created_at,
    )


def _items(workspace: Workspace, claim: CoordClaim, expires: datetime) -> list[Item]:
    places = claim.symbols or {claim.pattern: ()}
    items: list[Item] = []
    for text, names in places.items():
        try:
            pattern = requested_items.pattern_of(workspace, _meant(workspace, text.replace("\\", "/")))
            symbols = requested_items.symbols_of(names) if names else ()
        except InvalidError as error:
            raise InvalidError(f"{claim.where}: {error} Nothing was imported.", hint=error.hint) from None
        items.append(
            Item(
                pattern=pattern.text,
                reading=pattern.stored,
                symbols=symbols,
                kind=claim.kind,
                narrowable=claim.narrowable,
                expires_at=expires,
            )
        )
    return items


def _meant(workspace: Workspace, text: str) -> str:
    """Return a pattern as coord judged it: by the files there are, so that a name of one file at the top is that file.

    Here a name without a slash is any file of that name, also one that does not exist yet, and meets far more.
    """
    if "/" not in text and [*workspace.checkout.tracked().named(text)] == [text]:
        return f"/{text}"
    return text


def _decided(workspace: Workspace, command: ImportClaims) -> Outcome:
    """Decide the claims on what is here now; write nothing."""
    actor, listed = workspace.actor(), workspace.listed()
    with workspace.lock:
        workspace.reader.claims(listed).check_writable()
    outcome = claim_table.decide(workspace.register(listed), command, context_of(workspace, actor, listed)).outcome
    if outcome.verdict == "invalid":
        raise InvalidError(f"{outcome.message} Nothing was imported.", hint=outcome.hint)
    return outcome


def _owners(workspace: Workspace, text: str) -> _Owners:
    """Look at the rules: they have to be valid, and people's own are not written over."""
    checked = owners_input.check(text)
    warnings = tuple(checked.passed(_RULES))
    rules = owners_file.rules_in(checked.root, text)
    if owner_edits.tracked_source(workspace) is not None:
        here = owner_edits.editable(workspace).text
    else:
        data = config_ref.look(workspace).data(OWNERS)
        here = text_of(data, OWNERS) if data is not None else None
    state = "new" if here is None else "already" if here == text else "refused"
    return _Owners(text, state, len(rules.modules), warnings)


def _refusal(workspace: Workspace, plan: _CoordPlan) -> dict[str, Json]:
    """Return why nothing is imported."""
    outcome = plan.outcome
    if outcome is not None and not outcome.is_done:
        result: dict[str, Json] = {**outcome.facts, "refused": outcome.code, "why": outcome.message}
        readings = {item.pattern: item.reading for claim in plan.command.claims for item in claim.items}
        rows = claim_results.shown(outcome.conflicts, workspace.checkout.tracked(), readings)
        asked = zip(rows, outcome.conflicts, strict=True)
        conflicts: list[Json] = [
            {**row, "for": conflict.extra.get("for")} for row, conflict in asked if isinstance(row, dict)
        ]
        return {**result, "conflicts": conflicts, "next_step": outcome.hint}
    if plan.owners is not None and plan.owners.state == "refused":
        why = "There are other ownership rules here, which people wrote. Nothing was imported."
        todo = "Import the claims alone: --only claims; and put the rules together: gitcoord owners edit."
        return {"refused": "exists", "why": why, "next_step": todo}
    return {}


def _write(workspace: Workspace, plan: _CoordPlan) -> None:
    """Write the claims, then the rules; whatever breaks says what has landed."""
    is_news = plan.outcome is not None and not plan.outcome.facts.get("already")
    if is_news:
        outcome = workspace.submit(plan.command, workspace.actor(), None).outcome
        if outcome is not None and not outcome.is_done:
            raise RefusedError(outcome.message, hint=f"{outcome.hint} Another clone was faster; nothing was imported.")
    if plan.owners is None or plan.owners.state != "new":
        return
    try:
        owner_edits.write(workspace, text=plan.owners.text, name=_RULES, instead_of=owner_edits.STARTER)
    except CoordError as error:
        landed = "The claims were imported" if is_news else "There were no claims to import"
        error.hint = f"{error.hint} {landed}; the rules were not. The same command again goes on.".strip()
        raise
