"""Wishes: what a caller asks for, as this repository understands it, and by which id.

    patterns, symbols, shared_files, modules ──> wishes with their reading and how many tracked files they match
                                             ──> sentences: what is doubtful about them

Rules:
  * A text that cannot be a pattern or a symbol is the caller's mistake, reported before anything is written.
  * A text that names several files is refused with the list of them: as one pattern it would match none of them.
  * A pattern that is given with symbols means its symbols only.
  * Symbols are looked up where the files are here and their language is known; elsewhere they are taken as they are,
    with a warning. One that is there in another spelling (`Class.method`) is taken, and the reply says so.
  * Ids have 8 characters of Crockford's base 32 (40 bits): they are read aloud and typed. One that something bears
    already is made longer by the rules (`Work.unused`), as c-7k2m9q4x-118; what has ended may have had the same id.

What this file does not know: who holds what.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple, TypeVar

from gitcoord.core.claims.claim import Kind, Mode
from gitcoord.core.claims.claim_commands import ClaimFiles, RequestRelease, Wish
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import APART
from gitcoord.core.documents.names import amount, shown
from gitcoord.core.patterns import resolve, symbols
from gitcoord.core.patterns.path_pattern import Pattern, PatternError, canonical, overlaps, shape_of
from gitcoord.core.patterns.resolve import Resolved
from gitcoord.core.patterns.symbols import suggest
from gitcoord.core.patterns.tracked_paths import Tracked
from gitcoord.errors import InvalidError
from gitcoord.ledger.format.entry import Reply
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness
from gitcoord.service.session.checkout import Checkout
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.owner_lookup import Ownership, ownership_of
from gitcoord.source.symbols.definitions import Validation

LOOKED_INTO_MAX = 20  # files of one pattern whose symbols are looked up: each may take a second to parse
LOOKED_INTO_IN_ALL = 100  # files of one call
UNKNOWN_NAMED = 5
EXISTING_MAX = 20
WARNINGS_MAX = 20
ID_CHARS = 8
_ID = re.compile(r"[a-z]-[a-z0-9][a-z0-9-]{0,39}")
_ID_KINDS = {"c": "claim", "q": "waiting call", "r": "request"}


class Asking(NamedTuple):
    """What a caller gave.

    Attributes:
        symbols: for each pattern the symbols that are meant in its files.
        shared_files: patterns of files that everyone touches.
        modules: patterns out of which others cannot carve symbols.
        as_literal: the patterns are paths, whatever characters they have.
        hours: how long; `None` means the default of its kind.
        is_auto: an edit hook asks.
    """

    patterns: Sequence[str] = ()
    symbols: Mapping[str, Sequence[str]] | None = None
    shared_files: Sequence[str] = ()
    modules: Sequence[str] = ()
    mode: Mode = Mode.WRITE
    narrowable: bool = True
    as_literal: bool = False
    hours: float | None = None
    is_auto: bool = False


_Command = TypeVar("_Command", ClaimFiles, RequestRelease)


class Asked(NamedTuple):
    """What that means here.

    Attributes:
        tracked: how many tracked files there are, in `claim_scope` if the policy has one.
        matched: how many of them all wishes match together.
        warnings: what is doubtful, as sentences.
        judged: what the ownership rules say of it.
        config: the tip of the team's ref that says so; "" where there is none.
        ambiguous: the patterns whose name is at several places, as `warnings` say.
    """

    wishes: tuple[Wish, ...]
    tracked: int
    matched: int
    warnings: tuple[Json, ...]
    judged: Ownership
    config: str
    ambiguous: frozenset[str] = frozenset()

    def put_into(self, command: _Command) -> _Command:
        """Return a command that asks for this."""
        return command.evolve(
            wishes=self.wishes,
            tracked=self.tracked,
            matched=self.matched,
            severity=self.judged.severity,
            owners=self.judged.owners,
            is_owner=self.judged.is_owner,
        )


def submitted(
    workspace: Workspace, asking: Asking, actor: Actor, command: _Command, listed: Mapping[RefName, Oid]
) -> tuple[Reply, Asked]:
    """Submit a command that asks for this; understood again where the team's rules have changed meanwhile.

    Raises:
        CoordError: see `understood` and `Workspace.submit`.
    """

    def attempt(refs: Mapping[RefName, Oid]) -> tuple[Reply, Asked]:
        asked = understood(workspace, asking, actor.agent, refs)
        return workspace.submit(asked.put_into(command), actor, None, config=asked.config), asked

    return freshness.by_rules(workspace, listed, attempt)


def drawn_id(workspace: Workspace, kind: str) -> str:
    """Return a new id of a kind."""
    return f"{kind}-{workspace.setting.host.draw_id()[:ID_CHARS]}"


def checked_id(text: str, kind: str) -> str:
    """Return what a caller gave as an id of a kind.

    Raises:
        InvalidError: it is none.
    """
    name = text.strip().lower()
    if name.startswith(f"{kind}-") and _ID.fullmatch(name):
        return name
    hint = f"The id of a {_ID_KINDS[kind]} looks like {kind}-7k2m9q4x."
    raise InvalidError(f"{shown(text)} is no id of a {_ID_KINDS[kind]}.", hint=hint)


def understood(workspace: Workspace, asking: Asking, agent: str, listed: Mapping[RefName, Oid]) -> Asked:
    """Return what a caller asks for, as wishes.

    Raises:
        InvalidError: a pattern is none, or a symbol is not there; the sentence says what is.
        RepositoryError: git cannot list the tracked files.
    """
    texts = _texts(asking)
    if not texts:
        raise InvalidError("No patterns given.", hint="Name files, symbols or shared files.")
    if len(texts) > limits.CALL_PATTERNS:
        message = f"{len(texts)} patterns in one call are more than {limits.CALL_PATTERNS}."
        raise InvalidError(message, hint="Claim folders instead of files, or in several calls.")
    count = sum(len(names) for names in (asking.symbols or {}).values())
    if count > limits.CALL_SYMBOLS:
        message = f"{count} symbols in one call are more than {limits.CALL_SYMBOLS}."
        raise InvalidError(message, hint="Claim the files instead, or their classes.")
    empty = next((file for file, names in (asking.symbols or {}).items() if not names), None)
    if empty is not None:
        hint = "Name some, or give the file in patterns to mean all of it."
        raise InvalidError(f"No symbols are named for {shown(empty)}.", hint=hint)
    tracked = workspace.checkout.tracked()
    read = {text: _resolved(workspace.checkout, text, tracked, asking) for text in _texts(asking)}
    warnings = resolve.doubts([*read.values()])
    places = list(_places(workspace.checkout, asking, read, warnings))
    judged = ownership_of(workspace, [place.resolved.pattern for place in places], listed, agent)
    scope = workspace.policy(listed).claim_scope
    files = [_within(place.resolved.files, scope) for place in places]
    wishes = tuple(
        place.wish(asking).evolve(matched=len(matched), is_shared=shared)
        for place, matched, shared in zip(places, files, judged.shared, strict=True)
    )
    matched = len({path for matched in files for path in matched})
    each = list(dict.fromkeys(warnings))
    more = len(each) - WARNINGS_MAX
    said = (
        *_too_short(asking.hours),
        *(*each[:WARNINGS_MAX], *([f"And {amount(more, 'more warning')} of this kind."] if more > 0 else [])),
    )
    ambiguous = frozenset(resolved.pattern.text for resolved in read.values() if resolved.is_ambiguous)
    config = listed.get(workspace.setting.refs.config, "")
    return Asked(wishes, len(_within(tracked.paths, scope)), matched, said, judged, config, ambiguous)


def _too_short(hours: float | None) -> Iterator[str]:
    """Say where a claim may be over for others before its holder has done anything: their clocks are ahead."""
    if hours is not None and timedelta(hours=hours) < APART:
        apart = int(APART.total_seconds()) // 60
        yield (
            f"{hours:g} h are {hours * 60:.0f} min, and the clocks of two machines may differ by {apart} min: "
            "others may consider this claim expired at once. Ask for at least 0.2."
        )


class _WishedPlace(NamedTuple):
    """One wish to be. `symbols`: none means whole files."""

    resolved: Resolved
    kind: Kind = Kind.FILE
    symbols: tuple[str, ...] = ()

    def wish(self, asking: Asking) -> Wish:
        return Wish(
            pattern=self.resolved.pattern.text,
            reading=self.resolved.pattern.stored,
            symbols=self.symbols,
            kind=self.kind,
            mode=asking.mode,
            narrowable=asking.narrowable,
            hours=asking.hours,
            auto=asking.is_auto,
        )


def _places(
    checkout: Checkout, asking: Asking, read: Mapping[str, Resolved], warnings: list[str]
) -> Iterator[_WishedPlace]:
    """Yield the wanted places, each once; add to the warnings."""
    seen: set[tuple[Pattern, tuple[str, ...]]] = set()
    room = LOOKED_INTO_IN_ALL
    for text, names in (asking.symbols or {}).items():
        most, count = min(room, LOOKED_INTO_MAX), max(1, len(read[text].files))
        found, doubts = _known(checkout, read[text], names, most)
        room -= count if count <= most else 0
        warnings += doubts
        seen.add((read[text].pattern, found))
        yield _WishedPlace(read[text], symbols=found)
    named = {pattern for pattern, _ in seen}
    kinds = ((Kind.SHARED_FILE, asking.shared_files), (Kind.MODULE, asking.modules), (Kind.FILE, asking.patterns))
    for kind, texts in kinds:
        for text in texts:
            if read[text].pattern not in named:
                named.add(read[text].pattern)
                yield _WishedPlace(read[text], kind)


def pattern_of(workspace: Workspace, text: str, *, as_literal: bool = False) -> Pattern:
    """Return what one text means here.

    Raises:
        InvalidError: it is no pattern.
    """
    return _resolved(workspace.checkout, text, workspace.checkout.tracked(), Asking(as_literal=as_literal)).pattern


def step_paths(workspace: Workspace, texts: Sequence[str]) -> tuple[str, ...]:
    """Return paths of steps as they are stored: as given, but names with brackets as claims spell them.

    A step's paths are claimed where no files are looked at: what names one file here has to be the same there.

    Raises:
        InvalidError: one text names several; the hint has the list that was meant.
    """
    if not texts:
        return ()
    tracked = workspace.checkout.tracked()
    return tuple(_step_path(workspace.checkout, text, tracked) for text in texts)


def _step_path(checkout: Checkout, text: str, tracked: Tracked) -> str:
    inside = checkout.inside(text)
    _check_one_name(inside, tracked)
    with suppress(PatternError):  # that it is no pattern, the rules of planning say
        spelled = resolve.spelling(inside, tracked)
        if spelled != canonical(inside):
            return spelled
    return text


def _check_one_name(text: str, tracked: Tracked) -> None:
    names = resolve.several(text, tracked)
    if names:
        listed, words = ", ".join(map(repr, names)), " ".join(map(shlex.quote, names))
        hint = f"Give each by itself, as the list [{listed}] or as words in a shell: {words}"
        raise InvalidError(f"{shown(text)} is one pattern, and names {len(names)} files.", hint=hint)


def symbols_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return names as symbols, each once and none that lies below another.

    Raises:
        InvalidError: one of them cannot be a symbol.
    """
    return symbols.outermost([symbols.symbol(name) for name in names])


