"""What is not there: the error that says so, with what was probably meant."""

from collections.abc import Iterable

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.errors import NotFoundError
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import RefName


def no_project(name: str, refs: Refs, listed: Iterable[RefName]) -> NotFoundError:
    """Return the error about a project that none of the refs is of."""
    names = [ref.rpartition("/")[2] for ref in listed if refs.is_steps(ref)]
    see, create = Call.of("list_projects"), Call.of("create_project", ...)
    hint = sentence(f"{did_you_mean(name, names)}See ", see, ", or create it: ", create, ".")
    return NotFoundError(f"There is no project {shown(name)}.", hint=hint)
