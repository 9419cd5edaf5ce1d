"""Each rule that the documents promise has an address and a test: a module that keeps it, and a test that proves it.

A rule is promised in `gitcoord/DESIGN.md` by a list item, table row or heading that begins with its id, such as
`- **CLAIM-3** …` or `| CLAIM-3 | …`, and in `README.md` and `docs/guarantees.md` by any mention between the heading
that begins with "Guarantees" and the next heading of its level. A module that keeps it has the id in its docstring, as
`* CLAIM-3: …` before the sentence that says how. Tests carry it as `@pytest.mark.rule("CLAIM-3")`, on a function, a
class, a parameter or a module.
"""

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROMISES = ("SAFE-", "LIVE-", "TIME-", "SEC-")  # the kinds of rules that a user is promised
ID = re.compile(r"(?<![\w-])[A-Z]+-\d+(?![\w-])")
_LISTED = re.compile(r"^\s*(?:[-*|]|#+|\d+\.)\s*[*`]*(?P<id>[A-Z]+-\d+)(?![\w-])", re.MULTILINE)
_KEPT = re.compile(r"^\s*\* ((?:[A-Z]+-\d+(?:, )?)+):", re.MULTILINE)
_ON_THE_MAP = re.compile(r"^\| `(?P<folder>[\w/]+)` \| [^|]* \| (?P<rules>[^|]*?) ?\|$", re.MULTILINE)
_HEADING = re.compile(r"^(?P<level>#+)\s+(?P<title>.*)$")
# Look like ids and are none.
_WORDS = frozenset({"ECMA-48", "SHA-1", "SHA-256", "UTF-8"})


def ids_listed(text: str) -> set[str]:
    """Return the ids that begin an item, a row or a heading."""
    return {match["id"] for match in _LISTED.finditer(text)} - _WORDS


def ids_in_section(text: str, title: str) -> set[str]:
    """Return the ids mentioned below the heading that begins with `title`, up to the next of its level or above."""
    return set(ID.findall("\n".join(_section(text, title)))) - _WORDS


def _section(text: str, title: str) -> Iterator[str]:
    level = 0
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading and level and len(heading["level"]) <= level:
            return
        if level:
            yield line
        elif heading and heading["title"].startswith(title):
            level = len(heading["level"])


def ids_kept(source: str) -> set[str]:
    """Return the ids that begin an item of a module's docstring: what it keeps, and not only mentions."""
    found = _KEPT.findall(ast.get_docstring(ast.parse(source)) or "")
    return {rule for listed in found for rule in listed.split(", ")}


def spelled(rules: set[str]) -> str:
    """Return ids as the map of DESIGN spells them: `CLAIM-1, 3 to 5; TXN-2`."""
    parts: list[str] = []
    for kind, group in itertools.groupby(
        sorted((rule.split("-")[0], int(rule.split("-")[1])) for rule in rules), _kind
    ):
        runs: list[list[int]] = []
        for _, number in group:
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        parts.append(f"{kind}-{', '.join(map(_run, runs))}")
    return "; ".join(parts)


def _kind(rule: tuple[str, int]) -> str:
    return rule[0]


def _run(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) if len(numbers) < 3 else f"{numbers[0]} to {numbers[-1]}"


def ids_marked(source: str) -> set[str]:
    """Return the arguments of every `….mark.rule(…)` in a test file.

    Raises:
        ValueError: an argument is not a literal id.
    """
    return {_literal_id(argument) for node in ast.walk(ast.parse(source)) for argument in _arguments_of_mark(node)}


def _arguments_of_mark(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(attr="mark") | ast.Name(id="mark"), attr="rule"), args=arguments
        ):
            return arguments
        case _:
            return []


def _literal_id(argument: ast.expr) -> str:
    match argument:
        case ast.Constant(value=str(text)) if ID.fullmatch(text):
            return text
        case _:
            message = f"line {argument.lineno}: {ast.unparse(argument)} is not a rule's id"
            raise ValueError(message)


def complaints(promised: set[str], kept: set[str], marked: set[str], gaps: dict[str, str]) -> list[str]:
    """List where the promises, the modules, the tests and the recorded gaps do not agree."""
    return [
        *(f"{rule} is promised and no module keeps it" for rule in sorted(promised - kept)),
        *(f"{rule} is kept by a module and not promised" for rule in sorted(kept - promised)),
        *(f"{rule} is promised and has no test" for rule in sorted(promised - marked - gaps.keys())),
        *(f"{rule} is carried by a test and not promised" for rule in sorted(marked - promised)),
        *(f"{rule} is listed as a gap and has a test" for rule in sorted(gaps.keys() & marked)),
        *(f"{rule} is listed as a gap and not promised" for rule in sorted(gaps.keys() - promised)),
        *(f"{rule} is listed as a gap without a reason" for rule, reason in sorted(gaps.items()) if not reason.strip()),
    ]


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _ids_of_guarantees() -> set[str]:
    return {rule for page in ("README.md", "docs/guarantees.md") for rule in ids_in_section(_read(page), "Guarantees")}


def _ids_of_modules() -> set[str]:
    return {rule for path in (ROOT / "gitcoord").rglob("*.py") for rule in ids_kept(path.read_text(encoding="utf-8"))}


def _ids_of_tests() -> set[str]:
    return {rule for path in (ROOT / "tests").rglob("*.py") for rule in ids_marked(path.read_text(encoding="utf-8"))}


