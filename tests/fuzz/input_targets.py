"""Parsers of what people, tools and other programs write: patterns, files, arguments, events, settings."""

import json
import random
import re
import zlib
from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final, cast

from gitcoord.core.documents.json_text import Json
from gitcoord.core.patterns import symbols
from gitcoord.core.patterns.path_pattern import Pattern, PatternError, canonical, contains, example, matches, overlaps
from gitcoord.errors import InvalidError, UsageError
from gitcoord.faces.hooks.edit import tool_dialects
from gitcoord.faces.hooks.edit.shell_commands import files_of
from gitcoord.faces.hooks.git import pre_push_input
from gitcoord.faces.mcp.manifest import load, path_of
from gitcoord.faces.mcp.server.handshake import Opening
from gitcoord.faces.mcp.tools.arguments import read_arguments
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.ledger.format.refs import refs_of
from gitcoord.redaction import redact
from gitcoord.remote.http.http_settings import http_settings, proxy_place
from gitcoord.service.inputs import owners_input
from gitcoord.service.inputs.policy_input import PolicyInput, value_of
from gitcoord.service.inputs.yaml_text import YamlError
from gitcoord.service.team import owners_file
from tests.fuzz.fuzzer import Target, on_json, on_lines
from tests.property.test_patterns import PATHS, naive, naive_meeting


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# -- patterns and symbols

_PLAIN: Final = re.compile(r"[abc.*?\[\]!/-]{1,14}")
_FEW: Final = 25  # paths that a pattern is tried on
# Those that no two of them share a meaning with: three stars in a row cost the plain matcher seconds.
_SLOW: Final = re.compile(r"\*.*\*.*\*.*\*")


def check_patterns(data: bytes) -> None:
    """Each line is a pattern: its canonical form is its own; a few paths match as a plain reading of it says."""
    patterns = [Pattern.of(text) for text in _text(data).split("\n")[:2]]
    paths = random.Random(zlib.crc32(data)).sample(PATHS, _FEW)
    plain = [pattern for pattern in patterns if _PLAIN.fullmatch(pattern.text) and not _SLOW.search(pattern.text)]
    for pattern in patterns:
        assert canonical(pattern.text) == pattern.text
        assert "**/**" not in pattern.text
        assert ".." not in pattern.text.split("/")
        assert Pattern.of(pattern.text, pattern.stored) == pattern
    for pattern in plain:
        assert [path for path in paths if matches(pattern, path)] == [path for path in paths if naive(pattern, path)]
    for first, second in combinations(patterns, 2):
        found = example(first, second)
        assert overlaps(first, second) == overlaps(second, first) == (found is not None)
        assert found is None or (matches(first, found) and matches(second, found))
        if len(plain) > 1:
            assert found is not None or not any(naive_meeting(first, second, path) for path in paths)
            held = contains(first, second)
            assert not held or all(matches(first, path) for path in paths if matches(second, path))


def check_symbol(data: bytes) -> None:
    """A symbol is its own spelling, lies within each of those around it, and meets what it lies within."""
    one = symbols.symbol(_text(data))
    assert symbols.symbol(one) == one
    assert symbols.is_symbol(one)
    assert all(name and name == name.strip() for name in symbols.parts(one))
    around = symbols.lineage(one)
    assert len(around) == len(symbols.parts(one))
    assert all(symbols.is_within(one, [each]) for each in around)
    assert all(symbols.meeting([one], [each]) and symbols.meeting([each], [one]) for each in around)
    assert symbols.outermost([*around, one]) == symbols.outermost(around[:1] or [one])
    assert not symbols.meeting([one], [f"{one}zzz"])


# -- files that people write


def check_owners(data: bytes) -> None:
    """What the check passes is read; what it finds is in a line of the text."""
    text = data.decode("utf-8", "replace")
    needs_modules = not text.startswith("#")
    checked = owners_input.check(text, needs_modules=needs_modules)
    lines = len(text.splitlines()) + 1
    assert all(
        mistake.problem and 1 <= (mistake.line or 1) <= lines for mistake in (*checked.faults, *checked.warnings)
    )
    rules = None
    try:
        rules = owners_file.read(text, needs_modules=needs_modules)
    finally:
        assert rules is not None or checked.faults
    again = owners_file.rules_in(checked.root, text, needs_modules=needs_modules) if not checked.faults else rules
    assert again == rules


