"""A collector of OpenTelemetry: where measures are sent by OTLP over HTTP, as the environment of its tools says.

    --otlp URL    URL/v1/metrics
    --otlp env    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT as it is, else OTEL_EXPORTER_OTLP_ENDPOINT/v1/metrics
    headers       OTEL_EXPORTER_OTLP_METRICS_HEADERS, else OTEL_EXPORTER_OTLP_HEADERS: `name=value,name=value`

Rules:
  * SEC-2: headers may be secrets: they come from the environment alone, over https alone, and are not shown.
  * Source: opentelemetry.io, "OpenTelemetry Protocol Exporter" and "OTLP Specification".

What this file does not know: what is measured.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

from gitcoord.errors import InvalidError, UsageError
from gitcoord.remote.git.bounded_http import HttpPlace
from gitcoord.service.relay.http_refusal import SUCCESSES, Needs, refusal

FROM_ENV = "env"
_SIGNAL = "/v1/metrics"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NEEDS = Needs(
    "See which headers it asks for: OTEL_EXPORTER_OTLP_HEADERS.", "Give the address of a collector for HTTP."
)
_ANSWER_S = 10.0  # as the specification has it for an export


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector at a place. `headers`: what it wants to know beside the body."""

    place: HttpPlace
    headers: Mapping[str, str] = field(repr=False)

    def send(self, body: bytes, now: datetime) -> bytes:
        """Send an `ExportMetricsServiceRequest`; return the body of the answer.

        Raises:
            CoordError: the collector did not take it.
        """
        given = {"Content-Type": "application/x-protobuf", "User-Agent": "gitcoord", **self.headers}
        path = "" if self.place.parts.path.strip("/") else "/"
        answer = self.place.ask("POST", path, given, body, within_s=_ANSWER_S)
        if answer.status not in SUCCESSES:
            raise refusal(answer, self.place.url, now, _NEEDS)
        return answer.body


def collector_of(env: Mapping[str, str], url: str) -> Collector:
    """Return a collector. `url`: `env`, or the address below which all of its signals are.

    Raises:
        UsageError: the environment names none, or what it says cannot be read.
        InvalidError: the address is none, or headers would be read on the way.
    """
    base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip() if url == FROM_ENV else url
    whole = env.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "").strip() if url == FROM_ENV else ""
    if not whole and not base:
        message = "The environment names no collector."
        raise UsageError(message, hint="Give --otlp URL, or set OTEL_EXPORTER_OTLP_ENDPOINT.")
    signal = "" if base.rstrip("/").endswith(_SIGNAL) else _SIGNAL
    place = HttpPlace.of(whole or f"{base.rstrip('/')}{signal}")
    variable = "OTEL_EXPORTER_OTLP_METRICS_HEADERS"
    variable = variable if env.get(variable, "").strip() else "OTEL_EXPORTER_OTLP_HEADERS"
    headers = pairs(env, variable)
    if headers and place.is_clear:
        message = f"What {variable} holds would go over plain http, where others can read it."
        raise InvalidError(message, hint="Give an https URL.")
    return Collector(place, headers)


def pairs(env: Mapping[str, str], variable: str) -> dict[str, str]:
    """Return what a variable of OpenTelemetry holds: `name=value,name=value`, with values as in a URL.

    Raises:
        UsageError: it cannot be read; what it holds is not shown.
    """
    found: dict[str, str] = {}
    for entry in filter(str.strip, env.get(variable, "").split(",")):
        name, equals, value = entry.partition("=")
        name, value = unquote(name.strip()), unquote(value.strip())
        if not (equals and _NAME.fullmatch(name) and value.isprintable() and value.isascii()):
            raise UsageError(
                f"{variable} cannot be read.",
                hint="Each header is its name, `=` and its value; commas stand between them.",
            )
        found[name] = value
    return found
