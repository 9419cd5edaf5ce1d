"""Problems that need a person: refs that are damaged, ledgers that cannot be read, ledgers that were left behind.

    {"ref": which, "message": what is wrong, "next_step": what to do, "code": of what is not damaged: rewound, kept}

Everything else goes on meanwhile, so a problem is shown beside a result and never instead of it. SEC-4: whatever is
pushed to the namespace, a result names SHOWN_MAX of them and counts the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount, shown
from gitcoord.errors import CoordError, DocumentError, RewoundError
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.readers.team_rules import Damage, TeamRules
from gitcoord.remote.contract.protocol import FaultKind, RefFault, RefName, Transport

DAMAGED, KEPT = "damaged", "kept"


class Oddity(NamedTuple):
    """One ref, what is wrong with it (`what`: as the end of a sentence), and what to do."""

    ref: str
    message: str
    next_step: str
    what: str = ""
    code: str = DAMAGED

    def as_error(self) -> DocumentError:
        """Return the error for a command that needs this ref."""
        kind = RewoundError if self.code == RewoundError.code else DocumentError
        return kind(self.message, where=self.ref, hint=self.next_step)

    def as_json(self) -> dict[str, Json]:
        """Return it as a result shows it."""
        row: dict[str, Json] = {"ref": self.ref, "message": self.message, "next_step": self.next_step}
        return {**row, **({"code": self.code} if self.code != DAMAGED else {})}


SHOWN_MAX = 20  # what a person reads; thousands of refs would make every result megabytes long


def few(found: Sequence[Oddity]) -> list[Oddity]:
    """Return the first of them, and how many more there are."""
    more = len(found) - SHOWN_MAX
    if more <= 0:
        return [*found]
    message = f"A person has to look at {amount(more, 'more ref')} like these."
    rest = Oddity(found[SHOWN_MAX].ref, message, "See all with `git ls-remote`; remove what gitcoord did not write.")
    return [*found[:SHOWN_MAX], rest]


def skipped_by(transport: Transport, *, is_home: bool) -> tuple[Oddity, ...]:
    """Return what the last listing passed over, where the transport can tell."""
    return tuple(_skipped(fault, is_home=is_home) for fault in transport.faults)


def gone_back(errors: Iterable[RewoundError]) -> tuple[Oddity, ...]:
    """Return the ledgers that are back before what this clone saw, or gone."""
    return tuple(Oddity(error.where, str(error), error.hint, code=error.code) for error in errors)


def unreadable(problems: Mapping[RefName, CoordError]) -> tuple[Oddity, ...]:
    """Return the ledgers that could not be read."""
    return tuple(Oddity(ref, str(error), error.hint) for ref, error in sorted(problems.items()))


def damaged_rules(rules: TeamRules) -> dict[RefName, CoordError]:
    """Return the team's ref, if it was damaged when it was looked at last."""
    return {RefName(rules.damage.error.where): rules.damage.error} if rules.damage else {}


def unread_rules(rules: TeamRules) -> list[CallerNotice]:
    """Return the notice that the team's rules are damaged, for each reply that went by others instead (SAFE-6)."""
    if rules.damage is None:
        return []
    error, what = rules.damage.error, counting(rules.damage)
    message = f"{error} {what[:1].upper()}{what[1:]}."
    return [CallerNotice.of("damaged", message, "gitcoord doctor --repair", ref=error.where)]


def counting(damage: Damage) -> str:
    """Return which rules count where the team's ref is damaged."""
    if not damage.counts:
        return "the default rules count, without owners"
    return f"the rules of {damage.counts[:12]} count instead"


def left_out(states: Iterable[LedgerState[Any]]) -> tuple[Oddity, ...]:
    """Return the ledgers of which files cannot be read."""
    found = [state for state in states if state.left_out]
    if not found:
        return ()
    from gitcoord.ledger.transactions.plan import left_out_of

    return tuple(
        Oddity(state.ref, notice.message, notice.next_step or "") for state in found for notice in left_out_of(state)
    )


def left_behind(kept: Sequence[RefName]) -> tuple[Oddity, ...]:
    """Return the ledgers that the remote would not take when it was named."""
    return tuple(_kept(ref) for ref in kept)


def _kept(ref: RefName) -> Oddity:
    from shlex import quote

    from gitcoord.ledger.archive.publish import KEPT as KEPT_REFS

    there, git = f"refs/{ref.removeprefix(KEPT_REFS).partition('@')[0]}", "git --git-dir=.git/gitcoord/store.git"
    message = f"The remote had {shown(there)} already, so that of this clone is kept beside it, and no one uses it."
    todo = f"Look at it (`{git} log -p {quote(ref)}`), bring what you need into the remote's, then delete it:"
    return Oddity(ref, message, f"{todo} `{git} update-ref -d {quote(ref)}`.", code=KEPT)


def _skipped(fault: RefFault, *, is_home: bool) -> Oddity:
    ref, what = fault.ref, fault.what
    message = f"The ref {shown(ref)} {what}."
    if fault.kind is FaultKind.NO_NAME:
        return Oddity(ref, message, "Remove that file from where the refs are kept.", what)
    if is_home:
        next_step = f"Write the id of its last good commit into .git/gitcoord/store.git/{ref}; see home-tips beside it."
    else:
        next_step = "The remote's administrator puts the id of its last good commit into it, or removes it."
    return Oddity(ref, message, next_step, what)
