"""What a command passed over: projects that only a newer version may use, or are damaged, and files that are."""

from collections.abc import Sequence
from typing import Any

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.names import amount
from gitcoord.errors import CoordError, RewoundError, SchemaError
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.remote.contract.protocol import RefName

NAMED_MAX = 10  # how many projects are named

Passed = tuple[RefName, CoordError]


def unwritable(state: LedgerState[Any]) -> list[Passed]:
    """Return why this version may not write a project; nothing if it may."""
    try:
        state.check_writable()
    except SchemaError as error:
        return [(state.ref, error)]
    return []


def notices_of(passed: Sequence[Passed]) -> list[CallerNotice]:
    """Return the caller's notices: one notice of all that are newer, and one of each that is damaged."""
    newer = [ref for ref, error in passed if isinstance(error, SchemaError)]
    damaged = [skipped for skipped in passed if not isinstance(skipped[1], SchemaError)][:NAMED_MAX]
    return [*([_newer(newer)] if newer else []), *(_damaged(ref, error) for ref, error in damaged)]


def left_out_of(state: LedgerState[Any]) -> list[CallerNotice]:
    """Return the caller's notices of files that cannot be read: one notice, which names the first."""
    if not state.left_out:
        return []
    path, error = min(state.left_out.items())
    more = f" Left out besides: {amount(len(state.left_out) - 1, 'file')}." if len(state.left_out) > 1 else ""
    message = f"{state.ref}: {path} cannot be read and is ignored. {error}{more}"
    facts = {"ref": state.ref, "path": path, "object": error.where, "count": len(state.left_out)}
    return [CallerNotice.of("left_out", message, "gitcoord doctor --repair", **facts)]


def _newer(refs: Sequence[RefName]) -> CallerNotice:
    names = sorted(ref.rpartition("/")[2] for ref in refs)
    what = ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else "")
    message = f"Passed over, because only a newer gitcoord may write there: {what}. Upgrade gitcoord here."
    return CallerNotice.of("passed_over", message, projects=[*names[:NAMED_MAX]])


def _damaged(ref: RefName, error: CoordError) -> CallerNotice:
    notice = error.code if isinstance(error, RewoundError) else "damaged"
    return CallerNotice.of(notice, f"Passed over: {error}", error.hint, ref=ref)
