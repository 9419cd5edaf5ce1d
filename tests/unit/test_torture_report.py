"""The report of the long tests: each adds lines, and the lines of a kind are added up."""

from pathlib import Path

import pytest

from tests import torture_report


def test_lines_of_a_kind_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report"
    monkeypatch.setenv(torture_report.VARIABLE, str(report))

    torture_report.add("histories", count=2, operations=50, seed=7)
    torture_report.add("faults", count=1, operations=1)
    torture_report.add("histories", count=1, operations=9, remote="ssh")

    sums = torture_report.totals(report)
    assert sums == {"histories": {"count": 3, "operations": 59}, "faults": {"count": 1, "operations": 1}}


def test_a_part_that_runs_again_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report"
    monkeypatch.setenv(torture_report.VARIABLE, str(report))
    torture_report.take_out(report, "tests/fuzz")
    report.write_text('{"kind": "histories", "count": 1, "operations": 5}\n')  # of an older run, without its test
    torture_report.add("violations", count=1, operations=9, test="tests/fuzz/test_fuzz.py")
    torture_report.add("fuzz", count=1, operations=100, test="tests/fuzz/test_fuzz.py::test_much[a b] (a)")
    torture_report.add("histories", count=1, operations=5, test="tests/fuzzy/test_x.py::test")

    torture_report.take_out(report, "tests/fuzz")
    torture_report.add("fuzz", count=1, operations=100)

    sums = torture_report.totals(report)
    assert sums == {"histories": {"count": 2, "operations": 10}, "fuzz": {"count": 1, "operations": 100}}
    mine = "tests/unit/test_torture_report.py::test_a_part_that_runs_again_counts_once"
    assert f'"test": "{mine}"' in report.read_text()
    torture_report.take_out(report, "tests/unit/test_torture_report.py")
    assert "fuzz" not in torture_report.totals(report)


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(torture_report.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)

    torture_report.add("histories", count=2, operations=50)

    assert [*tmp_path.iterdir()] == []


def test_a_table_of_the_sums_stands_between_the_marks_of_a_page(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text(
        '{"kind": "violations", "count": 0, "operations": 9}\n'
        '{"kind": "fuzz", "count": 1, "operations": 100000}\n'
        '{"kind": "new", "count": 1, "operations": 2}\n'
    )
    page = f"before\n{torture_report.BEGIN}\nold\n{torture_report.END}\nafter\n"

    made = torture_report.table(report)

    assert made.splitlines() == [
        "| what | count | of what | how many |",
        "| --- | --: | --- | --: |",
        "| parsers fuzzed | 1 | inputs | 100,000 |",
        "| violations | 0 | tests that ran | 9 |",
        "| new | 1 | operations | 2 |",
    ]
    once = torture_report.within(page, made, "On a day")
    assert once == f"before\n{torture_report.BEGIN}\nOn a day:\n\n{made}{torture_report.END}\nafter\n"
    assert torture_report.within(once, made, "On a day") == once
