"""The swap, the inbox and the journal as models, every order of whose steps spin looks at; and that it would tell.

A model says in a page what the code says in rooms: the search over it finds an order that no test has arranged. Each
leaves rules out by name, and has to find what that breaks.
"""

import subprocess
from pathlib import Path

import pytest

from tests.servers.daemons import need

MODELS = Path(__file__).parent
SEARCH_S = 120  # a bound for a hang; a search takes two seconds of a processor
BROKEN = {
    "swap": ["NO_COMPARE", "NO_LOOK", "NO_VOID", "SAYS_EARLY"],
    "journal": ["NO_FLUSH", "NO_CUT", "TRUSTS_NOTE"],
}


def search(model: str, folder: Path, *defines: str) -> str:
    """Look at every order, the shortest first; return what was found."""
    spin, gcc = need("spin"), need("gcc")
    flags = [f"-D{name}" for name in defines]
    commands = [
        [spin, "-a", *flags, str(MODELS / f"{model}.pml")],
        [gcc, "-O1", "-w", "-DSAFETY", "-DBFS", "-o", "pan", "pan.c"],
        ["./pan", "-E"],
    ]
    said = ""
    for words in commands:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SEARCH_S, check=False)
        said = done.stdout
    return said


@pytest.mark.rule("TXN-1", "TXN-2", "TXN-4", "STORE-1")
@pytest.mark.parametrize("model", BROKEN)
def test_no_order_of_steps_breaks_a_promise(model: str, tmp_path: Path) -> None:
    found = search(model, tmp_path)

    assert "errors: 0" in found
    assert "Search not completed" not in found


@pytest.mark.torture
@pytest.mark.parametrize(("model", "rule"), [(model, rule) for model, rules in BROKEN.items() for rule in rules])
def test_an_order_that_a_missing_rule_allows_is_found(model: str, rule: str, tmp_path: Path) -> None:
    found = search(model, tmp_path, rule)

    assert "assertion violated" in found
