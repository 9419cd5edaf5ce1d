"""The files of ownership as texts: read with line numbers, changed without moving anything else."""

import pytest

from gitcoord.core.claims.claim import Severity
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.errors import InvalidError
from gitcoord.service.team.owners_file import SHARED, SPLITS, add, parse, remove

TEXT = """\
# Our rules.
areas:
  auth:                      # of the security team
    paths: [src/auth/**]
    owners: [ann, "@bob"]
    severity: hard

  web: {paths: src/web/**}

shared_files:   # lock files
  # the manifest
  - package.json
  - 'src/index.ts'   # auto-promoted=2026-11-20 coord-managed=permanent

# what is too large
suggested_splits: [src/core/**]  # soon
"""


def test_a_file_is_read_with_every_field() -> None:
    rules = parse(TEXT).checked("owners.yaml")

    auth, web = rules.modules
    assert (auth.name, auth.owners, auth.severity) == ("auth", ("ann", "@bob"), Severity.HARD)
    assert (web.name, web.owners, web.severity) == ("web", (), Severity.SOFT)
    assert [path.text for path in web.paths] == ["src/web/**"]
    assert [(one.pattern.text, one.promoted_on, one.is_pinned) for one in rules.shared_files] == [
        ("package.json", "", False),
        ("src/index.ts", "2026-11-20", True),
    ]
    assert [one.text for one in rules.suggested_splits] == ["src/core/**"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("modules: [", 1, "expected the node content"),
        ("# ours\n%YAML 1.3\n---\nmodules: {a: {paths: x}}\n", 2, "this is not YAML"),
        ("modules: {a: &a {paths: [" + "x, " * 9_999 + "y]}, b: *a, c: *a}\n", 1, "there are more than 20000"),
        ("modules:\n  a:\n   b\n  - c\n", 4, "expected <block end>, but found '-'"),
        ("", 1, "there are no modules"),
        ("modules:\n", 1, "there are no modules"),
        ("shared_files: [a]\n", 1, "there are no modules"),
        ("- a\n", 1, "the rules are a mapping"),
        ("modules: [a]\n", 1, "modules are a mapping"),
        ("modules:\n  a: {paths: []}\n", 2, "module 'a' has no paths"),
        ("modules:\n  a:\n    owners: [ann]\n", 2, "module 'a' has no paths"),
        ("modules:\n  a: 3\n", 2, "module 'a' has no paths"),
        ("modules:\n  a:\n    paths: x\n    severity: mean\n", 4, "severity is 'mean'; it is soft or hard"),
        ("modules:\n  a:\n    paths: x\n    severity: [hard]\n", 4, "severity is a sequence"),
        ("modules:\n  a:\n    paths: [x, '!y']\n", 3, "A pattern cannot start with '!'"),
        ("modules:\n  a:\n    paths:\n    - x\n    - 1.5\n", 5, "paths has '1.5' where a text is due"),
        ("modules: {a: {paths: x}}\nshared_files:\n  b: 1\n", 3, "shared_files is a list, not a mapping"),
        ("modules: {a: {paths: x}}\nareas: {b: {paths: x}}\n", 2, "'areas' is given twice"),
        ("modules:\n  a: {paths: x}\n  a: {paths: y}\n", 3, "module 'a' is given twice"),
        ("modules: {a: {paths: *b}}\n", 1, "found undefined alias 'b'"),
        ("modules: {a: {paths: x}}\n---\nb: 1\n", 2, "but found another document"),
        ("modules: {a: {paths: \x07}}\n", 1, "this is not YAML"),
        ("[" * 3000, 1, "maximum depth of data structure exceeded"),
    ],
)
def test_every_fault_names_its_line(text: str, line: int, problem: str) -> None:
    fault = parse(text).faults[0]

    assert (fault.line, fault.problem[: len(problem)]) == (line, problem)
    with pytest.raises(InvalidError, match=rf"^owners.yaml:{line}: ") as caught:
        parse(text).checked("owners.yaml")
    assert str(caught.value).isprintable()


def test_a_text_that_ends_too_early_has_its_fault_in_its_last_line() -> None:
    assert [fault.line for fault in parse("modules:\n  a:\n    paths: [x\n").faults] == [3]


def test_all_faults_are_told_at_once_in_order() -> None:
    text = "modules:\n  a: {paths: []}\n  b: {paths: x, severity: mean}\nshared_files: [1]\n"

    assert [fault.line for fault in parse(text).faults] == [2, 3, 4]
    with pytest.raises(InvalidError) as caught:
        parse(text).checked("o")
    assert "o:3: " in caught.value.hint


def test_an_unknown_field_is_a_warning() -> None:
    parsed = parse("version: 2\nmodules:\n  a: {paths: x, colour: red}\n")

    assert parsed.faults == []
    assert [(one.line, one.problem) for one in parsed.warnings] == [
        (1, "there is an unknown field 'version'"),
        (3, "module 'a' has an unknown field 'colour'"),
    ]


def test_machines_files_need_no_modules() -> None:
    assert parse("shared_files: [a.ts]\n", needs_modules=False).faults == []
    assert parse("", needs_modules=False).faults == []


def test_an_item_comes_behind_the_last_one_and_nothing_else_moves() -> None:
    after = add(TEXT, SHARED, Pattern.of("*.lock"), "auto-promoted=2026-11-21")

    line = '  - "*.lock"  # auto-promoted=2026-11-21\n'
    assert after.splitlines(keepends=True)[13] == line
    assert after.replace(line, "") == TEXT


def test_an_item_goes_into_brackets() -> None:
    assert add(TEXT, SPLITS, Pattern.of("lib/**")) == TEXT.replace("[src/core/**]", '[src/core/**, "lib/**"]')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 'shared_files:\n  - "a.ts"\n'),
        ("x: 1", 'x: 1\nshared_files:\n  - "a.ts"\n'),
        ("shared_files:\n", 'shared_files:\n  - "a.ts"\n'),
        ("shared_files:", 'shared_files:\n  - "a.ts"\n'),
        ("shared_files: []\n", 'shared_files: ["a.ts"]\n'),
        ("shared_files: [b,]\n", 'shared_files: [b, "a.ts"]\n'),
        ("shared_files:\n- b", 'shared_files:\n- b\n- "a.ts"\n'),
        ("shared_files:\r\n- b\r\n", 'shared_files:\r\n- b\r\n- "a.ts"\r\n'),
    ],
)
def test_an_item_finds_its_place_in_every_layout(text: str, expected: str) -> None:
    assert add(text, SHARED, Pattern.of("a.ts")) == expected


@pytest.mark.parametrize("text", ["{modules: {a: {paths: x}}}\n", "shared_files: b\n", "a: 1\n...\n", "x: [\n"])
def test_a_layout_that_cannot_be_changed_by_the_line_is_left_to_a_person(text: str) -> None:
    with pytest.raises(InvalidError, match="cannot be changed") as caught:
        add(text, SHARED, Pattern.of("a.ts"))

    assert caught.value.hint == "Add 'a.ts' by hand: `gitcoord owners edit`."


def test_an_item_is_removed_with_its_line_only() -> None:
    after = remove(TEXT, SHARED, Pattern.of("src/index.ts"))

    assert after == "".join(line for line in TEXT.splitlines(keepends=True) if "index.ts" not in line)


@pytest.mark.parametrize(("key", "text"), [(SHARED, "nope.ts"), (SPLITS, "src/core/**")])
def test_what_is_not_a_line_of_its_own_cannot_be_removed(key: str, text: str) -> None:
    with pytest.raises(InvalidError, match="cannot be changed"):
        remove(TEXT, key, Pattern.of(text))
