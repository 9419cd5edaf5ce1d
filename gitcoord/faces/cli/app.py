"""The command line's entry: `main`.

`gitcoord status` is what people and scripts call most and what has nothing to parse, so it runs without the parser,
which takes longer to load than the answer takes to find.
"""

import sys
from collections.abc import Mapping, Sequence

from gitcoord.faces.cli import boundary

_STATUS_FLAGS: Mapping[str, str] = {"--json": "as_json", "--exit-code": "exit_code", "--line": "line"}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    words = sys.argv[1:] if argv is None else argv
    return boundary.run(lambda: _command(words), words)


def _command(words: Sequence[str]) -> int:
    if words[:1] != ["status"] or not _STATUS_FLAGS.keys() >= {*words[1:]}:
        from gitcoord.faces.cli import parser

        return parser.run(words)
    from gitcoord.faces.cli.screens import screen

    return screen.status(**{_STATUS_FLAGS[word]: True for word in words[1:]})
