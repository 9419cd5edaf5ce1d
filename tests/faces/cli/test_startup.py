"""What agents call often loads little."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faces.cli.conftest import ROOT

HEAVY = ("mcp", "mcp_types", "pydantic", "rich", "ruamel", "tomlkit", "anyio")
TELL = "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"


def loaded_by(cwd: Path, *words: str) -> set[str]:
    code = f"import sys; from gitcoord.faces.cli.app import main; status = main(sys.argv[1:]); {TELL}; sys.exit(status)"
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("status",), ("status", "--json")], ids=" ".join)
def test_status_loads_neither_the_parser_nor_anything_heavy(repo: Path, words: tuple[str, ...]) -> None:
    assert loaded_by(repo, *words) & {*HEAVY, "typer", "click"} == set()


def test_claiming_loads_no_server_and_no_tables(repo: Path) -> None:
    assert loaded_by(repo, "step", "available") & {"mcp", "rich", "ruamel", "tomlkit"} == set()
