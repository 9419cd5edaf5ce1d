"""Ledgers as an attacker who may push could leave them: each is a tip that any git client can make.

A craft takes the remote and the ref, and returns the object that the ref shall name. What it makes costs the attacker
little; what it costs the reader is what the tests look at.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Json = Any
Craft = Callable[["Ledger"], str]

CANARY = "owned"  # a file that commands in these texts make, should any program run one
ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202etxt.exe\u2066 \x9b2J \r\n\x00 --x `touch owned` $(touch owned) <b>&"
TAG = "owned-tag"  # what markup of others would be, were it any
MARKUP = f"\"' onfocus=x <{TAG} onclick=x>&"
IMITATED = "owned-line"  # begins what is made to look as if we said it
IMITATIONS = "".join(
    f"\n{IMITATED}\n{word}: {IMITATED}\n" for word in ("next", "note", "notice", "gitcoord", "hint", "error")
)
# What people and agents write, which any reader takes; and names, which sentences have as they are. "may": a document
# that has none may have one.
PROSE = {
    **dict.fromkeys(("description", "title", "notes", "hint", "next_step"), "may"),
    **dict.fromkeys(("reason", "note", "message"), "text"),
}
NAMES = {
    **dict.fromkeys(("branch", "scope", "commit"), "may"),
    **dict.fromkeys(("base", "base_commit", "commit_hash"), "text"),
}
SYMBOLS = {"symbols": "list"}
PATTERNS = {"pattern": "text", "patterns": "list", "paths": "list"}
DEEP = 10_000
MANY = 100_000
HUGE_BYTES = 200 * 1024 * 1024


class Ledger:
    """A ref of the remote, and how to write objects beside it with git alone."""

    def __init__(self, remote: Path, ref: str) -> None:
        self.remote = remote
        self.ref = ref
        self.tip = self.git("rev-parse", ref)

    def git(self, *words: str, given: bytes = b"") -> str:
        done = subprocess.run(["git", *words], cwd=self.remote, input=given, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def blob(self, data: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=data)

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """Write a tree as it is given, sorted or not: mode, name and id of each entry."""
        data = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        return self.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", given=data)

    def entries(self) -> list[tuple[str, str, str]]:
        """Return the entries of the tip's tree."""
        rows = (line.split(None, 3) for line in self.git("ls-tree", self.tip).splitlines())
        return [(mode.removeprefix("0"), name, oid) for mode, _, oid, name in rows]

    def commit(self, tree: str, message: str = "by hand", *parents: str) -> str:
        named = [word for parent in (parents or (self.tip,)) for word in ("-p", parent)]
        return self.git("commit-tree", tree, *named, "-F", "-", given=message.encode("utf-8", "surrogateescape"))

    def with_entry(self, mode: str, name: str, oid: str) -> str:
        """Return a commit whose tree has one entry more, or another one of that name."""
        kept = [entry for entry in self.entries() if entry[1] != name]
        return self.commit(self.tree(*sorted([*kept, (mode, name, oid)], key=_order)))

    def documents(self) -> list[str]:
        """Return the paths of the documents, meta and counters aside."""
        paths = self.git("ls-tree", "-r", "--name-only", self.tip).splitlines()
        return [path for path in paths if path.endswith(".json") and not path.startswith(("meta", "applied", "record"))]

    def with_files(self, files: Mapping[str, bytes | None]) -> str:
        """Return a commit in which files are others; `None`: gone."""
        index = self.remote / "crafted-index"
        env = ["env", f"GIT_INDEX_FILE={index}", "git"]

        def run(*words: str, given: bytes = b"") -> str:
            done = subprocess.run([*env, *words], cwd=self.remote, input=given, capture_output=True, check=True)
            return done.stdout.decode().strip()

        run("read-tree", self.tip)
        rows = (f"100644 {self.blob(data)}" if data is not None else f"0 {'0' * 40}" for data in files.values())
        listed = "".join(f"{row}\t{path}\n" for row, path in zip(rows, files, strict=True))
        run("update-index", "--index-info", given=listed.encode())
        tree = run("write-tree")
        index.unlink()
        return self.commit(tree)

    def read(self, path: str) -> Json:
        return json.loads(self.git("show", f"{self.tip}:{path}"))

    def with_changes(self, change: Callable[[dict[str, Json]], Json]) -> str:
        """Return a commit in which each document is what a function makes of it."""
        return self.with_files(
            {path: json.dumps(change(self.read(path))).encode("utf-8", "surrogatepass") for path in self.documents()}
        )

    def with_texts(self, fields: Mapping[str, str], text: str) -> str:
        """Return a commit in which each document has a text in fields that it has or may have."""
        return self.with_changes(lambda doc: _with(doc, fields, text))