def _texts(asking: Asking) -> list[str]:
    return list(dict.fromkeys([*asking.patterns, *(asking.symbols or {}), *asking.shared_files, *asking.modules]))


def _resolved(checkout: Checkout, text: str, tracked: Tracked, asking: Asking) -> Resolved:
    given, text = text, checkout.inside(text)
    if asking.as_literal:
        text = checkout.spelling(text.lstrip("/"))
    else:
        _check_one_name(text, tracked)
    try:
        resolved = resolve.resolve(text, tracked, as_literal=asking.as_literal)
    except PatternError as error:
        hint = "Patterns are like those of .gitignore: src/auth/**, /package.json, *.ts."
        raise InvalidError(_sentence(str(error)), hint=hint) from None
    if not overlaps(resolved.pattern, resolved.pattern):
        message = f"{shown(text)} matches no path that can exist: a class in it is empty."
        raise InvalidError(message, hint="Write the range the other way round, as in [a-z].")
    if not resolved.files and checkout.is_elsewhere(given):
        warning = f"{shown(given)} is not in this worktree; a pattern is read from its root."
        return resolved._replace(warnings=(*resolved.warnings, warning))
    return resolved


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _within(paths: Sequence[str], scope: str) -> Sequence[str]:
    folder = scope.strip("/")
    return [path for path in paths if path.startswith(folder + "/")] if folder else paths


