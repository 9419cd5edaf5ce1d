"""Texts of people, edited in place: JSON with comments, TOML, and blocks."""

import json
import tomllib
from dataclasses import dataclass

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.wiring import block, json_edit, jsonc
from gitcoord.faces.cli.wiring.change import NotOursError
from gitcoord.faces.cli.wiring.json_file import Default, Hook, Item, JsonFile, Server
from gitcoord.faces.cli.wiring.toml_text import Table
from gitcoord.faces.cli.wiring.whole_file import WholeFile

SERVER: dict[str, Json] = {"command": "gitcoord", "args": ["mcp", "--tools", "work"]}
HOOK: dict[str, Json] = {"hooks": [{"type": "command", "command": "gitcoord hook edit --tool claude", "timeout": 10}]}
FILE = JsonFile(
    "settings.json",
    (
        Server("mcpServers", SERVER),
        Item(("permissions", "allow"), "mcp__gitcoord"),
        Default(("version",), 1),
        Hook(("hooks", "Stop"), HOOK),
    ),
)
TABLE = Table("config.toml", "mcp_servers", {**SERVER, "startup_timeout_sec": 20})


# --- JSON as people write it ---


@dataclass(frozen=True)
class Style:
    """How somebody writes JSON."""

    indent: str
    newline: str
    comment: str
    trailing: bool


def written(value: Json, style: Style, depth: int = 0) -> str:
    """Write a value in a style, a comment beside each entry."""
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner, outer = (style.newline + style.indent * level if style.newline else "" for level in (depth + 1, depth))
    note = f" {style.comment}" if style.comment else ""
    pairs = (
        [f"{json.dumps(key)}: {written(one, style, depth + 1)}" for key, one in value.items()]
        if isinstance(value, dict)
        else [written(one, style, depth + 1) for one in value]
    )
    lines = [f"{pair}{',' if at + 1 < len(pairs) or style.trailing else ''}{note}" for at, pair in enumerate(pairs)]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "".join(inner + line for line in lines) + outer + closing


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
styles = st.one_of(
    st.builds(
        Style,
        st.sampled_from(["", " ", "  ", "    ", "\t"]),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from(["", "// a note", "/* a // note */", '// "x": {']),
        st.booleans(),
    ),
    st.builds(Style, st.just(""), st.just(""), st.sampled_from(["", "/* one */"]), st.booleans()),
)
documents = st.dictionaries(
    st.sampled_from(["a", "mcpServers", "permissions", "hooks", "version", "é", "z/z"]),
    st.dictionaries(st.sampled_from(["x", "y", "allow", "Stop"]), st.lists(scalars, max_size=2), max_size=3),
    max_size=4,
)


@given(values, styles)
def test_any_json_in_any_style_says_what_was_meant(value: Json, style: Style) -> None:
    assert jsonc.parse(written(value, style)).value == value


@given(documents, styles, st.sampled_from(["", "\ufeff", "// mine\n"]), st.sampled_from(["", "\n", "\r\n\r\n// end"]))
def test_what_is_put_in_is_there_and_nothing_else_changes(
    document: dict[str, Json], style: Style, head: str, tail: str
) -> None:
    text = head + written(document, style) + tail

    after = FILE.put(text).text

    assert after is not None
    node = jsonc.parse(after)
    assert isinstance(node.value, dict)
    assert _without_ours(node.value) == _without_ours(document)
    assert node.value["mcpServers"]["gitcoord"] == SERVER  # pyright: ignore[reportOptionalSubscript, reportIndexIssue, reportCallIssue, reportArgumentType]
    assert after.startswith(head)
    assert after.endswith(tail)
    assert FILE.put(after).text == after
    assert after.count("note") == text.count("note")
    assert ("\r\n" in text) == ("\r\n" in after)


@given(documents, styles)
def test_what_was_put_in_can_be_taken_out_without_a_record(document: dict[str, Json], style: Style) -> None:
    text = written(document, style)

    after = FILE.put(text).text
    assert after is not None
    left = FILE.take(after).text

    found = {} if left is None else jsonc.parse(left).value
    assert isinstance(found, dict)
    assert _without_ours(found) == _without_ours(document)
    assert "gitcoord" not in (left or "")


