"""Parsers of what a server or git says, each beside a reading of the same that is as plain as can be."""

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from gitcoord.errors import MissingObjectError
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.git.git_process import Completed
from gitcoord.remote.http import advertisement, deltas, fetch, listed_refs, report_status
from gitcoord.remote.http.pack_reader import OBJECTS_MAX, objects_in
from gitcoord.remote.http.pack_writer import PackWriter
from gitcoord.remote.http.pkt_line import FLUSH, Mark, line, packet, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.transports.memory import MemoryObjects
from gitcoord.remote.transports.push_report import judge_push, parse_report
from tests.fuzz.fuzzer import Target, on_bytes, on_lines

A, B = "a" * 40, "b" * 40
CLAIMS, STEPS = RefName("refs/coord/claims"), RefName("refs/coord/steps/app")
_ACTED_ON: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ID: Final = re.compile("[0-9a-f]{40}")
_SHALLOW: Final = re.compile(rb"shallow [0-9a-f]{40}")
_MARKS: Final = {"0000": Mark.FLUSH, "0001": Mark.DELIMITER, "0002": Mark.END}


# -- packets


def plain_packets(body: bytes) -> "list[bytes | Mark] | None":
    """Return the packets of a body; `None`: it is no sequence of them."""
    found, rest = _first_packets(body)
    return None if rest else found


def _first_packets(body: bytes) -> "tuple[list[bytes | Mark], bytes]":
    """Return the packets up to what is none, and the rest."""
    found: list[bytes | Mark] = []
    while body:
        digits = body[:4].decode("latin-1").lower()
        if len(digits) < len("ffff") or set(digits) - set("0123456789abcdef"):
            break
        size = int(digits, 16)
        if digits in _MARKS:
            found.append(_MARKS[digits])
            body = body[4:]
        elif size == len("000") or size > len(body):
            break
        else:
            found.append(body[4:size])
            body = body[size:]
    return found, body


def check_packets(body: bytes) -> None:
    try:
        read = [*packets(body)]
    except UnfamiliarError:
        assert plain_packets(body) is None
        raise
    assert read == plain_packets(body)


def _texts(body: bytes) -> "list[str] | None":
    """Return the lines up to the flush; `None`: there is none."""
    lines: list[str] = []
    for each in _first_packets(body)[0]:
        if isinstance(each, Mark):
            return lines if each is Mark.FLUSH or not lines else None
        lines.append(each.decode("utf-8", "replace").rstrip("\n"))
    return None if lines else []


def _band(body: bytes, number: int) -> bytes:
    found, _ = _first_packets(body)
    until = next((index for index, each in enumerate(found) if isinstance(each, Mark)), len(found))
    return b"".join(each[1:] for each in found[:until] if isinstance(each, bytes) and each[:1] == bytes([number]))


# -- what became of a push


def check_report(data: bytes) -> None:
    """The first byte says whether it is on a side-band; what is ok is what an `ok` says, and no option after it."""
    banded, body = data[:1] > b"m", data[1:]
    read = report_status.parsed(body, banded=banded)
    lines = _texts(_band(body, 1) if banded else body)
    assert lines is not None
    ok, failed, last, moved = set[str](), dict[str, str](), "", set[str]()
    for text in lines[1:]:
        words = re.split(" ", text, maxsplit=2)
        if words[0] in {"ok", "ng"} and len(words) > 1 and words[1] and not re.search(r"\s", words[1]):
            last = words[1]
            (ok.add(last) if words[0] == "ok" else failed.update({last: words[2] if len(words) > 2 else ""}))
        elif text.startswith(("option refname ", "option old-oid ", "option new-oid ")):
            moved.add(last)
    assert (read.ok, read.failed) == (ok - moved, failed)
    assert read.unpacked == (lines[0][len("unpack ") :] if lines and lines[0].startswith("unpack ") else "")


UPDATES: Final = (RefUpdate(CLAIMS, Oid(A), Oid(B)), RefUpdate(STEPS, None, Oid(B)))


