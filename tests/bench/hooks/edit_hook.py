"""P7: the edit hook among many claims, as a ratio to `python -c pass` of the same interpreter."""

import json
import random
import subprocess
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.register import Register
from gitcoord.ledger.clone import snapshot_files
from gitcoord.service.watch.snapshot import Snapshot
from tests.bench.installed import programs
from tests.bench.places import repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

SIZES = (100, 10_000)
RUNS = 40
LIMIT = 1.6
NOW = datetime.now(UTC)
# As uv and pip from 25.1 on write it. What an older pip writes loads `re` first: half of Python's own start.
PROGRAM = """import sys
from gitcoord.faces.entry import main
if __name__ == "__main__":
    sys.exit(main())
"""
_AREAS = ("src/app", "src/lib", "src/web/pages", "tests/unit", "docs")


@measures("P7")
def p7() -> list[Figure]:
    """An edit of a file that one's own session holds, at 100 and 10,000 claims, most of them below one folder."""
    with programs() as folder, repository() as (top, env):
        snapshot, program = Snapshot(workspace(top, env, "bench/cli/r")), top.with_name("gitcoord")
        program.write_text(f"#!{folder / 'python'}\n{PROGRAM}")
        program.chmod(0o755)
        figures = [_at_size(top, env, snapshot, size, folder, program).at_most(LIMIT) for size in SIZES]
        older = _at_size(top, env, snapshot, SIZES[0], folder, folder / "gitcoord")
        older.work += f", as pip {version('pip')} starts it"
        return [*figures, older]


def _at_size(top: Path, env: dict[str, str], snapshot: Snapshot, size: int, folder: Path, program: Path) -> Figure:
    chance = random.Random(size)
    clone = snapshot.workspace.clone_id
    mine = _claim(0, "src/app/mine.py", "s-mine", clone)
    claims = [mine, *(_claim(at, _pattern(chance, at), "s-other", "other") for at in range(1, size))]
    register, listed = Register().with_changes(claims), snapshot.workspace.listed()
    begin = time.perf_counter()
    snapshot.write(register, listed)
    written = time.perf_counter() - begin
    tool_input = {"file_path": str(top / "src/app/mine.py"), "old_string": "a", "new_string": "b"}
    event = {"hook_event_name": "PreToolUse", "tool_name": "Edit", "session_id": "s-mine", "cwd": str(top)}
    data = json.dumps({**event, "tool_input": tool_input}).encode()
    hook = [str(program), "hook", "edit", "--tool", "claude"]
    ratios: list[float] = []
    for _ in range(RUNS):
        base = _timed([str(folder / "python"), "-c", "pass"], env, b"")
        ratios.append(_timed(hook, env, data) / base)
    assert not list((top / ".git" / "gitcoord" / snapshot_files.EDITS).glob("*.json")), "the hook did not see the claim"
    notes: dict[str, object] = {"snapshot_written_ms": round(written * 1000, 1)}
    return Figure("P7", f"edit hook at {size:,} claims", ratios, "x python -c pass", notes=notes)


def _claim(at: int, pattern: str, session: str, clone: str) -> Claim:
    until = NOW + timedelta(hours=4)
    return Claim(
        id=f"c-{at:08}",
        agent=f"bench/cli/{session}",
        clone=clone,
        session=session,
        description=f"work {at}",
        items=(Item(pattern=pattern, expires_at=until),),
        created_at=NOW,
        expires_at=until,
        last_activity=NOW,
    )


def _pattern(chance: random.Random, at: int) -> str:
    """Return a file, or with one in ten a pattern with a wildcard."""
    area = chance.choice(_AREAS)
    return f"{area}/**/test_{at}_*.py" if at % 10 == 0 else f"{area}/part{at % 97}/file{at}.py"


def _timed(command: list[str], env: dict[str, str], data: bytes) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=env, input=data, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin
