"""What a server sends is read whole or refused: packets, listings, reports, packs and deltas, whatever it is."""

import hashlib
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gitcoord.errors import MissingObjectError
from gitcoord.remote.contract.protocol import FaultKind, ObjectKind, Oid, RefFault, RefName, RefUpdate
from gitcoord.remote.http import advertisement, deltas, fetch, listed_refs, report_status
from gitcoord.remote.http.pack_reader import count_of, objects_in
from gitcoord.remote.http.pack_writer import PackWriter
from gitcoord.remote.http.pkt_line import FLUSH, Mark, line, packet, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.transports.memory import MemoryObjects

A, B = Oid("a" * 40), Oid("b" * 40)
CLAIMS = RefName("refs/coord/claims")


def nothing(_oid: Oid) -> tuple[ObjectKind, bytes]:
    raise MissingObjectError("nothing is here")


def pack_of(*parts: bytes, count: int | None = None) -> bytes:
    body = b"PACK\0\0\0\x02" + (len(parts) if count is None else count).to_bytes(4, "big") + b"".join(parts)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


PARSERS = {
    "packets": lambda body: [*packets(body)],
    "listing": lambda body: listed_refs.parsed(body, ["refs/coord/"]),
    "report": lambda body: report_status.parsed(body, banded=False),
    "report on a band": lambda body: report_status.parsed(body, banded=True),
    "pack of a fetch": fetch.pack_in,
    "receiving": advertisement.receiving,
    "uploading": advertisement.uploading,
    "pack": lambda body: objects_in(body, nothing),
    "pack of anything": lambda body: objects_in(pack_of(body, count=3), nothing),
    "delta": lambda body: deltas.applied(b"base" * 20, body, 1000),
}
BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(st.one_of(st.binary(max_size=40).map(packet), st.sampled_from([FLUSH, b"0001", b"0002", b"0003"]))).map(
        b"".join
    ),
    st.lists(
        st.sampled_from([line("packfile"), line("unpack ok"), line(f"{A} {CLAIMS}"), packet(b"\x01PACK"), FLUSH])
    ).map(b"".join),
)


@pytest.mark.parametrize("parser", PARSERS)
@settings(max_examples=60, deadline=None)
@given(body=BYTES)
@example(body=b"")
@example(body=b"0000")
@example(body=b"fff")
def test_what_is_not_understood_is_refused_in_a_sentence(parser: str, body: bytes) -> None:
    try:
        PARSERS[parser](body)
    except (UnfamiliarError, MissingObjectError) as error:
        assert str(error)  # noqa: PT017 - what else is raised fails the test


@given(st.lists(st.one_of(st.binary(max_size=100), st.sampled_from(Mark))))
def test_packets_are_read_as_they_were_written(written: list[bytes | Mark]) -> None:
    marks = {Mark.FLUSH: b"0000", Mark.DELIMITER: b"0001", Mark.END: b"0002"}
    body = b"".join(marks[each] if isinstance(each, Mark) else packet(each) for each in written)

    assert [*packets(body)] == written


def test_a_listing_has_what_is_under_its_prefixes_and_names_what_is_wrong() -> None:
    body = b"".join(
        [
            line(f"{A} refs/coord/claims"),
            line(f"{A} refs/heads/main"),
            line(f"{B} refs/coord/link symref-target:refs/heads/main"),
            line(f"{'0' * 40} refs/coord/empty"),
            FLUSH,
        ]
    )

    refs, faults = listed_refs.parsed(body, ["refs/coord/"])

    assert refs == {CLAIMS: A}
    assert [*faults] == [
        RefFault("refs/coord/link", FaultKind.SYMBOLIC),
        RefFault("refs/coord/empty", FaultKind.NO_OBJECT),
    ]


def test_a_listing_without_its_end_is_refused() -> None:
    with pytest.raises(UnfamiliarError, match="cut short"):
        listed_refs.parsed(line(f"{A} refs/coord/claims"), ["refs/coord/"])


def test_a_listing_of_version_1_names_what_is_wrong_too() -> None:
    """A server that says of more than `HEAD` that it names another, as JGit's does."""
    offered = "symref=HEAD:refs/heads/main symref=refs/coord/link:refs/heads/main side-band-64k"
    body = b"".join(
        line(text)
        for text in (
            f"{A} HEAD\0{offered}",
            f"{A} refs/coord/claims",
            f"{B} refs/coord/link",
            f"{'0' * 40} refs/coord/none",
            f"{B} refs/heads/main",
            f"{A} refs/coord/tag^{{}}",
            f"shallow {A}",
        )
    )

    _, rows = advertisement.listing(body + FLUSH, "git-upload-pack")
    refs, faults = listed_refs.under(["refs/coord/"], rows)

    assert refs == {CLAIMS: A}
    assert faults == [
        RefFault("refs/coord/link", FaultKind.SYMBOLIC),
        RefFault("refs/coord/none", FaultKind.NO_OBJECT),
    ]


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
def test_a_listing_of_other_objects_says_which_they_are(service: str) -> None:
    """Not that a line is odd, which is asked for again at once."""
    offered = "report-status ofs-delta object-format=sha256"
    body = line(f"{A}{'0' * 24} refs/heads/main\0{offered}") + line(f"{B}{'0' * 24} refs/heads/side") + FLUSH

    with pytest.raises(UnfamiliarError, match="its objects are sha256") as caught:
        advertisement.listing(body, service)

    assert caught.value.lasts