def check_porcelain(data: bytes) -> None:
    """What comes before a NUL is standard output, then standard error; the first byte gives the exit status.

    A push is only won where git says of each ref that it was written.
    """
    status, (stdout, _, stderr) = data[:1], data[1:].partition(b"\0")
    done = Completed(0 if status < b"m" else 1, stdout, stderr)
    outcome = judge_push(done, UPDATES)
    flags: dict[str, set[str]] = {}  # a line that git never writes may repeat a ref
    for text in stdout.decode(errors="replace").splitlines():
        flag, _, rest = text.partition("\t")
        flags.setdefault(rest.partition("\t")[0].partition(":")[2], set()).add(flag)
    if outcome.status is SwapStatus.WON:
        assert all(flags.get(update.ref, set()) & set(" +-*") for update in UPDATES)
    assert done.rc == 0 or outcome.status is not SwapStatus.WON
    if outcome.status is SwapStatus.LOST:
        assert b"!\t" in stdout or b"=\t" in stdout or "lock" in done.errors
    assert not _ACTED_ON.search(outcome.message)
    for read in parse_report(stdout.decode(errors="replace")):
        assert f"{read.flag}\t" in stdout.decode(errors="replace")


def _said(*lines: str, errors: str = "", status: bytes = b"a") -> bytes:
    return (
        status + "".join(f"{text}\n" for text in ("To /srv/r.git", *lines, "Done")).encode() + b"\0" + errors.encode()
    )


# -- listings


def check_listing(body: bytes) -> None:
    refs, faults = listed_refs.parsed(body, ["refs/coord/"])
    expected: dict[str, str] = {}
    wrong: list[str] = []
    for each in plain_packets(body) or ():
        if isinstance(each, Mark):
            continue
        oid, ref, *more = each.decode("utf-8", "replace").rstrip("\n").split(" ")
        if not ref.startswith("refs/coord/"):
            continue
        if any("symref-target:" in word for word in more) or set(oid) == {"0"}:
            wrong.append(ref)
        else:
            expected[ref] = oid
    assert refs == expected
    assert [fault.ref for fault in faults] == wrong


def check_advertisement(data: bytes) -> None:
    """The first byte says which one it is."""
    body = data[1:]
    match data[:1]:
        case b"r":
            found = advertisement.receiving(body)
            assert "report-status" in found
            assert "push-cert" not in found
        case b"u":
            found = advertisement.uploading(body)
            is_first = advertisement.VERSION_1 in found
            assert body.endswith(FLUSH) if is_first else {"ls-refs", "fetch"} <= found.keys()
        case _:
            found, rows = advertisement.listing(body)
            text = body.decode("utf-8", "replace")
            assert all(f"{row.oid} {row.ref}" in text and not row.ref.endswith("^{}") for row in rows)
            assert all(_ID.fullmatch(row.oid) for row in rows)
            refs, _ = listed_refs.under(["refs/coord/"], rows)
            assert "0" * 40 not in refs.values()
            assert found.get("symref", "").partition(":")[0] not in refs
    assert found.get("object-format", "sha1") == "sha1"


def check_fetched(data: bytes) -> None:
    """The first byte says which version: a pack is all of band 1, behind the line that begins it, up to the flush.

    What was left out is said before that line.
    """
    is_first, body = data[:1] == b"1", data[1:]
    pack, boundaries = fetch.first_pack_in(body) if is_first else fetch.pack_in(body)
    found, _ = _first_packets(body)
    said = [_stripped(each) for each in found]
    assert not is_first or said[0][:3] in {b"ACK", b"NAK"}
    start = 0 if is_first else said.index(b"packfile")
    left_out = [each for each in said[:start] if _SHALLOW.fullmatch(each)]
    assert [f"shallow {oid}".encode() for oid in boundaries] == left_out
    rest = found[start + 1 :]
    assert Mark.FLUSH in rest
    banded = rest[: rest.index(Mark.FLUSH)]
    assert pack == b"".join(each[1:] for each in banded if isinstance(each, bytes) and each[:1] == b"\x01")


def _stripped(each: "bytes | Mark") -> bytes:
    return each.rstrip(b"\n") if isinstance(each, bytes) else b""


# -- packs


class _DamagedError(Exception):
    """What the plain reading does not take."""