# -- MCP

TOOLS: Final = tools_of("all")


def check_arguments(data: bytes) -> None:
    """What was understood of arguments is understood as the same when it is given again, without a word about it.

    A pattern that begins like a list is a pattern.
    """
    said = _loaded(data)
    tool = TOOLS.get(str(said.get("name")))
    given = said.get("arguments")
    if tool is None or not isinstance(given, dict):
        return
    wanted = given.get("patterns")
    if tool.name == "claim_files" and isinstance(wanted, str) and re.fullmatch(r"\[[a-z]+\]\.py", wanted):
        try:
            assert read_arguments(tool.name, tool.model, {"patterns": wanted}).values["patterns"] == [wanted]
        except UsageError as error:
            raise AssertionError from error
    read = read_arguments(tool.name, tool.model, given)
    again = read_arguments(tool.name, tool.model, read.values)
    assert again.values == read.values
    assert all(isinstance(note, str) and note for note in read.notes)
    assert not again.notes


MANIFEST: Final = load(path_of("all"))


def check_opening(data: bytes) -> None:
    """Each line is a message: what the manifest answers is an object, and only after a plain opening."""
    opening = Opening(MANIFEST)
    for line in data.split(b"\n")[:4]:
        message = _loaded(line)
        if not isinstance(message.get("method"), str):
            continue
        is_first = not opening.begun
        answer = opening.answer(cast("dict[str, Any]", message))
        assert answer is None or isinstance(answer, dict)
        assert answer is None or isinstance(message.get("params", {}), dict)
        assert answer is None or is_first is (message["method"] == "initialize") or "_meta" in str(message)


def _loaded(data: bytes) -> dict[str, Json]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


# -- hooks

_TOOL_NAMES: Final = ("claude", "codex", "vscode", "gemini", "cursor", "windsurf", "opencode", "other")


def check_event(data: bytes) -> None:
    """An event is one of the kinds; only an edit has files; each answer of it can be read."""
    said = _loaded(data)
    event = tool_dialects.Event(said)
    kinds = {"edit", "command", "start", "end", "stop", "other", "use", "prompt"}
    assert event.kind in kinds
    assert all(isinstance(text, str) for text in (event.name, event.session, event.cwd, *event.paths, *event.texts))
    assert not event.paths or event.kind == tool_dialects.EDIT
    assert not event.texts or event.kind in (tool_dialects.EDIT, tool_dialects.COMMAND)
    name, given, tool = said.get("hook_event_name"), said.get("tool_input"), said.get("tool_name")
    if (name, tool) == ("PreToolUse", "Write") and isinstance(given, dict) and isinstance(given.get("file_path"), str):
        assert event.kind == tool_dialects.EDIT
        assert not given["file_path"] or given["file_path"] in event.paths
    for tool in _TOOL_NAMES:
        answers = [tool_dialects.denied(tool, event, "no"), tool_dialects.added(tool, event, "a" * 9000)]
        answers += [tool_dialects.kept_going(tool, "go on"), tool_dialects.failed(tool, "a\nb")]
        assert all(not each.output or isinstance(json.loads(each.output), dict) for each in answers)
        assert answers[0].status or answers[0].output
        assert len(answers[1].output) < 9000
        assert not tool_dialects.can_keep_going(tool, event) or said.get("stop_hook_active") is not True


_SIMPLE: Final = re.compile(r"(?:rm|touch|tee) ([a-z./]{1,20})|(?:echo|cat) [a-z]{1,9} >{1,2} ?([a-z./]{1,20})")


