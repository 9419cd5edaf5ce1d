"""The shims that git runs, with programs that do not do what they should."""

import os
import subprocess
from pathlib import Path

import pytest

from gitcoord import assets

RUN_S = 60  # a bound for a hang


@pytest.mark.rule("HOOK-9")
@pytest.mark.parametrize("name", ["pre-push", "pre-commit", "prepare-commit-msg"])
@pytest.mark.parametrize(("program", "status"), [("exit 1", 0), ('test "$2" = none', 1)])
def test_a_program_that_always_fails_has_refused_nothing(tmp_path: Path, name: str, program: str, status: int) -> None:
    file = tmp_path / "gitcoord"
    file.write_text(f"#!/bin/sh\n{program}\n", "utf-8")
    file.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["/bin/sh", str(assets.hooks() / name)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=RUN_S,
        check=False,
    )

    assert done.returncode == status
    assert (b"NOTHING WAS CHECKED" in done.stderr) == (status == 0)