def plain_delta(base: bytes, delta: bytes) -> bytes:
    """Return what a delta makes, by the manual."""
    rest = iter(delta)

    def byte() -> int:
        found = next(rest, None)
        if found is None:
            raise _DamagedError
        return found

    sizes: list[int] = []
    for _ in range(2):
        digits = [byte()]
        while digits[-1] >= 0x80:
            digits.append(byte())
        sizes.append(sum((digit & 0x7F) << 7 * at for at, digit in enumerate(digits)))
    made = b""
    while (word := next(rest, None)) is not None:
        if word == 0:
            raise _DamagedError
        if word < 0x80:
            made += bytes(byte() for _ in range(word))
            continue
        offset = sum(byte() << 8 * at for at in range(4) if word >> at & 1)
        size = sum(byte() << 8 * at for at in range(3) if word >> 4 + at & 1) or 0x10000
        if offset + size > len(base):
            raise _DamagedError
        made += base[offset : offset + size]
    if sizes != [len(base), len(made)]:
        raise _DamagedError
    return made


BASE: Final = bytes(range(200)) * 3


def check_delta(delta: bytes) -> None:
    try:
        expected = plain_delta(BASE, delta)
    except _DamagedError:
        expected = None
    if expected is not None and len(expected) > 100_000:
        expected = None
    try:
        made = deltas.applied(BASE, delta, 100_000)
    except UnfamiliarError:
        assert expected is None
        raise
    assert made == expected


HERE: Final = b"what is here already\n" * 4


def _oid(kind: ObjectKind, data: bytes) -> Oid:
    return Oid(hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest())


def here(oid: Oid) -> tuple[ObjectKind, bytes]:
    """Return the one object that is here."""
    if oid != _oid(ObjectKind.BLOB, HERE):
        raise MissingObjectError("nothing else is here")
    return ObjectKind.BLOB, HERE


def plain_pack(pack: bytes) -> dict[str, tuple[int, bytes]]:
    """Return the objects of a pack by their ids, with their numbers; the base of a delta may follow it."""
    if len(pack) < 32 or pack[:8] != b"PACK\0\0\0\x02" or hashlib.sha1(pack[:-20]).digest() != pack[-20:]:  # noqa: S324
        raise _DamagedError
    raws: list[tuple[int, int, int | str, bytes]] = []
    start = 12
    for _ in range(int.from_bytes(pack[8:12], "big")):
        raws.append(_plain_object(pack, start))
        start = len(pack) - 20 - _left_behind(pack, start)
    if start != len(pack) - 20:
        raise _DamagedError
    made: dict[int | str, tuple[int, bytes]] = {_oid(ObjectKind.BLOB, HERE): (3, HERE)}
    found: dict[str, tuple[int, bytes]] = {}
    for is_last in (False, True):
        for begin, number, of, data in raws:
            if begin in made or (number > 3 and of not in made and not is_last):
                continue
            if number > 3 and of not in made:
                raise _DamagedError
            whole = made[of] if number > 3 else (number, b"")
            entry = (whole[0], plain_delta(whole[1], data) if number > 3 else data)
            oid = _oid(_NUMBERED[entry[0]], entry[1])
            made[begin] = made[oid] = found[oid] = entry
    return found


_NUMBERED: Final = {1: ObjectKind.COMMIT, 2: ObjectKind.TREE, 3: ObjectKind.BLOB}


def _plain_head(pack: bytes, start: int) -> tuple[int, int, int]:
    """Return number and size of an object, and where its head ends."""
    head = pack[start : start + 12]
    length = next((at + 1 for at, digit in enumerate(head) if digit < 0x80), 99)
    if length > 9:
        raise _DamagedError
    size = (head[0] & 15) + sum((digit & 0x7F) << 4 + 7 * at for at, digit in enumerate(head[1:length]))
    return head[0] >> 4 & 7, size, start + length


