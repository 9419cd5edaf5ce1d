"""What is shown while the demonstration runs, on a terminal of 80 columns."""

import io

from rich.console import Console

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.plan import definitions
from gitcoord.faces.demo.play import Now
from gitcoord.faces.demo.screen import SCENES_MIN, WIDTH, Table

CARVED: dict[str, Json] = {"pattern": "/cart.py", "carved": [{"symbols": ["discount"]}]}
CLAIMS: list[dict[str, Json]] = [
    {"agent": "ann/demo/ann-1", "items": [CARVED]},
    {"agent": "bob/demo/bob-3", "items": [{"pattern": "/cart.py", "symbols": ["discount"]}]},
]


def drawn(table: Table, height: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=WIDTH, height=height).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_table_has_the_steps_who_holds_what_who_waits_and_what_happened() -> None:
    table = Table()
    line: list[dict[str, Json]] = [{"agent": "bob/demo/bob-3", "patterns": ["/cart.py"]}]

    table.look(lambda: Now(definitions("shop"), CLAIMS, line))
    table.scene("ann/demo/ann-1 took shop/1")

    lines = drawn(table, 40)
    assert lines[0].split() == ["step", "what", "after", "status", "agent", "commit"]
    assert lines[15].startswith("15    Release                9, 13, 14")
    assert lines[17:] == [
        "ann/demo/ann-1 holds /cart.py without discount",
        "bob/demo/bob-3 holds /cart.py: discount",
        "bob/demo/bob-3 waits for /cart.py",
        "",
        "ann/demo/ann-1 took shop/1",
    ]


def test_a_low_terminal_shows_fewer_of_the_last_lines_and_cuts_long_ones() -> None:
    table = Table()
    table.look(lambda: Now(definitions("shop"), [], []))
    for number in range(20):
        table.scene(f"{number} {'x' * 100}")

    lines = drawn(table, 10)

    assert [line.split()[0] for line in lines[-SCENES_MIN:]] == ["17", "18", "19"]
    assert max(len(line) for line in lines) == WIDTH
