"""The table of tools: it fits the services, it fits the budget, and it reads what agents send."""

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.doc import Json
from gitcoord.errors import CoordError
from gitcoord.faces.mcp.instructions import instructions
from gitcoord.faces.mcp.tools.arguments import Argument, read_arguments
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.faces.mcp.tools.tool_table import tools_of

ALL = tools_of("all")
WORK = {
    "claim_step",
    "start_step",
    "heartbeat",
    "complete_step",
    "fail_step",
    "get_step",
    "get_available_steps",
    "get_project",
    "claim_files",
    "check_conflicts",
    "release_claims",
    "request_release",
    "wait_for_request",
    "pending_requests",
    "respond_to_request",
    "predict_conflicts",
    "extend_claims",
    "cancel_queue_request",
}
LEAD = {
    "create_project",
    "list_projects",
    "detect_stale_work",
    "recover_step",
    "get_metrics",
    "get_agent_events",
    "add_steps",
    "update_step",
    "skip_step",
    "abort_project",
    "list_claims",
}
SCRIPTS = {"release_session", "my_requests"}


def definitions(tools: dict[str, Tool]) -> list[dict[str, Json]]:
    return [tool.definition().model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools.values()]


def size_of(tools: dict[str, Tool]) -> int:
    return len(json.dumps(definitions(tools), separators=(",", ":"), ensure_ascii=False).encode())


def test_each_set_has_its_tools() -> None:
    assert tools_of("work").keys() == WORK
    assert tools_of("lead").keys() == WORK | LEAD
    assert ALL.keys() == WORK | LEAD | SCRIPTS


def test_the_definitions_stay_within_their_budget() -> None:
    assert size_of(ALL) <= 24_000
    assert size_of(tools_of("work")) <= 12_000
    assert max(len(instructions(tool_set).encode()) for tool_set in ("work", "lead", "all")) <= 1_500


@pytest.mark.parametrize("tool", ALL.values(), ids=ALL)
def test_a_tool_takes_what_its_service_takes(tool: Tool) -> None:
    _, *parameters = inspect.signature(tool.call).parameters.values()
    if tool.waits:  # it takes the patience of its call, which no agent gives
        (patience,) = (one for one in parameters if one.name == "patience")
        parameters.remove(patience)

    # An agent says narrowable=false, which is the same, in fewer bytes; and of one step get_step tells it more.
    shell_only = {("claim_files", "modules"), ("get_project", "status"), ("list_claims", "mine")}
    shell_only |= {("get_agent_events", name) for name in ("step_id", "file", "since")}
    parameters = [one for one in parameters if (tool.name, one.name) not in shell_only]

    required = {one.name for one in parameters if one.default is inspect.Parameter.empty}
    assert {one.name for one in tool.arguments} == {one.name for one in parameters}
    assert {one.name for one in tool.arguments if one.required} == required


@pytest.mark.parametrize("definition", definitions(ALL), ids=ALL)
def test_a_definition_has_title_annotations_and_a_closed_schema(definition: dict[str, Json]) -> None:
    annotations, schema, meta = definition["annotations"], definition["inputSchema"], definition["_meta"]
    assert isinstance(annotations, dict)
    assert isinstance(schema, dict)
    assert isinstance(meta, dict)

    assert definition["title"] == annotations["title"]
    assert annotations["openWorldHint"] is False
    assert annotations.get("readOnlyHint") is True or annotations.keys() >= {"destructiveHint", "idempotentHint"}
    assert schema["additionalProperties"] is False
    assert meta.get("anthropic/alwaysLoad") is True or meta["anthropic/searchHint"]


def test_four_tools_are_always_loaded() -> None:
    hot = {name for name, tool in ALL.items() if not tool.hint}

    assert hot == {"claim_step", "complete_step", "claim_files", "release_claims"}