def _plain_object(pack: bytes, begin: int) -> tuple[int, int, int | str, bytes]:
    """Return where an object is, its number, what it is a delta of, and its bytes."""
    number, size, start = _plain_head(pack, begin)
    of: int | str = ""
    if number == 6:
        digits = [pack[start]]
        while digits[-1] & 0x80:
            digits.append(pack[start + len(digits)])
        start += len(digits)
        back = sum((digit & 0x7F) + (at > 0) << 7 * at for at, digit in enumerate(reversed(digits)))
        of = begin - back
    elif number == 7:
        of, start = pack[start : start + 20].hex(), start + 20
    elif number not in _NUMBERED:
        raise _DamagedError
    data = _unfolded(pack, start)[0]
    if len(data) != size:
        raise _DamagedError
    return begin, number, of, data


def _unfolded(pack: bytes, start: int) -> tuple[bytes, int]:
    """Return what is deflated at a place, and how many bytes stand behind it, the checksum aside."""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(pack[start:-20])
    except zlib.error:
        raise _DamagedError from None
    if not inflater.eof:
        raise _DamagedError
    return data, len(inflater.unused_data)


def _left_behind(pack: bytes, begin: int) -> int:
    number, _, start = _plain_head(pack, begin)
    if number == 6:
        while pack[start] & 0x80:
            start += 1
        start += 1
    return _unfolded(pack, start + 20 * (number == 7))[1]


def check_pack(pack: bytes) -> None:
    """Everything that a plain reading finds is found, as it is; parents come before children, content before trees."""
    try:
        expected = plain_pack(pack)
    except (_DamagedError, IndexError):
        expected = None
    try:
        read = objects_in(pack, here)
    except (UnfamiliarError, MissingObjectError):
        assert expected is None
        raise
    order = [ObjectKind.BLOB, ObjectKind.TREE, ObjectKind.COMMIT]
    assert [order.index(each.kind) for each in read] == sorted(order.index(each.kind) for each in read)
    assert all(each.oid == _oid(each.kind, each.data) for each in read)
    known = [each.oid for each in read]
    for at, each in enumerate(read):
        head = each.data.partition(b"\n\n")[0].decode("latin-1") if each.kind is ObjectKind.COMMIT else ""
        assert not {*re.findall(r"(?m)^parent ([0-9a-f]{40})$", head)} & {*known[at + 1 :]}
    assert expected is not None
    assert {each.oid: each.data for each in read} == {oid: data for oid, (_, data) in expected.items()}


def pack_of(*parts: bytes) -> bytes:
    return whole(b"PACK\0\0\0\x02" + len(parts).to_bytes(4, "big") + b"".join(parts) + bytes(20))


def whole(pack: bytes) -> bytes:
    """Return a pack with the checksum that it should have."""
    return pack[:-20] + hashlib.sha1(pack[:-20], usedforsecurity=False).digest()


def _head(number: int, size: int) -> bytes:
    digits = [number << 4 | size & 15]
    rest = size >> 4
    while rest:
        digits[-1] |= 0x80
        digits.append(rest & 0x7F)
        rest >>= 7
    return bytes(digits)


def _packed(number: int, data: bytes, base: bytes = b"") -> bytes:
    return _head(number, len(data)) + base + zlib.compress(data)


def _seed_packs() -> Iterator[bytes]:
    objects = MemoryObjects()
    blob = objects.write(ObjectKind.BLOB, b'{"a": 1}\n')
    tree = objects.write(ObjectKind.TREE, b"100644 a.json\0" + bytes.fromhex(blob))
    first = objects.write(ObjectKind.COMMIT, f"tree {tree}\n\none\n".encode())
    second = objects.write(ObjectKind.COMMIT, f"tree {tree}\nparent {first}\n\ntwo\n".encode())
    writer = PackWriter(objects, [])
    writer.add(second, None)
    yield writer.pack()
    text = b"a text that is long enough to be copied, and more of it\n" * 3
    delta = deltas.of_text(text, text + b"more")
    one = _packed(3, text)
    yield pack_of(one, _packed(6, delta, bytes([len(one)])))
    thin = deltas.of_text(HERE, HERE + b"more")
    yield pack_of(_packed(7, thin, bytes.fromhex(_oid(ObjectKind.BLOB, HERE))))
    long = _packed(3, bytes(range(256)) * 3)
    back = len(one) + len(long)
    yield pack_of(one, long, _packed(6, delta, bytes([(back >> 7) - 1 | 0x80, back & 0x7F])))
    yield pack_of(_packed(3, bytes(range(256)) * 5))
    older = _packed(1, objects.contents[second][1]), _packed(1, objects.contents[first][1])
    yield pack_of(*older)
    late = _packed(7, delta, bytes.fromhex(_oid(ObjectKind.BLOB, text)))
    yield pack_of(late, one)


