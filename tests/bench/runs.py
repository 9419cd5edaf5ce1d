"""One measurement in a process of its own: what it starts and leaves ends with it, and so does what it breaks.

`python -m tests.bench.runs MODULE FUNCTION NAME FILE` is that process; `rows_of` starts it, and always returns rows.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.registry import Measurement
from tests.bench.report import not_measured, processor

END_S = 30.0  # for the interpreter to start, and for what was measured to be removed


def rows_of(measurement: Measurement) -> list[dict[str, Any]]:
    """Measure, within the time that it may take. Each row says when, for how long and where, and the load there."""
    now, load, pass_ms = datetime.now(UTC), os.getloadavg()[0], _pass_ms()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        rows = _measured(measurement, Path(folder))
    took_s = round(time.monotonic() - begin, 1)
    machine = {"load": round(load, 1), "pass_ms": round(pass_ms, 1), "processor": processor()}
    run = {"at": f"{now:%Y-%m-%d %H:%M}", "took_s": took_s, "part": measurement.name, **machine}
    return [{**row, "run": run} for row in rows]


def _pass_ms() -> float:
    """Return what `python -c pass` takes now: twice as much means that all of the rows do, too."""
    took: list[float] = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        took.append((time.perf_counter() - begin) * 1000)
    return sorted(took)[2]


def _measured(measurement: Measurement, folder: Path) -> list[dict[str, Any]]:
    out = folder / "rows.json"
    # What is measured is compiled, as an installed package is.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = measurement.run
    words = [sys.executable, "-m", "tests.bench.runs", run.__module__, run.__name__, measurement.name, str(out)]
    process = subprocess.Popen(words, env={**env, "TMPDIR": str(folder)}, start_new_session=True)
    try:
        status = process.wait(measurement.limit_s + END_S)
    except subprocess.TimeoutExpired:
        return [not_measured(measurement.name, f"it took more than {measurement.limit_s:.0f} s")]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if not out.is_file():
        return [not_measured(measurement.name, f"its process ended with status {status}")]
    return json.loads(out.read_text("utf-8"))


def _main(module: str, function: str, name: str, out: Path) -> None:
    try:
        rows = [figure.as_json() for figure in getattr(importlib.import_module(module), function)()]
    except Exception as error:
        rows = [not_measured(name, f"{type(error).__name__}: {error}".splitlines()[0][:120])]
        out.write_text(json.dumps(rows), "utf-8")
        raise
    out.write_text(json.dumps(rows), "utf-8")


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
