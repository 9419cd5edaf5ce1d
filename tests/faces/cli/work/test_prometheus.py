"""`gitcoord metrics --prometheus`, as the parser of the client library reads it."""

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.work.prometheus import exposition
from tests.faces.cli.conftest import Run

Series = dict[tuple[str, *tuple[str, ...]], float]
HOSTILE = 'a"} 1\n# TYPE gitcoord_x counter\n\\x\x1b[31m\ud800\u2028é\u202e'


def parsed(text: str) -> tuple[Mapping[str, str], Series]:
    """Return the type of each family, and each series by its name and its labels in their order."""
    families = [*text_string_to_metric_families(text)]
    samples = [sample for family in families for sample in family.samples]
    series: Series = {}
    for sample in samples:
        key = (sample.name, *(value for _, value in sorted(sample.labels.items())))
        assert key not in series
        series[key] = sample.value
    return {family.name: family.type for family in families}, series


@pytest.fixture
def work(run: Run, project: str) -> None:
    """Complete one step of three, take another over, claim files side by side, and be refused."""
    run("step", "claim")
    run("step", "complete", "1")
    run("step", "claim", "--as", "tests")
    assert run("step", "recover", "app/2", "--force").status == 0
    run("claim", "add", "--symbol", "a.zig=f")
    run("claim", "add", "--symbol", "a.zig=g", "--as", "tests")
    run("claim", "add", "b.py")
    run("claim", "add", "b.py", "--as", "tests")
    run("claim", "add", "c.py", "--as", "tests")


def test_every_number_is_that_of_the_json(run: Run, work: None) -> None:
    found = run("metrics", "--days", "7", "--json").json

    done = run("metrics", "--prometheus", "--days", "7")

    types, series = parsed(done.out)
    agent = found["agents"][0]["agent"]
    assert (done.status, done.err) == (0, "")
    assert {name: kind for name, kind in types.items() if kind != "gauge"} == {
        "gitcoord_step_attempts": "counter",
        "gitcoord_step_recoveries": "counter",
        "gitcoord_queue_grants": "counter",
        "gitcoord_step_duration_seconds": "summary",
    }
    counts = {
        status: value for (name, *labels), value in series.items() if name == "gitcoord_steps" for status in labels[1:]
    }
    assert {status: count for status, count in counts.items() if count} == found["counts"]
    assert sum(counts.values()) == found["steps"]
    assert series["gitcoord_step_attempts_total", "app"] == 2
    assert series["gitcoord_step_recoveries_total", "app"] == 1
    assert series["gitcoord_step_duration_seconds_count", "app"] == 1
    assert series["gitcoord_agent_steps", agent, "completed"] == 1
    assert series["gitcoord_claims", ""] == 4
    events = {key[2]: value for key, value in series.items() if key[0] == "gitcoord_recent_events"}
    assert events == found["activity"]["totals"]
    assert (events["auto_coexist"], events["claim_refused"], events["step_recovered"]) == (1, 1, 1)
    assert series["gitcoord_recent_events_complete", "7"] == 1


def test_nothing_is_a_valid_text(run: Run) -> None:
    types, series = parsed(run("metrics", "--prometheus").out)

    assert "gitcoord_steps" in types
    assert series["gitcoord_queue_grants_total",] == 0


def test_a_hostile_name_stays_one_label() -> None:
    agents: list[Json] = [{"agent": f"{HOSTILE}{end}", "completed": 2} for end in ("", "\x1b[0m")]

    types, series = parsed(exposition({"agents": agents}))

    assert "gitcoord_x" not in types
    done = [
        (key[1], value) for key, value in series.items() if key[0] == "gitcoord_agent_steps" and key[2] == "completed"
    ]
    assert done == [('a"} 1 # TYPE gitcoord_x counter \\x\N{REPLACEMENT CHARACTER} é\N{REPLACEMENT CHARACTER}', 4)]


def test_a_history_that_was_cut_is_said() -> None:
    _, series = parsed(exposition({"activity": {"days": 30, "complete_since": "2026-11-28T00:00:00Z"}}))

    assert series["gitcoord_recent_events_complete", "30"] == 0


@pytest.mark.parametrize("words", [("--json",), ("--project", "app"), ("--agent", "ann")], ids=" ".join)
def test_it_has_everything_in_a_format_of_its_own(run: Run, words: tuple[str, ...]) -> None:
    done = run("metrics", "--prometheus", *words)

    assert done.status == 2
    assert "a format of its own" in done.out + done.err
