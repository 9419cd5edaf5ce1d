"""The document of a relay, as the tip of its ref has it.

What this file does not know: who delivers, and when a ref is moved.
"""

from gitcoord.core.relay.relay import Relay
from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

FILE = "relay.json"


def read(objects: Objects, ref: RefName, tip: Oid) -> Relay:
    """Return a relay.

    Raises:
        DocumentError: what is there was not written by gitcoord.
    """
    try:
        oid = trees.load(objects, commits.read(objects, tip).tree).file(FILE)
        if oid is not None:
            return Relay.decode(objects.read(oid)[1])
        why = f"it has no {FILE}"
    except (DocumentError, MissingObjectError) as error:
        why = str(error).rstrip(".")
    message = f"{ref} at {tip[:12]} was not written by gitcoord: {why}. Nothing was changed."
    raise DocumentError(message, where=ref, hint="Give this relay another name, or take that ref away with git.")
