"""Parsers of what is kept: JSON, documents, commits and their records, trees, the journal, cursors."""

import base64
import json
import os
import random
import re
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json, canonical, load_json, load_object
from gitcoord.core.relay.relay import Position
from gitcoord.errors import DocumentError, InvalidError, LimitError, MissingObjectError
from gitcoord.ledger.format import commits, records, trees
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate
from gitcoord.remote.journal.journal_file import BEGIN, Header, JournalFile, OpenJournal, Record
from gitcoord.remote.journal.pack_files import PackedObject
from gitcoord.remote.journal.unwritten_tips import HEAD, RECORD, RECORD_MARK, ROW, unwritten_tips
from gitcoord.remote.transports.memory import MemoryObjects
from gitcoord.service.events import cursor
from tests.fuzz.fuzzer import Target, on_bytes, on_json, on_lines
from tests.golden.samples import bare, full, kinds

A, B = "a" * 40, "b" * 40
CLAIMS = RefName("refs/coord/claims")
_WORDS: Final = (b"null", b"{}", b"[[", b'"', b"\\u0000", b"\\ud800", b"1e999", b"-0", b"NaN", b"9007199254740993")


# -- JSON and documents


def check_json(data: bytes) -> None:
    """What is read is what the standard library reads, keys once, and has one spelling."""
    value = load_json(data)

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        assert len(dict(pairs)) == len(pairs), "a key was taken twice"
        return dict(pairs)

    assert value == json.loads(data, object_pairs_hook=once)
    again = canonical(value)
    assert load_json(again) == value
    assert canonical(load_json(again)) == again


KINDS: Final = kinds()


def check_document(data: bytes) -> None:
    """The first line names the kind. What is read can be written, and read again as the same."""
    name, _, text = data.partition(b"\n")
    kind = KINDS.get(name.decode("latin-1"))
    if kind is None:
        return
    document = kind.decode(text)
    assert kind.parse(load_object(text)) == document, "the fast way and the slow way differ"
    unknown = load_object(text).keys() - {*kind.__struct_fields__}
    assert unknown <= document.extra.keys(), "what a newer version wrote is lost"
    try:
        written = document.encode()
    except LimitError:
        return  # too large for a writer of ours; a newer one may take more
    assert kind.decode(written) == document
    assert kind.decode(written).encode() == written
    left_out = {name: None for name in kind.__struct_fields__ if getattr(document, name) is None}
    try:
        assert kind.parse({**load_object(written), **left_out}) == document, "null is something else than nothing"
    except DocumentError as error:
        raise AssertionError from error