def _order(entry: tuple[str, str, str]) -> str:
    return entry[1] + "/" if entry[0] == "40000" else entry[1]


def _everywhere(value: Json, text: Callable[[str], str]) -> Json:
    """Return JSON in which each text is another."""
    match value:
        case str():
            return text(value)
        case list():
            return [_everywhere(item, text) for item in value]
        case dict():
            return {key: _everywhere(item, text) for key, item in value.items()}
        case _:
            return value


def a_blob(ledger: Ledger) -> str:
    return ledger.blob(b"{}")


def a_tree(ledger: Ledger) -> str:
    return ledger.git("rev-parse", f"{ledger.tip}^{{tree}}")


def an_empty_commit(ledger: Ledger) -> str:
    return ledger.commit(ledger.tree())


def a_tag(ledger: Ledger) -> str:
    text = f"object {ledger.tip}\ntype commit\ntag x\ntagger eve <e@x> 1800000000 +0000\n\nx\n"
    return ledger.git("hash-object", "-t", "tag", "-w", "--stdin", given=text.encode())


def a_way_out(ledger: Ledger) -> str:
    return ledger.with_entry("100644", "..", ledger.blob(b"{}"))


def git_inside(ledger: Ledger) -> str:
    inner = ledger.tree(("100644", "config", ledger.blob(b"[core]\n\tfsmonitor = touch owned\n")))
    return ledger.with_entry("40000", ".git", inner)


def a_link(ledger: Ledger) -> str:
    return ledger.with_entry("120000", "meta.json", ledger.blob(b"/etc/passwd"))


def a_submodule(ledger: Ledger) -> str:
    return ledger.with_entry("160000", "claims", "1" * 40)


def a_hundred_thousand_entries(ledger: Ledger) -> str:
    leaf = ledger.blob(b"{}")
    return ledger.with_entry("40000", "claims", ledger.tree(*(("100644", f"{at:06}.json", leaf) for at in range(MANY))))


def two_entries_of_one_name(ledger: Ledger) -> str:
    entries = ledger.entries()
    return ledger.commit(ledger.tree(*entries, entries[-1]))


