"""Checks: each looks at one thing within a time, and what goes wrong with it is its own answer.

Rules:
  * A check that raises, or takes too long, says that it could not be checked; the others go on.
  * It changes nothing. What can be repaired safely is a `Repair`; the caller decides on it.
  * What it says carries no secret, whatever URL or setting it is about (SEC-2).
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.remote.contract.deadline import until
from gitcoord.remote.git.git_process import clean_text

LIMIT_S = 20.0  # one network timeout of 15 s, and the time to say that it is over
TEXT_CHARS_MAX = 600
_REPORT = "Please report this as a bug of gitcoord."


class Status(StrEnum):
    """How a check ended, from good to bad."""

    OK = "ok"
    SKIP = "skip"
    WARN = "warn"
    FAIL = "fail"


_BADNESS = tuple(Status)


class Backup(NamedTuple):
    """Where what a repair replaces was kept before it, and the command for a shell that brings it back.

    `is_whole`: with its history; else only the newest state is kept, an object a file.
    """

    path: Path
    command: str
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Repair:
    """What could be repaired: `text` says what would be done, `do` does it and returns what it did.

    Attributes:
        why_ask: what a person has to know who decides.
        keeps: keeps what is replaced, before that; `None`: nothing is, or none of it can be read here.
        needs_person: work that others rely on goes with it, so `--yes` is no answer.
        is_else: another way than the repair before it, which gives up what that one saves: it is left out where that
            one was carried out, and `--yes` does not take it where that one failed.
        is_first: of the team's ref, which repairs of other checks are recorded in: it is carried out before them.
    """

    text: str
    do: Callable[[], str]
    why_ask: str = ""
    keeps: Callable[[], Backup | None] | None = None
    needs_person: bool = False
    is_else: bool = False
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `hint` is what to do. `parts`: what it is made of, where that is several findings."""

    status: Status
    text: str
    hint: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict["str", "Json"])
    repairs: tuple[Repair, ...] = ()
    parts: tuple["Finding", ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its id, what it does, and how long that may take."""

    id: str
    run: Callable[[], Finding]
    limit_s: float = LIMIT_S


class NotCheckedError(Exception):
    """There is nothing to look at, and the sentence says why; some other check tells what to do about it."""


def ok(text: str, **facts: Json) -> Finding:
    """Return that all is well."""
    return Finding(Status.OK, text, facts=facts)


def warn(text: str, hint: str, **facts: Json) -> Finding:
    """Return that something should be looked at."""
    return Finding(Status.WARN, text, hint, facts)


def fail(text: str, hint: str, **facts: Json) -> Finding:
    """Return that something does not work."""
    return Finding(Status.FAIL, text, hint, facts)


def failed(error: CoordError, **facts: Json) -> Finding:
    """Return that something does not work, in the words of an error."""
    return fail(str(error), error.hint, code=error.code, **facts)


def together(findings: Iterable[Finding], good: Finding) -> Finding:
    """Return one finding of several: as bad as the worst, with the words of all; `good` where there is none."""
    found = list(findings)
    if not found:
        return good
    facts: dict[str, Json] = {}
    for name, value in [item for finding in (good, *found) for item in finding.facts.items()]:
        before = facts.get(name)
        facts[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return Finding(
        max((finding.status for finding in found), key=_BADNESS.index),
        " ".join(finding.text for finding in found),
        " ".join(dict.fromkeys(finding.hint for finding in found if finding.hint)),
        facts,
        tuple(repair for finding in found for repair in finding.repairs),
        tuple(part for finding in found for part in finding.parts or (finding,)),
    )


def examine(check: Check, monotonic: Callable[[], float]) -> Finding:
    """Carry out one check, whatever becomes of it."""
    found: list[Finding] = []
    end = monotonic() + check.limit_s

    def work() -> None:
        with until(lambda: end - monotonic()):
            try:
                answered = check.run()
            except NotCheckedError as reason:
                answered = Finding(Status.SKIP, str(reason))
            except CoordError as error:
                answered = warn(f"could not be checked: {error}", error.hint, code=error.code)
            except Exception as error:  # noqa: BLE001 - one check that breaks must not take the others with it
                answered = warn(f"could not be checked: {type(error).__name__}: {error}", _REPORT)
            found.append(answered)

    # A thread of its own, because a disk that hangs cannot be interrupted; it ends with the process.
    thread = threading.Thread(target=work, name=f"doctor {check.id}", daemon=True)
    thread.start()
    thread.join(check.limit_s)
    if not found:
        text = f"could not be checked: it took longer than {check.limit_s:.0f} s"
        return warn(text, "A disk or a server that hangs is the usual reason; look at it, then run this again.")
    return _clean_finding(found[0])


def _clean_finding(found: Finding) -> Finding:
    facts, parts = {name: _clean_fact(value) for name, value in found.facts.items()}, map(_clean_finding, found.parts)
    return replace(found, text=_cleaned(found.text), hint=_cleaned(found.hint), facts=facts, parts=tuple(parts))


def _cleaned(text: str) -> str:
    return " ".join(clean_text(text, chars_max=TEXT_CHARS_MAX).split())


def _clean_fact(value: Json) -> Json:
    if isinstance(value, str):
        return _cleaned(value)
    if isinstance(value, list):
        return [_clean_fact(item) for item in value]
    if isinstance(value, dict):
        return {name: _clean_fact(item) for name, item in value.items()}
    return value
