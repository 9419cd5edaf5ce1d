"""The table of tools: it fits the services, it fits the budget, and it reads what agents send."""

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.mcp.instructions import instructions
from gitcoord.faces.mcp.tools.arguments import (
    Boolean,
    Integer,
    Integers,
    Number,
    Strings,
    Table,
    Text,
    argument,
    choice,
    model_of,
    objects,
    read_arguments,
    schema_of,
)
from gitcoord.faces.mcp.tools.mistakes import Node
from gitcoord.faces.mcp.tools.predict_tools import predicted
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.service.checks.predict_conflicts import predict_conflicts

ROOT = Path(__file__).parents[3]
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
    shell_only = {
        ("claim_files", "modules"),
        ("get_project", "status"),
        ("list_claims", "mine"),
        ("list_claims", "all_repos"),
    }
    shell_only |= {("get_agent_events", name) for name in ("step_id", "file", "since")}
    shell_only |= {("get_agent_events", name) for name in ("listed", "known")}  # of the dashboard, which asks again
    parameters = [one for one in parameters if (tool.name, one.name) not in shell_only]

    required = {one.name for one in parameters if one.default is inspect.Parameter.empty}
    assert tool.arguments.keys() == {one.name for one in parameters}
    assert {name for name, field in tool.model.model_fields.items() if field.is_required()} == required


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


def test_a_server_starts_without_the_models_of_its_tools() -> None:
    """All of them take 0.1 s; each is made by the first call of its tool."""
    code = """
from gitcoord.faces.mcp.server.early_calls import EarlyCalls
early = EarlyCalls("all", "/", {})
print([tool.name for tool in early.tools.values() if "model" in vars(tool)])
"""

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)

    assert done.stdout == "[]\n"


def test_the_tool_of_a_service_that_is_loaded_late_takes_the_same() -> None:
    assert inspect.signature(predicted) == inspect.signature(predict_conflicts)


def test_a_first_call_needs_neither_the_sdk_nor_libgit2() -> None:
    """Each takes longer to load than the call takes; the engine loads the SDK behind it."""
    code = """
import sys, filelock
theirs = {*sys.modules}  # an old filelock loads asyncio
import gitcoord.faces.mcp.server.early_calls
print(*{*sys.modules} - theirs)
"""

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"mcp", "mcp_types", "anyio", "asyncio", "pygit2", "starlette", "ruamel"} == set()


def nodes(schema: Node) -> Iterator[Node]:
    yield schema
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for node in inner:
        if isinstance(node, dict):
            yield from nodes(node)


@pytest.mark.parametrize("tool", ALL.values(), ids=ALL)
def test_a_schema_has_only_what_every_client_shows_its_model(tool: Tool) -> None:
    """Gemini and Codex drop or refuse references, alternatives, `null`, defaults and titles."""
    known = {"type", "properties", "required", "items", "additionalProperties", "enum", "minimum", "description"}
    found = [*nodes(schema_of(tool.model))]

    assert {key for node in found for key in node} <= known
    assert {node["type"] for node in found} <= {"object", "array", "string", "integer", "number", "boolean"}


def test_the_schema_of_a_tool_is_that_of_the_model_which_reads_its_arguments() -> None:
    tool = ALL["get_step"]
    changed = replace(tool, arguments={**tool.arguments, "depth": argument(Integer, "How deep.", minimum=2)})

    shown = changed.definition().input_schema["properties"]

    assert shown == {
        **tool.definition().input_schema["properties"],
        "depth": {"type": "integer", "minimum": 2, "description": "How deep."},
    }
    assert read_arguments("get_step", changed.model, {"step_id": "p/1", "depth": "2"}).values["depth"] == 2
    with pytest.raises(CoordError, match="depth is at least 2"):
        read_arguments("get_step", changed.model, {"step_id": "p/1", "depth": 1})


def test_four_tools_are_always_loaded() -> None:
    hot = {name for name, tool in ALL.items() if not tool.hint}

    assert hot == {"claim_step", "complete_step", "claim_files", "release_claims"}


class Status(StrEnum):
    ACTIVE = "active"
    DONE = "done"


STEP = {"step_num": argument(Integer, required=True, minimum=1), "paths": argument(Strings, also=("files",))}
ARGUMENTS = {
    "name": argument(Text, "A name.", required=True),
    "agent_id": argument(Text, also=("engineer",)),
    "limit": argument(Integer, also=("count", "minutes"), minimum=1),
    "hours": argument(Number),
    "symbols": argument(Table),
    "force": argument(Boolean),
    "paths": argument(Strings, also=("files", "patterns")),
    "depends_on": argument(Integers),
    "status": argument(choice(Status)),
    "steps": argument(objects(STEP), "Each with step_num."),
}
MODEL = model_of("tool", ARGUMENTS)
STRINGS = 'a list of strings, such as ["a", "b"]'


def read(**given: Json) -> dict[str, Json]:
    return read_arguments("tool", MODEL, given).values


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
        ({"limit": 120, "count": "120", "minutes": 2.0}, {"limit": 120}),
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
    assert read_arguments("tool", MODEL, {"name": "x", **given}).notes == notes


def objects_in(schema: Node) -> list[Node]:
    inner = [field["items"] for field in schema["properties"].values() if "properties" in field.get("items", {})]
    return [schema, *inner]


@pytest.mark.parametrize("tool", ALL.values(), ids=ALL)
def test_each_word_is_of_one_argument(tool: Tool) -> None:
    for schema in objects_in(schema_of(tool.model, is_shown=False)):
        words = [word for name, field in schema["properties"].items() for word in (name, *field["also"])]

        assert sorted(set(words)) == sorted(words)


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
        (
            {"name": "x", "steps": [{"step_num": 1, "pats": []}]},
            "[invalid] steps[0] has an unknown field 'pats'. Did you mean 'paths'? Its fields are: step_num, paths.",
        ),
        (
            {"name": "x", "steps": [{"step_num": 1, "files": ["a", 1.5]}]},
            "[invalid] steps[0].files[1] is a string, not 1.5. Each with step_num.",
        ),
        ({"name": "x", "minutes": -1}, "[invalid] minutes is at least 1, not -1."),
        ({"name": "x", "limit": 1e300}, "[invalid] limit is a whole number, not 1e+300."),
        ({"name": "x", "hours": 10**400}, f"[invalid] hours is a number, not 1{'0' * 56}…."),
        ({"name": "x", "hours": float("inf")}, "[invalid] hours is a number, not Infinity."),
        ({"name": "x", "paths": "[" * 100_000}, f'[invalid] paths is {STRINGS}, not "{"[" * 56}….'),
        ({"name": "x", "paths": ["a"] * 20_001}, "[invalid] paths has 20001 members; 20000 are the most."),
        (
            {"name": "x", **{str(at): 1 for at in range(20_000)}},
            "[invalid] tool has 20001 members; 20000 are the most.",
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
    | st.sampled_from(["[1]", "[{", "5", '["\\ud800"]', '{"step_num": 1}']),
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
    sent = dict(zip(tool.arguments, values, strict=False)) | extra
    taken: dict[str, Json] = {}
    sentence = "none"
    try:
        taken = read_arguments(tool.name, tool.model, sent).values
    except CoordError as error:
        sentence = str(error)

    assert taken.keys() <= tool.arguments.keys()
    assert 0 < len(sentence) < 1000
    assert "Input should" not in sentence
