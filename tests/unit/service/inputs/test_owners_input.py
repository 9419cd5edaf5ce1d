"""Ownership rules that a person wrote: every mistake is named, with its line, and what passes is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.errors import InvalidError
from gitcoord.service.inputs.owners_input import check
from gitcoord.service.team.owners_file import read, rules_of

FAULTY = [
    ("modules: [", 1, "expected the node content"),
    ("# ours\n%YAML 1.3\n---\nmodules: {a: {paths: x}}\n", 2, "this is not YAML"),
    ("modules: {a: &a {paths: [" + "x, " * 9_999 + "y]}, b: *a, c: *a}\n", 1, "there are more than 20000"),
    ("modules:\n  a:\n   b\n  - c\n", 4, "expected <block end>, but found '-'"),
    ("", 1, "there are no modules"),
    ("modules:\n", 1, "there are no modules"),
    ("shared_files: [a]\n", 1, "there are no modules"),
    ("- a\n", 1, "the rules are a mapping"),
    ("modules: [a]\n", 1, "modules is a mapping of names, not a list"),
    ("modules:\n  a: {paths: []}\n", 2, "module 'a' has no paths"),
    ("modules:\n  a:\n    owners: [ann]\n", 2, "module 'a' has no paths"),
    ("modules:\n  a: 3\n", 2, "module 'a' is a mapping with 'paths', not '3'"),
    ("modules:\n  a:\n  b: {paths: x}\n", 2, "module 'a' has no paths"),
    ("modules:\n  a:\n    paths: x\n    severity: mean\n", 4, "severity is 'mean'; it is soft or hard"),
    ("modules:\n  a:\n    paths: x\n    severity: [hard]\n", 4, "severity is a list; it is soft or hard"),
    ("modules:\n  a:\n    paths: [x, '!y']\n", 3, "A pattern cannot start with '!'"),
    ("modules:\n  a:\n    paths:\n    - x\n    - 1.5\n", 5, "paths has '1.5' where a text is due"),
    ("modules: {a: {paths: x}}\nshared_files:\n  b: 1\n", 2, "shared_files is a list of texts, not a mapping"),
    ("modules: {a: {paths: x}}\nareas: {b: {paths: x}}\n", 2, "'areas' is given twice"),
    ("modules:\n  a: {paths: x}\n  a: {paths: y}\n", 3, "module 'a' is given twice"),
    ("modules: {a: {paths: *b}}\n", 1, "found undefined alias 'b'"),
    ("modules: {a: {paths: x}}\n---\nb: 1\n", 2, "but found another document"),
    ("modules: {a: {paths: \x07}}\n", 1, "this is not YAML"),
    ("modules:\n  a:\n    paths: x\n    paths: y\n", 4, "'paths' is given twice"),
    ("modules:\n  a:\n    paths: [~]\n", 3, "paths has nothing where a text is due"),
    ("modules: &m\n  a: *m\n", 1, "this part contains itself"),
    (
        "modules:\n  a: {paths: x}\n  b: {paths: x, owners: ['ann', \"\\ud800\"]}\n",
        3,
        "half of a character cannot be written",
    ),
    ('modules:\n  a: {paths: x}\n  "\\ud83d\\ude00": {paths: x}\n', 3, "half of a character cannot be written"),
    ("[" * 3000, 1, "maximum depth of data structure exceeded"),
]


@pytest.mark.parametrize(("text", "line", "problem"), FAULTY)
def test_every_fault_names_its_line(text: str, line: int, problem: str) -> None:
    fault = check(text).faults[0]

    assert (fault.line, fault.problem[: len(problem)]) == (line, problem)
    with pytest.raises(InvalidError, match=rf"^owners.yaml:{line}: ") as caught:
        check(text).passed("owners.yaml")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", [text for text, _, problem in FAULTY if "'paths' is given twice" not in problem])
def test_what_does_not_pass_does_not_count(text: str) -> None:
    with pytest.raises(InvalidError, match=r"^owners.yaml:[0-9]+: "):
        rules_of(text, "owners.yaml")


def test_a_text_that_ends_too_early_has_its_fault_in_its_last_line() -> None:
    assert [fault.line for fault in check("modules:\n  a:\n    paths: [x\n").faults] == [3]


def test_all_faults_are_told_at_once_in_order() -> None:
    text = "modules:\n  a: {paths: []}\n  b: {paths: x, severity: mean}\nshared_files: [1]\n"

    assert [fault.line for fault in check(text).faults] == [2, 3, 4]
    with pytest.raises(InvalidError) as caught:
        check(text).passed("o")
    assert "o:3: " in caught.value.hint


def test_an_unknown_field_is_a_warning() -> None:
    checked = check("version: 2\nmodules:\n  a: {paths: x, colour: red}\n")

    assert checked.faults == ()
    assert [(one.line, one.problem) for one in checked.warnings] == [
        (1, "there is an unknown field 'version'"),
        (3, "module 'a' has an unknown field 'colour'"),
    ]


def test_a_misspelt_field_comes_with_the_right_one_beside_other_mistakes() -> None:
    checked = check("modules:\n  a: {path: x, onwers: [ann]}\nshared_file: [b]\n")

    assert [fault.problem for fault in checked.faults] == ["module 'a' has no paths"]
    assert [warning.problem for warning in checked.warnings] == [
        "module 'a' has an unknown field 'path'; perhaps 'paths' is meant",
        "module 'a' has an unknown field 'onwers'; perhaps 'owners' is meant",
        "there is an unknown field 'shared_file'; perhaps 'shared_files' is meant",
    ]


_SCALARS = st.sampled_from(
    ["x", '"\\ud800"', "'!y'", "src/**", "1.5", "~", "soft", "hard", "mean", "''", "*a", "[x]", "[]", "[1]", "{b: c}"]
)
_FIELDS = st.sampled_from(["paths", "owners", "severity", "new"])
_MODULE = st.dictionaries(_FIELDS, _SCALARS, max_size=3).map(
    lambda fields: "{" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "}"
)
_KEYS = st.sampled_from(["modules", "areas", "shared_files", "suggested_splits", "more"])
_NAMED = st.dictionaries(st.sampled_from(["a", "1", "~", "'b c'", '"\\ud800"']), _MODULE | _SCALARS, max_size=3).map(
    lambda modules: "".join(f"\n  {name}: {module}" for name, module in modules.items()) or " ~"
)


@given(st.lists(st.tuples(_KEYS, _NAMED | _SCALARS), max_size=4), st.booleans())
def test_what_passes_is_read_and_what_is_not_read_does_not_pass(pairs: list[tuple[str, str]], needs: bool) -> None:
    text = "anchor: &a x\n" + "".join(f"{key}: {value}\n" for key, value in pairs)

    faults = check(text, needs_modules=needs).faults

    said = " ".join(f"{fault.problem} {fault.hint}" for fault in faults)
    assert not any(words in said for words in ("Input", "permitted", "required", "valid ", "error"))
    try:
        read(text, needs_modules=needs)
    except ValueError:
        assert faults
    else:
        assert all(fault.problem.endswith("given twice") for fault in faults)


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize(
    "text",
    [
        "modules: {a: &a {paths: x, y: &b {}}}\n" + "".join(f"k{at}: 1\n" for at in range(3_000)),
        "modules: {a: {paths: &p ["
        + "x, " * 100
        + "x]}"
        + "".join(f", k{at}: {{paths: *p}}" for at in range(1_000))
        + "}\n",
        "modules: {a: {paths: [" + "1, " * 5_000 + "]}}\n",
        "".join(f"x{at}: &x{at} [{f'*x{at - 1}' if at else ''}]\n" for at in range(1_500)),
    ],
    ids=["fields", "aliases", "items", "chain"],
)
def test_a_hostile_text_is_answered_like_any_other(text: str) -> None:
    checked = check(text)

    assert checked.faults or checked.warnings
    assert len(checked.faults) <= 50
