r"""What a server says of itself when it is first asked: `GET <url>/info/refs?service=git-…`.

See gitprotocol-http(5) and gitprotocol-v2(5), Capability Advertisement:

    001f# service=git-receive-pack\\n0000        may be left out in version 2
    <id> <ref>\\0<capabilities>\\n               receive-pack: the first ref; of none, the id is zero
    version 2\\nagent=…\\nls-refs=…\\nfetch=…     upload-pack, one packet a line
    <id> <ref>\\0<capabilities>\\n               upload-pack of a server, or behind a proxy, that knows version 1 only

Rules:
  * Only capabilities are read; refs are listed by `ls-refs`, with a prefix. In version 1 this lists all refs, each
    line as `listed_refs` takes it; `symref=` says which names another, of git's servers `HEAD` only.
  * What is missing for this transport is an `UnfamiliarError`, with what it is.

What this file does not know: how the answer came.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gitcoord.remote.contract.protocol import FaultKind
from gitcoord.remote.http.listed_refs import ListedRef, listed
from gitcoord.remote.http.pkt_line import FLUSH, Mark, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError

CAPABILITIES_CHARS_MAX: Final = 4096  # as they are kept; git's have 300
VERSION_2: Final = b"version 2"
VERSION_1: Final = "version=1"  # among the capabilities of a server that is read by the first version
_WRITING: Final = ("report-status",)


def receiving(body: bytes) -> Mapping[str, str]:
    """Return the capabilities of a server that takes pushes, each with what stands behind its `=`.

    Raises:
        UnfamiliarError: it cannot be pushed to in the way of this transport.
    """
    first = next(_lines(body, "git-receive-pack"), b"")
    _, has_capabilities, words = first.partition(b"\0")
    if not has_capabilities or len(words) > CAPABILITIES_CHARS_MAX:
        raise UnfamiliarError("it does not say what a push to it may have")
    return checked_receiving(_by_name(words.decode("utf-8", "replace").split()))


def listing(body: bytes, service: str = "git-receive-pack") -> tuple[Mapping[str, str], Sequence[ListedRef]]:
    """Return the capabilities and the refs that a server lists unasked: for pushes, and in the first version.

    Raises:
        UnfamiliarError: it is no such listing.
    """
    lines = [line.decode("utf-8", "replace").strip("\n") for line in _lines(body, service)]
    if service == "git-upload-pack":
        if not body.endswith(FLUSH):
            raise UnfamiliarError("its listing of refs was cut short", lasts=False)
        if not lines and body.endswith(FLUSH + FLUSH):  # nothing to list, and so nothing is offered [dulwich 1.2]
            return {}, ()
    first, has_capabilities, words = "".join(lines[:1]).partition("\0")
    if not has_capabilities or len(words) > CAPABILITIES_CHARS_MAX:
        raise UnfamiliarError("it does not say what it offers")
    offered = _by_name(words.split())
    _check_format(offered)  # before any line: with longer ids none is as expected
    symbolic = {word[7:].partition(":")[0] for word in words.split() if word.startswith("symref=")}
    rows = (listed(line) for line in (first, *lines[1:]) if not line.startswith("shallow ") and line[-3:] != "^{}")
    return offered, [
        row._replace(fault=FaultKind.SYMBOLIC) if row.ref in symbolic else row
        for row in rows
        if row.ref.startswith("refs/")
    ]


def checked_receiving(found: Mapping[str, str]) -> Mapping[str, str]:
    """Return capabilities with which this transport can push; see `receiving`."""
    if "push-cert" in found:
        raise UnfamiliarError("it asks for signed pushes")
    _check_format(found)
    missing = next((name for name in _WRITING if name not in found), None)
    if missing:
        raise UnfamiliarError(f"it does not offer {missing}")
    return found


def uploading(body: bytes) -> Mapping[str, str]:
    """Return the capabilities of a server for reading; of one that does not know version 2, with `VERSION_1`.

    Raises:
        UnfamiliarError: it speaks neither version as this transport does.
    """
    lines = _lines(body, "git-upload-pack")
    if next(lines, b"").strip() != VERSION_2:
        offered, _ = listing(body, "git-upload-pack")
        return {**offered, VERSION_1: ""}
    found = _by_name([line.decode("utf-8", "replace").strip() for line in lines])
    _check_format(found)
    if not {"ls-refs", "fetch"} <= found.keys():
        raise UnfamiliarError("it does not list refs by version 2 of git's protocol")
    return found


def _check_format(found: Mapping[str, str]) -> None:
    if found.get("object-format", "sha1") != "sha1":
        raise UnfamiliarError(f"its objects are {found['object-format'][:20]}")


def _by_name(words: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words) if name}


def _lines(body: bytes, service: str) -> Iterator[bytes]:
    """Yield the lines behind the greeting."""
    is_greeted = False
    for each in packets(body):
        if isinstance(each, Mark):
            if not is_greeted:
                return
            is_greeted = False
        elif each.rstrip(b"\n") == f"# service={service}".encode():
            is_greeted = True
        elif each.startswith(b"ERR "):
            raise UnfamiliarError(f"it says {each[4:204].decode('utf-8', 'replace').strip()!r}", lasts=False)
        else:
            is_greeted = False
            yield each