def _without_ours(document: dict[str, Json]) -> Json:
    """Return a document without what is ours, and without what is empty then."""
    copy = json.loads(json.dumps(document))
    copy.pop("version", None)
    copy.get("mcpServers", {}).pop("gitcoord", None)
    for outer, inner, ours in (("permissions", "allow", "mcp__gitcoord"), ("hooks", "Stop", HOOK)):
        listed = copy.get(outer, {}).get(inner, [])
        if ours in listed:
            listed.remove(ours)
    full = {key: {name: one for name, one in value.items() if one} for key, value in copy.items()}
    return {key: value for key, value in full.items() if value}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', 3),
        ('{"a": 1,\n "a": 2}', 2),
        ('{\n"a": }', 2),
        ('{\n\n"a": [1 2]}', 3),
        ("{", 1),
        ('{"a": "x\n"}', 1),
        ("{} x", 1),
        ('{"a": NaN}', 1),
        ("{,}", 1),
        ("[" * 200, 1),
        ('{"a" 1}', 1),
        ("{a: 1}", 1),
        ("/* {}", 1),
        ("[1,\n,]", 2),
        ("[\n/* a */ ,]", 2),
        ('{"a":\n,}', 2),
        ("[\n" + "9" * 5000 + "]", 2),
        ("[" * 100_000 + "]" * 100_000, 1),
    ],
)
def test_broken_json_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(NotOursError, match=rf"it is not JSON \(line {line}: "):
        FILE.put(text)


def test_an_entry_takes_the_manner_of_its_neighbours() -> None:
    text = '{\n    // servers\n    "servers": {\n        "x": {"command": "y"}, // mine\n    },\n}\n'

    after = json_edit.set_member(text, ("servers", "g"), {"command": "c", "args": ["a", "b"]})

    assert after == (
        '{\n    // servers\n    "servers": {\n        "x": {"command": "y"}, // mine\n'
        '        "g": {\n            "command": "c",\n            "args": ["a", "b"]\n        },\n    },\n}\n'
    )


def test_an_object_on_one_line_stays_there() -> None:
    assert json_edit.set_member('{"a": {"b": 1}}', ("a", "c"), [1]) == '{"a": {"b": 1, "c": [1]}}'


def test_a_hook_in_a_group_of_others_leaves_the_group() -> None:
    handler = {"type": "command", "command": "theirs"}
    mixed = {
        "hooks": {"Stop": [{"hooks": [handler, {"type": "command", "command": "gitcoord hook edit --tool claude"}]}]}
    }

    edited = FILE.put(json.dumps(mixed))
    left = FILE.take(json.dumps(mixed)).text

    assert "yours is kept" in edited.kept
    assert json.loads(left or "") == {"hooks": {"Stop": [{"hooks": [handler]}]}}


def test_an_older_pin_is_renewed_and_what_people_changed_is_kept() -> None:
    pinned: dict[str, Json] = {"command": "uvx", "args": ["--from", "gitcoord==0.0.1", "gitcoord", "mcp"]}
    today: dict[str, Json] = {"command": "uvx", "args": ["--from", "gitcoord==0.2", "gitcoord", "mcp"]}
    file = JsonFile("x", (Server("mcpServers", today),))

    older = file.put(json.dumps({"mcpServers": {"gitcoord": pinned}}))
    theirs = file.put(json.dumps({"mcpServers": {"gitcoord": {**pinned, "env": {"A": "b"}}}}))

    assert json.loads(older.text or "")["mcpServers"]["gitcoord"] == today
    assert (older.kept, "yours is kept" in theirs.kept) == ("", True)
    assert "0.0.1" in (theirs.text or "")


# --- TOML ---

keys = st.sampled_from(["model", "a-b", "mcp_servers", "projects", '"x y"'])
toml_values = st.sampled_from(
    ['"x"', "1", "[1, 2]", '"""\n[mcp_servers.gitcoord]\n"""', "2026-11-21", "{ a = 1 }", "true"]
)
lines = st.one_of(
    st.builds(lambda key, value: f"{key} = {value}", keys, toml_values),
    st.builds(lambda key: f"[{key}]", st.sampled_from(["mcp_servers.other", "projects.x", "mcp_servers", "t"])),
    st.sampled_from(["# a note", "", "[[list]]", 'x.y = "z"', 'mcp_servers.other.command = "q"']),
)


