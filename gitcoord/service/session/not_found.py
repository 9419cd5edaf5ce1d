"""What is not there: the error that says so, with what was probably meant."""

from collections.abc import Iterable

from gitcoord.core.documents.names import shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.errors import NotFoundError
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import RefName


def no_project(name: str, refs: Refs, listed: Iterable[RefName]) -> NotFoundError:
    """Return the error about a project that none of the refs is of."""
    names = [ref.rpartition("/")[2] for ref in listed if refs.is_steps(ref)]
    hint = f"{did_you_mean(name, names)}See list_projects(), or create it: create_project(…)."
    return NotFoundError(f"There is no project {shown(name)}.", hint=hint)
