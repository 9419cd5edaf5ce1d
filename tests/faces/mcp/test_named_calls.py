"""Every call of a tool that a sentence of ours names is one that can be made: its arguments are named, and exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents.call import Call, sentence
from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.next_steps import refused, refused_over_mcp

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "gitcoord"
SIGNATURES = ("instructions", "prompts")  # these explain in words what each tool takes
TOOLS = tools_of("all")
SPELLED = re.compile(rf"\b(?:{'|'.join(TOOLS)})\(")
ARGUMENTS = {name for tool in TOOLS.values() for name in tool.arguments}
LOOSE = re.compile(rf"\b(?:{'|'.join(ARGUMENTS)})=")
CALL = re.compile(rf"(?<![.\w])({'|'.join(TOOLS)})\(([^()]*)\)")


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


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("respond_to_request('r-1', …)", True),
        ("release_claims(ids=['c-1'])", True),  # it would be taken, but that is no name to teach
        ("release_claims(claim_ids=['c-1', 'c-2'], agent_id='tests')", False),
        ("request_release(claim_id='c-1', reason=…) claim_files(…) claim_step()", False),
        ("check_conflicts: the same call with wait_seconds=300", True),
    ],
)
def test_a_call_that_cannot_be_made_is_found(text: str, is_refused: bool) -> None:
    assert bool([*refused_over_mcp(text)]) is is_refused


def named_calls(source: str) -> Iterator[Call]:
    """Yield the calls that a file makes as data; what is known only when it runs is left open."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Call.of":
            tool = ast.literal_eval(node.args[0])
            is_open = len(node.args) > 1 or any(keyword.arg is None for keyword in node.keywords)
            given = {keyword.arg: _argument(keyword.value) for keyword in node.keywords if keyword.arg}
            yield Call.of(tool, *([...] if is_open else []), **given)


def _argument(node: ast.expr) -> Any:  # noqa: ANN401 - a value of any kind that an argument may have
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ...


@pytest.mark.parametrize("layer", ["core", "ledger", "service", "source", "remote"])
def test_no_text_below_the_faces_spells_a_call(layer: str) -> None:
    files = sorted((PACKAGE / layer).rglob("*.py"))
    texts = [(file.name, text) for file in files for text in sentences(file.read_text("utf-8"))]

    assert len(texts) > 100
    assert [(name, text) for name, text in texts if SPELLED.search(text) or (" " in text and LOOSE.search(text))] == []


@pytest.mark.parametrize("layer", ["core", "ledger", "service"])
def test_every_call_that_is_data_can_be_made_over_mcp_and_in_a_shell(layer: str) -> None:
    named = [call for file in sorted((PACKAGE / layer).rglob("*.py")) for call in named_calls(file.read_text("utf-8"))]

    assert named
    assert [why for call in named for why in refused(sentence(call))] == []


@pytest.mark.parametrize("folder", ["faces/mcp", "faces/hooks"])
def test_every_call_that_is_named_can_be_made(folder: str) -> None:
    files = [file for file in sorted((PACKAGE / folder).rglob("*.py")) if file.stem not in SIGNATURES]
    texts = [(file.name, text) for file in files for text in sentences(file.read_text("utf-8"))]
    found = [(name, why) for name, text in texts if CALL.search(text) for why in refused_over_mcp(text)]

    assert files
    assert found == []


def test_every_call_in_what_is_read_has_arguments_that_exist() -> None:
    """Documents, instructions and prompts explain in words what a tool takes: each word is an argument of it."""
    modules = [PACKAGE / "faces" / "mcp" / f"{name}.py" for name in SIGNATURES]
    files = [ROOT / "README.md", *modules, *(ROOT / "docs").rglob("*.md"), *(ROOT / "templates").rglob("*.md")]
    found = [
        (file.name, call[0], word)
        for file in files
        for call in CALL.finditer(file.read_text("utf-8"))
        for word in re.findall(r"[a-z_]+(?==)|(?<![='\"\w/{])[a-z_]+(?=[,)?]|$| or )", call[2])
        if word not in TOOLS[call[1]].arguments
    ]

    assert found == []
