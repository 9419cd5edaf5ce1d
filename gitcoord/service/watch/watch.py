"""Watching: beat in time, see what others did, and tell the agent what concerns it."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger.readers.last_listing import Listing
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.deadline import asking_once
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.service.checks import land_branches
from gitcoord.service.claims import claim_notices
from gitcoord.service.place.path_copies import Copier
from gitcoord.service.place.remote_poller import Lookout, place_of
from gitcoord.service.session import freshness
from gitcoord.service.session.problems import Oddity
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import owner_edits
from gitcoord.service.watch import desktop_notices, edit_notes, lost_steps, notices, pending_notices
from gitcoord.service.watch.keep_alive import ClaimKeeper, tell_refusals
from gitcoord.service.watch.lost_steps import LostStep
from gitcoord.service.watch.pending_notices import Pending
from gitcoord.service.watch.snapshot import Snapshot

NOTICES = "coord://notices"
TICK_S = 3.0  # a look at the store, at a remote on a path, or at what another session saw: less than a millisecond
POLL_BROKEN_S = 30.0  # a remote that does not answer is not asked more often


@dataclass(frozen=True, slots=True)
class Tick:
    """What one look brought: URIs of resources that changed, and when to look again, in seconds.

    `arrived`: notices to this session that were not pending at the last look.
    """

    changed: list[str]
    next_s: float
    arrived: Sequence[Pending] = ()


class Watch:
    """One watcher of one workspace. Call `tick` in a loop; it never raises for a remote that does not answer."""

    def __init__(self, workspace: Workspace) -> None:
        """Begin with what is there now."""
        self._workspace = workspace
        self._seen: dict[RefName, Oid] = {}
        self._notified: set[str] = set()
        self._pending: set[str] = set()
        self._is_unshown = True
        self._broken = ""
        self._lookout: Lookout | None = None
        self._keeper = ClaimKeeper(workspace)
        self._snapshot = Snapshot(workspace)
        self._copier = Copier(workspace)
        self._promoted_on: date | None = None

    def close(self) -> None:
        """Stop watching; another session of the clone goes on."""
        self._snapshot.close()
        if self._lookout is not None:
            self._lookout.close()
            self._lookout = None

    def tick(self) -> Tick:
        """Beat if it is due, then look; a remote that does not answer is waited for once."""
        with asking_once():
            try:
                self._workspace.follow()
                beaten = self._beat()
                waits_s = self._take_edits()
                changed = self._look()
                self._show(changed)
            except CoordError as error:
                self._notice_broken(error)
                return Tick([], POLL_BROKEN_S)
            arrived = self._arrived()
            changed = [*changed, *([NOTICES] if arrived else [])]
            if not beaten:
                return Tick(changed, POLL_BROKEN_S, arrived)
            if self._broken:
                claim_notices.withdraw(self._workspace)
            self._broken = ""
            return Tick(changed, min(TICK_S, waits_s), arrived)

    def _show(self, changed: Sequence[str]) -> None:
        """Show what needs a person, once something changed; later, where a minute has not passed."""
        self._is_unshown = self._is_unshown or bool(changed)
        if self._is_unshown:
            self._is_unshown = not desktop_notices.show(self._workspace)

    def _arrived(self) -> list[Pending]:
        """Return the notices that this session has not been shown, and that the last look did not find."""
        workspace, before = self._workspace, self._pending
        with workspace.lock:
            found = pending_notices.of_this(workspace, workspace.last_register)
        self._pending = {own_id for row in found for own_id in row.ids}
        return [row for row in found if before.isdisjoint(row.ids)]

    def _take_edits(self) -> float:
        """Claim the files edited in this session; return in how many seconds there is more to do.

        Its end is not for us to carry out: we are a part of it, and who does waits until we are gone.
        """
        workspace = self._workspace
        names = workspace.session.names if workspace.session is not None else ()
        noted = edit_notes.noted(workspace.setting.clone.folder)
        found = [note for note in noted if note.session in names and note.event != "end"]
        if not found:
            return TICK_S
        waits_s = edit_notes.gathering_s(workspace, found)
        if waits_s <= 0:
            edit_notes.begin_round(workspace)
            edit_notes.take(workspace, found)
        return max(waits_s, 0.0) or TICK_S

    def _beat(self) -> bool:
        """Beat; where the remote can be read and does not take a beat, warn and go on watching."""
        try:
            beat_now(self._workspace.setting, self._workspace.combiner)
        except UnreachableError:
            raise
        except CoordError as error:
            self._notice_broken(error)
            return False
        return True

    def _look(self) -> list[str]:
        at = self._workspace.setting.host.now()
        listed = dict(self._listed())
        if self._workspace.rewound_refs or self._workspace.rewound(listed):
            at = self._workspace.setting.host.now()
            listed = dict(self._workspace.listed())  # what another session listed may be older than what was seen
        moved = [ref for ref in {*listed, *self._seen} if listed.get(ref) != self._seen.get(ref)]
        first, self._seen = not self._seen, listed
        steps = [ref for ref in moved if self._workspace.setting.refs.is_steps(ref)]
        if first:
            self._adopt_branches(listed)
        if steps:
            self._notice_lost_steps(listed)
        claims = [ref for ref in moved if ref == self._workspace.setting.refs.claims]
        self._promote(listed, changed=bool(claims))
        self._keep_claims(listed, changed=bool(claims))
        self._copier.look(Listing(at, listed))
        if first or not moved:
            return []
        projects = [f"coord://projects/{ref.rsplit('/', 1)[1]}" for ref in sorted(steps)]
        return ["coord://status", *(["coord://claims"] if claims else []), *projects]

    def _listed(self) -> Mapping[RefName, Oid]:
        """List the refs: where a process has to be started for it, one session does it for all of the clone."""
        workspace = self._workspace
        if not workspace.setting.transport.is_far:
            return workspace.listed()
        if self._lookout is None or self._lookout.place != place_of(workspace):
            self.close()
            self._lookout = Lookout(workspace)
        return self._lookout.look()

    def _keep_claims(self, listed: Mapping[RefName, Oid], *, changed: bool) -> None:
        if self._workspace.setting.refs.claims in self._workspace.rewound_refs:
            return  # the hooks go by what was seen before, until a person has decided (SAFE-9)
        try:
            self._keeper.look(listed)
            self._snapshot.keep(self._workspace.register(listed), listed, changed=changed)
        except CoordError as error:  # the claims alone; what is not theirs goes on
            self._tell(f"claims:{error}", CallerNotice.of_error(error))

    def _promote(self, listed: Mapping[RefName, Oid], *, changed: bool) -> None:
        """Let refusals promote shared files, where the team's policy says so."""
        today = self._workspace.setting.host.now().date()
        if not changed and today == self._promoted_on:
            return  # what cools down does so by itself, a day at a time
        self._promoted_on = today
        try:
            owner_edits.promote_by_itself(self._workspace, listed)
        except CoordError as error:  # another look comes, and no caller waits for this one
            self._notice_broken(error)

    def _adopt_branches(self, listed: Mapping[RefName, Oid]) -> None:
        """Note for git's hooks which branches are ours, where an older version was given the steps."""
        fences = self._workspace.fences
        for step_id, fence in fences.all().items():
            step = None
            with contextlib.suppress(CoordError):  # a project that is not here, or cannot be read
                step = self._step(step_id, listed)
            if step is not None and step.fence == fence and step.is_held:
                fences.adopt(step_id, fence, step.branch, step.agent_id)

    def _notice_lost_steps(self, listed: Mapping[RefName, Oid]) -> None:
        """Tell of steps that others have by now (SAFE-7): what was listed may be older than what was given since."""
        workspace = self._workspace
        refs = workspace.setting.refs
        if not any(
            refs.steps(step_id.rpartition("/")[0]) not in listed or self._lost(step_id, fence, listed) is not None
            for step_id, fence in workspace.fences.all().items()
        ):
            return
        given = workspace.fences.all()  # before the proof is read: it has what was given until now
        proof = workspace.listed()
        for step_id, fence in given.items():
            step = self._lost(step_id, fence, proof)
            if step is not None and workspace.fences.drop(step_id, fence):
                lost_steps.keep(workspace, LostStep.of(step, fence))

    def _lost(self, step_id: str, fence: int, listed: Mapping[RefName, Oid]) -> Step | None:
        """Return a step that this session has no more by that listing; one from before it was given says nothing."""
        if self._workspace.setting.refs.steps(step_id.rpartition("/")[0]) in self._workspace.rewound_refs:
            return None  # what it says of the step is no answer (SAFE-9)
        step = self._step(step_id, listed)
        if step is not None and notices.is_landed(step, fence):
            return step
        if step is None or step.session_id == self._workspace.session_id or step.fence < fence:
            return None
        return step if step.fence > fence or not step.is_held else None

    def _step(self, step_id: str, listed: Mapping[RefName, Oid]) -> Step | None:
        project, _, num = step_id.rpartition("/")
        board = self._workspace.project_state(project, listed).content
        return board.steps.get(int(num)) if board else None

    def _notice_broken(self, error: CoordError) -> None:
        if str(error) != self._broken:
            self._broken = str(error)
            self._notified.discard(self._broken)
            self._tell(self._broken, CallerNotice.of_error(error))

    def _tell(self, key: str, notice: CallerNotice) -> None:
        if key not in self._notified:
            self._notified.add(key)
            self._workspace.notify(notice)


