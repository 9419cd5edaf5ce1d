"""The documents are true: pages can be reached, links lead somewhere, commands exist, tables say what the code says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from gitcoord import errors
from gitcoord.core.checks.findings import Rule
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.policy import LARGEST, LEAST, Policy
from gitcoord.errors import CoordError
from gitcoord.faces.cli import parser
from gitcoord.faces.cli.boundary import INTERRUPTED
from gitcoord.faces.cli.setup.config import KEYS
from gitcoord.faces.cli.terminal.fields import setting_word
from gitcoord.faces.demo.git import GitFailedError
from gitcoord.service.inputs.policy_input import purposes
from tests.next_steps import refused_in_a_shell
from tests.reference import pages as reference
from tests.site import site_build

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "hooks" / "README.md"])

_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(gitcoord [^`]+)`", re.DOTALL)
_QUOTED = re.compile(r"`([\w.-]+(?:/[\w.-]*)+)`")
_HANDS_ON = "gitcoord/core/claims/rules/wait.py"  # the word of two refusals, by `_later`
_MERGED = re.compile(r"^(?:<<<<<<<|>>>>>>>)", re.MULTILINE)
_DECISION = re.compile(r"^\*\*(\d+)\.", re.MULTILINE)
_REFERRED = re.compile(r"\bdecisions?\s+(\d+(?:(?:,| and| or| to)\s+\d+)*)")
_TESTS = sorted((ROOT / "tests").rglob("*.py"))
_LINE = re.compile(r"^(?:\S+ +\$ )?(?:[A-Z_]+=\S* )*(gitcoord .*)$", re.MULTILINE)

pytestmark = pytest.mark.docs


PACKAGE = ROOT / "gitcoord"
FOR_CHANGES = [PACKAGE / "DESIGN.md", ROOT / ".github" / "CONTRIBUTING.md"]  # for those who change the code


def wrong_paths(text: str) -> list[str]:
    """Return the paths in backquotes that do not exist: below the checkout, or below `gitcoord/`, where `.py` may miss.

    What begins with no file or folder of either is no path of ours. A name of the module may follow it after a dot.
    """
    found = (path.rstrip("/") for path in _QUOTED.findall(text) if "_assets/" not in path)  # which only a wheel has
    ours = (path for path in found if any((root / path.partition("/")[0]).exists() for root in (ROOT, PACKAGE)))
    return [path for path in ours if not _exists(path)]


def _exists(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    places = (path, f"{path}.py", f"{folder}/{name.partition('.')[0]}.py")
    return any((root / place).exists() for root in (ROOT, PACKAGE) for place in places)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as hosts make them."""
    headings = _HEADING.findall(_FENCED.sub("", path.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong_commands(text: str) -> Iterator[str]:
    """Yield what is wrong with lines of a page's blocks, and with commands in backquotes, which may be names only."""
    for block in _FENCED.findall(text):
        for line in _LINE.findall(block.replace("\\\n", " ")):
            yield from refused_in_a_shell(line)
    for words in _INLINE.findall(_FENCED.sub("", text)):
        yield from (why for why in refused_in_a_shell(" ".join(words.split())) if ": Missing " not in why)


def rows(page: str, below: str = "") -> dict[str, list[str]]:
    """Return the cells of a page's tables, or of those below a heading, by the name in the first cell."""
    text = (DOCS / page).read_text("utf-8")
    text = text.partition(below)[2].partition("\n## ")[0] if below else text
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip(" `"): row[1:] for row in cells}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    missing: list[str] = []
    for link in _LINK.findall(path.read_text("utf-8")):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        is_there = target.exists() and (not anchor or target.suffix != ".md" or anchor in anchors(target))
        missing += [] if is_there else [link]

    assert missing == []


def test_every_page_can_be_reached_from_the_index() -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", (DOCS / "README.md").read_text("utf-8")))

    assert linked >= {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert "docs/README.md" in (ROOT / "README.md").read_text("utf-8")


def test_the_navigation_of_the_site_has_every_page_once() -> None:
    assert sorted(site_build.listed()) == sorted(place for place in site_build.pages() if place.endswith(".md"))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_command_of_a_page_exists_as_it_is_written(path: Path) -> None:
    assert [*wrong_commands(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("path", FOR_CHANGES, ids=named)
def test_every_path_that_a_page_for_developers_names_exists(path: Path) -> None:
    assert wrong_paths(path.read_text("utf-8")) == []


def test_every_path_that_a_module_names_exists() -> None:
    wrong = {named(path): wrong_paths(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}

    assert {name: paths for name, paths in wrong.items() if paths} == {}


def test_a_path_that_does_not_exist_is_found() -> None:
    text = (
        "`core/claims/claim`, `core/claims/`, `core/documents/doc.Doc`, `docs/mcp.md`, `refs/coord/claims`, `src/a.py`"
    )

    assert wrong_paths(f"{text}, `core/claims/clam`, `docs/mpc.md`, `core/cliams/`") == [
        "core/claims/clam",
        "docs/mpc.md",
        "core/cliams",
    ]


def test_a_command_that_does_not_exist_is_found() -> None:
    text = "```sh\nx $ gitcoord step take  # one\ngitcoord step claim | cat\ngitcoord step fail\n```\n"
    text += "or `gitcoord claim add a --for\n3`, `gitcoord step fail`."

    assert [why.partition(":")[0] for why in wrong_commands(text)] == [
        "gitcoord step take  # one",
        "gitcoord step fail",
        "gitcoord claim add a --for 3",
    ]


def test_the_table_of_the_policy_is_that_of_the_code() -> None:
    expected = {
        name: [_default(getattr(Policy(), name)), _values(name, getattr(Policy(), name)), purpose]
        for name, purpose in purposes().items()
    }

    assert rows("policy.md") == expected
    assert expected.keys() == {*Policy.__struct_fields__} - {"extra"}


def _default(value: Json) -> str:
    return setting_word(value) or "none"


def _values(name: str, default: Json) -> str:
    """Return the values that a field takes, by asking it."""
    if default is None or isinstance(default, bool):
        return "true, false" if default is not None else "true, false, auto"
    if isinstance(default, str):
        words = ("warn", "refuse", "shared", "private", "off", "required")
        text = "pairs `name=identity`, with commas" if _takes(name, "a=b@c") else "a folder"
        return ", ".join(word for word in words if _takes(name, word)) or text
    kind = float if isinstance(default, float) else int
    most = next(value for value in (LARGEST, 1) if _takes(name, kind(value)) and not _takes(name, kind(value + 1)))
    unit = " minutes" if name.endswith("_minutes") else " seconds" if name.endswith("_s") else ""
    return f"0, or {LEAST[name]} to {most:,}{unit}" if name in LEAST else f"0 to {most:,}{unit}"


def _takes(name: str, value: Json) -> bool:
    if name == "claim_scope":
        return False  # any text: a folder
    try:
        return getattr(Policy().evolve(**{name: value}), name) == value
    except (CoordError, ValueError):
        return False


def test_the_table_of_settings_is_that_of_the_code() -> None:
    found = {name: cells[1] for name, cells in rows("settings.md").items() if name.startswith("gitcoord.")}

    assert found.keys() == {key.name for key in KEYS.values()}
    assert [name for name, text in found.items() if KEYS[name.lower()].purpose not in text] == []


def test_the_table_of_errors_is_that_of_the_code() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, CoordError)]
    kinds += [GitFailedError]
    statuses = {kind.code: str(kind.exit_status) for kind in kinds if kind is not CoordError}

    found = {code: cells[0] for code, cells in rows("errors.md", "## What broke\n").items()}

    assert found == {**statuses, "interrupted": str(INTERRUPTED)}
    assert {*_codes()} == {*statuses}, "a class with a code is in another module"


def _codes() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        yield from re.findall(
            r'^class \w+Error\b.*?^    code = "(\w+)"', path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )


def test_the_table_of_refusals_is_that_of_the_code() -> None:
    assert rows("errors.md", "## What the rules refused\n").keys() == {*_refusals()}


def _refusals() -> Iterator[str]:
    """Yield the words of refusals: what is given to `refused()`, or is the value of `refused` in a result."""
    for path in (path for room in ("core", "ledger", "service") for path in (PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="refused"), args=[word, _, *_]):
                    yield from [] if _is_handed_on(word, path) else [_word(word)]
                case ast.Call(func=ast.Name(id="_later"), args=[_, ast.Constant(value=str(word)), *_]):
                    yield word
                case ast.Dict(keys=keys, values=values):
                    pairs = zip(keys, values, strict=True)
                    yield from (_word(value) for key, value in pairs if _word(key) == "refused" and _word(value))
                case _:
                    pass


def _is_handed_on(word: ast.expr, path: Path) -> bool:
    return named(path) == _HANDS_ON and isinstance(word, ast.Name)


def _word(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_the_references_are_those_of_the_code() -> None:
    assert reference.stale() == [], "run: python -m tests.reference"


def test_the_table_of_findings_is_that_of_the_code() -> None:
    found = {
        name
        for cell in (DOCS / "ci.md").read_text("utf-8").splitlines()
        if cell.startswith("| `")
        for name in re.findall(r"`([a-z-]+)`", cell.split(" | ")[0])
    }

    assert found >= {*Rule}


def test_the_table_of_doctor_s_checks_is_that_of_the_code() -> None:
    paths = [*(PACKAGE / "service" / "doctor").rglob("*.py"), PACKAGE / "faces" / "cli" / "setup" / "wiring_checks.py"]
    found = {name for path in paths for name in re.findall(r'\bCheck\("(\w+)"', path.read_text("utf-8"))}

    assert rows("doctor.md").keys() == found


def test_the_readme_lists_every_command() -> None:
    table = (ROOT / "README.md").read_text("utf-8").partition("## Commands")[2].partition("\n## ")[0]
    listed = {tuple(words.split()) for words in re.findall(r"`([a-z -]+)`", table.partition("`--json`")[0])}

    assert listed == {*_every_command()}


def _every_command() -> Iterator[tuple[str, ...]]:
    root: Any = typer.main.get_command(parser.build([]))
    for noun, command in root.commands.items():
        verbs = getattr(command, "commands", None)
        yield from [(noun,)] * getattr(command, "invoke_without_command", False)
        yield from [(noun,)] if verbs is None else ((noun, verb) for verb, one in verbs.items() if not one.hidden)


def test_the_decisions_stand_in_their_order_and_no_page_has_two_sides_of_a_merge() -> None:
    design = (ROOT / "gitcoord" / "DESIGN.md").read_text("utf-8")
    numbers = [int(number) for number in _DECISION.findall(design)]

    assert numbers == sorted(set(numbers))
    assert len(numbers) > 90
    assert [path.name for path in PAGES if _MERGED.search(path.read_text("utf-8"))] == []
    assert _MERGED.search(design) is None


def test_each_decision_that_a_text_refers_to_stands_in_the_design() -> None:
    design = ROOT / "gitcoord" / "DESIGN.md"
    taken = set(_DECISION.findall(design.read_text("utf-8")))
    texts = [design, *PAGES, *(ROOT / ".github").glob("*.md"), *(ROOT / "gitcoord").rglob("*.py"), *_TESTS]

    referred = {
        (path.name, number)
        for path in texts
        for listed in _REFERRED.findall(path.read_text("utf-8"))
        for number in re.findall(r"\d+", listed)
    }

    assert len(referred) > 30
    assert [where for where in sorted(referred) if where[1] not in taken] == []
