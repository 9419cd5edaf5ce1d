"""A disk that is full is said as that: an exit status of its own, what cannot be written, and to make room."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faces.cli.conftest import PROGRAM_TIMEOUT_S, ROOT, Done, Run


def on_a_full_disk(repo: Path, *words: str) -> Done:
    """Run gitcoord where no file can grow, which is what a program sees of a full disk."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "gitcoord", *words],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PROGRAM_TIMEOUT_S,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_command_on_a_full_disk_does_nothing_and_says_to_make_room(run: Run, repo: Path) -> None:
    assert run("claim", "add", "src/a.py").status == 0

    refused = on_a_full_disk(repo, "claim", "add", "src/b.py")
    as_json = on_a_full_disk(repo, "claim", "add", "src/b.py", "--json")
    held = json.loads(run("claim", "list", "--json").out)["claims"]

    assert (refused.status, refused.out) == (5, "")
    assert refused.err.startswith("error: ")
    assert "cannot be written: File too large." in refused.err
    assert refused.err.endswith("\nhint: Make room on the disk.\n")
    error = json.loads(as_json.out)["error"]
    assert (as_json.status, error["code"], error["hint"]) == (5, "storage", "Make room on the disk.")
    assert [item["pattern"] for claim in held for item in claim["items"]] == ["src/a.py"]


def test_the_first_command_of_a_clone_on_a_full_disk_leaves_nothing_half_made(run: Run, repo: Path) -> None:
    refused = on_a_full_disk(repo, "claim", "add", "src/a.py")

    again = run("claim", "add", "src/a.py")

    assert (refused.status, "hint: Make room on the disk" in refused.err) == (5, True)
    assert again.status == 0


def test_what_only_looks_answers_on_a_full_disk(run: Run, repo: Path) -> None:
    assert run("claim", "add", "src/a.py").status == 0

    found = on_a_full_disk(repo, "claim", "list")

    assert (found.status, "src/a.py" in found.out) == (0, True)
