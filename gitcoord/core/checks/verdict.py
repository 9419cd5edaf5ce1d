"""Verdict: whether changes may land, as far as claims say. One for the push check, CI and all other callers.

    changed                              who holds something there             comes to
    a file, or symbols in it             another, by `overlap_table`           foreign-claim
                                         another, who claimed it later         later-claim, a note
    lines outside of every declaration   where another holds symbols          shared-lines, a note
                                         else as the file                      foreign-claim
    anything                             oneself, a partner, a reader          nothing

Rules:
  * Symbols are looked at where a holder has symbols or had a part carved out (`needs_symbols`); elsewhere a file is
    changed as a whole.
  * What would have been carved out for the caller is not yet carved out: it is the holder's.
  * CLAIM-24: what was one's own at any time since the branch left its base is no finding, whichever holder has it now.
  * With `require_claims` every change has to be one's own.
  * A file whose symbols are unknown is changed as a whole. A holder of a part of it gets a note instead of a finding,
    unless the team has policy `enforce`: the other parts may have changed, too.

What this file does not know: git, which lines changed, where the past is read.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gitcoord.core.checks.findings import Finding, Rule
from gitcoord.core.checks.past_cover import Covers
from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim import Claim, Item, Mode, Why
from gitcoord.core.claims.conflicts import ALLOWANCE, Ask, Asker, Found
from gitcoord.core.claims.notice import Barrier, is_over
from gitcoord.core.claims.overlap_table import Result
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, clock_text, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.patterns import path_pattern, symbols
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern, PatternError, Reading

SECOND = timedelta(seconds=1)  # what commits count time in: one that says 12:00:00 may be of 12:00:00.9
NAMED_MAX = 5  # holders, or symbols, that a sentence names
_LEAD_MAX = 32  # folders of a path that is no pattern, which stand for it


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that changed.

    Attributes:
        symbols: those that the change touches; `None`: the file as a whole.
        module_level: it also touches lines outside of every declaration; only of interest beside `symbols`.
        line: the first changed line of the new side, if it has any.
        lines: the same for each symbol.
        changed_at: when the newest commit that changed it was made; `None`: it is not committed, so now.
        unread: why its symbols are unknown, where a holder has symbols in it.
    """

    path: str
    symbols: tuple[str, ...] | None = None
    module_level: bool = False
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    changed_at: datetime | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged by.

    Attributes:
        now: the moment; what is over by its time for others does not count.
        covers: what was claimed since the branch left its base; empty where only the present counts.
        disregards: claims that confer nothing (`step_claims.is_void`).
        enforces: what cannot be judged counts as someone else's (policy `enforce`).
    """

    register: Register
    asker: Asker
    now: datetime
    covers: Covers = field(default_factory=Covers)
    disregards: Callable[[Claim], bool] = lambda _: False
    enforces: bool = False


def area_of(path: str, names: tuple[str, ...] = ()) -> Area:
    """Return a changed file as an area.

    A name that no pattern can spell (control characters, too long) stands for what it looks like, or for its folder.
    """
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path)
    try:
        return Area(path_pattern.literal(plain), names)
    except PatternError:
        folders = plain.split("/")[:_LEAD_MAX]
        while len("/".join(folders)) > path_pattern.CHARS_MAX // 4:
            folders.pop()
        return Area(path_pattern.literal("/".join(folders), Reading.TREE) if folders else Pattern.of("**"), names)


def needs_symbols(case: Case, path: str) -> bool:
    """Whether it matters which symbols of a file changed: a holder has symbols in it, or had a part carved out."""
    area = area_of(path)
    return _is_shared(case, area) or case.covers.has_symbols(case.asker.repo, area)


def judge(case: Case, files: Iterable[Changed]) -> Iterator[Finding]:
    """Yield what claims say of changed files, file by file."""
    for file in files:
        if case.register.index.candidates(area_of(file.path).pattern):
            yield from _judge_file(case, file)


def unclaimed(case: Case, files: Iterable[Changed]) -> Iterator[Finding]:
    """Yield the changes that were never one's own; policy `require_claims`."""
    for file in files:
        area = area_of(file.path)
        if file.symbols is None:
            left: tuple[str, ...] | None = None if _was_own(case, area) else ()
        else:
            own = [symbol for symbol in file.symbols if _was_own(case, Area(area.pattern, (symbol,)))]
            left = tuple(symbol for symbol in file.symbols if symbol not in own)
            nothing_held = not own and not _had_here(case, area)
            left = left or (() if file.module_level and nothing_held else None)
        if left is None or (file.unread and _had_here(case, area)):
            continue
        what = f"{_named(left)} in {shown(file.path, 200)}" if left else shown(file.path, 200)
        hint = sentence("Claim it on this branch and push again: ", Call.of("claim_files", patterns=[...]), ".")
        yield Finding(
            Rule.UNCLAIMED_CHANGE,
            f"{what} was changed without a claim.",
            hint,
            path=file.path,
            line=_line(file, left),
            symbols=left,
        )


