"""The files of ownership as texts: read with line numbers, changed without moving anything else."""

import pytest

from gitcoord.core.claims.claim import Severity
from gitcoord.core.owners.owner_rules import NO_RULES
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.errors import InvalidError
from gitcoord.service.team.owners_file import SHARED, SPLITS, add, read, remove, rules_of

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
    rules = rules_of(TEXT, "owners.yaml")

    auth, web = rules.modules
    assert (auth.name, auth.owners, auth.severity) == ("auth", ("ann", "@bob"), Severity.HARD)
    assert (web.name, web.owners, web.severity) == ("web", (), Severity.SOFT)
    assert [path.text for path in web.paths] == ["src/web/**"]
    assert [(one.pattern.text, one.promoted_on, one.is_pinned) for one in rules.shared_files] == [
        ("package.json", "", False),
        ("src/index.ts", "2026-11-20", True),
    ]
    assert [one.text for one in rules.suggested_splits] == ["src/core/**"]


def test_machines_files_need_no_modules() -> None:
    assert [line.pattern.text for line in read("shared_files: [a.ts]\n", needs_modules=False).shared_files] == ["a.ts"]
    assert read("", needs_modules=False) == NO_RULES


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
