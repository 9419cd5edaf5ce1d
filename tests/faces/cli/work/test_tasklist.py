"""Task lists in Markdown as plans."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.errors import CoordError, InvalidError
from gitcoord.faces.cli.work.plan_source import Source
from gitcoord.faces.cli.work.planfile import parse_project, read_project, read_steps

LIST = """\
# spring

Some words.

- [ ] 1. Data model (db)
- [x] 2. Spike
* [ ] 3) Endpoints (api) after 1, 2
      More about it,
      in two lines.

  and one after a gap
- [ ] Manual, see (the) notes after 1 and 3

Not of a task.
    Not either.
1. [ ] not a task
"""


def steps(text: str) -> list[dict[str, object]]:
    return [dict(step) for step in parse_project(Source("list", text), "app", from_markdown=True).steps]


def test_open_tasks_are_steps_and_done_ones_are_left_out() -> None:
    assert steps(LIST) == [
        {"step_num": 1, "title": "Data model", "scope": "db"},
        {
            "step_num": 3,
            "title": "Endpoints",
            "scope": "api",
            "depends_on": [1],
            "description": "More about it,\nin two lines.\nand one after a gap",
        },
        {"step_num": 4, "title": "Manual, see (the) notes", "depends_on": [1, 3]},
    ]


def test_the_heading_names_the_project_unless_a_name_is_given() -> None:
    assert parse_project(Source("list", LIST), from_markdown=True).name == "spring"
    assert parse_project(Source("list", LIST), "other", "v1", from_markdown=True).name == "other"


@pytest.mark.parametrize(
    ("heading", "name"), [("My plan", "My-plan"), ("Spring cleaning!", "Spring-cleaning"), ("a..b: c.", "a-.b-c")]
)
def test_a_heading_of_several_words_names_the_project(heading: str, name: str) -> None:
    assert parse_project(Source("list", f"# {heading}\n\n- [ ] x\n"), from_markdown=True).name == name


@pytest.mark.parametrize("text", ["- [ ] 1. x\n", "# \u043f\u043b\u0430\u043d\n\n- [ ] x\n"])
def test_without_a_name_the_error_says_what_to_give(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_project(Source("list", text), from_markdown=True)

    assert "--name" in caught.value.hint


def test_a_number_that_is_used_twice_is_named_with_both_lines() -> None:
    with pytest.raises(InvalidError, match=r"^list:2: task 1 is there already, at line 1"):
        steps("- [ ] 1. a\n- [ ] 1. b\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "# a\n\n- [ ] 1. x\n- [ ] 0. y\n",
            "list:4: step_num is '0'; it has to be a whole number from 1 to 999999999.",
        ),
        ("# a\n- [ ] 1. x\n- [ ] 2. y after 9\n", "list:3: Step 2 depends on step 9, which does not exist."),
        (
            "# a\n- [ ] 1. x after 2\n- [ ] 2. y after 1\n",
            "list:2: The steps depend on each other in a circle: 1 → 2 → 1.",
        ),
    ],
)
def test_what_a_task_may_not_be_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidError) as caught:
        steps(text)

    assert str(caught.value) == said


def test_a_list_without_open_tasks_is_an_error() -> None:
    with pytest.raises(InvalidError, match="no open task"):
        steps("# a\n- [x] 1. done\n- not a task\n")


@given(st.text(alphabet="-*[] x12.()after,and\n\t\r\u2028é"))
def test_any_text_is_a_list_or_a_mistake_of_ours_to_name(text: str) -> None:
    try:
        found = steps(text)
    except CoordError:
        return  # said with a line; anything else would be a bug
    else:
        assert len({step["step_num"] for step in found}) == len(found)


words = st.text(alphabet="abc XYZé-", min_size=1).map(str.strip).filter(lambda text: text and text[0] != "[")


@given(st.lists(st.tuples(words, st.sampled_from(["", "db", "api-v2"])), min_size=1, max_size=6))
def test_a_list_that_is_written_as_documented_is_read_back(tasks: list[tuple[str, str]]) -> None:
    lines = [
        f"- [ ] {at}. {title}" + (f" ({scope})" if scope else "") for at, (title, scope) in enumerate(tasks, start=1)
    ]

    found = steps("\n".join(lines))

    assert [(step["title"], step.get("scope", "")) for step in found] == tasks


@pytest.mark.parametrize("name", ["TODO.md", "plan.MARKDOWN"])
def test_a_file_that_is_called_markdown_is_read_as_a_list(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("# Spring\n\n- [ ] Air the rooms\n", encoding="utf-8")

    assert read_project(str(file)).name == "Spring"
    assert [step["title"] for step in read_steps(str(file))] == ["Air the rooms"]