def test_more_refs_than_any_place_has_are_no_listing() -> None:
    many = [listed_refs.ListedRef(RefName(f"refs/coord/{n}"), A, None) for n in range(listed_refs.REFS_MAX + 1)]

    refs, _ = listed_refs.under(["refs/coord/"], many[1:])

    assert len(refs) == listed_refs.REFS_MAX
    with pytest.raises(UnfamiliarError):
        listed_refs.under(["refs/coord/"], many)


def test_only_what_is_offered_is_asked_for() -> None:
    updates = [RefUpdate(CLAIMS, A, B), RefUpdate(RefName("refs/coord/x"), A, None)]
    offered = {"report-status": "", "atomic": "", "agent": "git/2"}

    body = report_status.commands(updates, offered, "gitcoord/1")

    assert [*packets(body)] == [
        f"{A} {B} {CLAIMS}\0 report-status atomic agent=gitcoord/1".encode(),
        f"{A} {'0' * 40} refs/coord/x".encode(),
        Mark.FLUSH,
    ]
    assert b"atomic" not in report_status.commands(updates[:1], offered, "gitcoord/1")


@pytest.mark.parametrize("banded", [False, True])
def test_both_versions_of_the_report_are_read(banded: bool) -> None:
    lines = [
        line("unpack ok"),
        line(f"ok {CLAIMS}"),
        line("option forced-update"),
        line("ng refs/coord/x hook declined"),
    ]
    body = b"".join([*lines, FLUSH])
    if banded:
        body = packet(b"\x02no, thanks") + packet(b"\x01" + body) + FLUSH

    report = report_status.parsed(body, banded=banded)

    assert report == ("ok", {CLAIMS}, {"refs/coord/x": "hook declined"}, "no, thanks" if banded else "")


@pytest.mark.parametrize("before", [[], ["option forced-update"], ["option a-new-one x", "option forced-update"]])
def test_a_ref_where_a_hook_put_something_else_is_no_win(before: list[str]) -> None:
    options = [*before, f"option new-oid {B}"]
    lines = ["unpack ok", f"ok {CLAIMS}", *options, "ok refs/coord/x", "option forced-update"]
    body = b"".join([*map(line, lines), FLUSH])

    assert report_status.parsed(body, banded=False).ok == {"refs/coord/x"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (line("# service=git-upload-pack") + FLUSH + line("version 1") + FLUSH, "what it offers"),
        (line("# service=git-upload-pack") + FLUSH + line(f"{A} refs/heads/main\0side-band-64k"), "cut short"),
        (line("# service=git-upload-pack") + FLUSH, "what it offers"),
        (line("version 2") + line("object-format=sha256") + line("ls-refs") + line("fetch") + FLUSH, "sha256"),
        (line("version 2") + line("agent=git/2") + FLUSH, "does not list refs"),
    ],
)
def test_a_server_that_cannot_be_read_says_what_it_lacks(body: bytes, words: str) -> None:
    with pytest.raises(UnfamiliarError, match=words):
        advertisement.uploading(body)


# -- packs


TREES = st.dictionaries(st.integers(0, 300), st.integers(0, 50), max_size=80)


def tree_of(entries: dict[int, int]) -> bytes:
    names = sorted((f"{name:03}.json", value) for name, value in entries.items())
    return b"".join(f"100644 {name}\0".encode() + bytes([value]) * 20 for name, value in names)


@given(base=TREES, changed=TREES)
def test_a_delta_of_a_tree_makes_that_tree(base: dict[int, int], changed: dict[int, int]) -> None:
    old, new = tree_of(base), tree_of({**base, **changed})

    assert deltas.applied(old, deltas.of_tree(old, new), 1 << 20) == new


@given(st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=90000))
def test_a_delta_of_a_text_makes_that_text(head: bytes, old: bytes, new: bytes, tail: bytes) -> None:
    base, data = head + old + tail, head + new + tail

    assert deltas.applied(base, deltas.of_text(base, data), 1 << 20) == data


def test_a_delta_of_one_entry_of_a_large_tree_is_a_few_bytes() -> None:
    old = tree_of(dict.fromkeys(range(300), 1))
    new = tree_of({**dict.fromkeys(range(300), 1), 150: 2})

    assert len(deltas.of_tree(old, new)) < 60