def _pkt(*lines: str) -> bytes:
    return b"".join(map(line, lines)) + FLUSH


_REPORT: Final = _pkt("unpack ok", f"ok {CLAIMS}", f"option new-oid {B}", f"ng {STEPS} hook declined")
_CAPABILITIES: Final = "report-status report-status-v2 atomic side-band-64k object-format=sha1 agent=git/2.39"
_REFS: Final = (
    f"{A} {CLAIMS}",
    f"{B} {STEPS} symref-target:refs/heads/main",
    f"{'0' * 40} refs/coord/x",
    f"{A} refs/heads/x",
)
_PACKET_WORDS: Final = (
    FLUSH,
    b"0001",
    b"0002",
    b"0003",
    b"0004",
    b"0005\n",
    b"000",
    b"ffff",
    b"FFF0",
    b"\x01",
    b"\x02",
    b"\n",
)

_WON: Final = (f"*\t{B}:{STEPS}\t[new reference]", f"+\t{B}:{CLAIMS}\taaa...bbb (forced update)")
_REJECTED: Final = (
    f"!\t{B}:{CLAIMS}\t[rejected] (stale info)",
    f"!\t{B}:{CLAIMS}\t[remote rejected] (pre-receive hook declined)",
    f"!\t{B}:{STEPS}\t[remote rejected] (failed to update ref)",
    f"!\t{B}:{STEPS}\t[rejected] (atomic push failed)",
    f"=\t{B}:{CLAIMS}\t[up to date]",
    f"!\t{B}:{CLAIMS}\t[remote failure] (remote failed to report status)",
    f"-\t:{CLAIMS}\t[deleted]",
)

PACKETS_ARE = "remote/http/pkt_line.py"
REPORT_WORDS: Final = (*_PACKET_WORDS, line("ok refs/coord/x"), line("ng refs/coord/x no"), line("option refname r"))