@given(st.lists(lines, max_size=7), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from(["", "\ufeff"]))
def test_a_table_is_added_to_any_toml_and_taken_out_again(
    parts: list[str], newline: str, last: bool, mark: str
) -> None:
    text = mark + newline.join(part.replace("\n", newline) for part in parts) + (newline if last and parts else "")
    try:
        before = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        with pytest.raises(NotOursError, match=r"it is not TOML \(line \d+"):
            TABLE.put(text)
        return
    if not isinstance(before.get("mcp_servers", {}), dict):
        return

    after = TABLE.put(text).text
    assert after is not None

    known = tomllib.loads(after.removeprefix("\ufeff"))
    assert known["mcp_servers"].pop("gitcoord") == TABLE.value
    assert {**before, "mcp_servers": before.get("mcp_servers", {})} == known
    assert TABLE.put(after).text == after
    left, body = TABLE.take(after).text, text.removeprefix("\ufeff")
    if not body.strip():
        assert left is None
    elif tomlkit.dumps(tomlkit.parse(body)) == body:
        assert left == text
    else:  # tomlkit moves the tables of a list together, where another stands between them
        assert tomllib.loads((left or "").removeprefix("\ufeff")) == before


def test_lists_of_tables_that_stand_apart_say_the_same_afterwards() -> None:
    text = "mcp_servers = { a = 1 }\n[[list]]\n[projects.x]\n[[list]]\n"

    left = TABLE.take(TABLE.put(text).text or "").text

    assert tomllib.loads(left or "") == tomllib.loads(text)


def test_comments_and_order_of_an_inline_table_stay() -> None:
    text = '# mine\nmcp_servers = {x = {command = "y"}} # these\nz = 1\n'

    after = TABLE.put(text).text or ""

    assert after.startswith('# mine\nmcp_servers = {x = {command = "y"}')
    assert after.endswith("} # these\nz = 1\n")
    assert set(tomllib.loads(after)["mcp_servers"]) == {"x", "gitcoord"}


def test_a_table_that_people_changed_is_kept() -> None:
    text = '[mcp_servers.gitcoord]\ncommand = "gitcoord"\nargs = ["mcp"]\n\n[mcp_servers.gitcoord.env]\nA = "b"\n'

    for edited in (TABLE.put(text), TABLE.take(text)):
        assert (edited.text, "yours is kept" in edited.kept) == (text, True)


# --- blocks, and whole files ---


@given(st.text(), st.text(alphabet="ab \n#", min_size=1))
def test_a_block_that_was_put_in_is_found_again(text: str, body: str) -> None:
    try:
        once = block.put(text, body)
    except NotOursError:
        return

    assert block.put(once, body) == once
    assert once.startswith(text) or block.BEGIN in text or not text.strip()


@given(
    st.lists(st.sampled_from(["# Mine", "", "words", "- a list", "  "]), min_size=1), st.sampled_from(["\n", "\r\n"])
)
def test_a_block_that_is_taken_out_leaves_the_text_as_it_was(parts: list[str], newline: str) -> None:
    for text in (newline.join(parts), newline.join(parts) + newline):
        if text.strip():
            assert block.take(block.put(text, "ours")) == text


def test_a_script_keeps_what_it_begins_with() -> None:
    script = block.Block("x", "ours", block.SHELL, "#!/bin/sh\n", at_start=True)
    text = '#!/bin/sh\n. "$(dirname -- "$0")/_/husky.sh"\n\nnpm test\n'

    after = script.put(text).text or ""

    assert after.startswith('#!/bin/sh\n. "$(dirname -- "$0")/_/husky.sh"\n# gitcoord:begin\nours\n')
    assert script.take(after).text == text
    assert script.take(script.put(None).text or "").text is None


def test_a_whole_file_knows_whether_people_changed_it() -> None:
    older, today = WholeFile("x", "one\n").put(None).text or "", WholeFile("x", "two\n")

    assert today.put(older).text == today.put(None).text
    assert today.put(older.replace("\n", "\r\n")).text == today.put(None).text
    assert today.put(older + "# mine\n").text == older + "# mine\n"
    assert "yours is kept" in today.put("# mine\n" + older).kept
    assert today.take(older).text is None
    with pytest.raises(NotOursError, match="gitcoord did not write"):
        today.put("name: theirs\n")
