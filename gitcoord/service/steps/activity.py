"""Activity: what the ledgers' commits say happened in the last days, read back and counted.

    claims, each project ──commits, newest first──> records ──> occurrences (`core/activity`) ──> series

Rules:
  * At most `COMMITS_MAX` commits are read, of all ledgers together and the newest first. `complete_since` of a result
    is the moment from which all was read, if that is later than what was asked for: after so many commits, and where
    history is not here or damaged.
  * A refusal counts once, however often it was carried. What this clone was refused and no commit carries yet counts.

What this file does not know: how the numbers are shown.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from gitcoord.core.activity import measures, occurrence, series, totals
from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import project_name
from gitcoord.core.steps.metrics import is_of
from gitcoord.errors import DocumentError, InvalidError, MissingObjectError
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import Commit
from gitcoord.remote.contract.protocol import Oid, RefName, here
from gitcoord.service.session import earlier_history
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import step_views
from gitcoord.service.steps.commit_occurrences import CommitOccurrences
from gitcoord.service.steps.projects import boards_of

COMMITS_MAX = 10_000  # two to three seconds
DAYS_MAX = 90  # as long as refusals are counted by file
DAYS = 30
_SLACK = timedelta(hours=1)  # so far may the clocks of two writers of one ledger be apart


@dataclass(slots=True)
class Activity:
    """Reads what happened from the first of the last days on; to be used once.

    Attributes:
        days: how many, today among them (UTC).
        project: only this one.
        commits_max: how many commits are read.
        complete_since: once all was read: the moment from which it is complete, if that is later than `since`.
    """

    workspace: Workspace
    days: int = DAYS
    project: str | None = None
    commits_max: int = COMMITS_MAX
    complete_since: datetime | None = None

    def __post_init__(self) -> None:
        """Check what was asked for.

        Raises:
            InvalidError: there cannot be so many days.
        """
        if not 1 <= self.days <= DAYS_MAX:
            raise InvalidError(f"days is {self.days}; it is from 1 to {DAYS_MAX}.", hint="30 is a good number.")

    @property
    def since(self) -> datetime:
        """The first moment of the first day."""
        today = self.workspace.setting.host.now().astimezone(UTC).date()
        return datetime.combine(today - timedelta(days=self.days - 1), time(), UTC)

    def occurrences(self) -> Iterator[Occurrence]:
        """Yield what happened, about from the newest to the oldest.

        Raises:
            NotFoundError: there is no project of that name.
        """
        since, counted = self.since, set[str]()
        for happened in self._happened(since):
            if happened.kind == Event.CLAIM_REFUSED and happened.subject:
                if happened.subject in counted:
                    continue
                counted.add(happened.subject)
            if happened.at >= since:
                yield happened

    def result(self, **rows: Json) -> dict[str, Json]:
        """Return rows with the days that they are of."""
        cut = time_text(self.complete_since) if self.complete_since else None
        return {**rows, "days": self.days, "since": time_text(self.since), "complete_since": cut}

    def _happened(self, since: datetime) -> Iterator[Occurrence]:
        workspace, refs = self.workspace, self.workspace.setting.refs
        listed = workspace.listed()
        if self.project is not None:
            workspace.project_state(project_name(self.project), listed)
        else:
            now = workspace.setting.host.now()
            for noted in workspace.setting.refusals.noted(refs.claims):
                yield from occurrence.of_refusal(noted, now)
        ledgers = {
            ref: tip
            for ref, tip in listed.items()
            if (ref == refs.claims and self.project is None)
            or (refs.is_steps(ref) and (self.project or "").lower() in ("", ref.rpartition("/")[2]))
        }
        earlier_history.bring(workspace, ledgers.values())
        read = CommitOccurrences(here(workspace.setting.transport.objects), refs)
        with workspace.lock:
            walks = [self._commits(ref, tip, since - _SLACK) for ref, tip in ledgers.items()]
            newest_first = heapq.merge(*walks, key=lambda found: found[1].committed_at, reverse=True)
            for number, (ref, commit) in enumerate(newest_first):
                if number == self.commits_max:
                    self._cut(commit.committed_at)
                    return
                yield from read.of(ref, commit)

    def _commits(self, ref: RefName, tip: Oid, since: datetime) -> Iterator[tuple[RefName, Commit]]:
        """Yield the commits of one ledger, the newest first, as far as they can be read."""
        last: Commit | None = None
        try:
            for _, commit in commits.walk(here(self.workspace.setting.transport.objects), tip):
                if commit.committed_at < since:
                    return
                yield ref, commit
                last = commit
        except (DocumentError, MissingObjectError):
            last = last._replace(parents=(tip,)) if last else None
        if last is None or not commits.is_first(last):
            self._cut(last.committed_at if last else self.workspace.setting.host.now())

    def _cut(self, at: datetime) -> None:
        self.complete_since = max(at, self.complete_since or at)


def metrics(
    workspace: Workspace, *, days: int = DAYS, project: str | None = None, agent_id: str | None = None
) -> dict[str, Json]:
    """Return the metrics of steps as they are, and beside them what happened in the last days: `activity`.

    Of a project only what happened to its steps: claims are of no project.

    Raises:
        InvalidError: there cannot be so many days.
        NotFoundError: there is no project of that name.
    """
    activity = Activity(workspace, days, project)
    result = step_views.get_metrics(workspace, project=project, agent_id=agent_id)
    asked = (happened for happened in activity.occurrences() if is_of(happened.agent, agent_id))
    kinds = totals.OF_STEPS if project is not None else (*totals.OF_STEPS, *totals.OF_CLAIMS)
    counted = totals.totals(asked, kinds)
    return {**result, "activity": activity.result(**counted)}


def report(workspace: Workspace, *, days: int = DAYS) -> dict[str, Json]:
    """Return all that is measured: `metrics` of everything, what there is now, and both series.

    Raises:
        InvalidError: there cannot be so many days.
    """
    activity = Activity(workspace, days)
    listed = workspace.listed()
    happened = [*activity.occurrences()]
    with_series = {"auto_resolutions": series.automatic(happened), "hotspots": series.refused(happened)}
    return {
        **step_views.get_metrics(workspace),
        "projects": measures.of_projects(boards_of(workspace, None, listed=listed)),
        **measures.of_register(workspace.register(listed)),
        "activity": activity.result(**totals.totals(happened), **with_series),
    }


def auto_resolutions(workspace: Workspace, *, days: int = DAYS) -> dict[str, Json]:
    """Return how often two claims of one file were granted side by side, by repository and day.

    Raises:
        InvalidError: there cannot be so many days.
    """
    activity = Activity(workspace, days)
    rows = series.automatic(activity.occurrences())
    return activity.result(series=rows)


def refusals(workspace: Workspace, *, days: int = DAYS) -> dict[str, Json]:
    """Return how often claims were refused because of another, by repository, day and pattern.

    Raises:
        InvalidError: there cannot be so many days.
    """
    activity = Activity(workspace, days)
    rows = series.refused(activity.occurrences())
    return activity.result(series=rows)