def check_shell(data: bytes) -> None:
    """Files are found once, as they stand in the text; those of a plain command are found."""
    text = _text(data)
    found = files_of(text)
    assert len({*found}) == len(found)
    for name in found:
        assert name
        assert not set(name) & set("$`*?[]{}<>")
        assert not name.startswith(("-", "/dev/"))
    simple = _SIMPLE.fullmatch(text)
    if simple:
        assert found == [name for name in simple.groups() if name]
    assert files_of(f"true; {text}") == found or "\n" in text or text.lstrip().startswith("***") or _odd(text)


def _odd(text: str) -> bool:
    return text.count("'") + text.count('"') + text.count("\\") + text.count("#") + text.count("<<") > 0


def check_pushed(data: bytes) -> None:
    """Lines of four fields are read, the last three without blanks; ledgers are harmed by what goes or goes back."""
    text = _text(data)
    read = pre_push_input.parsed(data)
    plain = [fields for line in text.split("\n") if len(fields := line.rsplit(" ", 3)) > 3]
    assert [(line.local, line.ref) for line in read] == [(fields[0], fields[2]) for fields in plain]
    assert [(line.new, line.old) for line in read] == [
        tuple(None if not oid.replace("0", "") else oid for oid in (fields[1], fields[3])) for fields in plain
    ]
    said = pre_push_input.harm(read, "refs/coord", lambda old, new: old < new)
    harms = [
        line.ref
        for line in read
        if line.ref.startswith("refs/coord/") and (not line.new or (line.old and not line.old < line.new))
    ]
    assert bool(said) is bool(harms)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)


# -- settings, and what is shown


