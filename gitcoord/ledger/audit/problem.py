"""Findings: the commit that is not what a writer of ours makes, what differs in it, and who wrote it.

What this file does not know: how a commit is looked at.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.names import shown
from gitcoord.remote.contract.protocol import Oid, RefName

DIFFERENCES_MAX = 10  # of one commit: enough to see what was done
VALUE_CHARS = 120
LEVELS_MAX = 3  # of a field that is named: what is below differs as one


class Problem(StrEnum):
    """What is wrong with a commit, a word each."""

    UNREADABLE = "unreadable"
    RECORD = "record"
    RULES = "rules"
    TIME = "time"
    OUTCOME = "outcome"
    DOCUMENT = "document"
    LIMIT = "limit"
    TEAM_RULES = "team_rules"
    BESIDE = "beside"
    SIGNATURE = "signature"
    IDENTITY = "identity"
    ROLL = "roll"
    REPAIR = "repair"
    REWRITTEN = "rewritten"
    WENT_BACK = "went_back"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: in which document (or command), at which field, and both values, shortened.

    `found`: what the commit has. `given`: what its commands give. Empty: it is not there.
    """

    place: str
    field: str
    found: str
    given: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a commit is not accepted: a word, and the end of a sentence that begins with the commit.

    Attributes:
        author: the git identity that the commit names.
        clone: the clone that its record names, if any.
    """

    ref: RefName
    commit: Oid | None
    problem: Problem
    what: str
    author: str = ""
    clone: str = ""
    differences: tuple[Difference, ...] = ()


class UnsoundError(Exception):
    """A commit is not accepted: why, and what differs."""

    def __init__(self, problem: Problem, what: str, differences: tuple[Difference, ...] = ()) -> None:
        """Say what is wrong, as the end of a sentence that begins with the commit."""
        super().__init__(what)
        self.problem = problem
        self.what = what
        self.differences = differences


def differences(place: str, found: Json, given: Json) -> list[Difference]:
    """Return the first fields in which two values differ, the largest part that differs being one."""
    rows: list[Difference] = []
    for field, left, right in _differing("", found, given):
        if len(rows) == DIFFERENCES_MAX:
            break
        rows.append(Difference(place, field, left, right))
    return rows or [Difference(place, "", _short(found), _short(given))]


def of_bytes(place: str, found: bytes | None, given: bytes | None) -> list[Difference]:
    """Return in which fields two contents of a file differ."""
    if found is None or given is None:
        return [Difference(place, "", "" if found is None else "a file", "" if given is None else "a file")]
    try:
        return differences(place, json.loads(found), json.loads(given))
    except (ValueError, RecursionError):
        return [Difference(place, "", f"{len(found)} bytes", f"{len(given)} bytes")]


def _differing(field: str, found: Json, given: Json) -> Iterator[tuple[str, str, str]]:
    if found == given and type(found) is type(given):
        return
    if isinstance(found, dict) and isinstance(given, dict) and field.count(".") < LEVELS_MAX:
        for name in sorted({*found, *given}):
            yield from _differing(f"{field}.{name}" if field else name, found.get(name), given.get(name))
        return
    yield shown(field)[1:-1], _short(found), _short(given)


def _short(value: Json) -> str:
    return "" if value is None else shown(compact(value)[: 2 * VALUE_CHARS], VALUE_CHARS)[1:-1]
