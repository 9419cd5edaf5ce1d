"""Keeping claims: beat for a session's claims when there is something to say, and tidy up for the whole clone.

    watch/tidied.json    when some session of this clone last looked for what is over

Rules:
  * A beat or a tidying that would change nothing is not sent: it is tried here first, on the claims as they were seen.
  * A request that this session has not seen yet is seen at once; everything else has time.
  * What this clone was refused lands with a beat at the latest, also where it claims nothing more.

What this file does not know: the rules; see `core/claims/rules/keep_alive` and `core/claims/rules/expire`.
"""

import contextlib
from collections.abc import Mapping
from datetime import timedelta

from gitcoord.core.claims import claim_table
from gitcoord.core.claims.claim_commands import BeatClaims, ClaimCommand, TellRefusals, Tidy
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.checks import land_branches
from gitcoord.service.checks.landed_work import unpushed_of
from gitcoord.service.claims.checkout_branch import followed
from gitcoord.service.claims.claim_commits import commits_of
from gitcoord.service.claims.claim_notices import shown_ids
from gitcoord.service.claims.dry_run import context_of
from gitcoord.service.session.workspace import Workspace

BEAT_EVERY_S = 60.0  # looking costs a process or two; a minute more or less is nothing to a claim of hours
ACTIVE_MAX = 1_000  # changed files in one beat; who changes more at once has a claim of folders
TIDY_EVERY = timedelta(seconds=60)


class ClaimKeeper:
    """Keeps the claims of one session."""

    def __init__(self, workspace: Workspace) -> None:
        """Look at nothing yet."""
        self._workspace = workspace
        self._next = 0.0
        self._granted: dict[str, int] = {}  # unacknowledged claims, and how many calls there were when each was seen
        self._landed_by: object = None  # what was judged last: only when that changes is it judged again

    def look(self, listed: Mapping[RefName, Oid]) -> None:
        """Beat and tidy, if it is time to and there is something to write.

        Raises:
            CoordError: the claims cannot be read or written now.
        """
        workspace = self._workspace
        if listed.get(workspace.setting.refs.claims) is None:
            return
        register = workspace.register(listed)
        own_claims = register.claims_by(workspace.actor())
        calls, at = self._workspace.calls, self._workspace.called_at
        new = [claim for claim in own_claims if claim.ack_by is not None]
        self._granted = {claim.id: self._granted.get(claim.id, calls) for claim in new}
        # The time of the grant is another clone's, so that calls since then are counted here.
        called = any(calls > self._granted[claim.id] or (at is not None and at >= claim.created_at) for claim in new)
        now = self._workspace.setting.host.monotonic()
        is_due = now >= self._next
        if is_due:
            self._next = now + BEAT_EVERY_S
        is_asked = any(request.seen_at is None for claim in own_claims for request in register.pending_for(claim.id))
        if called or is_due or is_asked:
            self._beat(register, listed, called=called)
        if is_due:
            tell_refusals(workspace)
        if any((register.claims, register.entries, register.requests, register.notices, register.barriers)):
            host, folder = self._workspace.setting.host, self._workspace.setting.clone.folder / "watch"
            tidied_at, now_at = files.time_in(files.read_json(folder / "tidied.json"), "at"), host.now()
            if tidied_at is not None and abs(now_at - tidied_at) < TIDY_EVERY:
                return
            with contextlib.suppress(StorageError, OSError):  # then every session looks, and what is over ends once
                folder.mkdir(parents=True, exist_ok=True)
                files.write_json(folder / "tidied.json", {"at": time_text(now_at)}, host.unique)
            self._submit(Tidy(), register, listed)
            self._landed_by = land_branches.land_quietly(self._workspace, listed, self._landed_by)

    def beat(self, listed: Mapping[RefName, Oid]) -> None:
        """Say where the holder works, due or not: the branch, and what no other clone sees (SAFE-11).

        Raises:
            CoordError: the claims cannot be read or written now.
        """
        if listed.get(self._workspace.setting.refs.claims) is not None:
            self._beat(self._workspace.register(listed), listed, called=False)

    def _beat(self, register: Register, listed: Mapping[RefName, Oid], *, called: bool) -> None:
        workspace = self._workspace
        own_claims = register.claims_by(workspace.actor())
        delivered = tuple(notice_id for notice_id in shown_ids(workspace) if notice_id in register.notices)
        if not own_claims and not delivered:
            return
        uses_hooks = any(item.auto for claim in own_claims for item in claim.items)
        changed = workspace.checkout.changed() if uses_hooks or (own_claims and workspace.code_url) else []
        branch = followed(workspace, workspace.actor(), register) if own_claims else None
        commits = commits_of(workspace, own_claims) or None
        command = BeatClaims(
            active=tuple(changed or ())[:ACTIVE_MAX] if uses_hooks else (),
            branch=branch,
            commits=commits,
            delivered=delivered,
            called=called,
            unpushed=unpushed_of(workspace, own_claims, changed),
        )
        self._submit(command, register, listed)

    def _submit(self, command: ClaimCommand, register: Register, listed: Mapping[RefName, Oid]) -> None:
        workspace, actor = self._workspace, self._workspace.actor()
        decision = claim_table.decide(register, command, context_of(workspace, actor, listed))
        if decision.outcome.is_done and decision.changes:
            workspace.submit(command, actor, None)


def tell_refusals(workspace: Workspace) -> None:
    """Let what this clone was refused land, if its own commits have not carried it yet.

    Raises:
        CoordError: the claims cannot be read or written now.
    """
    if workspace.setting.refusals.waiting(workspace.setting.refs.claims):
        workspace.submit(TellRefusals(), workspace.actor(), None)
