"""A push that a server has to refuse: what it says to that shows whether it compares, and whether all or nothing lands.

    absent ──> <new> probe/<id>          right, but it stands beside
    <old>  ──> <new> probe/<id>-2        wrong: that ref is not there

What this file does not know: how it is sent.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gitcoord.remote.contract.protocol import ObjectKind, Objects, RefName, RefUpdate
from gitcoord.remote.http.pack_writer import PackWriter


class WrongPush(NamedTuple):
    """Its lines, of which the last is wrong, and its pack."""

    lines: Sequence[RefUpdate]
    pack: bytes


def wrong_push(objects: Objects, namespace: str, now_s: int, *, atomic: bool) -> WrongPush:
    """Make one. `atomic`: with a line that is right beside the wrong one."""
    tree = objects.write(ObjectKind.TREE, b"")
    who = f"gitcoord <gitcoord@localhost> {now_s} +0000"
    head = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n"
    old = objects.write(ObjectKind.COMMIT, f"{head}never there\n".encode())
    new = objects.write(ObjectKind.COMMIT, f"{head}a push that has to be refused\n".encode())
    ref = RefName(f"{namespace}probe/{new[:16]}")
    wrong = RefUpdate(RefName(f"{ref}-2"), old, new)
    writer = PackWriter(objects, [])
    writer.add(old, None)
    writer.add(new, None)
    lines = [RefUpdate(ref, None, new), wrong] if atomic else [wrong]
    return WrongPush(lines, writer.pack())