def barriers_met(
    register: Register, repo: str | None, paths: Iterable[str], now: datetime
) -> list[tuple[Barrier, str]]:
    """Return the barriers that lie over changed files, each with the first of them, oldest first."""
    found: dict[str, tuple[Barrier, str]] = {}
    for path in paths:
        area = area_of(path)
        for barrier in register.barriers_near(area):
            counts = barrier.repo == repo and barrier.id not in found and not is_over(barrier, now)
            if counts and any(Area(Pattern.of(text)).overlaps(area) for text in barrier.patterns):
                found[barrier.id] = (barrier, path)
    return sorted(found.values(), key=lambda pair: (pair[0].at, pair[0].id))


def barrier_note(barrier: Barrier, path: str) -> Finding:
    """Say that the commit of a barrier is not there."""
    where = f" on branch {shown(barrier.branch)}" if barrier.branch else ""
    message = (
        f"{shown(path, 200)} was changed without {barrier.commit[:12]}, which {shown(barrier.agent)} pushed"
        f"{where} under a claim that has ended."
    )
    hint = f"Have that commit in the history first, or ask {shown(barrier.agent)}."
    return Finding(Rule.BARRIER, message, hint, path=path, commit=barrier.commit)


def claim_facts(claim: Claim, index: int) -> dict[str, Json]:
    """Return what a finding says of the claim in question."""
    item = claim.items[index]
    facts: dict[str, Json] = {
        "claim_id": claim.id,
        "agent": claim.agent,
        "branch": claim.branch,
        "description": claim.description or None,
        "item": item.pattern,
        "symbols": [*item.symbols] or None,
        "expires_at": time_text(item.expires_at),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _judge_file(case: Case, file: Changed) -> Iterator[Finding]:
    area = area_of(file.path)
    is_shared = _is_shared(case, area)
    asks = [Area(area.pattern, (symbol,)) for symbol in file.symbols] if file.symbols is not None else [area]
    if file.module_level and file.symbols is not None and not is_shared:
        asks.append(area)
    stopping: dict[tuple[str, Rule], list[Found]] = {}
    for overlap in _opposing(case, asks):
        stopping.setdefault((overlap.claim.id, _rule(case, file, overlap)), []).append(overlap)
    for (_, rule), rows in stopping.items():
        yield _finding(file, rows, rule, case.now)
    if file.module_level and file.symbols is not None and is_shared:
        stopping_rules = {rule for rule, _ in stopping}
        near = [
            pair for pair in case.register.near(area) if not case.asker.owns(pair[0]) and _is_held(case, *pair, area)
        ]
        others = [
            pair
            for pair in list({claim.id: (claim, index) for claim, index in near}.values())
            if pair[0].id not in stopping_rules
        ]
        if others:
            named = ", ".join(shown(claim.agent) for claim, _ in others[:NAMED_MAX])
            more = f" and {len(others) - NAMED_MAX} more" if len(others) > NAMED_MAX else ""
            what = f"Lines of {shown(file.path, 200)} outside of every declaration changed"
            message = f"{what}; {named}{more} work in that file."
            hint = "Such lines are shared: merge them with care."
            yield Finding(Rule.SHARED_LINES, message, hint, file.path, file.line, (), claim_facts(*others[0]))


def _opposing(case: Case, asks: Iterable[Area]) -> Iterator[Found]:
    """Yield the pairs in which another has what changed."""
    wanted = [Ask(area, auto=True) for area in asks]
    for overlap in conflicts.find(case.register, case.asker, wanted, case.now, disregards=case.disregards):
        asked = overlap.ask.area
        if overlap.item.mode is Mode.READ or overlap.meeting.result not in (Result.CONFLICT, Result.CARVE):
            continue
        carved = [part for part in overlap.item.carved if part.why is Why.CARVED]
        parts = [part.symbols for part in carved if Area(part.area.pattern).overlaps(asked)]
        if asked.symbols and all(any(symbols.is_within(name, part) for part in parts) for name in asked.symbols):
            continue  # it is carved out for another holder, whose own claim is compared as well
        yield overlap


def _was_own(case: Case, area: Area) -> bool:
    own = [pair for pair in case.register.near(area) if _is_own(case, pair[0])]
    holds = conflicts.own_cover(own, Ask(area, auto=True), case.now) is not None
    return holds or case.covers.had(case.asker, area)


def _had_here(case: Case, area: Area) -> bool:
    """Whether the pusher holds anything in a file, or did."""
    return case.covers.touches(case.asker, area) or any(
        _is_own(case, claim) and _is_held(case, claim, index, area) for claim, index in case.register.near(area)
    )


def _is_own(case: Case, claim: Claim) -> bool:
    return claim.repo == case.asker.repo and case.asker.owns(claim) and not case.disregards(claim)


def _is_held(case: Case, claim: Claim, index: int, area: Area) -> bool:
    item = claim.items[index]
    is_active = item.mode is Mode.WRITE and case.now < item.expires_at + ALLOWANCE and not case.disregards(claim)
    return is_active and claim.repo == case.asker.repo and item.area.overlaps(Area(area.pattern))


def _is_shared(case: Case, area: Area) -> bool:
    return any(
        (
            claim.items[index].symbols
            or any(
                part.why is Why.CARVED and part.area.overlaps(Area(area.pattern)) for part in claim.items[index].carved
            )
        )
        and _is_held(case, claim, index, area)
        for claim, index in case.register.near(area)
    )


def _rule(case: Case, file: Changed, found: Found) -> Rule:
    """Return which rule it comes to that another has what changed."""
    area = found.ask.area
    if case.covers.had(case.asker, area):
        return Rule.LATER_CLAIM
    if file.unread and not case.enforces and _has_part(found.item) and _had_here(case, area):
        return Rule.CANNOT_CHECK
    begin = found.item.since or found.claim.created_at
    is_later = file.changed_at is not None and begin >= file.changed_at + SECOND
    return Rule.LATER_CLAIM if is_later else Rule.FOREIGN_CLAIM


def _has_part(item: Item) -> bool:
    """Whether an item leaves something of its file to others."""
    return bool(item.symbols) or any(part.why is Why.CARVED for part in item.carved)


def _finding(file: Changed, rows: list[Found], rule: Rule, now: datetime) -> Finding:
    claim, index = rows[0].claim, rows[0].at
    item = claim.items[index]
    symbols_held = f" ({_named(item.symbols)})" if item.symbols else ""
    doing = f", {shown(claim.description)}" if claim.description else ""
    branch = f" on branch {shown(claim.branch)}" if claim.branch else ""
    until = clock_text(item.expires_at, now)
    held = f"{shown(claim.agent)}{branch}: {shown(item.pattern, 200)}{symbols_held}{doing}, until {until}"
    names = tuple(dict.fromkeys(itertools.chain.from_iterable(row.ask.area.symbols for row in rows)))
    what = f"{_named(names)} in {shown(file.path, 200)}" if names else shown(file.path, 200)
    be, do = ("are", "were") if len(names) > 1 else ("is", "was")
    message = f"{what} {be} claimed by {held}."
    ask = Call.of("request_release", claim_id=claim.id, reason=...)
    hint = sentence(f"Ask {shown(claim.agent)}: ", ask, "; or take the change out.")
    if rule is Rule.LATER_CLAIM:
        message = f"{what} {be} claimed by {held}, but {do} changed before that, or under a claim of its own."
        hint = f"Land it soon, and tell {shown(claim.agent)}."
    elif file.unread and not names and _has_part(claim.items[index]):
        message = f"{message[:-1]}; which symbols changed is unknown: the file {file.unread}."
    return Finding(rule, message, hint, file.path, _line(file, names), names, claim_facts(claim, index))


def _named(names: Iterable[str]) -> str:
    every = [*names]
    more = f" and {len(every) - NAMED_MAX} more" if len(every) > NAMED_MAX else ""
    return ", ".join(shown(path) for path in every[:NAMED_MAX]) + more


def _line(file: Changed, names: Iterable[str]) -> int | None:
    return min((file.lines[name] for name in names if name in file.lines), default=file.line)