def tick(workspace: Workspace) -> Tick:
    """Look once, keeping what was seen with the workspace."""
    watch = workspace.watch
    if not isinstance(watch, Watch):
        watch = workspace.watch = Watch(workspace)
    return watch.tick()


def _show_to_hooks(workspace: Workspace, listed: Mapping[RefName, Oid]) -> None:
    if workspace.setting.refs.claims not in workspace.rewound_refs:  # as in `Watch`
        Snapshot(workspace).renew(workspace.register(listed), listed)


def sync(workspace: Workspace) -> dict[str, Json]:
    """Beat, and bring everything of the remote here; plain git reads the clone's own store as it is after that."""
    workspace.follow()
    setting, unsent = workspace.setting, list[Json]()

    def keep(rules: Callable[[Workspace], Mapping[str, Json]]) -> None:
        found = rules(workspace).get("warnings")
        hint = f"Correct it: `gitcoord owners check {owner_edits.TRACKED}`."
        problems = found if isinstance(found, list) else []
        unsent.extend(Oddity(setting.refs.config, str(problem), hint).as_json() for problem in problems)

    def attempt(ref: RefName, act: Callable[[], object]) -> None:
        try:
            act()
        except UnreachableError:  # at once: to ask for everything else as well would take as long again
            raise
        except CoordError as error:
            unsent.append(Oddity(ref, str(error), error.hint).as_json())

    actions: list[tuple[RefName, Callable[[], object]]] = [
        (setting.beats.ref, lambda: beat_now(setting, workspace.combiner)),
        # Before the rules are kept, which go by the counters.
        (setting.refs.claims, lambda: tell_refusals(workspace)),
        (setting.refs.config, lambda: keep(owner_edits.follow_tracked)),
        (setting.refs.config, lambda: keep(owner_edits.promote_by_itself)),
        # Before others' clones look at what landed: a command line has no watch that reported its work.
        (setting.refs.claims, lambda: ClaimKeeper(workspace).beat(freshness.lately(workspace))),
        (setting.refs.claims, lambda: land_branches.land_quietly(workspace, workspace.listed())),
    ]
    for ref, act in actions:
        attempt(ref, act)
    listed = workspace.listed()
    attempt(setting.refs.claims, lambda: _show_to_hooks(workspace, listed))
    with workspace.lock:
        states = workspace.reader.projects(listed)
    if isinstance(setting.transport, HomeTransport):
        setting.transport.write_out()
    found: dict[str, Json] = {"remote": workspace.remote_name, "refs": len(listed), "projects": len(states)}
    return {**found, "oddities": [*unsent, *workspace.oddities()]}
