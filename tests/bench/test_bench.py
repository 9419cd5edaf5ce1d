"""The bench's own parts, in a small form: that they measure what they say. No time is asserted."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import pytest

from gitcoord.service.claims import claims as use_cases
from gitcoord.source.symbols.definitions import CannotCheck, DefinitionReader
from gitcoord.source.symbols.languages import LANGUAGES, language_of
from tests.bench import __main__ as bench
from tests.bench import claimers, claims, crowd, installed, page, plots, runs, signed_claims, startup
from tests.bench.hooks import committing, pushing, receiving
from tests.bench.peers import coord
from tests.bench.places import repository, workspace
from tests.bench.registry import Measurement, Run, measurements, order
from tests.bench.remote import crowds_of_clones, hosted_hour, http_claims, p16, packed_remote, slow_clone, wire_bytes
from tests.bench.report import Figure, not_measured, read, table, write
from tests.bench.source import definitions, folder_claims
from tests.bench.source.sources import SOURCES

HERE = Path(sys.executable).parent


def test_a_crowd_claims_each_file_once() -> None:
    with repository() as (top, env):
        figure = claimers.ours(top, env, 2, 3)

    assert (len(figure.samples), figure.notes["failures"]) == (6, 0)


def test_claims_are_made_among_those_of_others() -> None:
    with repository() as (top, env):
        one = workspace(top, env, "bench/cli/r")
        claims.fill(one, 70)
        claims.claim_one(one, 0)

        assert use_cases.list_claims(one)["count"] == 71


def test_plain_git_sees_every_step_that_a_crowd_completes() -> None:
    latency, took = crowd.drained(2, 12, 2)

    assert (latency.notes["steps"], len(took.samples)) == (24, 1)


def test_commits_and_rebases_are_made_with_hooks_and_without() -> None:
    with repository() as (top, env), committing.among(top, installed.on_path(env, HERE), 3) as given:
        figures = committing.measured("a few", top, given, commits=1, rebases=1)

    assert [(figure.id, len(figure.samples), figure.unit) for figure in figures] == [("P7c", 1, "x python -c pass")] * 2


def test_a_push_is_checked_by_the_shim_that_init_installs() -> None:
    figure = pushing.measured(HERE, 10, 1, remote=False)

    assert (figure.work, len(figure.samples)) == ("pre-push, 300 files, 10 claims, the store of the clone", 1)


def test_a_push_to_a_server_with_its_hook_is_measured() -> None:
    figure = receiving.measured(HERE, 1)

    assert (figure.id, len(figure.samples), figure.target) == ("P7r", 1, "")


def test_cold_commands_are_measured_in_turn_with_python() -> None:
    figures = startup.measured(HERE, 1)

    assert [figure.target.partition(" x")[0] for figure in figures] == ["p50 <= 10", "", "", "p50 <= 2", "p50 <= 40"]


def test_folders_are_claimed_in_a_whole_and_in_a_sparse_checkout() -> None:
    figures = folder_claims.beside_ls_files(1_000, 2)

    assert [(figure.work[-6:], len(figure.samples)) for figure in figures] == [(" whole", 2), ("sparse", 2)]


def test_there_is_a_source_of_each_language() -> None:
    assert {language_of(f"a.{ending}") for ending in SOURCES} == set(LANGUAGES)


@pytest.mark.parametrize("ending", SOURCES)
def test_a_generated_file_has_as_many_definitions_as_its_size_says(ending: str) -> None:
    sizes = (8_000, 16_000)
    files = [definitions.source(ending, size) for size in sizes]

    found = [DefinitionReader(lambda: 0.0).definitions(f"a.{ending}", data) for data in files]

    assert [size - 2_000 < len(data) <= size for size, data in zip(sizes, files, strict=True)] == [True, True]
    counts = [0 if isinstance(one, CannotCheck) else len(one.items) for one in found]
    assert 0 < counts[0] < counts[1]


def test_the_definitions_of_a_language_are_measured() -> None:
    figure = definitions.speed("py", 8_000, runs=2)

    assert (len(figure.samples), figure.unit) == (2, "MB/s")


def test_broken_files_are_read_to_the_end_or_given_up() -> None:
    figure = definitions.cancelled(2_000)

    assert len(figure.samples) == 6 * len(SOURCES)
    assert figure.notes["cancelled"] == 0


def test_a_peer_that_cannot_be_installed_is_named_and_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "none"))

    assert coord.installed(tmp_path / "peers", ["0.0.0"]) == []
    assert capsys.readouterr().out.startswith("coord 0.0.0 is left out: coord-mcp-server==0.0.0 cannot be installed")


def test_the_table_and_the_file_have_what_was_measured(tmp_path: Path) -> None:
    figure = Figure("P0", "nothing", [3.0, 1.0, 2.0], notes={"why": "a test"}).at_most(2.5).at_most(2.5, 0.99)

    write([figure.as_json()], tmp_path / "bench.json")

    found = json.loads((tmp_path / "bench.json").read_text())
    row = found["figures"][0]
    assert [row[name] for name in ("median", "p95", "p99", "n")] == [2.0, 3.0, 3.0, 3]
    assert (row["target"], row["met"]) == ("p50 <= 2.5 ms; p99 <= 2.5 ms", False)
    assert found["machine"].keys() >= {"processors", "processor", "memory", "measured_on", "python", "git", "gitcoord"}
    assert "2.00 ms" in table([row])


def breaks() -> list[Figure]:
    raise OSError("no such disk")


def dies() -> list[Figure]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def hangs() -> list[Figure]:
    threading.Event().wait()
    return []


@pytest.mark.parametrize(
    ("run", "limit_s", "why"),
    [
        (breaks, 60, "OSError: no such disk"),
        (dies, 60, "its process ended with status -9"),
        (hangs, 1 - runs.END_S, "it took more than -29 s"),
    ],
)
def test_a_measurement_that_fails_is_a_row_that_says_why(
    monkeypatch: pytest.MonkeyPatch, run: Run, limit_s: float, why: str
) -> None:
    monkeypatch.setattr(run, "__module__", "tests.bench.test_bench")  # pytest has a name of its own for it
    rows = runs.rows_of(Measurement("P0", run, limit_s, peers=False))

    assert [(row["id"], row["work"], row["met"]) for row in rows] == [("P0", f"not measured: {why}", False)]
    assert "not measured" in table(rows)


def test_measurements_are_found_where_they_stand_in_the_order_of_their_numbers() -> None:
    found = [part.name for part in measurements()]

    assert found == sorted(found, key=order)
    assert {"P1", "P3s", "P7c", "P10", "P13"} <= {*found}


def test_what_a_clone_far_away_gets_is_measured_beside_the_others() -> None:
    with crowds_of_clones.site(3) as given, slow_clone.lines(given, 1) as envs:
        figure = slow_clone.measured(given, envs, 1, 0.2)

    assert figure.samples
    assert figure.notes["failed"] == 0
    assert [env["GITCOORD_REMOTE"] for env in envs[:1]] != [env["GITCOORD_REMOTE"] for env in envs[1:]]


def test_claims_over_a_line_are_measured_with_their_requests() -> None:
    with http_claims.line(0) as given:
        figures = http_claims.measured(given, 0, 1)

    http_claims.few_requests(figures)
    assert [len(figure.samples) for figure in figures] == [2, 1, 1, 1, 1, 1]
    assert [figure.notes["at most"] for figure in figures] == [2, 1, 1, 1, 4, 3]
    assert [figure.met for figure in figures] == [None] * 4 + [True] * 2


def test_the_bytes_of_a_claim_over_http_are_counted_both_ways() -> None:
    figure = wire_bytes.over_http(3, 2)

    assert (len(figure.samples), figure.notes["requests"]) == (2, 1)
    assert min(figure.samples) > wire_bytes.measured(3, 1)[0].samples[0]


def test_a_cold_load_is_of_steps_and_claims() -> None:
    assert startup.loaded(3, 4).work == "cold load of a packed store with 3 steps and 4 claims"


def test_the_pages_and_their_plots_are_those_of_the_committed_measurements() -> None:
    data = read(page.DATA)

    for path in page.PAGES:
        assert page.filled(path.read_text("utf-8"), data) == path.read_text("utf-8")
    assert {path.name: path.read_text("utf-8") for path in page.PLOTS.glob("bench-*.svg")} == page.plots(data)


def test_the_page_says_what_was_missed_and_what_was_not_measured() -> None:
    slow = Figure("P2", "slow | er", [3.0]).at_most(2).as_json()
    rows = [{**row, "run": _run(row["id"])} for row in (slow, not_measured("P6", "no server"))]

    text = page.filled("<!-- targets: made by tests/bench/page.py -->\n<!-- end -->", {"machine": {}, "figures": rows})

    assert [line for line in text.splitlines() if line.startswith("| P")] == [
        "| P2 | slow \\| er | 3 ms | 3 ms | 3 ms | 1 | p50 ≤ 2 ms | **no** | 2026-01-02 03:04, 0.5, 10 ms |",
        "| P6 | not measured: no server |  |  |  |  |  | **no** | 2026-01-02 03:04, 0.5, 10 ms |",
    ]


def test_of_many_rows_alike_the_page_shows_the_worst() -> None:
    rows = [Figure("P11", f"f{speed}", [speed], "MB/s").at_least(2).as_json() for speed in (3.0, 1.0, 4.0, 5.0, 6.0)]
    given = {"machine": {}, "figures": [{**row, "run": _run("P11")} for row in rows]}

    text = page.filled("<!-- targets: made by tests/bench/page.py -->\n<!-- end -->", given)

    assert [line.split(" | ")[1:3] for line in text.splitlines() if line.startswith("| P")] == [
        ["f1.0, the worst of 5", "1 MB/s"]
    ]


def test_of_many_ratios_alike_the_page_shows_the_one_that_is_farthest_from_one() -> None:
    ratios = (0.29, 0.8, 1.2, 1.3, 1.6)
    rows = [Figure("P16", f"f{ratio}", [ratio], "x").must("within 25 %", ratio == 0.8).as_json() for ratio in ratios]
    given = {"machine": {}, "figures": [{**row, "run": _run("P16f")} for row in rows]}

    text = page.filled("<!-- targets: made by tests/bench/page.py -->\n<!-- end -->", given)

    assert "| f0.29, the worst of 5 | 0.29 x |" in text


@pytest.mark.parametrize(
    ("processors", "said"),
    [
        (("EPYC", "EPYC"), ["| processor | EPYC |"]),
        (("EPYC", "Xeon"), ["| processor of P2 | EPYC |", "| processor of P13 | Xeon |"]),
        (("EPYC", None), ["| processor of P2 | EPYC |", "| processor of P13 | this one (not recorded) |"]),
        ((None, None), ["| processor | this one (not recorded) |"]),
    ],
)
def test_the_page_says_on_which_processor_each_row_was_measured(
    processors: tuple[str | None, ...], said: list[str]
) -> None:
    runs = [{**_run("P0"), **({"processor": name} if name else {})} for name in processors]
    rows = [{**not_measured(name, "no server"), "run": run} for name, run in zip(("P2", "P13"), runs, strict=True)]
    given = {"machine": {"processor": "this one", "processors": 2}, "figures": rows}

    text = page.filled("<!-- machine: made by tests/bench/page.py -->\n<!-- end -->", given)

    assert [line for line in text.splitlines() if line.startswith("| processor ")] == said


def test_the_page_says_how_many_times_a_push_a_claim_takes_what_requests_cost_and_where_the_forecasts_were() -> None:
    claim = Figure("P5", "claim", [9.0], notes={"of a push": 1.1}).over("the line", 50, "claim").as_json()
    crowd = Figure("P16", "forecast by measured: 16 clones", [0.5], "x").as_json()
    crowd["notes"] = {"forecast": 10, "measured": 20, "unit": "ms", "client_ms": 3, "client_ms_measured": 4}
    costs = {"client_ms": (1.5, 0.25), "server_ms": (4.0, 0.5), "wait_ms": 2.0, "requests_a_clone": 2.83}
    listing = Figure("P6c", "listing", [5.5], notes={"part": "a listing", **costs}).as_json()
    names = ("pushes", "forecasts", "requests")
    marks = "".join(f"<!-- {name}: made by tests/bench/page.py -->\n<!-- end -->" for name in names)

    text = page.filled(marks, {"machine": {}, "figures": [claim, crowd, listing]})

    assert "| the line | claim | 1.1 at 50 |" in text
    assert "| 16 clones | ms | 20 | 10 | 0.5 | 4 | 3 |" in text
    assert "| a listing | 1.5 | 4 | 2 | 0.75 | 2.83 |" in text


def test_without_peers_the_page_says_so() -> None:
    text = page.filled("<!-- peers: made by tests/bench/page.py -->\n<!-- end -->", {"machine": {}, "figures": []})

    assert "make bench BENCH_ARGS=--peers" in text


def test_a_plot_has_a_line_for_each_name_and_a_place_for_each_size() -> None:
    rows = [
        Figure("P2", "claims", [ms, ms]).over("claims", size, line).as_json()
        for line in ("ours", "theirs")
        for size, ms in ((100, 2.0), (10_000, 4.0))
    ]

    (svg,) = plots.drawn([*rows, not_measured("P6", "no server")]).values()

    root = ET.fromstring(svg)  # noqa: S314 - our own
    assert {text.text for text in root.iterfind("{*}text")} >= {"100", "10,000", "ours", "theirs"}
    assert len([*root.iterfind("{*}circle")]) == 4
    assert [place.get("cx") for place in root.iterfind("{*}circle")][:2] == ["58.0", "620.0"]


def _run(part: str) -> dict[str, object]:
    return {"at": "2026-01-02 03:04", "took_s": 1.0, "load": 0.5, "pass_ms": 9.6, "part": part}


@pytest.mark.torture
def test_a_month_an_hour_and_a_remote_are_measured_in_a_small_form() -> None:
    month = p16.measured(12, 2)
    hour, packed = hosted_hour.hour(2, 2), packed_remote.packed(10)

    assert [figure.notes["writes_a_day"] for figure in month] == [12] * 3
    assert month[1].notes["packs_of_the_remote"] == [2, 3]  # the code's, and one each day
    assert len(hour.samples) == 2
    assert packed.notes["commands"] == 10


def test_a_run_of_one_part_keeps_the_rows_of_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    earlier = [{**not_measured(name, "as it was"), "run": _run(name)} for name in ("P3", "P10", "P11gone")]
    write(earlier, out)
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "P10", "--out", str(out)])

    bench.main()

    written = read(out)["figures"]
    rows = {row["run"]["part"]: row for row in written if "run" in row}
    assert [*rows] == ["P3", "P10"]
    assert [row["n"] for row in rows.values()] == [0, claims.CHECKS]
    assert "processor" in rows["P10"]["run"]
    gaps = {row["id"] for row in written if "run" not in row}
    assert gaps == {bench.FORECAST, *(part.name for part in measurements() if not part.peers)} - {"P3", "P10"}


def test_a_part_that_was_not_measured_is_named_where_others_of_its_promise_were() -> None:
    rows = [{**not_measured("P9", "as it was"), "run": _run("P9h")}]

    written = bench._whole(rows, measurements(), forecasts=False)

    text = page.filled(
        "<!-- targets: made by tests/bench/page.py -->\n<!-- end -->", {"machine": {}, "figures": written}
    )
    works = [line.split(" | ")[1].partition(" (")[0] for line in text.splitlines() if line.startswith("| P9")]
    assert works == [
        "not measured: P9 is not in these runs",
        "not measured: as it was",
        *(f"not measured: {name} is not in these runs" for name in ("P9r", "P9w")),
    ]


def is_left_out() -> list[Figure]:
    return []


def test_a_part_that_leaves_itself_out_ends_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(is_left_out, "__module__", "tests.bench.test_bench")
    monkeypatch.setattr(bench, "measurements", lambda: [Measurement("P10", is_left_out, 60, peers=False)])
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "P10", "--out", str(tmp_path / "bench.json")])

    bench.main()

    assert [row for row in read(tmp_path / "bench.json")["figures"] if "run" in row] == []


def test_an_error_beside_an_ssh_agent_ends_the_agent() -> None:
    """It does not end by itself, and leaving the block waits for it."""
    with (
        TemporaryDirectory(dir="/tmp") as folder,  # for a short path
        pytest.raises(subprocess.CalledProcessError),
        signed_claims._agent(Path(folder) / "no-key"),
    ):
        pytest.fail("there is no such key")