def _on_document(chance: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    name, _, text = data.partition(b"\n")
    if not chance.randrange(20):
        name = chance.choice([*KINDS]).encode()
    return name + b"\n" + on_json(chance, text, words)


# -- commits, records, trees


def check_commit(data: bytes) -> None:
    """The tree, the parents and the message are those that git's own format has there."""
    objects = MemoryObjects(contents={Oid(A): (ObjectKind.COMMIT, data)})
    read = commits.read(objects, Oid(A))
    head, _, message = data.decode("utf-8", "replace").partition("\n\n")
    lines = [text.partition(" ") for text in head.split("\n")]
    assert read.message == message
    assert [read.tree, *read.parents] == [
        *[value for name, _, value in lines if name == "tree"][:1],
        *(value for name, _, value in lines if name == "parent"),
    ]
    assert all(re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", oid) for oid in (read.tree, *read.parents))
    assert datetime(1970, 1, 1, tzinfo=UTC) <= read.committed_at < datetime(9999, 1, 1, tzinfo=UTC)
    before = commits.before(MemoryObjects(), read)
    assert before == (read.parents[0] if read.parents else before)
    assert commits.is_first(read) is (before is None)
    assert all("do" in each.line for each in records.parse_lines(message))


def check_records(data: bytes) -> None:
    """Each line of a command is read that a plain reading finds, and no other; nothing of it raises."""
    text = data.decode("utf-8", "replace")
    expected: list[Json] = []
    refused: list[Json] = []
    is_begun = False
    for line in text.splitlines():
        value = _plain(line)
        if isinstance(value, dict) and "now" in value:
            is_begun = _is_moment(str(value["now"])) or is_begun
        elif isinstance(value, dict) and is_begun:
            expected += [value] if "do" in value else []
            ridden = value.get("refusals")
            some = ridden if isinstance(ridden, list) else []
            refused += [each for each in some if isinstance(each, dict) and isinstance(each.get("event"), str)]
    read = [*records.parse_lines(text)]
    assert _spelled([each.line for each in read]) == _spelled(expected)
    assert _spelled([each.line for each in records.parse_refusals(text)]) == _spelled(refused)
    assert all(each.now.utcoffset() == timedelta(0) for each in read)


def _spelled(values: "Sequence[object]") -> str:
    return json.dumps(values)  # NaN is not equal to itself


def _plain(line: str | bytes) -> Json:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_moment(text: str) -> bool:
    """Whether a text is a moment that a document may have, in any zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.tzinfo is not None and limits.MOMENT_FIRST <= moment <= limits.MOMENT_LAST


FILE, LEAF, LOOP = (Oid(digit * 40) for digit in "123")


def check_tree(data: bytes) -> None:
    """Names and modes are ours, each entry is there, a tree that is in itself ends, and so do many of one."""
    leaf = b"100644 x\0" + bytes.fromhex(FILE)
    contents = {LOOP: (ObjectKind.TREE, data), LEAF: (ObjectKind.TREE, leaf), FILE: (ObjectKind.BLOB, b"")}
    objects = MemoryObjects(contents=contents)
    folder = trees.load(objects, LOOP)
    rest, names = data, dict[str, str]()
    while rest:
        head, _, tail = rest.partition(b"\0")
        mode, _, name = head.partition(b" ")
        assert mode in {b"100644", b"40000"}
        assert re.fullmatch(rb"[A-Za-z0-9_][A-Za-z0-9_.-]*", name)
        names[f"{mode.decode()} {name.decode()}"] = tail[:20].hex()
        rest = tail[20:]
    files = {f"100644 {name}": oid for name, oid in folder.files.items()}
    folders = {f"40000 {name}": below.oid for name, below in folder.folders.items()}
    assert {**files, **folders} == names
    assert all(len(oid) == len(A) for oid in names.values())
    assert all(
        trees.find(objects, LOOP, name) == oid for name, oid in folder.files.items() if name not in folder.folders
    )
    assert trees.load(objects, LOOP, folder) is folder


# -- the journal


def check_journal(data: bytes) -> None:
    """Whole records count, whatever lies between them; the fast reading of hooks sees the same refs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal")
        path.write_bytes(data)
        handle = os.open(path, os.O_RDONLY)
        try:
            journal = OpenJournal(handle)
            begin = journal.header.written
            found = [*journal.records(begin, journal.size_bytes)]
        finally:
            os.close(handle)
        tips: dict[str, str | None] = {}
        for record in found:
            tips |= {update.ref: update.new for update in record.updates if update.old != update.new}
            for packed in record.objects():
                assert len(packed.oid) == len(A)
        places, start = list[tuple[int, int]](), begin
        while (start := data.find(b"GCJ2", start)) >= 0:
            length, crc = struct.unpack(">II", data[start + 4 : start + 12].ljust(8, b"\0"))
            payload = data[start + 12 : start + 12 + length]
            is_whole = len(data) >= start + 12 + length and zlib.crc32(payload) == crc and _has_parts(payload)
            places += [(start, start + 12 + length)] if is_whole else []
            start = start + 12 + length if is_whole else start + 1
        assert [(record.begin, record.end) for record in found] == places
        assert unwritten_tips(folder) == tips


def _has_parts(payload: bytes) -> bool:
    return len(payload) >= HEAD.size and HEAD.size + sum(HEAD.unpack_from(payload)) <= len(payload)


def _seed_journals() -> Iterator[bytes]:
    item = PackedObject(Oid(A), 3, 5, zlib.compress(b"hello"))
    update = [RefUpdate(CLAIMS, None, Oid(A)), RefUpdate(RefName("refs/coord/x"), Oid(B), None)]
    with tempfile.TemporaryDirectory() as folder:
        journal = JournalFile(Path(folder))
        with journal.locked(1) as opened:
            opened.append(Record.of(update, [item]))
            yield journal.path.read_bytes()
            last = opened.append(Record.of([RefUpdate(CLAIMS, Oid(A), Oid(B))], [item, item]))
            opened.append(Record.of(update[:1], []))
            yield journal.path.read_bytes()
            opened.note(Header(2, last.begin, "f" * 36))
            yield journal.path.read_bytes()
            os.ftruncate(opened.handle, opened.size_bytes - 3)
            yield journal.path.read_bytes()
        yield b""


def with_checksums(data: bytes) -> bytes:
    """Return a journal whose records' heads say what is behind them; not of nonsense, which no writer gives one."""
    head, *parts = data[BEGIN:].split(RECORD_MARK)
    out = data[:BEGIN] + head
    for part in parts:
        payload = part[RECORD.size - len(RECORD_MARK) :]
        is_sound = _has_parts(payload) and _is_sound(payload)
        head = RECORD.pack(RECORD_MARK, len(payload), zlib.crc32(payload)) if is_sound else RECORD_MARK + part[:8]
        out += head + payload
    return out


def _is_sound(payload: bytes) -> bool:
    """Whether the updates of a record are updates, and its table has whole rows."""
    text_bytes, table_bytes = HEAD.unpack_from(payload)
    rows = _plain(payload[HEAD.size : HEAD.size + text_bytes])
    return table_bytes % ROW.size == 0 and isinstance(rows, list) and all(_is_update(row) for row in rows)


def _is_update(row: Json) -> bool:
    if not isinstance(row, list) or len(row) != len(("ref", "old", "new")) or not isinstance(row[0], str):
        return False
    return all(each is None or isinstance(each, str) for each in row)


# -- cursors


def check_cursor(data: bytes) -> None:
    """A cursor that is read is spelled as one that is read as the same; its positions are moments that there are."""
    read = cursor.parse(data.decode("utf-8", "replace"))
    assert cursor.parse(read.text) == read
    raw = base64.urlsafe_b64decode(data.removeprefix(b"e1.") + b"===")
    assert zlib.crc32(raw[:-4]).to_bytes(4) == raw[-4:]
    position = read.position_in(CLAIMS)
    if position is not None and position.commit:
        moved = cursor.Cursor(read.place, {}).moved(position)
        assert moved.position_in(CLAIMS) == position


def with_sum(data: bytes) -> bytes:
    """Return a cursor whose checksum is right."""
    word = data.removeprefix(b"e1.") + b"==="
    try:
        body = base64.b64decode(word[: len(word) // 4 * 4], altchars=b"-_")[:-4]
    except ValueError:
        return data
    return b"e1." + base64.urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4)).rstrip(b"=")


_MOMENT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_BEGUN = cursor.begin("https://host.example/app.git")
_CURSORS: Final = (
    _BEGUN,
    _BEGUN.moved(Position(ledger=CLAIMS, commit=A, at=_MOMENT, events=3)),
    _BEGUN.moved(
        Position(ledger=CLAIMS, commit=A, at=_MOMENT, events=1 << 20),
        Position(ledger="refs/coord/steps/app", commit="", at=_MOMENT, events=0),
    ),
)

_COMMIT: Final = (
    f"tree {A}\nparent {B}\nauthor Ann <ann@example.invalid> 1700000000 +0000\n"
    "committer Ann <ann@example.invalid> 1700000000 +0000\n\nclaim app/1 for ann/cli/wt\n\n"
)
_RECORD: Final = (
    '{"now":"2026-11-21T09:30:00.000Z","rules":2,"checks":{"refs/coord/x":null}}\n'
    '{"args":{"step_num":1},"by":{"agent":"ann/cli/wt"},"do":"claim_step","id":"k3.7","outcome":{"verdict":"done"}}\n'
    '{"refusals":[{"event":"claim.refused","count":3},{"count":1},{"event":7},7]}\n'
)
_ROLL: Final = _COMMIT.replace(f"parent {B}\n", "") + f'{{"replaces":"{B}","archive":"refs/coord/archive/claims/1"}}\n'

TARGETS: Sequence[Target] = (
    Target(
        "JSON",
        check_json,
        [
            b'{"a": [1, 2.5, null, true, "\\u00e9"]}',
            b'{"a": 1, "b": 2}',
            b'"x"[[[[]]]]',
            b"-1.5e3",
            b"[" * 40 + b"]" * 40,
        ],
        {"core/documents/json_text.py": ("load_json", "check_depth")},
        (DocumentError,),
        (*_WORDS, b'"a": 1, ', b'"a"', b'"b"', b"[" * 30, b"]" * 30),
        on_json,
    ),
    Target(
        "documents",
        check_document,
        [
            f"{name}\n".encode() + made(kind).encode()
            for name, kind in KINDS.items()
            for made in (bare, full)
            if kind.__name__ != "Doc"
        ],
        {"core/documents/doc.py": ("Doc.decode", "Doc.parse")},
        (DocumentError,),
        (*_WORDS, b"2026-11-21T09:30:00.125Z", b"9999-12-31T23:59:59.999Z", b"2026-02-30T00:00:00Z"),
        _on_document,
    ),
    Target(
        "commits",
        check_commit,
        [(_COMMIT + _RECORD).encode(), _ROLL.encode(), _COMMIT.replace("1700000000", "9" * 30).encode()],
        {
            "ledger/format/commits.py": ("read", "before", "is_first"),
            "ledger/format/root_commit.py": ("replaced_by", "_head"),
        },
        (DocumentError,),
        (b"tree ", b"parent ", b"committer ", f"tree {B}\n".encode(), f"parent {A}\n".encode(), b"\n\n", b" -1 +0000"),
        on_lines,
    ),
    Target(
        "records",
        check_records,
        [_RECORD.encode(), (_RECORD * 2).encode(), b'{"record":"record.json"}\n'],
        {"ledger/format/records.py": ("parse_lines", "parse_refusals", "_parsed")},
        (),
        (
            *_WORDS,
            b'{"now":"2026-11-21T09:30:00Z"}\n',
            b'{"do":1}\n',
            b"\x0b",
            b"\xe2\x80\xa8",
            b'"refusals":',
            b"[" * 3000,
        ),
        on_lines,
    ),
    Target(
        "trees",
        check_tree,
        [
            b"100644 meta.json\0" + bytes.fromhex(FILE) + b"40000 steps\0" + bytes.fromhex(LEAF),
            b"40000 a\0" + bytes.fromhex(LEAF) + b"40000 b\0" + bytes.fromhex(LEAF),
            b"",
            b"40000 a\0" + bytes.fromhex(LOOP),
        ],
        {"ledger/format/trees.py": ("_Walk.load", "_Walk._read", "_entries", "find")},
        (DocumentError, MissingObjectError),
        (
            b"100644 ",
            b"40000 ",
            b"120000 x\0",
            b"160000 ",
            b"..",
            b".git",
            b"\0",
            *(bytes.fromhex(each) for each in (FILE, LEAF, LOOP)),
        ),
    ),
    Target(
        "journal",
        check_journal,
        [*_seed_journals()],
        {
            "remote/journal/unwritten_tips.py": ("read_header", "payload_at", "next_record", "unwritten_tips"),
            "remote/journal/journal_file.py": ("OpenJournal.records", "_record", "Record.objects"),
        },
        (),
        (RECORD_MARK, b"GCH2", HEAD.pack(2, 0), b"[]", b"null", b'[["refs/coord/x",null,null]]'),
        on_bytes,
        with_checksums,
    ),
    Target(
        "cursors",
        check_cursor,
        [each.text.encode() for each in _CURSORS],
        {"service/events/cursor.py": ("parse", "Cursor.position_in")},
        (InvalidError,),
        (b"e1.", b"e2.", b"_", b"-", b"=", b"AAAA", b"____"),
        on_bytes,
        with_sum,
    ),
)
