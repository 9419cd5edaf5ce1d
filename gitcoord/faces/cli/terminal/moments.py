"""Moments as people type them behind `--since`: so long ago, or a date."""

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"(?P<count>\d{1,6}) *(?P<unit>min|h|d)")
_UNITS: Mapping[str, str] = {"min": "minutes", "h": "hours", "d": "days"}


def moment_of(words: str, now: datetime, other: str = "") -> datetime:
    """Return the moment that a text names. `other`: what else could stand there."""
    ago = _AGO.fullmatch(words)
    with contextlib.suppress(ValueError, OverflowError):
        if ago:
            return now - timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])})
        moment = datetime.fromisoformat(words)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise typer.BadParameter(f"{other}30min, 2h or 3d, or a date such as 2026-11-28", param_hint="--since")