def _known(checkout: Checkout, place: Resolved, names: Sequence[str], most: int) -> tuple[tuple[str, ...], list[str]]:
    """Return symbols as they are stored, and why some could not be looked up in so many files at most.

    Raises:
        InvalidError: one cannot be a symbol, or no file of the place has it.
    """
    wanted = symbols_of(names)
    path = shape_of(place.pattern).path
    paths = place.files or ((path,) if path is not None else ())
    if not paths:
        return wanted, []
    if len(paths) > LOOKED_INTO_MAX:
        text = f"{shown(place.pattern.text)} matches {len(paths)} files, so the symbols were not looked up."
        return wanted, [text]
    if len(paths) > most:
        which = shown(place.pattern.text)
        return wanted, [f"One call looks into {LOOKED_INTO_IN_ALL} files, so symbols of {which} were not looked up."]
    other = {name: known for name in wanted if symbols.is_symbol(known := symbols.respelled(name))}
    asked = symbols.outermost([*wanted, *other.values()])
    unknown, checked, doubts = set(asked), list[tuple[str, Validation]](), list[str]()
    for path in paths:
        validation = checkout.definitions.validate(path, checkout.data(path), asked)
        if validation.warning:
            doubts.append(_sentence(validation.warning))
        else:
            unknown &= set(validation.unknown)
            checked.append((path, validation))
    if not checked or doubts:
        return wanted, doubts
    meant = {name: existing for name, existing in other.items() if name in unknown and existing not in unknown}
    lacking = [name for name in wanted if name in unknown and name not in meant]
    if lacking:
        raise _unknown(place.pattern.text, lacking, checked)
    read = [f"{shown(name)} was read as {shown(existing)}." for name, existing in meant.items()]
    return symbols.outermost([meant.get(name, name) for name in wanted]), read


