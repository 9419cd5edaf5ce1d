"""Every call of a tool that a sentence of ours names is one that can be made: its arguments are named, and exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcoord.faces.mcp.tools import tools_of

PACKAGE = Path(__file__).parents[3] / "gitcoord"
SIGNATURES = ("instructions", "prompts")  # these explain in words what each tool takes
TOOLS = tools_of("all")
_CALL = re.compile(rf"(?<![.\w])({'|'.join(TOOLS)})\(([^()]*)\)")


def sentences(source: str) -> Iterator[str]:
    """Yield the texts in a file that are not docstrings, with what is put into them as `…`."""
    tree = ast.parse(source)
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {node} & (prose | inner):
            yield node.value


def faults(text: str) -> list[str]:
    """Return the arguments of calls that no tool has, or that are not named; `…` alone stands for any."""
    out: list[str] = []
    for call in _CALL.finditer(text):
        known = {one.name for one in TOOLS[call[1]].arguments}
        given = [part.partition("=") for part in re.split(r", (?=\w+=|…)", call[2]) if part]
        out += [call[0] for name, equals, _ in given if name != "…" and (not equals or name not in known)]
    return out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("respond_to_request('r-1', …)", ["respond_to_request('r-1', …)"]),
        ("release_claims(ids=['c-1'])", ["release_claims(ids=['c-1'])"]),
        ("release_claims(claim_ids=['c-1', 'c-2'], agent_id='tests')", []),
        ("request_release(claim_id='c-1', reason=…) claim_files(…) claim_step()", []),
    ],
)
def test_a_call_that_cannot_be_made_is_found(text: str, found: list[str]) -> None:
    assert faults(text) == found


@pytest.mark.parametrize("folder", ["core", "ledger", "service", "faces/mcp", "source"])
def test_every_call_that_is_named_can_be_made(folder: str) -> None:
    files = [file for file in sorted((PACKAGE / folder).rglob("*.py")) if file.stem not in SIGNATURES]
    found = [(file.name, one) for file in files for text in sentences(file.read_text("utf-8")) for one in faults(text)]

    assert files
    assert found == []
