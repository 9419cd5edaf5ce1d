"""The dashboard: what each panel says, from one look at the ledgers.

    one listing ──> a look (`watch/overview`) ──> attention, agents, projects, claims, waiting, requests
          ├──> the past, carried on ──> timeline, heat map, metrics; the newest of it ──> events
          └──> counters, relays ──> hot files, deliveries

Rules:
  * All panels are of the same listing; what concerns several repositories that share the remote has each of them. Hot
    files are of this one, since promoting is.
  * A damaged ledger hides no other: it is named in `oddities`, and as what needs attention.
  * Facts are equal while nothing changed: none says how long ago something was, but for the messages of what needs
    attention.
  * What depends on tips alone is made once for each of them.

What this file does not know: how a panel is shown, and when there is reason to look again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gitcoord.core.activity import series, totals
from gitcoord.core.checks.attention import highest
from gitcoord.core.documents.json_text import Json, parse_time, time_text
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.metrics import Measured, added_up, of_board
from gitcoord.errors import InvalidError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims import requests
from gitcoord.service.dashboard.past import RecentHistory
from gitcoord.service.dashboard.project_graphs import ProjectGraphs
from gitcoord.service.dashboard.timeline import end_of, lanes_of
from gitcoord.service.relay import relay_ref, relays
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import step_views
from gitcoord.service.steps.activity import COMMITS_MAX, DAYS, DAYS_MAX
from gitcoord.service.steps.event_rows import KnownEvents
from gitcoord.service.team.hotspots import hotspots_at
from gitcoord.service.watch import overview
from gitcoord.service.watch.overview import Seen

FIRST_COMMITS = 500  # read for each answer of one that is asked again: about a tenth of a second
EVENTS_SHOWN, DELIVERIES_SHOWN = 100, 20
Row = dict[str, Json]


def panels(workspace: Workspace, *, days: int = DAYS) -> dict[str, Json]:
    """Return what every panel says, by its key; all of the last days is read.

    Raises:
        InvalidError: there cannot be so many days.
        UnreachableError: the remote cannot be read, and nothing was read of it before.
    """
    return Dashboard(workspace, days).panels()


@dataclass(slots=True)
class Dashboard:
    """What the panels say, again and again: what was read for one answer is not read for the next one.

    Attributes:
        days: of how many days what happened is shown, today among them (UTC).
    """

    workspace: Workspace
    days: int = DAYS
    _past: RecentHistory = field(init=False)
    _graphs: ProjectGraphs = field(default_factory=ProjectGraphs)
    _events: KnownEvents = field(default_factory=KnownEvents)
    _made: dict[str, tuple[object, Row]] = field(default_factory=dict[str, tuple[object, Row]])
    _boards: dict[str, tuple[Board, Measured]] = field(default_factory=dict[str, tuple[Board, Measured]])

    def __post_init__(self) -> None:
        """Check what was asked for.

        Raises:
            InvalidError: there cannot be so many days.
        """
        if not 1 <= self.days <= DAYS_MAX:
            raise InvalidError(f"days is {self.days}; it is from 1 to {DAYS_MAX}.", hint="30 is a good number.")
        self._past = RecentHistory(self.workspace, self.days)

    @property
    def is_complete(self) -> bool:
        """Whether all of the last days was read; else the next answer has more of them."""
        return self._past.is_complete

    def panels(self, *, commits_max: int = COMMITS_MAX) -> dict[str, Json]:
        """Return what every panel says, by its key. `commits_max`: of older commits, how many more are read for it."""
        workspace = self.workspace
        seen = overview.look(workspace, every_repo=True)
        self._past.follow(seen.listed, commits_max)
        attention = overview.attention_of(workspace, seen)
        refusals = workspace.setting.refusals.noted(workspace.setting.refs.claims)
        steps = (self._past.steps_version, self._past.since, len(seen.boards))
        rules = {ref: seen.listed.get(ref) for ref in (workspace.setting.refs.claims, workspace.setting.refs.config)}
        ledgers = {ref: tip for ref, tip in seen.listed.items() if workspace.setting.refs.clone_of(ref) is None}
        return {
            "place": {"remote": workspace.remote_name, "repo": workspace.repo, "days": self.days},
            "attention": {"rows": [row.as_json() for row in attention], "needed": highest(attention)},
            "agents": {"rows": [*overview.with_repos(workspace, seen)]},
            "projects": {"rows": self._graphs.rows(seen.boards, seen.lives)},
            "timeline": self._timeline(seen.boards, steps),
            "claims": {"rows": [*seen.claims]},
            "waiting": {"rows": [*seen.line]},
            "requests": {"rows": _requests(seen)},
            "hot_files": self._once(
                "hot_files",
                (rules, self._past.since, refusals),
                lambda: hotspots_at(workspace, seen.listed, days=self.days),
            ),
            **self._once("activity", (self._past.version, steps, refusals), lambda: self._activity(seen.boards, steps)),
            "events": self._once(
                "events",
                (ledgers, self._past.is_whole),
                lambda: step_views.get_agent_events(
                    workspace, limit=EVENTS_SHOWN, listed=seen.listed, known=self._events
                ),
            ),
            "deliveries": _deliveries(workspace, seen.listed),
            "oddities": workspace.oddities(),
        }

    def _once(self, name: str, key: object, make: Callable[[], Row]) -> Row:
        """Return what is made of what did not change since."""
        known = self._made.get(name)
        if known is None or known[0] != key:
            known = self._made[name] = (key, make())
        return known[1]

    def _timeline(self, boards: Sequence[Board], key: object) -> Row:
        past, now = self._past, self.workspace.setting.host.now()
        lanes = self._once("timeline", key, lambda: lanes_of(past.of_steps()[0], boards, past.since, now))
        until = lanes["until"] or time_text(end_of(parse_time(str(lanes["from"])), now))
        return {**lanes, "until": until, **self._days()}

    def _days(self) -> Row:
        cut = self._past.complete_since
        return {
            "days": self.days,
            "since": time_text(self._past.since),
            "complete_since": time_text(cut) if cut else None,
        }

    def _activity(self, boards: Sequence[Board], key: object) -> Row:
        """Return what is counted of the past: the heat map and the metrics."""
        of_claims = self._past.of_claims()
        _, of_steps = self._past.of_steps()
        counted = totals.with_days(totals.totals(of_claims), of_steps)
        del counted["by_agent"]  # a row for each agent that ever was; `gitcoord metrics` has them
        now = self._once("steps", key, lambda: added_up([self._measured(board) for board in boards]))
        return {
            "heat_map": {"series": series.automatic(of_claims), **self._days()},
            "metrics": {**now, "activity": {**counted, **self._days()}},
        }

    def _measured(self, board: Board) -> Measured:
        """Return what is counted of a project, which is counted once for each state of it."""
        known = self._boards.get(board.project.name)
        if known is None or known[0] is not board:
            known = self._boards[board.project.name] = (board, of_board(board))
        return known[1]


def _requests(seen: Seen) -> list[Json]:
    """Return the requests for a release, those without an answer first and of these the oldest."""
    claims = seen.register.claims
    rows = sorted(
        seen.register.requests.values(), key=lambda request: (not request.is_pending, request.created_at, request.id)
    )
    held = {row.claim for row in rows} & claims.keys()
    ends = {claim: {"expires_at": time_text(claims[claim].expires_at)} for claim in held}
    return [{**requests.view(row), **ends.get(row.claim, {}), "repo": row.call.repo} for row in rows]


def _deliveries(workspace: Workspace, listed: Mapping[RefName, Oid]) -> Row:
    found = relay_ref.every_at(workspace, listed)
    tails: list[Json] = [relays.tail_of(relay, DELIVERIES_SHOWN) for relay in found.values()]
    return {"relays": [relays.stats_of(relay) for relay in found.values()], "tails": tails}