@pytest.mark.docs
def test_promises_modules_and_tests_agree() -> None:
    promised = ids_listed(_read("gitcoord/DESIGN.md")) | _ids_of_guarantees()
    gaps: dict[str, str] = tomllib.loads(_read("tests/rules_gaps.toml"))["gaps"]

    found = complaints(promised, _ids_of_modules(), _ids_of_tests(), gaps)

    assert found == []


@pytest.mark.docs
def test_the_map_has_each_folder_with_the_rules_that_its_modules_keep() -> None:
    expected: dict[str, set[str]] = {}
    for path in sorted((ROOT / "gitcoord").rglob("*.py")):
        if path.name != "__init__.py" and path.parent != ROOT / "gitcoord":
            folder = str(path.parent.relative_to(ROOT / "gitcoord"))
            expected.setdefault(folder, set()).update(ids_kept(path.read_text(encoding="utf-8")))
    the_map = "\n".join(_section(_read("gitcoord/DESIGN.md"), "The house"))

    found = {row["folder"]: row["rules"] for row in _ON_THE_MAP.finditer(the_map)}

    assert found == {folder: spelled(rules) for folder, rules in expected.items() if folder != "faces"}


@pytest.mark.docs
def test_a_comment_names_no_rule_that_is_not_promised() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "gitcoord").rglob("*.py")]
    written = {rule for source in sources for rule in ID.findall(source)} - _WORDS

    assert sorted(written - ids_listed(_read("gitcoord/DESIGN.md"))) == []


@pytest.mark.docs
def test_readme_and_guarantees_promise_nothing_that_the_design_does_not_list() -> None:
    assert sorted(_ids_of_guarantees() - ids_listed(_read("gitcoord/DESIGN.md"))) == []


@pytest.mark.docs
@pytest.mark.parametrize(("page", "title"), [("README.md", "Guarantees"), ("docs/guarantees.md", "Promised")])
def test_a_page_has_every_promise_of_the_design(page: str, title: str) -> None:
    promises = {rule for rule in ids_listed(_read("gitcoord/DESIGN.md")) if rule.startswith(PROMISES)}

    assert sorted(promises - ids_in_section(_read(page), title)) == []


def test_an_id_is_listed_only_where_it_begins_an_item_a_row_or_a_heading() -> None:
    listed = "- **A-1** one\n| A-2 | two |\n### A-3: three\n* `A-4` four\n1. A-5 five\n"
    mentioned = "see A-6\n- as A-7\n- UTF-8 text\n- A-8b\n"

    assert ids_listed(listed + mentioned) == {"A-1", "A-2", "A-3", "A-4", "A-5"}


def test_a_section_ends_at_the_next_heading_of_its_level() -> None:
    text = "# X\nA-1\n## Guarantees and non-guarantees\nA-2, SHA-256\n### More\n(A-3)\n## Commands\nA-4\n"

    assert ids_in_section(text, "Guarantees") == {"A-2", "A-3"}


def test_marks_are_found_on_functions_parameters_and_modules() -> None:
    source = (
        'pytestmark = [pytest.mark.rule("A-1")]\n'
        '@pytest.mark.rule("A-2", "A-3")\ndef test_x(): ...\n'
        'P = [pytest.param(1, marks=mark.rule("A-4"))]\n'
        '@pytest.mark.other("A-5")\ndef test_y(): ...\n'
    )

    assert ids_marked(source) == {"A-1", "A-2", "A-3", "A-4"}


def test_a_module_keeps_what_its_items_begin_with_and_the_map_spells_it() -> None:
    source = '"""As D-1.\n\nRules:\n  * A-1, A-2: a.\n  * A-3: as B-7.\n  * B-2: b.\n  * A-5, C-1: c.\n"""\n# A-4\n'

    assert ids_kept(source) == {"A-1", "A-2", "A-3", "A-5", "B-2", "C-1"}
    assert spelled(ids_kept(source)) == "A-1 to 3, 5; B-2; C-1"


@pytest.mark.parametrize("argument", ['"claim-3"', '"CLAIM-3 and more"', "NAME"])
def test_a_mark_that_is_no_literal_id_is_an_error(argument: str) -> None:
    with pytest.raises(ValueError, match="is not a rule's id"):
        ids_marked(f"@pytest.mark.rule({argument})\ndef test_x(): ...\n")


@pytest.mark.parametrize(
    ("promised", "kept", "marked", "gaps", "expected"),
    [
        ({"A-1"}, {"A-1"}, {"A-1"}, {}, []),
        ({"A-1"}, set(), {"A-1"}, {}, ["A-1 is promised and no module keeps it"]),
        (set(), {"A-1"}, set(), {}, ["A-1 is kept by a module and not promised"]),
        ({"A-1"}, {"A-1"}, set(), {}, ["A-1 is promised and has no test"]),
        ({"A-1"}, {"A-1"}, set(), {"A-1": "no remote for it"}, []),
        (set(), set(), {"A-1"}, {}, ["A-1 is carried by a test and not promised"]),
        ({"A-1"}, {"A-1"}, {"A-1"}, {"A-1": "forgotten"}, ["A-1 is listed as a gap and has a test"]),
        (set(), set(), set(), {"A-1": "forgotten"}, ["A-1 is listed as a gap and not promised"]),
        ({"A-1"}, {"A-1"}, set(), {"A-1": ""}, ["A-1 is listed as a gap without a reason"]),
    ],
)
def test_each_disagreement_is_reported(
    promised: set[str], kept: set[str], marked: set[str], gaps: dict[str, str], expected: list[str]
) -> None:
    assert complaints(promised, kept, marked, gaps) == expected
