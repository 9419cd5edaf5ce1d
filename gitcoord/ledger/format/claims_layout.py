"""Where the documents of the claims ledger lie in its tree.

    claims/7/k/c-7k….json        by the first two characters of what was drawn: folders of at most 32
    queue/m/q-m3….json           by one; so are requests, notices and barriers
    meta.json, applied/…         as in every ledger, see `meta`

A folder is small at 30,000 claims, because a change writes each folder above it anew.
"""

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.notice import Barrier, Notice
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import RegisterDoc, check_texts
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.doc import Doc
from gitcoord.errors import BugError

_FOLDERS: dict[type[Doc], str] = {
    Claim: "claims",
    QueueEntry: "queue",
    ReleaseRequest: "requests",
    Notice: "notices",
    Barrier: "barriers",
}
_KINDS: dict[str, type[RegisterDoc]] = {
    "claims": Claim,
    "queue": QueueEntry,
    "requests": ReleaseRequest,
    "notices": Notice,
    "barriers": Barrier,
}


def path_of(doc: Doc) -> str:
    """Return the path of a document of the claims ledger."""
    folder = _FOLDERS.get(type(doc))
    if folder is None or not isinstance(doc, RegisterDoc):
        message = f"A {type(doc).__name__} has no place in the claims ledger."
        raise BugError(message)
    return _path(folder, doc.id)


def check(doc: RegisterDoc, path: str) -> None:
    """Look at a document as far as its place, its names and its patterns go; readers and writers both do.

    Raises:
        ValueError: it does not lie where it belongs, or has an invalid pattern or name; the end of a sentence says so.
    """
    check_texts(doc)
    if path_of(doc) != path or (isinstance(doc, Claim) and not doc.items):
        message = f"is {doc.id!r}, but lies at {path}"
        raise ValueError(message)


def kind_at(path: str) -> type[RegisterDoc] | None:
    """Return what kind of document lies at a path; `None`: none of the register's."""
    return _KINDS.get(path.partition("/")[0]) if path.endswith(".json") else None


def id_at(path: str) -> str:
    """Return the id of the document that lies at a path."""
    return path.rpartition("/")[2].removesuffix(".json")


def path_of_claim(claim_id: str) -> str:
    """Return where a claim lies, or lay."""
    return _path("claims", claim_id)


def path_of_entry(entry_id: str) -> str:
    """Return where a call that waits lies, or lay."""
    return _path("queue", entry_id)


def _path(folder: str, doc_id: str) -> str:
    drawn = doc_id.partition("-")[2] or doc_id
    if folder == "claims":
        return f"{folder}/{drawn[:1]}/{drawn[1:2] or '_'}/{doc_id}.json"
    return f"{folder}/{drawn[-1:]}/{doc_id}.json"
