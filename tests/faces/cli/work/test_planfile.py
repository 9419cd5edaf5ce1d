"""Plan files: what is read, and that every mistake is named with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitcoord.errors import CoordError, InvalidError
from gitcoord.faces.cli.work.plan_source import ProjectFile, Source
from gitcoord.faces.cli.work.planfile import parse_project, parse_steps
from tests.faces.cli.conftest import Run, RunProgram

_NAMES = st.sampled_from(
    ["name", "steps", "step_num", "title", "branch", "depends_on", "paths", "priority", "stale_minutes", "description"]
)
GOOD = """\
name: app
base_commit: main
description: An app.
stale_minutes: 30
steps:
  - step_num: 1
    title: Model
    paths: [src/model/**]
  - step_num: 2
    depends_on: [1]
    priority: -3
    branch: null
"""


def parse(text: str) -> ProjectFile:
    return parse_project(Source("plan", text))


def fault(text: str) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        parse(text)
    return caught.value


def test_a_plan_in_yaml_is_read() -> None:
    plan = parse(GOOD)

    assert plan == ProjectFile(
        name="app",
        base_commit="main",
        description="An app.",
        stale_minutes=30,
        steps=[
            {"step_num": 1, "title": "Model", "paths": ["src/model/**"]},
            {"step_num": 2, "depends_on": [1], "priority": -3},
        ],
    )


def test_the_same_plan_in_json_is_the_same_plan() -> None:
    value = YAML(typ="safe").load(GOOD)

    assert parse(json.dumps(value)) == parse(GOOD)


def test_a_name_that_is_given_counts_instead_of_the_file_s_whatever_that_is() -> None:
    text = "name: Spring cleaning\nsteps: [{step_num: 1}]\n"

    assert parse_project(Source("plan", text), "spring").name == "spring"
    assert parse_steps(Source("plan", text)) == [{"step_num": 1}]
    assert str(fault(text)) == "plan:1: 'Spring cleaning' cannot be the name of a project."


def test_base_and_description_may_be_left_out() -> None:
    plan = parse("name: a\nsteps: [{step_num: 1}]\n")

    assert (plan.base_commit, plan.description, plan.stale_minutes) == ("HEAD", "", 15)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: a\nstesp: []\n", 2, "unknown field 'stesp'"),
        ("name: a\nsteps:\n- step_num: 1\n  depend_on: [2]\n", 4, "step 1 has an unknown field 'depend_on'"),
        ("name: a\nsteps:\n- step_num: 1\n  title: 3\n", 4, "title is '3'; it has to be text"),
        ("name: a\nsteps:\n- step_num: 1\n  title: yes\n- step_num: one\n", 5, "step_num is 'one'"),
        ("name: a\nsteps:\n- step_num: true\n", 3, "it has to be a whole number"),
        ("name: a\nsteps:\n- step_num: 1\n- step_num: 1\n", 4, "there already, at line 3"),
        ("name: a\nsteps:\n- title: x\n", 3, "no step_num"),
        ("name: a\nsteps:\n- 1\n", 3, "a step is a mapping"),
        ("name: a\nsteps:\n- step_num: 1\n  depends_on: 3\n", 4, "a list of step numbers"),
        ("name: a\nsteps:\n- step_num: 1\n  depends_on: [x]\n", 4, "a list of step numbers"),
        ("name: a\nsteps:\n- step_num: 1\n  title: [\n", 4, ""),
        ("name: a\nname: b\nsteps: []\n", 2, "'name' is given twice"),
        ("name: a\nsteps: []\n", 2, "there are no steps"),
        ("name: a\n", 1, "there are no steps"),
        ("- 1\n", 1, "a plan is a mapping"),
        ("", 1, "a plan is a mapping"),
        ("steps: [{step_num: 1}]\n", 1, "the project has no name"),
        ('{"name": "a",\n "steps": [\n  {"step_num": 1,\n   "titel": "x"}]}', 4, "unknown field 'titel'"),
        ('{"name": "a",\n "steps": [,]}', 2, "not JSON"),
        ("name: a\ndescription: 2026-01-01\nsteps: [{step_num: 1}]\n", 2, "description is a date"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, words: str) -> None:
    found = str(fault(text))

    assert found.startswith(f"plan:{line}: ")
    assert words in found


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: a b\nsteps: [{step_num: 1}]\n", 1, "'a b' cannot be the name of a project"),
        ("name: a\nstale_minutes: 3\nsteps: [{step_num: 1}]\n", 2, "stale_minutes is '3'; it has to be a whole number"),
        ("name: a\nsteps:\n- step_num: 0\n", 3, "step_num is '0'; it has to be a whole number from 1 to 999999999"),
        ("name: a\nsteps:\n- step_num: 1.0\n", 3, "step_num is '1.0'; it has to be a whole number"),
        ("name: a\nsteps:\n- step_num: 1\n  branch: a..b\n", 4, "'a..b' is not a legal name of a branch"),
        ("name: a\nsteps:\n- step_num: 1\n  paths:\n  - a.py\n  - '!b'\n", 6, "A pattern cannot start with '!'"),
        ("name: a\nsteps:\n- step_num: 1\n  paths: src\n", 4, "paths is a list of texts, such as ['src/auth/**'], not"),
        ("name: a\nsteps:\n- step_num: 1\n  depends_on:\n  - 2\n  - x\n", 6, "depends_on has 'x' where a step number"),
        ("name: a\nsteps:\n- &d {step_num: 1, scope: a}\n- {<<: *d, scope: 3, step_num: 2}\n", 4, "scope is '3'"),
        ('{"name": "a",\n\t"name": "b",\n\t"steps": [{"step_num": 1}]}', 2, "'name' is given twice"),
        ("name: a\nsteps:\n- step_num: 1\n- step_num: 2\n  depends_on: [9]\n", 5, "which does not exist"),
        ("name: a\nsteps:\n- step_num: 1\n  branch: x\n- step_num: 2\n  branch: x\n", 6, "have the same branch"),
        (
            "name: a\nsteps:\n- step_num: 1\n  branch: x\n- step_num: 2\n  branch: x/y\n",
            6,
            "branch 'x' (step 1) beside",
        ),
        ("name: a\nsteps:\n- step_num: 1\n  depends_on: [2]\n- {step_num: 2, depends_on: [1]}\n", 4, "in a circle"),
    ],
)
def test_what_a_plan_may_not_be_is_named_with_its_line(text: str, line: int, words: str) -> None:
    assert str(fault(text)).startswith(f"plan:{line}: ")
    assert words in str(fault(text))


def test_all_mistakes_are_named_at_once_in_the_order_of_their_lines() -> None:
    found = fault("name: a\nsteps:\n- step_num: one\n  title: 3\n- {titel: x, step_num: 2}\n- 7\n")

    assert str(found) == "plan:3: step_num is 'one'; it has to be a whole number from 1 to 999999999."
    assert found.hint == (
        "plan:4: title is '3'; it has to be text; put it in quotes. plan:5: step 2 has an unknown field 'titel'; "
        "perhaps 'title' is meant. "
        "plan:6: a step is a mapping with 'step_num', not '7'."
    )


def test_of_very_many_mistakes_a_few_are_named() -> None:
    assert fault("name: a\nsteps:\n" + "- {}\n" * 60).hint.endswith("plan:8: the step has no step_num. There are more.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nsteps: &s [*s]\n", "contains itself"),
        (
            "name: a\nsteps: [{step_num: 1, paths: &p [" + "a, " * 99 + "a]}" + ", {paths: *p}" * 1_000 + "]\n",
            "aliases make",
        ),
        ("name: a\nsteps: [{step_num: 0x" + "f" * 9000 + "}]\n", "step_num is a number of 36000 bits"),
        ("name: a\nsteps: [{step_num: .nan}]\n", "step_num is 'nan'"),
        ('{"name": "a", "steps": [{"step_num": ' + "1" * 5000 + "}]}", "a number has thousands of digits"),
        ('{"name": "a", "steps": ' + "[" * 100_000, "nested too deep"),
        ('{"name": "a", "steps": [{"step_num": 1, "title": "\\ud800"}]}', "title has half of a character"),
        (
            '{"name": "a", "steps": [{"step_num": 1, "paths": ["\\ud800"]}]}',
            "paths has half of a character",
        ),
        ("".join(f"k{at}: 1\n" for at in range(3_000)), "there is an unknown field 'k0'"),
    ],
    ids=["loop", "aliases", "huge", "nan", "digits", "deep", "surrogate", "surrogate-in-list", "many"],
)
@pytest.mark.rule("SEC-4")
def test_a_hostile_plan_is_a_mistake_like_any_other(text: str, words: str) -> None:
    assert words in str(fault(text))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | _NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4), st.lists(st.dictionaries(_NAMES, _VALUES, max_size=4), max_size=3))
def test_every_mistake_is_in_our_words(plan: dict[str, object], steps: list[dict[str, object]]) -> None:
    try:
        parse(json.dumps({"name": "a", "steps": steps, **plan}))
    except InvalidError as error:
        said = f"{error} {error.hint}"
        assert not any(words in said for words in ("should be", "permitted", "required", "valid ", "error", "pydantic"))
        assert said.startswith("plan:1: ")


def test_a_misspelt_field_comes_with_a_suggestion() -> None:
    found = fault("name: a\nsteps:\n- step_num: 1\n  depend_on: [2]\n")

    assert str(found) == "plan:4: step 1 has an unknown field 'depend_on'; perhaps 'depends_on' is meant."
    assert found.hint.startswith("The fields are step_num, title, ")


@pytest.mark.parametrize(
    "text",
    ["!!python/object/apply:os.system ['true']\n", "name: !!python/name:os.system x\nsteps: [{step_num: 1}]\n"],
)
def test_tags_that_make_objects_are_refused(text: str) -> None:
    assert str(fault(text)).startswith("plan:1: ")


def test_aliases_do_not_grow() -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + at)}: &{chr(98 + at)} [*{chr(97 + at)}, *{chr(97 + at)}]\n" for at in range(24)
    )

    assert "more than a plan may have" in str(fault(text))


@given(st.text())
def test_any_text_is_a_plan_or_a_mistake_of_ours_to_name(text: str) -> None:
    try:
        plan = parse(text)
    except CoordError:
        return  # said with a line; anything else would be a bug
    else:
        assert plan.steps


fields = st.fixed_dictionaries(
    {"step_num": st.integers(1, 999_999)},
    optional={
        "title": st.text(max_size=30),
        "description": st.text(max_size=30),
        "scope": st.text(max_size=10),
        "priority": st.integers(-5, 5),
        "depends_on": st.lists(st.integers(1, 9), max_size=3),
        "paths": st.lists(st.sampled_from(["a.py", "src/**", "*.md"]), max_size=3),
    },
)


@given(st.lists(fields, min_size=1, max_size=5, unique_by=lambda one: one["step_num"]))
def test_every_plan_that_json_can_spell_is_read_as_it_is(steps: list[dict[str, object]]) -> None:
    assert parse_steps(Source("plan", json.dumps(steps))) == steps
    assert parse_steps(Source("plan", json.dumps({"name": "a", "steps": steps}))) == steps


def test_a_circle_is_found_by_check_and_nothing_is_written(run: Run, repo: Path) -> None:
    text = "name: a\nsteps: [{step_num: 1, depends_on: [2]}, {step_num: 2, depends_on: [1]}]\n"
    (repo / "plan.yaml").write_text(text, encoding="utf-8")

    done = run("project", "create", "plan.yaml", "--check")

    assert done.status == 2
    assert "circle" in done.err
    assert run("project", "list", "--json").json["count"] == 0


def test_check_says_what_would_be_created(run: Run, plan: str) -> None:
    done = run("project", "create", plan, "--check", "--json")

    assert done.status == 0
    assert done.json["valid"] is True
    assert [step["step_num"] for step in done.json["steps"]] == [1, 2, 3]
    assert run("project", "list", "--json").json["count"] == 0


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name: \xc3\n"])
def test_bytes_that_are_no_text_are_named(run: Run, repo: Path, content: bytes) -> None:
    (repo / "plan.yaml").write_bytes(content)

    done = run("project", "create", "plan.yaml")

    assert done.status == 2
    assert "plan.yaml:1: this is not UTF-8." in done.err


@pytest.mark.parametrize("file", ["nosuch.yaml", ".", "a\0b", "x" * 10_000])
def test_a_file_that_cannot_be_read_is_a_usage_error(run: Run, file: str) -> None:
    assert run("project", "create", file).status == 2


def test_a_plan_is_read_from_standard_input(program: RunProgram, repo: Path) -> None:
    done = program(["project", "create", "-", "--json"], repo, stdin=GOOD.replace("base_commit: main\n", ""))

    assert done.status == 0, done.err
    assert done.json["project"]["name"] == "app"


def test_steps_are_added_from_a_list_or_a_plan(run: Run, repo: Path, project: str) -> None:
    (repo / "list.yaml").write_text("- {step_num: 4, depends_on: [1]}\n", encoding="utf-8")
    (repo / "more.json").write_text('{"steps": [{"step_num": 5}]}', encoding="utf-8")

    assert run("project", "add", project, "list.yaml").status == 0
    assert run("project", "add", project, "more.json").status == 0

    assert [step["step_num"] for step in run("project", "show", project, "--json").json["steps"]] == [1, 2, 3, 4, 5]
