"""`gitcoord metrics --otlp`: the measures of `--prometheus` as a request to a collector of OpenTelemetry.

    gauge ──> Gauge        counter ──> Sum, monotonic, cumulative, without a start        summary ──> Summary

Rules:
  * Names, labels and numbers are those of `--prometheus`: the families are the same objects. A counter has its name
    without `_total`, which collectors add for Prometheus.
  * The messages are those of `opentelemetry-proto`, an extra; they are sent by what sends everything else here.

What this file does not know: how anything is measured, and where it is sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from gitcoord import __version__
from gitcoord.errors import InvalidError, UsageError
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.work.prometheus import Measured

try:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
    )
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
    from opentelemetry.proto.metrics.v1 import metrics_pb2
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
except ImportError:
    raise UsageError(
        "What OpenTelemetry needs is not installed.",
        hint="Install gitcoord again the way that you did, as 'gitcoord[otel]', or '.[otel]' in a checkout: "
        "with uv tool install, pipx install --force, or the pip of its environment.",
    ) from None

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from prometheus_client.samples import Sample


class Export(NamedTuple):
    """A request to a collector. `points`: how many numbers are in it."""

    body: bytes
    points: int


def export(result: Result, now: datetime, resource: Mapping[str, str]) -> Export:
    """Return a result of `activity.report` as a request. `resource`: attributes of who measures, beside the version."""
    nanoseconds = int(now.timestamp() * 1000) * 1_000_000
    metrics = [metric for family in Measured(result).collect() for metric in _metrics(family, nanoseconds)]
    attributes = {"service.name": "gitcoord", "service.version": __version__, **resource}
    scope = metrics_pb2.ScopeMetrics(scope=InstrumentationScope(name="gitcoord", version=__version__), metrics=metrics)
    one = metrics_pb2.ResourceMetrics(resource=Resource(attributes=_attributes(attributes)), scope_metrics=[scope])
    points = sum(len(getattr(metric, metric.WhichOneof("data") or "gauge").data_points) for metric in metrics)
    return Export(ExportMetricsServiceRequest(resource_metrics=[one]).SerializeToString(), points)


def rejected(answer: bytes) -> tuple[int, str]:
    """Return how many numbers a collector did not take, and why in its words.

    Raises:
        InvalidError: that is no answer of a collector.
    """
    try:
        partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    except DecodeError:
        message = "What answers there is no collector of OpenTelemetry for HTTP with protobuf."
        raise InvalidError(message, hint="Give its address for OTLP over HTTP: its port is mostly 4318.") from None
    return partial.rejected_data_points, show.plain(partial.error_message[:200])


def _metrics(family: "Metric", at: int) -> Iterator[metrics_pb2.Metric]:
    """Yield a family as a metric; one without numbers is left out."""
    if not family.samples:
        return
    unit = "s" if family.name.endswith("_seconds") else "1"
    metric = metrics_pb2.Metric(name=family.name, description=family.documentation, unit=unit)
    if family.type == "summary":
        metric.summary.data_points.extend(_summaries(family.samples, at))
    else:
        points = [
            metrics_pb2.NumberDataPoint(
                attributes=_attributes(sample.labels), time_unix_nano=at, as_double=sample.value
            )
            for sample in family.samples
        ]
        if family.type == "counter":
            metric.sum.aggregation_temporality = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
            metric.sum.is_monotonic = True
            metric.sum.data_points.extend(points)
        else:
            metric.gauge.data_points.extend(points)
    yield metric


def _summaries(samples: "Sequence[Sample]", at: int) -> list[metrics_pb2.SummaryDataPoint]:
    """Return the samples of a summary, which Prometheus has one by one, as a point for each set of labels."""
    found: dict[tuple[tuple[str, str], ...], metrics_pb2.SummaryDataPoint] = {}
    for sample in samples:
        labels = {name: value for name, value in sample.labels.items() if name != "quantile"}
        key = tuple(sorted(labels.items()))
        point = found.setdefault(key, metrics_pb2.SummaryDataPoint(attributes=_attributes(labels), time_unix_nano=at))
        if sample.name.endswith("_count"):
            point.count = int(sample.value)
        elif sample.name.endswith("_sum"):
            point.sum = sample.value
        else:
            point.quantile_values.add(quantile=float(sample.labels["quantile"]), value=sample.value)
    return [*found.values()]


def _attributes(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=name, value=AnyValue(string_value=value)) for name, value in values.items()]