def a_tree_that_is_cut_off(ledger: Ledger) -> str:
    data = b"100644 a.json\0" + bytes(20) + b"100644 meta"
    return ledger.commit(ledger.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", given=data))


def a_huge_blob(ledger: Ledger) -> str:
    return ledger.with_files({ledger.documents()[0]: b'"' + b"x" * HUGE_BYTES + b'"'})


def deep_json(ledger: Ledger) -> str:
    return ledger.with_files({ledger.documents()[0]: b"[" * DEEP + b"]" * DEEP})


def deep_meta(ledger: Ledger) -> str:
    return ledger.with_files({"meta.json": b'{"a":' * DEEP + b"1" + b"}" * DEEP})


def no_json(ledger: Ledger) -> str:
    return ledger.with_files({ledger.documents()[0]: b"\xff\xfe{not json"})


def keys_twice(ledger: Ledger) -> str:
    path = ledger.documents()[0]
    text = json.dumps(ledger.read(path))
    return ledger.with_files({path: (text[:-1] + "," + text[1:]).encode()})


def other_types(ledger: Ledger) -> str:
    return ledger.with_changes(
        lambda doc: {key: [value] if at % 2 else {"x": value} for at, (key, value) in enumerate(doc.items())}
    )


def all_null(ledger: Ledger) -> str:
    return ledger.with_changes(dict.fromkeys)


def numbers_beyond(ledger: Ledger) -> str:
    return ledger.with_changes(
        lambda doc: {key: 10**400 if isinstance(value, int) else value for key, value in doc.items()}
    )


def a_newer_schema(ledger: Ledger) -> str:
    return ledger.with_files({"meta.json": b'{"schema": 99, "rules": 99, "writer_min": 99, "seq": 1, "grants": 0}'})


def no_meta(ledger: Ledger) -> str:
    return ledger.with_files({"meta.json": None})


def escapes_in_texts(ledger: Ledger) -> str:
    return ledger.with_changes(lambda doc: _everywhere(doc, lambda text: f"{text}{ESCAPES}"))


def escapes_in_descriptions(ledger: Ledger) -> str:
    return ledger.with_texts(PROSE, f"x{ESCAPES}")


def escapes_in_names(ledger: Ledger) -> str:
    return ledger.with_texts(NAMES, f"x{ESCAPES}")


def markup_in_texts(ledger: Ledger) -> str:
    return ledger.with_texts(PROSE, f"x{MARKUP}")


def markup_in_names(ledger: Ledger) -> str:
    return ledger.with_texts(NAMES, f"x{MARKUP}")


def imitations(ledger: Ledger) -> str:
    return ledger.with_texts(PROSE, f"x{IMITATIONS}")


def imitations_in_names(ledger: Ledger) -> str:
    return ledger.with_texts(NAMES, f"x{IMITATIONS}")


def imitations_in_symbols(ledger: Ledger) -> str:
    return ledger.with_texts(SYMBOLS, f"x{IMITATIONS}")


def imitations_in_patterns(ledger: Ledger) -> str:
    return ledger.with_texts(PATTERNS, f"x{IMITATIONS}")


def a_strange_checkpoint(ledger: Ledger) -> str:
    """What a predecessor left is a table with whatever names."""
    names = ("agent_id", "clone", "session_id", "branch", "commit", "notes", "reason", "worktree", "fence", "at")
    left = dict.fromkeys((*names, "hint", "message", "next_step", "notices"), f"x{IMITATIONS}{ESCAPES}")
    left |= {f"x{IMITATIONS}{ESCAPES}{number}": ESCAPES for number in range(5_000)}
    return ledger.with_changes(lambda doc: {**doc, "checkpoint": left} if "step_num" in doc else doc)


def _with(doc: dict[str, Json], fields: Mapping[str, str], text: str) -> Json:
    """Return a document with a text in fields that it has or may have; of its items and what it calls for, too."""
    inner = {key: [_with(item, fields, text) for item in doc[key]] for key in ("items", "wishes") if key in doc}
    called = {"call": _with(doc["call"], fields, text)} if "call" in doc else {}
    there = {
        key: [text] if kind == "list" else text
        for key, kind in fields.items()
        if key in doc or kind == "may" or (key == "symbols" and "pattern" in doc)
    }
    return {**doc, **inner, **called, **there}


def options_for_texts(ledger: Ledger) -> str:
    return ledger.with_changes(lambda doc: _everywhere(doc, lambda _: "--upload-pack=touch owned"))


def long_texts(ledger: Ledger) -> str:
    return ledger.with_changes(lambda doc: {**doc, "description": "A" * 3_000_000, "title": "B" * 900_000})


def a_message_of_escapes(ledger: Ledger) -> str:
    return ledger.commit(a_tree(ledger), f"claim{ESCAPES.replace(chr(0), '')}\n\n{{")


def a_huge_message(ledger: Ledger) -> str:
    return ledger.commit(a_tree(ledger), "subject\n\n" + '{"uid": "x"}\n' * 2_000_000)


def a_forged_record(ledger: Ledger) -> str:
    line = json.dumps({"uid": ESCAPES, "command": {"op": ESCAPES}, "outcome": {"verdict": 7, "facts": [ESCAPES]}})
    return ledger.commit(a_tree(ledger), f"claim x\n\n{line}\n{line}")


def forged_events(ledger: Ledger) -> str:
    """What a record says happened, and to whom, is text of whoever wrote it, or a table in its place."""
    odd, table = f"x{IMITATIONS}", {"next_step": f"x{IMITATIONS}", "hint": ["x"]}
    happened = [
        {
            "event": event,
            "agent": agent,
            "claim": agent,
            "entry": odd,
            "reason": reason,
            "note": odd,
            "decision": reason,
        }
        | {"pattern": reason, "symbols": [reason, odd], "items": [odd, table]}
        for event in ("claim_granted", "claim_released", "request_answered")
        for agent, reason in ((odd, "released"), ("bob/cli/wt", table), ("bob/cli/wt", odd))
    ]
    facts = {"step_num": table, "fence": odd, "claim": odd, "released": {odd: odd}, "name": table, "value": table}
    by = {"agent": odd, "clone": odd, "session": odd}
    lines = [
        {"now": "2026-12-01T00:00:00.000Z", "rules": 2},
        {"id": "x.1", "uid": "u1", "do": "release_claims", "by": by, "args": {}, "events": happened}
        | {"outcome": {"verdict": "done", "code": odd, "facts": facts}},
        {"id": "x.2", "uid": "u2", "do": "claim_step", "by": by, "args": {}}
        | {
            "outcome": {
                "verdict": "done",
                "code": "step_claimed",
                "facts": {"step_num": odd, "from": odd, "recovered": 1},
            }
        },
        {"refusals": [{"event": "claim_refused", "by": odd, "do": odd, "code": table, "count": 1, "patterns": [odd]}]},
    ]
    return ledger.commit(a_tree(ledger), "\n\n".join(["claim x", "\n".join(map(json.dumps, lines))]))


def a_past_with_names(ledger: Ledger) -> str:
    """A claim that has ended was another one before."""
    ids = [path.rpartition("/")[2].removesuffix(".json") for path in ledger.documents() if path.startswith("claims/")]
    tree, before = a_tree(ledger), imitations_in_names(ledger)
    happened = [{"event": "claim_released", "claim": name, "agent": "ann/cli/wt", "reason": "released"} for name in ids]
    lines = [
        {"now": "2026-12-01T00:00:00.000Z", "rules": 2},
        {
            "id": "x.1",
            "uid": "u1",
            "do": "release_claims",
            "by": {"agent": "ann/cli/wt"},
            "args": {},
            "events": happened,
        }
        | {"outcome": {"verdict": "done", "code": "claims_released", "facts": {}}},
    ]
    return ledger.commit(tree, "\n\n".join(["release x", "\n".join(map(json.dumps, lines))]), before)


def seen_by_no_one(ledger: Ledger) -> str:
    """A heartbeat names ledgers that its clone saw."""
    seen = {f"steps/x{IMITATIONS}{ESCAPES}{number}": 5 for number in range(5_000)}
    return ledger.with_changes(lambda doc: {**doc, "seen": seen} if "beaten_at" in doc else doc)


def a_commit_of_the_year_9999(ledger: Ledger) -> str:
    text = f"tree {a_tree(ledger)}\nparent {ledger.tip}\n"
    text += "author e <e@x> 253402300799 +9999\ncommitter e <e@x> 99999999999999999999 -9999\n\nx\n"
    return ledger.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", given=text.encode())


def headers_without_end(ledger: Ledger) -> str:
    text = f"tree {a_tree(ledger)}\n" + "x-header y\n" * 500_000
    return ledger.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", given=text.encode())


def a_history_anew(ledger: Ledger) -> str:
    return ledger.git("commit-tree", a_tree(ledger), "-m", "anew")


def back_to_the_first(ledger: Ledger) -> str:
    return ledger.git("rev-list", "--max-parents=0", ledger.tip).splitlines()[0]


def another_ledger(ledger: Ledger) -> str:
    other = "refs/coord/claims" if "steps" in ledger.ref else "refs/coord/steps/app"
    return ledger.git("rev-parse", other)


CRAFTS: tuple[Craft, ...] = (
    a_blob,
    a_tree,
    a_tag,
    an_empty_commit,
    a_way_out,
    git_inside,
    a_link,
    a_submodule,
    a_hundred_thousand_entries,
    two_entries_of_one_name,
    a_tree_that_is_cut_off,
    a_huge_blob,
    deep_json,
    deep_meta,
    no_json,
    keys_twice,
    other_types,
    all_null,
    numbers_beyond,
    a_newer_schema,
    no_meta,
    escapes_in_texts,
    escapes_in_descriptions,
    escapes_in_names,
    markup_in_texts,
    markup_in_names,
    imitations,
    imitations_in_names,
    imitations_in_symbols,
    imitations_in_patterns,
    a_strange_checkpoint,
    options_for_texts,
    long_texts,
    a_message_of_escapes,
    a_huge_message,
    a_forged_record,
    forged_events,
    a_past_with_names,
    seen_by_no_one,
    a_commit_of_the_year_9999,
    headers_without_end,
    a_history_anew,
    back_to_the_first,
    another_ledger,
)
