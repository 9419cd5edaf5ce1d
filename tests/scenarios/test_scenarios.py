"""Every transcript in this folder says what really happens; `--update` rewrites what it says."""

from pathlib import Path

import pytest

from tests.scenarios.runner import Scenario

FOLDER = Path(__file__).parent
TRANSCRIPTS = [
    pytest.param("order", marks=pytest.mark.rule("STEP-2", "STEP-12")),
    pytest.param("dependencies", marks=pytest.mark.rule("STEP-7", "STEP-12")),
    pytest.param("resumption", marks=pytest.mark.rule("STEP-3", "STEP-4", "LIFE-2")),
    pytest.param("zombies", marks=pytest.mark.rule("STEP-5", "SAFE-4")),
    pytest.param("silence", marks=pytest.mark.rule("STEP-9", "LIFE-1", "LIFE-2", "LIVE-2")),
    pytest.param("beat-in-between", marks=pytest.mark.rule("SAFE-7")),
    pytest.param("unknown-holders", marks=pytest.mark.rule("LIFE-1", "LIVE-2")),
    pytest.param("grace", marks=pytest.mark.rule("LIFE-3")),
    pytest.param("failing", marks=pytest.mark.rule("STEP-6", "STEP-8")),
    pytest.param("planning", marks=pytest.mark.rule("STEP-1", "STEP-11")),
    pytest.param("ending", marks=pytest.mark.rule("STEP-7", "STEP-10")),
    pytest.param("names", marks=pytest.mark.rule("NAME-1")),
    pytest.param("clocks", marks=pytest.mark.rule("TIME-1", "SAFE-7")),
    pytest.param("races", marks=pytest.mark.rule("SAFE-2")),
    pytest.param("claiming", marks=pytest.mark.rule("CLAIM-1", "CLAIM-4", "CLAIM-7")),
    pytest.param("carving", marks=pytest.mark.rule("CLAIM-2", "CLAIM-3", "CLAIM-6")),
    pytest.param("reading", marks=pytest.mark.rule("CLAIM-2")),
    pytest.param("queueing"),
    pytest.param("expiring", marks=pytest.mark.rule("CLAIM-6", "CLAIM-8")),
    pytest.param("negotiating"),
    pytest.param("claim-races"),
]


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_says_what_happens(name: str, tmp_path: Path, update: bool) -> None:
    path = FOLDER / f"{name}.txt"
    expected = path.read_text(encoding="utf-8")

    actual = Scenario(tmp_path).run(expected)

    if update:
        path.write_text(actual, encoding="utf-8")
    assert actual == path.read_text(encoding="utf-8")


def test_every_transcript_is_run() -> None:
    assert {f"{param.values[0]}.txt" for param in TRANSCRIPTS} == {path.name for path in FOLDER.glob("*.txt")}


def test_a_transcript_that_says_something_else_is_found_out(tmp_path: Path) -> None:
    claimed = "clone laptop ann\nann create p 1\nann claim p\n----\ndone project_created p steps=2\n"

    actual = Scenario(tmp_path).run(claimed)

    assert actual == (
        "clone laptop ann\nann create p 1\nann claim p\n----\n"
        "done project_created p steps=1\ndone step_claimed p/1 fence=1 agent=ann base=0000…\n"
    )
