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


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(torture_report.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)

    torture_report.add("histories", count=2, operations=50)

    assert [*tmp_path.iterdir()] == []
