"""The comment of a pull request: one, found again by a marker that people do not see, and kept up to date.

                         no comment of ours   one, another text   one, the same text   several
    something to say     create               update              nothing              the first stays
    nothing to say       nothing              update: it is clear nothing              the first stays

Rules:
  * RELAY-5: a comment is ours if it begins with the marker and its author is the account that writes: anyone can write
    the marker, and what another account wrote is never touched.

What this file does not know: what a comment says, which service keeps it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

MARKER = "<!-- gitcoord: what this pull request collides with -->"
CLEAR = "**gitcoord**: there is no collision any more."


class Comment(NamedTuple):
    """A comment. `id`: of the service; `author`: the account that wrote it, "" where the service does not say."""

    id: str
    author: str
    body: str


class DeedWord(StrEnum):
    """What is done with a comment."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Deed(NamedTuple):
    """One change at the service. `comment`: the id of which; "" of one that is created."""

    word: DeedWord
    comment: str
    body: str


def deeds(comments: Iterable[Comment], author: str, text: str) -> list[Deed]:
    """Return what makes the comment say a text.

    Args:
        comments: those of the pull request, the oldest first.
        author: the account that writes.
        text: what there is to say; "": nothing.
    """
    from_here = [comment for comment in comments if author and comment.author == author]
    own = [comment for comment in from_here if _plain(comment.body).startswith(MARKER)]
    body = f"{MARKER}\n{text or CLEAR}"
    if not own:
        return [Deed(DeedWord.CREATE, "", body)] if text else []
    changed = [Deed(DeedWord.UPDATE, own[0].id, body)] if _plain(own[0].body) != _plain(body) else []
    return [*changed, *(Deed(DeedWord.DELETE, comment.id, "") for comment in own[1:])]


def _plain(body: str) -> str:
    """Return a body as services keep it: some end lines in another way, or strip its end."""
    return "\n".join(line.rstrip() for line in body.strip().splitlines())
