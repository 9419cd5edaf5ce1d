"""`gitcoord metrics --otlp`, as a collector decodes it that is really asked over HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.faces.cli.conftest import ROOT, Run
from tests.servers.webhook_receiver import Hook, received, reply

Points = dict[tuple[str, *tuple[str, ...]], float]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with received() as hook:
        yield hook


@pytest.fixture
def work(run: Run, project: str) -> None:
    """Complete one step of three, and file a claim with a name of a person's choice."""
    run("step", "claim")
    run("step", "complete", "1")
    assert run("claim", "add", "a.zig", "--as", "tests").status == 0


def sent(hook: Hook) -> ExportMetricsServiceRequest:
    return ExportMetricsServiceRequest.FromString(hook.posts[-1].body)


def metrics(hook: Hook) -> list[Metric]:
    [resource] = sent(hook).resource_metrics
    [scope] = resource.scope_metrics
    return [*scope.metrics]


def points(found: Sequence[Metric]) -> Points:
    """Return each number by the name that Prometheus gives it, and its labels in their order."""
    named: Points = {}
    for metric in found:
        kind = metric.WhichOneof("data")
        for point in [*metric.gauge.data_points, *metric.sum.data_points]:
            labels = (value.value.string_value for value in sorted(point.attributes, key=lambda pair: pair.key))
            named[f"{metric.name}_total" if kind == "sum" else metric.name, *labels] = point.as_double
        for point in metric.summary.data_points:
            labels = [value.value.string_value for value in point.attributes]
            named[f"{metric.name}_count", *labels] = point.count
            named[f"{metric.name}_sum", *labels] = point.sum
            named |= {(metric.name, *labels, f"{at.quantile}"): at.value for at in point.quantile_values}
    return named


def test_a_collector_gets_every_number_that_prometheus_gets(run: Run, hook: Hook, work: None) -> None:
    text = run("metrics", "--prometheus").out
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    expected = {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples
    }

    done = run("metrics", "--otlp", hook.url)

    assert (done.status, done.err) == (0, "")
    assert points(metrics(hook)) == expected
    numbers = {name for name in expected if not name[0].startswith("gitcoord_step_duration")}
    assert done.out == f"sent {len(numbers) + 1} numbers to {hook.url}/v1/metrics\n"  # a summary is one


def test_what_only_grows_is_a_cumulative_sum_and_each_number_has_its_time(run: Run, hook: Hook, work: None) -> None:
    assert run("metrics", "--otlp", hook.url).status == 0

    found = metrics(hook)
    sums = {metric.name: metric.sum for metric in found if metric.WhichOneof("data") == "sum"}
    assert sums.keys() == {"gitcoord_step_attempts", "gitcoord_step_recoveries", "gitcoord_queue_grants"}
    assert {(one.is_monotonic, one.aggregation_temporality) for one in sums.values()} == {(True, 2)}
    times = {
        point.time_unix_nano
        for metric in found
        for point in [*metric.gauge.data_points, *metric.sum.data_points, *metric.summary.data_points]
    }
    assert len(times) == 1
    assert min(times) > 1_700_000_000 * 10**9


def test_address_headers_and_attributes_are_those_of_the_environment(
    run: Run, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{hook.url}/otlp/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x-team = shop")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=ci")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")

    assert run("metrics", "--otlp", "env", "--json").json["receiver"] == f"{hook.url}/otlp/v1/metrics"

    [post] = hook.posts
    given = {name: post.headers[name] for name in ("content-type", "api-key", "x-team")}
    assert (post.path, given) == (
        "/otlp/v1/metrics",
        {"content-type": "application/x-protobuf", "api-key": "a b", "x-team": "shop"},
    )
    attributes = {pair.key: pair.value.string_value for pair in sent(hook).resource_metrics[0].resource.attributes}
    assert (attributes["service.name"], attributes["deployment.environment"]) == ("shop", "ci")


def test_an_address_for_metrics_alone_is_taken_as_it_is(run: Run, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", hook.url)

    assert run("metrics", "--otlp", "env").status == 0
    assert hook.posts[0].path == "/"


def test_what_a_collector_rejects_is_a_status_with_its_words(run: Run, hook: Hook) -> None:
    partial = ExportMetricsPartialSuccess(rejected_data_points=2, error_message="too old\x1b[31m")
    body = ExportMetricsServiceResponse(partial_success=partial).SerializeToString().decode("latin-1")
    hook.answers(reply(200, body))

    done = run("metrics", "--otlp", hook.url)

    assert done.status == 1
    assert "problem: it rejected 2: too old\n" in done.err


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (reply(401), 6, "does not take the token (HTTP 401)"),
        (reply(404), 2, "knows nothing there (HTTP 404)"),
        (reply(429, Retry_After="7"), 4, "takes no more requests now (HTTP 429)"),
        (reply(500), 5, "fails now (HTTP 500)"),
        (reply(307, Location="http://127.0.0.1:1/"), 2, "redirects to"),
        (reply(200, "<html>"), 2, "no collector of OpenTelemetry"),
    ],
    ids=["401", "404", "429", "500", "moved", "a page"],
)
@pytest.mark.rule("SEC-2")
def test_what_is_no_yes_is_an_error_without_the_headers(
    run: Run, hook: Hook, monkeypatch: pytest.MonkeyPatch, answer: "object", status: int, says: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hush")
    hook.answers(answer)  # pyright: ignore[reportArgumentType]

    done = run("metrics", "--otlp", hook.url)

    assert done.status == status
    assert says in done.err
    assert "hush" not in done.out + done.err


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (("--otlp", "env"), {}, "The environment names no collector."),
        (("--otlp", "ftp://x"), {}, "is not the URL of a service"),
        (("--otlp", "http://x.invalid"), {"OTEL_EXPORTER_OTLP_HEADERS": "a=hush"}, "plain http"),
        (("--otlp", "http://x.invalid"), {"OTEL_EXPORTER_OTLP_HEADERS": "hush"}, "cannot be read"),
        (("--otlp", "http://x.invalid"), {"OTEL_EXPORTER_OTLP_HEADERS": "a=hush%0d%0ab: c"}, "cannot be read"),
        (("--otlp", "http://x.invalid", "--prometheus"), {}, "a format of its own"),
        (("--otlp", "http://x.invalid", "--project", "app"), {}, "a format of its own"),
    ],
    ids=["no address", "ftp", "clear", "no pair", "two lines", "two formats", "a part"],
)
@pytest.mark.rule("SEC-2")
def test_what_cannot_be_sent_is_a_usage_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], env: dict[str, str], says: str
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    done = run("metrics", *words)

    assert done.status == 2
    assert says in done.err
    assert "hush" not in done.out + done.err


def test_without_the_extra_it_says_what_to_install(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ImportError\n")
    done = subprocess.run(
        [sys.executable, "-m", "gitcoord", "metrics", "--otlp", "http://127.0.0.1:1"],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "hint: Install gitcoord again the way that you did, as 'gitcoord[otel]'" in done.stderr