def check_settings(data: bytes) -> None:
    """JSON: a URL, settings as git lists them, an environment. Headers and proxies are such as can be sent."""
    said = _loaded(data)
    url, pairs, env = said.get("url"), said.get("settings"), said.get("env")
    if not isinstance(url, str) or not isinstance(pairs, list) or not isinstance(env, dict):
        return
    settings = [(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    env = {name: str(value) for name, value in env.items()}
    found = http_settings(url, settings, env)
    for name, value in (*found.headers, ("x", found.user_agent if not found.unfamiliar else "")):
        assert re.fullmatch(r"[\x21-\x7e]+", name)
        assert re.fullmatch(r"[\x20-\x7e\t]*", value)
    http = [(key.lower(), value) for key, value in settings if key.lower().startswith("http.")]
    plain = re.compile(r"(?a:[\w-]+: \w*)?")
    if re.fullmatch(r"https?://[a-z]+/[a-z]*", url) and not env:
        assert not found.unfamiliar or any(key != "http.extraheader" or not plain.fullmatch(text) for key, text in http)
    if not found.unfamiliar and all(key.count(".") == 1 for key, _ in http):  # those for every URL: the last one counts
        headers = [value for key, value in http if key == "http.extraheader"]
        sent = headers[
            len(headers) - next((at for at, text in enumerate(reversed(headers)) if not text), len(headers)) :
        ]
        assert [name for name, _ in found.headers] == [text.partition(":")[0] for text in sent]
        last = dict(http)
        assert found.user_agent == env.get("GIT_HTTP_USER_AGENT", "") or last.get("http.useragent", "")
        off = last.get("http.sslverify", "true").lower() in {"false", "no", "off", "0", ""}
        assert found.verifies is not (off or bool(env.get("GIT_SSL_NO_VERIFY")))
    place = proxy_place(found.proxy)
    assert place is None or (place.host and 0 < place.port < 1 << 16)
    known = {key: value for key, value in settings if key.startswith("gitcoord.")}
    refs = refs_of(known)
    assert all(
        ref.startswith("refs/") and ".." not in ref for ref in (refs.claims, refs.steps("a"), refs.heartbeat("b"))
    )
    for key, value in known.items():
        if key.removeprefix("gitcoord.") in PolicyInput.model_fields:
            value_of(key.removeprefix("gitcoord."), value)


_SECRET: Final = "hunter2x"  # noqa: S105 - of no one
_SHOWN: Final = re.compile(rf"https?://ann:{_SECRET}@host\.example|Authorization: Basic {_SECRET}|\?token={_SECRET}")


def check_redaction(data: bytes) -> None:
    """Doing it twice changes nothing; a password in a place where git and curl take one is gone."""
    text = data.decode("utf-8", "replace")
    once = redact(text)
    assert redact(once) == once
    if _SHOWN.fullmatch(text.strip()):
        assert _SECRET not in once
    hidden = len(re.findall(rf"https://ann:{_SECRET}@host\.example(?=\s|\Z)", text))
    assert text.count(_SECRET) - once.count(_SECRET) >= hidden


_OWNERS: Final = """\
modules:
  auth:
    paths: [src/auth/**, "src/x.py"]
    owners: [ann, bob]
    severity: soft
shared_files:
  - package.json  # auto-promoted=2026-11-21
  - src/index.ts
suggested_splits: [src/core/**]
"""
_ASKS: Final = (
    ("claim_files", {"patterns": ["src/**", "a.py"], "wait_seconds": 5, "description": "x"}),
    ("claim_files", {"pattern": "src/a.py", "ttl": "2h"}),
    ("claim_step", {"project": "app", "step_num": "3", "branch": None}),
    ("complete_step", {"project": "app", "step_num": 1, "fence": "2", "commit": "HEAD", "notes": "done"}),
    (
        "create_project",
        {"name": "app", "base_commit": "HEAD", "steps": [{"step_num": 1, "title": "x", "depends_on": []}]},
    ),
    ("extend_claims", {"claim_ids": '["c-1"]', "ttl_minutes": 30}),
    ("status", {}),
)
_HELLO: Final = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    b'"clientInfo":{"name":"c","version":"1"}}}\n'
    b'{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":{}}}'
)
_MODERN: Final = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":'
    b'"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":'
    b'{"name":"c","version":"1"},"progressToken":1}}}'
)
_EVENTS: Final = (
    {"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Write", "tool_input": {"file_path": "a.py"}},
    {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "rm a"}, "cwd": "/x"},
    {"hookEventName": "BeforeTool", "toolName": "x.replace", "toolInput": {"edits": ["a", {"filePath": "b"}]}},
    {"hook_event_name": "stop", "status": "aborted", "loop_count": 1, "conversation_id": "c"},
    {"agent_action_name": "pre_run_command", "trajectory_id": "t", "tool_info": {"command_line": "ls", "cwd": "/y"}},
    {"hook_event_name": "PreToolUse", "tool_name": "shell", "tool_input": {"command": ["bash", "-lc", "touch x"]}},
    {"hook_event_name": "SessionEnd", "reason": "clear", "workspace_roots": ["/w"], "tool_input": {"dir_path": "d"}},
    {"hook_event_name": "beforeShellExecution", "command": "rm x", "stop_hook_active": True, "source": "compact"},
)
_COMMANDS: Final = (
    "rm a.py",
    "echo hi > out.txt",
    "cat x >> log",
    "cd src && touch a b; (cd d; rm -- -x) | tee y",
    "sed -i 's/a/b/' f.py && perl -pi -e x g.pl",
    "FOO=1 sudo cp a b c/d 2> err",
    "cat <<'EOF' > doc.md\nrm nothing\nEOF\nmv a b # rm c",
    "*** Begin Patch\n*** Add File: a.py\n+x\n*** Move to: b.py\n*** End Patch",
    "git checkout main -- a.py && git rm b.py; git restore .",
    "black src/x.py; prettier --write y.ts; gofmt -w z.go; ruff format q.py",
)
_PUSHED: Final = (
    f"refs/heads/x {'a' * 40} refs/heads/x {'0' * 40}\n(delete) {'0' * 40} refs/coord/claims {'b' * 40}\n",
    f"HEAD@{{1 day}} {'a' * 40} refs/coord/steps/app {'b' * 40}\n",
)
_SETTINGS: Final = (
    {
        "url": "https://ann@host.example/app.git",
        "settings": [
            ["http.proxy", "http://u:p@proxy:3128"],
            ["http.https://host.example/.extraheader", "X-A: b"],
            ["http.https://*.example.sslverify", "false"],
            ["http.extraheader", ""],
            ["http.sslverify", "true"],
        ],
        "env": {"no_proxy": "10.0.0.0/8,.example", "GIT_SSL_CAINFO": "/ca"},
    },
    {
        "url": "http://[::1]:8080/x",
        "settings": [["http.cookiefile", "c"], ["http.useragent", "u"]],
        "env": {"http_proxy": "socks5://x"},
    },
    {
        "url": "https://h/a",
        "settings": [["gitcoord.namespace", "refs/heads/x/coord"], ["gitcoord.stale_minutes", "9"]],
        "env": {},
    },
    {
        "url": "https://h:443/a/b",
        "settings": [["http.https://h/a.proxy", "p:1"], ["http.https://h:99999/.proxy", "q"]],
        "env": {},
    },
)
_URLS: Final = (
    f"https://ann:{_SECRET}@host.example",
    f"fatal: unable to access 'https://ann:{_SECRET}@host.example/x.git/': no",
    f"Authorization: Basic {_SECRET}",
    f"?token={_SECRET}",
    f"ann:{_SECRET}@host.example:x/y https://host.example/a@b?ref=x&sig=y",
    "ssh://git@host.example/x password=abc X-Access-Token: abc",
)

