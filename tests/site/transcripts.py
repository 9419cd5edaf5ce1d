"""Transcripts of a page: who types what, and what it is said to print; run as they stand.

Ids, times and hashes are drawn anew; each id that a page shows stands for one that the run shows, always the same one.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.packaging.programs import ROOT

COMMAND_TIMEOUT_S = 150  # a bound for a hang; a command takes half a second

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ID = re.compile(r"\b[cqr]-[0-9a-z]{8}\b")
_DRAWN = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\((?:\d+ (?:min|h|d))\)"), "(LEFT)"),
    (re.compile(r"\b[0-9a-f]{9,40}\b"), "HASH"),
    (re.compile(r" {2,}"), "  "),  # columns are as wide as what is in them
)


@dataclass(frozen=True)
class Line:
    """A command of a transcript, and what it is said to print."""

    who: str
    command: str
    said: tuple[str, ...]


def lines(text: str, names: Collection[str]) -> Iterator[Line]:
    """Yield the commands of a text's blocks; a prompt is a name, `$` and the command."""
    prompt = re.compile(rf"^({'|'.join(names)}) +\$ (.*)$")
    for block in (block for language, block in _FENCED.findall(text) if not language):
        who, command, said = "", "", list[str]()
        for line in [*block.splitlines(), ""]:
            typed = prompt.match(line)
            if (typed or not line) and command:
                yield Line(who, command, tuple(said))
                who, command, said = "", "", []
            if typed:
                who, command = typed[1], typed[2]
            elif line:
                said.append(line)


def shape(text: str) -> str:
    """Return a line without what is drawn anew."""
    text = _ID.sub("ID", text)
    for pattern, word in _DRAWN:
        text = pattern.sub(word, text)
    return text.rstrip()


def printed(cwd: Path, command: str, env: Mapping[str, str]) -> list[str]:
    """Return what a command prints, gitcoord's or git's, on both streams."""
    program, *words = shlex.split(command)
    start = {"gitcoord": [sys.executable, "-m", "gitcoord"], "git": ["git"]}[program]
    done = subprocess.run(
        [*start, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    return done.stdout.splitlines()


def ids_of(line: Line, cwd: Path, ids: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Run a line with the ids that stand for its own; fail if it does not print what it says; return its new ids."""
    found = dict(ids)
    out = printed(cwd, _ID.sub(lambda match: ids[match[0]], line.command), env)
    for said in line.said:
        real = [printed_line for printed_line in out if shape(printed_line) == shape(said)]
        assert real, f"{line.command} does not print {said!r} but {out}"
        found.update(zip(_ID.findall(said), _ID.findall(real[0]), strict=True))
    return found