TARGETS: Sequence[Target] = (
    Target(
        "packets",
        check_packets,
        [_REPORT, b"", FLUSH * 3, packet(b"") + packet(b"x" * 300)],
        {PACKETS_ARE: ("packets",)},
        (UnfamiliarError,),
        _PACKET_WORDS,
    ),
    Target(
        "report of a push",
        check_report,
        [
            b"a" + _REPORT,
            b"z" + packet(b"\x02words") + packet(b"\x01" + _REPORT) + FLUSH,
            b"a" + _pkt("unpack index-pack abnormal exit", f"ng {CLAIMS} unpacker error"),
            b"a" + _pkt("unpack ok", f"ok {CLAIMS}", "option forced-update", "option refname r", f"ok {STEPS}"),
        ],
        {"remote/http/report_status.py": ("parsed",), PACKETS_ARE: ("Bands.__init__",)},
        (UnfamiliarError,),
        REPORT_WORDS,
    ),
    Target(
        "porcelain",
        check_porcelain,
        [
            _said(*_WON),
            *(_said(text, _WON[0], status=b"z") for text in _REJECTED),
            _said(*_REJECTED[:3], errors="remote: error: is at " + B + " but expected\n", status=b"z"),
            _said(status=b"z", errors="fatal: unable to access 'https://h/x': Could not resolve host: h\n"),
            _said(_REJECTED[4], _WON[0]),
        ],
        {
            "remote/transports/push_report.py": (
                "parse_report",
                "judge_push",
                "judge_lines",
                "_judge_rejection",
                "_judge_line",
            )
        },
        words=[*(text.encode() for text in (*_WON, *_REJECTED)), b"\t", b"\0", b" (x)", b"error: ", b"remote: "],
        mutate=on_lines,
    ),
    Target(
        "listing of refs",
        check_listing,
        [_pkt(*_REFS), FLUSH],
        {"remote/http/listed_refs.py": ("parsed", "listed", "under")},
        (UnfamiliarError,),
        (*_PACKET_WORDS, *map(line, _REFS)),
    ),
    Target(
        "advertisement",
        check_advertisement,
        [
            b"r" + line("# service=git-receive-pack") + FLUSH + _pkt(f"{A} {CLAIMS}\0{_CAPABILITIES}", f"{B} {STEPS}"),
            b"u"
            + line("# service=git-upload-pack")
            + FLUSH
            + _pkt("version 2", "agent=git/2", "ls-refs", "fetch=shallow"),
            b"l" + _pkt(f"{A} {CLAIMS}\0{_CAPABILITIES}", f"{B} {STEPS}", f"{B} {STEPS}^{{}}"),
            b"u" + line("# service=git-upload-pack") + FLUSH + _pkt(f"{A} {CLAIMS}\0side-band-64k", f"{B} {STEPS}"),
            b"l" + _pkt(f"{A} {CLAIMS}\0symref={CLAIMS}:{STEPS} report-status", f"{'0' * 40} {STEPS}", f"shallow {A}"),
            b"u" + line("# service=git-upload-pack") + FLUSH + FLUSH,
            b"r" + _pkt(f"{A} {CLAIMS}\0report-status push-cert=x object-format=sha256"),
            b"u" + packet(b"ERR no such repository"),
        ],
        {
            "remote/http/advertisement.py": (
                "receiving",
                "listing",
                "checked_receiving",
                "uploading",
                "_check_format",
                "_by_name",
                "_lines",
            )
        },
        (UnfamiliarError,),
        (*_PACKET_WORDS, b"r", b"u", b"l", b"=", b" ", b"\0", line("ERR x"), line("version 2"), line("fetch")),
    ),
    Target(
        "answer of a fetch",
        check_fetched,
        [
            b"2" + line("packfile") + packet(b"\x01PACK") + packet(b"\x02counting") + packet(b"\x01more") + FLUSH,
            b"1" + line("NAK") + packet(b"\x01PACK") + packet(b"\x01more") + FLUSH,
            b"1" + line(f"ACK {A}") + packet(b"\x01PACK") + FLUSH,
            b"2" + line("shallow-info") + line(f"shallow {A}") + b"0001" + line("packfile") + packet(b"\x01P") + FLUSH,
            b"2" + line("acknowledgments") + line("NAK") + b"0001" + line("packfile") + packet(b"\x03no") + FLUSH,
            b"2" + packet(b"ERR upload-pack: not our ref"),
        ],
        {"remote/http/fetch.py": ("first_pack_in", "pack_in"), PACKETS_ARE: ("Bands.__init__",)},
        (UnfamiliarError,),
        (*_PACKET_WORDS, packet(b"\x01x"), packet(b"\x04x"), line("packfile"), packet(b"ERR x"), b"1", b"2"),
    ),
    Target(
        "pack",
        check_pack,
        [*_seed_packs()],
        {
            "remote/http/pack_reader.py": (
                "count_of",
                "objects_in",
                "_less",
                "_raw_objects",
                "_type_and_size",
                "_base_of",
                "_inflated",
                "_made",
            )
        },
        (UnfamiliarError, MissingObjectError),
        (b"\x78\x9c", bytes(20), _packed(3, b"x"), _packed(1, b"tree x\n\ny"), OBJECTS_MAX.to_bytes(4, "big")),
        on_bytes,
        whole,
    ),
    Target(
        "delta",
        check_delta,
        [
            deltas.of_text(BASE, BASE[:250] + b"new" + BASE[250:]),
            deltas.of_text(BASE, b"all is new"),
            b"\xd8\x04\xd8\x04\xb3\x00\x00\xd8\x02",
            b"\xd8\x04\x05\x05hello",
            b"\xd8\x04\x80\x80\x04\x80",
        ],
        {"remote/http/deltas.py": ("applied", "_instruction", "_number")},
        (UnfamiliarError,),
        (b"\x80", b"\x90\x10", b"\xb0\x10\x01", b"\xff", b"\xd8\x04", b"\x05hello"),
    ),
)