TARGETS: Sequence[Target] = (
    Target(
        "patterns",
        check_patterns,
        [
            b"src/**\n*.py",
            b"**/**/a\nb/**/**/c",
            b"a/[ab]*/c\n**/b",
            b"./a.b/\na?b/**",
            b"[!a-c]/x\n/b",
            b"*a*\nb*c",
            "caf\u00e9/\ncafe\u0301".encode(),
        ],
        {
            "core/patterns/path_pattern.py": (
                "Pattern.of",
                "canonical",
                "default_reading",
                "matches",
                "overlaps",
                "contains",
                "example",
            ),
            "core/patterns/segment.py": ("segment", "one_spelling", "meet", "name_of_both"),
        },
        (PatternError,),
        (
            b"**",
            b"*",
            b"?",
            b"[ab]",
            b"[!a]",
            b"[a-c]",
            b"[",
            b"]",
            b"/",
            b"./",
            b"..",
            b"a",
            b"b",
            b"c",
            b".",
            b"\\",
            b"{a,b}",
        ),
        on_lines,
    ),
    Target(
        "symbols",
        check_symbol,
        [
            b"Shop::total",
            b"A::B::c",
            b"a",
            b"Outer.Inner.method",
            "caf\u00e9.x".encode(),
            b"operator<<",
            b"A::b",
            b"#x",
            b"f()",
        ],
        {
            "core/patterns/symbols.py": (
                "symbol",
                "is_symbol",
                "parts",
                "lineage",
                "meeting",
                "outermost",
                "is_within",
                "_fault",
            )
        },
        (InvalidError,),
        (b".", b"..", b"::", b"#", b"()", b" ", b"\n", b"a", b"\xcc\x81"),
    ),
    Target(
        "owners",
        check_owners,
        [
            _OWNERS.encode(),
            b"# machines\nshared_files: [a]\n",
            b"areas: {a: {paths: [x], owners: [y]}}\n",
            b"modules:\n",
            b"- a\n",
        ],
        {
            "service/team/owners_file.py": ("read", "rules_in"),
            "service/inputs/owners_input.py": ("check",),
            "service/inputs/yaml_text.py": ("plain", "items_of", "twice_given"),
        },
        (YamlError,),
        (
            b": ",
            b"- ",
            b"&a ",
            b"*a",
            b"<<: *a",
            b"!!int ",
            b"[",
            b"{",
            b"|",
            b">",
            b"%YAML 1.2\n---\n",
            b"? ",
            b"\t",
            b"'",
            b'"',
            b"~",
            b"  ",
        ),
        on_lines,
    ),
    Target(
        "arguments of tools",
        check_arguments,
        [json.dumps({"name": name, "arguments": given}).encode() for name, given in _ASKS],
        {
            "faces/mcp/tools/arguments.py": (
                "_decoded",
                "_listed",
                "_numbers",
                "_records",
                "read_arguments",
                "_notes",
                "_said",
            ),
            "faces/mcp/tools/mistakes.py": ("mistake",),
        },
        (UsageError,),
        [
            *(name.encode() for name in TOOLS),
            *(word.encode() for tool in TOOLS.values() for word in tool.model.model_fields),
        ],
        on_json,
    ),
    Target(
        "opening of a conversation",
        check_opening,
        [_HELLO, _MODERN, _MODERN + b"\n" + _HELLO],
        {
            "faces/mcp/server/handshake.py": (
                "Opening.answer",
                "_version_of",
                "_is_plain",
                "_is_plain_modern",
                "_has_plain_meta",
                "_is_client",
                "_member",
            )
        },
        (),
        (b"null", b"{}", b"[]", b'"_meta"', b'"params":', b"initialize", b"tools/list", b"2026-07-28", b"true"),
        lambda chance, data, words: b"\n".join(
            on_json(chance, line, words) if chance.randrange(2) else line for line in data.split(b"\n")
        ),
    ),
    Target(
        "events of tools",
        check_event,
        [json.dumps(each).encode() for each in _EVENTS],
        {
            "faces/hooks/edit/tool_dialects.py": (
                "Event.__init__",
                "_paths",
                "_texts",
                "_text",
                "_object",
                "denied",
                "can_add",
                "added",
                "can_keep_going",
                "kept_going",
                "failed",
            )
        },
        (),
        [*(word.encode() for each in _EVENTS for word in each), b"PreToolUse", b"Stop", b"Write", b"Bash", b"files"],
        on_json,
    ),
    Target(
        "shell commands",
        check_shell,
        [each.encode() for each in _COMMANDS],
        {
            "faces/hooks/edit/shell_commands.py": (
                "files_of",
                "_simple_commands",
                "_entered",
                "_without_documents",
                "_without_comment",
                "_words",
                "_changed",
                "_of_program",
                "_names",
            )
        },
        (),
        (
            b" > ",
            b" >> ",
            b"; ",
            b" && ",
            b"(",
            b")",
            b"rm ",
            b"cd ",
            b"tee ",
            b"sed -i ",
            b" -e ",
            b"--",
            b"<<EOF\n",
            b"EOF\n",
            b"'",
            b'"',
            b"\\",
            b"#",
            b"$x",
            b"2>",
            b"pushd x;",
        ),
        on_lines,
    ),
    Target(
        "pushed refs",
        check_pushed,
        [each.encode() for each in _PUSHED],
        {"faces/hooks/git/pre_push_input.py": ("parsed", "harm", "_id")},
        (),
        (b"refs/coord/", b"refs/heads/x", b"0" * 40, b"a" * 40, b"b" * 40, b" ", b"\n", b"\x1b[31m"),
        on_lines,
    ),
    Target(
        "settings",
        check_settings,
        [json.dumps(each).encode() for each in _SETTINGS],
        {
            "remote/http/http_settings.py": (
                "http_settings",
                "_unfamiliar",
                "_chosen",
                "_fit",
                "_proxy",
                "_is_passed_by",
                "proxy_place",
            ),
            "ledger/format/refs.py": ("refs_of",),
        },
        (UsageError,),
        (
            b"http.",
            b"http.proxy",
            b"http.https://host.example/",
            b".extraheader",
            b"X: y",
            b"https://",
            b"[",
            b"]",
            b"::1",
            b":80",
            b"@",
            b"*.example",
            b"%0a",
            b"gitcoord.namespace",
            b"refs/x",
            b"socks5h://",
            b"10.0.0.0/8",
            b"GIT_SSL_VERSION",
        ),
        on_json,
    ),
    Target(
        "redaction",
        check_redaction,
        [each.encode() for each in _URLS],
        {"redaction.py": ("redact", "_end", "_authority", "_is_server", "_url", "_apart")},
        (),
        (
            b"://",
            b"@",
            b":",
            b"/",
            b"?",
            b"&",
            b"=",
            b"'",
            b'"',
            b" ",
            b"\n",
            b"localhost",
            b"token",
            b"ssh://",
            _SECRET.encode(),
            b"https://ann:hunter2x@host.example",
            b"Cookie: ",
            b"password=",
        ),
        on_lines,
    ),
)