STEP = Argument("step_num", "integer", required=True, minimum=1)
ARGUMENTS = (
    Argument("name", "string", "A name.", required=True),
    Argument("agent_id", "string", synonyms=("engineer",)),
    Argument("limit", "integer", minimum=1, synonyms=("count",), in_minutes=("minutes",)),
    Argument("hours", "number"),
    Argument("symbols", "table"),
    Argument("force", "boolean"),
    Argument("paths", "strings", synonyms=("files", "patterns")),
    Argument("depends_on", "integers"),
    Argument("status", "string", choices=("active", "done")),
    Argument(
        "steps", "objects", "Each with step_num.", fields=(STEP, Argument("paths", "strings", synonyms=("files",)))
    ),
)


def read(**given: Json) -> dict[str, Json]:
    return read_arguments("tool", ARGUMENTS, given).values


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"limit": "5"}, {"limit": 5}),
        ({"limit": 5.0}, {"limit": 5}),
        ({"force": "True"}, {"force": True}),
        ({"hours": "1.5"}, {"hours": 1.5}),
        ({"hours": 2}, {"hours": 2}),
        ({"symbols": {"a.py": ["f"]}}, {"symbols": {"a.py": ["f"]}}),
        ({"symbols": '{"a.py": "f", "b.py": "[\\"C::g\\"]"}'}, {"symbols": {"a.py": ["f"], "b.py": ["C::g"]}}),
        ({"paths": '["a", "b"]'}, {"paths": ["a", "b"]}),
        ({"depends_on": "[1, 2]"}, {"depends_on": [1, 2]}),
        ({"depends_on": ["1"]}, {"depends_on": [1]}),
        ({"steps": '[{"step_num": 1}]'}, {"steps": [{"step_num": 1}]}),
        ({"steps": {"step_num": 1}}, {"steps": [{"step_num": 1}]}),
        ({"steps": ['{"step_num": "1", "paths": null}']}, {"steps": [{"step_num": 1}]}),
        ({"engineer": "tests"}, {"agent_id": "tests"}),
        ({"agent_id": None}, {}),
        ({"paths": "a.py"}, {"paths": ["a.py"]}),
        ({"paths": "[ab].py"}, {"paths": ["[ab].py"]}),
        ({"files": ["a.py"]}, {"paths": ["a.py"]}),
        ({"files": "a.py", "paths": ["a.py"], "patterns": None}, {"paths": ["a.py"]}),
        ({"depends_on": "1"}, {"depends_on": [1]}),
        ({"depends_on": 1}, {"depends_on": [1]}),
        ({"minutes": 2}, {"limit": 120}),
        ({"steps": [{"step_num": 1, "files": "a.py"}]}, {"steps": [{"step_num": 1, "paths": ["a.py"]}]}),
    ],
)
def test_what_an_agent_evidently_meant_is_taken(given: dict[str, Json], expected: dict[str, Json]) -> None:
    assert {"name": "x", **expected} == read(name="x", **given)


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        ({"paths": ["a.py"], "limit": "5", "depends_on": "[1, 2]"}, []),
        ({"paths": "a.py"}, ["paths was read as a list of one."]),
        ({"files": "a.py"}, ["files was read as a list of one.", "files was read as paths."]),
        ({"minutes": 2}, ["minutes=2 was read as limit=120."]),
        ({"steps": [{"step_num": 1, "files": ["a"]}]}, ["steps[0].files was read as steps[0].paths."]),
    ],
)
def test_what_was_read_otherwise_than_it_was_written_is_said(given: dict[str, Json], notes: list[str]) -> None:
    assert read_arguments("tool", ARGUMENTS, {"name": "x", **given}).notes == notes


def everything_named(arguments: tuple[Argument, ...]) -> list[str]:
    return [word for one in arguments for word in (one.name, *one.synonyms, *one.in_minutes)]


@pytest.mark.parametrize("tool", ALL.values(), ids=ALL)
def test_each_word_is_of_one_argument(tool: Tool) -> None:
    tables = [tool.arguments, *(one.fields for one in tool.arguments)]

    assert [
        word for table in tables for word in everything_named(table) if everything_named(table).count(word) > 1
    ] == []


