"""Syntax tree: a file parsed within its time, and the errors in it.

Rules:
  * An error is open when it spans lines, or when one half of a pair of brackets, quotes or block words is missing: it
    may hide where declarations begin or end. A word of a newer syntax within a line does not.

What this file does not know: declarations, and what is in doubt around an error.
"""

import re
from collections.abc import Callable, Collection

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Point

CHUNK_BYTES = 64 * 1024  # what the parser asks for at once
_ROW_BYTES_MIN = 8 * 1024  # a row of so many costs 50 ms
_QUERY_COST_MAX = 200_000_000  # steps; they take a third of a second
_PAIRS = re.compile(rb"[][(){}\"'`]|/\*|\*/|\b(?:begin|case|do|done|end|esac|fi|for|if|unless|until|while)\b")
_CLOSED_BY = {b")": b"(", b"]": b"[", b"}": b"{"}
_QUOTES = frozenset((b'"', b"'", b"`"))

Check = Callable[[], None]
"""Raises LateError when there is no time left."""


class LateError(Exception):
    """It took too long."""


def parsed(grammar: Grammar, data: bytes, check: Check) -> Node:
    """Return the root of a file's tree.

    Raises:
        LateError: there is no time left, or a query of it would take too long.
    """

    def read(offset: int, _: Point) -> bytes:
        return data[offset : offset + CHUNK_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:  # noqa: FBT001 - what the library calls
        try:
            check()
        except LateError:
            return True
        return False

    try:
        tree = Parser(grammar).parse(read, progress_callback=is_late)
    except ValueError:  # "Parsing failed": the callback said stop
        raise LateError from None
    if _query_cost(tree.root_node, check) > _QUERY_COST_MAX:
        raise LateError
    return tree.root_node


def _query_cost(root: Node, check: Check) -> int:
    """Estimate the steps of a query that are wasted on rows of anonymous nodes, such as `((((`.

    At each node the library looks for the next sibling with a name, so a row of n costs n²/2 steps: 7 s for 100,000.
    Only nodes of many bytes can have long rows; looking at those costs less than 1 % of parsing.
    """
    cost = 0
    big = [root]
    while big:
        node = big.pop()
        check()
        row = 0
        for child in node.children:
            if child.end_byte - child.start_byte > _ROW_BYTES_MIN:
                big.append(child)
            if child.is_named:
                cost += row * row // 2
                row = 0
            else:
                row += 1
        cost += row * row // 2
    return cost


def syntax_errors(root: Node, check: Check) -> list[Node]:
    """Return the outermost nodes that stand for what the grammar could not read, or had to imagine."""
    found: list[Node] = []
    left = [root]
    while left:
        node = left.pop()
        check()
        if node.is_error or node.is_missing:
            found.append(node)
        elif node.has_error:
            left.extend(node.children)
    return found


def is_open(error: Node, data: bytes) -> bool:
    """Whether an error may hide where declarations begin or end: a word of a newer syntax within a line does not."""
    if error.is_missing:
        return bool(_PAIRS.search(error.type.encode()))
    if error.start_point.row != error.end_point.row:
        return True
    opened: list[bytes] = []
    for pair in _PAIRS.findall(data[error.start_byte : error.end_byte]):
        closes = pair if pair in _QUOTES else _CLOSED_BY.get(pair)
        if closes is not None and opened[-1:] == [closes]:
            opened.pop()
        else:
            opened.append(pair)
    return bool(opened)


def joined(ranges: Collection[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the same lines as ranges that are in order and apart."""
    apart: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if apart and first <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(last, apart[-1][1]))
        else:
            apart.append((first, last))
    return tuple(apart)