def _unknown(place: str, unknown: Sequence[str], checked: Sequence[tuple[str, Validation]]) -> InvalidError:
    """Return the error that names what is not there, what was probably meant, and what is."""
    validations = [validation for _, validation in checked]
    said: list[str] = []
    for symbol in unknown[:UNKNOWN_NAMED]:
        near = suggest(symbol, (name for validation in validations for name in validation.existing))
        said.append(f"{shown(symbol)} (did you mean {', '.join(near)}?)" if near else shown(symbol))
    more = f" and {len(unknown) - UNKNOWN_NAMED} more" if len(unknown) > UNKNOWN_NAMED else ""
    existing = list(dict.fromkeys(name for validation in validations for name in validation.existing[:EXISTING_MAX]))[
        :EXISTING_MAX
    ]
    left = sum(len(validation.existing) for validation in validations) - len(existing)
    hint = f"It has: {', '.join(existing)}{f' and {left} more' if left > 0 else ''}." if existing else "It has none."
    broken = next(((path, validation.error_line) for path, validation in checked if validation.error_line), None)
    if broken is not None:
        error = f"{broken[0]} has a syntax error in line {broken[1]}"
        hint = f"{error}, which may hide what is declared: correct it, or claim the file without symbols. {hint}"
    return InvalidError(f"{shown(place)} has no symbol {', '.join(said)}{more}.", hint=hint)