@pytest.mark.rule("SEC-4")
def test_a_pack_that_unfolds_to_too_much_is_refused() -> None:
    claimed, real = bytes([0xB0 | 0x0F, 0x01]), zlib.compress(bytes(40_000_000), 9)
    bomb = bytes([0xB0 | (40_000_000 & 15)]) + bytes(_sizes(40_000_000 >> 4)) + real

    for pack in (pack_of(claimed + real), pack_of(bomb)):
        with pytest.raises(UnfamiliarError):
            objects_in(pack, nothing)


@pytest.mark.rule("SEC-4")
def test_deltas_of_what_is_here_unfold_to_no_more_than_the_rest() -> None:
    """Each makes 16 MB of a base that is here, and is a few hundred bytes itself."""
    base, size = bytes(0x10000), 16 << 20
    copies = b"\x80" * (size // 0x10000)  # each 64 KiB from the start
    delta = bytes([*_sizes(len(base)), *_sizes(size)]) + copies
    head = bytes([0xF0 | len(delta) & 15, *_sizes(len(delta) >> 4)])
    one = head + bytes(20) + zlib.compress(delta)
    asked: list[Oid] = []

    def here(oid: Oid) -> tuple[ObjectKind, bytes]:
        asked.append(oid)
        return ObjectKind.BLOB, base

    with pytest.raises(UnfamiliarError, match="too much"):
        objects_in(pack_of(*[one] * 8), here)

    assert len(asked) < 8


def test_a_commit_comes_behind_its_parents_however_the_pack_has_them() -> None:
    """The newest is a delta of the oldest, which stands behind it; so does the one between them."""
    objects = MemoryObjects()
    chain: list[Oid] = []
    for text in ("one", "two", "three"):
        parent = f"parent {chain[-1]}\n" if chain else ""
        chain.append(objects.write(ObjectKind.COMMIT, f"tree {A}\n{parent}\n{text}\n".encode()))
    oldest, _, newest = (objects.contents[oid][1] for oid in chain)
    delta = deltas.of_text(oldest, newest)
    late = bytes([0xF0 | len(delta) & 15, *_sizes(len(delta) >> 4)]) + bytes.fromhex(chain[0]) + zlib.compress(delta)
    others = [_whole_commit(objects.contents[oid][1]) for oid in chain[:2]]

    for parts in ([late, *others], [*others, late], [*reversed(others), late]):
        assert [packed.oid for packed in objects_in(pack_of(*parts), nothing)] == chain


def _whole_commit(data: bytes) -> bytes:
    return bytes([0x90 | len(data) & 15, *_sizes(len(data) >> 4)]) + zlib.compress(data)


def _sizes(rest: int) -> list[int]:
    out: list[int] = []
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return [*out, rest]


def test_a_pack_of_git_is_read_and_one_of_ours_is_taken_by_git(tmp_path: Path) -> None:
    """Both ways, with deltas: by offset from git, by id of an object that is not in the pack from us."""

    def git(*words: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ["git", f"--git-dir={tmp_path}/r.git", *words], input=given, capture_output=True, check=True, timeout=30
        )
        return done.stdout

    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "r.git")], check=True, timeout=30)
    objects = MemoryObjects()
    text = "".join(f'  "field {number}": "{hashlib.sha256(bytes([number])).hexdigest()}",\n' for number in range(60))
    blobs = {name: objects.write(ObjectKind.BLOB, f"{name}\n{text}".encode()) for name in ("a", "b", "c")}

    def commit(names: dict[str, Oid], parent: Oid | None) -> Oid:
        entries = (f"100644 {name}\0".encode() + bytes.fromhex(oid) for name, oid in sorted(names.items()))
        tree = objects.write(ObjectKind.TREE, b"".join(entries))
        parents = f"parent {parent}\n" if parent else ""
        who = "T <t@example.invalid> 1700000000 +0000"
        data = f"tree {tree}\n{parents}author {who}\ncommitter {who}\n\nx\n"
        return objects.write(ObjectKind.COMMIT, data.encode())

    first = commit(blobs, None)
    second = commit({**blobs, "b": objects.write(ObjectKind.BLOB, f"b changed\n{text}".encode())}, first)
    whole, thin = PackWriter(objects, []), PackWriter(objects, [first])
    whole.add(first, None)
    thin.add(second, first)

    git("index-pack", "--stdin", "--strict", given=whole.pack())
    git("index-pack", "--stdin", "--fix-thin", "--strict", given=thin.pack())
    git("fsck", "--strict", second)
    packed = git("pack-objects", "--stdout", "--revs", "--delta-base-offset", given=f"{second}\n".encode())
    read = objects_in(packed, nothing)

    assert count_of(thin.pack()) == 3
    assert len(thin.pack()) < 500
    assert {each.oid: (each.kind, each.data) for each in read} == objects.contents
    kinds = [each.kind for each in read]
    assert kinds == sorted(kinds, key=[ObjectKind.BLOB, ObjectKind.TREE, ObjectKind.COMMIT].index)
    assert [each.oid for each in read][-2:] == [first, second]
