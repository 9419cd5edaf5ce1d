"""`gitcoord metrics --prometheus`: measures in the text format of Prometheus, for a scraper or the textfile collector.

Rules:
  * What only grows is a counter and ends in `_total`. What happened in the last days sinks when a day passes: a gauge.
  * A label's value is a name that others chose: it loses what a terminal acts on. Two that are then one are summed,
    since a series that is there twice makes a scraper refuse all of them.

What this file does not know: how anything is measured.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import record, records, text

Sample = tuple[Sequence[Json], Json]
"""Values of the labels, and the number."""


class Measured(Collector):
    """A result of `activity.report` as families of metrics."""

    def __init__(self, result: Result) -> None:
        """Show this result."""
        self._result = result

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        result, projects = self._result, records(self._result.get("projects"))
        yield _gauge(
            ("steps", "Steps by status."),
            ("project", "status"),
            (((row.get("project"), status), n) for row in projects for status, n in record(row.get("steps")).items()),
        )
        of_project = ("project",)
        attempts = (((row.get("project"),), row.get("attempts")) for row in projects)
        yield _counter(("step_attempts", "How often steps were claimed."), of_project, attempts)
        recoveries = (((row.get("project"),), row.get("recoveries")) for row in projects)
        yield _counter(("step_recoveries", "How often steps were put back or taken over."), of_project, recoveries)
        yield _durations(projects)
        of_agent = ("completed", "failed", "recovered")
        agents = records(result.get("agents"))
        done = (((row.get("agent"), outcome), row.get(outcome)) for row in agents for outcome in of_agent)
        name = "agent_steps"
        yield _gauge((name, "Steps by agent and what became of them; recovered: from it."), ("agent", "outcome"), done)
        for name, field, said in (
            ("claims", "claims", "Active claims."),
            ("waiting_calls", "waiting", "Calls that wait for claims."),
        ):
            counts = (((row.get("repo"),), row.get("count")) for row in records(result.get(field)))
            yield _gauge((name, said), ("repo",), counts)
        yield _counter(
            ("queue_grants", "Calls that waited and got their claim."), (), [((), result.get("queue_grants"))]
        )
        yield from _recent(record(result.get("activity")))


def exposition(result: Result) -> str:
    """Return a result of `activity.report` as text."""
    return generate_latest(Measured(result)).decode()


def _recent(activity: Result) -> Iterator[Metric]:
    """Yield what happened in the last days."""
    days = activity.get("days")
    happened = (((event, days), count) for event, count in record(activity.get("totals")).items())
    yield _gauge(("recent_events", "What happened in the last days, by event."), ("event", "days"), happened)
    waits = record(activity.get("waited_seconds"))
    waited = (((statistic, days), wait) for statistic, wait in waits.items() if wait is not None)
    yield _gauge(("recent_wait_seconds", "How long calls waited in the last days."), ("statistic", "days"), waited)
    is_whole = activity.get("complete_since") is None
    said = "1 if all commits of the last days were read, else 0."
    yield _gauge(("recent_events_complete", said), ("days",), [((days,), int(is_whole))])


def _durations(projects: Iterable[Result]) -> Metric:
    name = "gitcoord_step_duration_seconds"
    said = "From the claim of a step to its completion."
    family = SummaryMetricFamily(name, said, labels=["project"])
    for project, row in {_label(row.get("project")): row for row in projects}.items():
        spread = record(row.get("spread_seconds"))
        for quantile, statistic in (("0.5", "median"), ("0.9", "p90")):
            if spread.get(statistic) is not None:
                family.add_sample(name, {"project": project, "quantile": quantile}, _number(spread.get(statistic)))
        family.add_metric([project], int(_number(row.get("completed"))), _number(row.get("seconds")))
    return family


def _gauge(named: tuple[str, str], labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(f"gitcoord_{named[0]}", named[1], labels=labels)
    for values, value in _summed(samples).items():
        family.add_metric(values, value)
    return family


def _counter(named: tuple[str, str], labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = CounterMetricFamily(f"gitcoord_{named[0]}", named[1], labels=labels)
    for values, value in _summed(samples).items():
        family.add_metric(values, value)
    return family


def _summed(samples: Iterable[Sample]) -> dict[tuple[str, ...], float]:
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for values, value in samples:
        sums[tuple(map(_label, values))] += _number(value)
    return sums


def _label(value: Json) -> str:
    return show.plain(text(value))


def _number(value: Json) -> float:
    return value if isinstance(value, int | float) else 0
