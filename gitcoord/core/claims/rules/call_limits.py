"""Calls: whether a call can be granted at all, regardless of other claims.

Rules:
  * CLAIM-5: a claim is a small part of a repository: so many files, and so much of all of them.
  * CLAIM-5: what the owners of a place mind (`hard`) is claimed by its owners only, where the policy says so.

What this file does not know: other claims.
"""

from gitcoord.core.claims.claim import Severity
from gitcoord.core.claims.claim_commands import ClaimFiles, RequestRelease, Wish
from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.patterns import symbols
from gitcoord.core.patterns.path_pattern import Pattern, PatternError

HOURS_MAX = 24 * 7.0
WAIT_S_MAX = 600
_SMALLER = sentence("Claim a smaller part: ", Call.of("claim_files", ...), ".")
RATIO_EXEMPT = 20  # repositories of fewer files are small enough to be taken whole


def fault(call: ClaimFiles) -> Outcome | None:
    """Return why a call makes no sense."""
    if not call.wishes:
        return outcomes.invalid("no_patterns", "No patterns given.", "Name files, symbols or shared files.")
    if not 0 <= call.wait_s <= WAIT_S_MAX:
        return outcomes.invalid("bad_wait", f"The longest wait is {WAIT_S_MAX} s, the shortest 0, not {call.wait_s} s.")
    if call.wait_s and not call.entry_id:
        return outcomes.invalid("bad_wait", "A call that waits names its entry in the line.")
    return fault_of_wishes(call.wishes)


def fault_of_wishes(wishes: tuple[Wish, ...]) -> Outcome | None:
    """Return the refusal of a bad wish."""
    if len(wishes) > limits.CALL_PATTERNS:
        message = f"{len(wishes)} patterns in one call are more than {limits.CALL_PATTERNS}."
        return outcomes.invalid("too_many", message, "Claim folders instead of files, or in several calls.")
    return _fault_of_symbols(wishes) or next((bad for bad in map(_fault_of, wishes) if bad is not None), None)


def _fault_of_symbols(wishes: tuple[Wish, ...]) -> Outcome | None:
    names = [name for wish in wishes for name in wish.symbols]
    if len(names) > limits.CALL_SYMBOLS:
        message = f"{len(names)} symbols in one call are more than {limits.CALL_SYMBOLS}."
        return outcomes.invalid("too_many", message, "Claim the whole file, or a part of them.")
    size = len("".join(names).encode("utf-8", "surrogatepass"))
    if size > limits.CALL_SYMBOL_BYTES:
        message = f"The symbols of one call have {size} bytes; {limits.CALL_SYMBOL_BYTES} is the most."
        return outcomes.invalid("too_many", message, "Claim the whole file, or a part of them.")
    return None


def bad_hours(hours: float) -> Outcome | None:
    """Return the refusal of a bad duration of a claim."""
    if 0 < hours <= HOURS_MAX:
        return None
    return outcomes.invalid("bad_hours", f"A claim lasts more than 0 and at most {HOURS_MAX:g} hours, not {hours:g}.")


def not_allowed(call: ClaimFiles | RequestRelease, policy: Policy) -> Outcome | None:
    """Return why the team's policy refuses a call."""
    bad = _too_large(call, policy)
    if bad is not None or not policy.hard_requires_owner or call.severity is not Severity.HARD or call.is_owner:
        return bad
    message = f"This place belongs to {', '.join(call.owners)}, and policy hard_requires_owner is on."
    hint = "Ask an owner to do it or to claim it for you."
    return outcomes.refused("not_owner", message, hint, owners=[*call.owners])


def has_room(held: int, call: ClaimFiles, policy: Policy) -> bool:
    """Whether a claim of so many files may grow by a call and be no larger than one that is made whole."""
    files = held + max(len(call.wishes), call.matched)
    grown = call.evolve(matched=files)
    return files <= limits.CALL_PATTERNS and _too_large(grown, policy) is None


def _fault_of(wish: Wish) -> Outcome | None:
    try:
        _ = Pattern.of(wish.pattern, wish.reading)
    except PatternError as error:
        return outcomes.invalid("bad_pattern", str(error))
    wrong = next((symbol for symbol in wish.symbols if not symbols.is_symbol(symbol)), None)
    if wrong is not None:
        return outcomes.invalid("bad_symbol", "A symbol is a name with its ancestors before it, joined by '::'.")
    return None if wish.hours is None else bad_hours(wish.hours)


def _too_large(call: ClaimFiles | RequestRelease, policy: Policy) -> Outcome | None:
    # Count what matches no tracked file as a file each; in a `claim_scope` it may match outside of that.
    new_files = 0 if policy.claim_scope else sum(not wish.matched and not wish.auto for wish in call.wishes)
    files = max(call.matched, *(wish.matched for wish in call.wishes), new_files)
    if policy.max_claim_files and files > policy.max_claim_files:
        message = f"This claims {files} files; the limit is {policy.max_claim_files} (max_claim_files)."
        return outcomes.refused("too_large", message, _SMALLER, matched=files)
    ratio = 0.0 if policy.claim_scope or call.tracked < RATIO_EXEMPT else files / call.tracked
    if policy.max_claim_ratio and ratio > policy.max_claim_ratio:
        share = f"{ratio:.0%} of the repository's {call.tracked} files"
        message = f"This claims {share}; the limit is {policy.max_claim_ratio:.0%} (max_claim_ratio)."
        return outcomes.refused("too_large", message, _SMALLER, matched=files)
    return None
