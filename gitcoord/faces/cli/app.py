"""The command line's entry: `main`.

`gitcoord status` is what people and scripts call most and what has nothing to parse, so it runs without the parser,
which takes longer to load than the answer takes to find.
"""

import sys
from collections.abc import Mapping, Sequence

from gitcoord.faces.cli import boundary

_STATUS: Mapping[tuple[str, ...], bool] = {("status",): False, ("status", "--json"): True}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    words = sys.argv[1:] if argv is None else argv
    return boundary.run(lambda: _command(words), words)


def _command(words: Sequence[str]) -> int:
    as_json = _STATUS.get(tuple(words))
    if as_json is None:
        from gitcoord.faces.cli import parser

        return parser.run(words)
    from gitcoord.faces.cli.screens import screen

    return screen.status(as_json=as_json)
