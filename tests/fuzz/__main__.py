"""Fuzz one parser in a process of its own: `python -m tests.fuzz NAME COUNT SEED [FAULT]`; prints a line of JSON.

`FAULT` is planted first, as `faults.toml` names it. `python -m tests.fuzz` fuzzes nothing, and prints for each parser
which branches the inputs that are kept for it take.
"""

import functools
import gc
import json
import sys
import tempfile
from pathlib import Path

import coverage

from tests.fuzz.faults import faults, plant
from tests.fuzz.fuzzer import PROJECT, Target, bound_process, failure, fuzz


def branches(target: Target, pool: list[bytes]) -> dict[str, object]:
    """Return how many branches of a parser the inputs that were kept take, of how many; and the lines they miss."""
    files = {str(PROJECT / path): names for path, names in target.code.items()}
    for cached in gc.get_objects():  # what was read before would not be read again
        if isinstance(cached, functools._lru_cache_wrapper):
            cached.cache_clear()
    measured = coverage.Coverage(data_file=None, branch=True, include=[*files], config_file=False)
    measured.start()
    for data in pool:
        failure(target, data)
    measured.stop()
    with tempfile.TemporaryDirectory() as folder:
        measured.json_report(outfile=f"{folder}/report")
        report = json.loads(Path(folder, "report").read_text("utf-8"))
    taken = there = 0
    missed: list[str] = []
    for path, found in report["files"].items():
        wanted = next(names for file, names in files.items() if Path(file).samefile(path))
        for name in wanted:
            of = found["functions"][name]
            taken += of["summary"]["covered_branches"]
            there += of["summary"]["num_branches"]
            missed += [f"{Path(path).name}:{start}->{end}" for start, end in of["missing_branches"]]
    return {"branches_taken": taken, "branches": there, "missed": missed}


def main(name: str, count: int, seed: int, fault: str = "") -> int:
    """Fuzz a parser; return 1 where something was found."""
    for each in faults():
        if (each.breaks, each.fault) == (name, fault):
            plant(each)
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - what it imports may have the fault

    target = next(each for each in TARGETS if each.name == name)
    bound_process()
    tried = fuzz(target, seed, count, is_alone=True, findings_max=1 if fault else 5)
    found = [{"input": each.data.decode("latin-1"), "error": each.error} for each in tried.findings]
    more = {} if found else branches(target, [*tried.pool])
    counts = {"inputs": tried.inputs, "kept": len(tried.pool)}
    sys.stdout.write(json.dumps({"parser": name, "seed": seed, **counts, **more, "findings": found}) + "\n")
    return 1 if found else 0


def kept() -> int:
    """Print which branches of each parser the inputs take that are kept for it."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - as above

    sys.stdout.write(json.dumps({target.name: branches(target, target.corpus()) for target in TARGETS}))
    return 0


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(kept())
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