def test_a_bare_step_number_is_a_text() -> None:
    assert read(name=3) == {"name": "3"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "[usage] tool needs 'name'. Call tool(name=…)."),
        (
            {"name": "x", "limits": 3},
            (
                "[usage] tool has no argument 'limits'. Did you mean 'limit'? "
                "Its arguments are: name, agent_id, limit, hours, symbols, force, paths, depends_on, status, steps."
            ),
        ),
        (
            {"name": "x", "enginer": "ann"},
            (
                "[usage] tool has no argument 'enginer'. Did you mean 'agent_id'? "
                "Its arguments are: name, agent_id, limit, hours, symbols, force, paths, depends_on, status, steps."
            ),
        ),
        ({"name": ["x"]}, '[invalid] name is a string, not ["x"]. A name.'),
        ({"name": "x", "limit": "many"}, '[invalid] limit is a whole number, not "many".'),
        ({"name": "x", "limit": True}, "[invalid] limit is a whole number, not true."),
        ({"name": "x", "limit": 0}, "[invalid] limit is at least 1, not 0."),
        ({"name": "x", "hours": "soon"}, '[invalid] hours is a number, not "soon".'),
        ({"name": "x", "hours": 1e300}, "[invalid] hours is a number, not 1e+300."),
        ({"name": "x", "hours": "nan"}, '[invalid] hours is a number, not "nan".'),
        (
            {"name": "x", "symbols": ["f"]},
            '[invalid] symbols is an object of lists, such as {"a.py": ["f", "C::g"]}, not ["f"].',
        ),
        (
            {"name": "x", "symbols": {"a.py": 3}},
            '[invalid] symbols["a.py"] is a list of strings, such as ["a", "b"], not 3.',
        ),
        ({"name": "x", "force": 1}, "[invalid] force is true or false, not 1."),
        ({"name": "x", "paths": 3}, '[invalid] paths is a list of strings, such as ["a", "b"], not 3.'),
        ({"name": "x", "paths": " "}, '[invalid] paths is a list of strings, such as ["a", "b"], not " ".'),
        ({"name": "x", "paths": '["a'}, '[invalid] paths is a list of strings, such as ["a", "b"], not "[\\"a".'),
        ({"name": "x", "depends_on": "b"}, '[invalid] depends_on is a list of whole numbers, such as [1, 2], not "b".'),
        (
            {"name": "x", "paths": ["a"], "files": ["b"]},
            "[usage] paths and files are the same, and have two values. Give paths alone.",
        ),
        ({"name": "x", "depends_on": [1, "b"]}, '[invalid] depends_on[1] is a whole number, not "b".'),
        ({"name": "x", "status": "open"}, '[invalid] status is one of active, done, not "open".'),
        ({"name": "x", "steps": [3]}, "[invalid] steps[0] is an object, not 3. Each with step_num."),
        ({"name": "x", "steps": [{}]}, "[invalid] steps[0] needs 'step_num'. Each with step_num."),
        (
            {"name": "x", "steps": [{"step_num": 1, "color": []}]},
            "[invalid] steps[0] has an unknown field 'color'. Its fields are: step_num, paths.",
        ),
    ],
)
def test_a_mistake_is_told_with_what_would_be_right(given: dict[str, Json], expected: str) -> None:
    with pytest.raises(CoordError) as caught:
        read(**given)

    assert expected == f"[{caught.value.code}] {caught.value} {caught.value.hint}".strip()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["[1]", "[{", "5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    tool=st.sampled_from(list(ALL.values())),
    values=st.lists(JSON, max_size=8),
    extra=st.dictionaries(st.text(max_size=12), JSON, max_size=1),
)
def test_whatever_is_sent_is_read_or_refused_with_a_sentence(
    tool: Tool, values: list[Json], extra: dict[str, Json]
) -> None:
    sent = {one.name: value for one, value in zip(tool.arguments, values, strict=False)} | extra
    taken: dict[str, Json] = {}
    sentence = "none"
    try:
        taken = read_arguments(tool.name, tool.arguments, sent).values
    except CoordError as error:
        sentence = str(error)

    assert taken.keys() <= {one.name for one in tool.arguments}
    assert 0 < len(sentence) < 1000
