"""Posted: which commands this clone has posted and not heard of, on disk, for the process that comes next.

    posted ──listed──> made ──gone from the list──> folded, or taken away: the ledger says which; then it is forgotten
       └──never listed──> may still arrive: it is void once the clone's counter in that ledger has moved

Rules:
  * SAFE-3, TXN-2: a post is noted before it is sent, with its ledger, and its commands go to no other ledger until
    it is gone or void. A clone has one post a ledger at most.

What this file does not know: what is in a post.
"""

import contextlib
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.remote.contract.protocol import Oid, RefName

FILE = "posted.json"


class OwnPost(NamedTuple):
    """A post of this clone. `made`: whether the remote is known to have had it."""

    ref: RefName
    tip: Oid
    uids: tuple[str, ...]
    made: bool


class Posted:
    """The file `posted.json` of a place, by ledger. Used only under the clone's lock."""

    def __init__(self, folder: Path, unique: str) -> None:
        """Use the file in the folder of the place."""
        self._file = folder / FILE
        self._unique = unique
        self._posts: Mapping[RefName, OwnPost] | None = None

    def begin(self) -> None:
        """Go by the file again: since the lock was held last, another process may have written it."""
        self._posts = None

    def posts(self) -> Mapping[RefName, OwnPost]:
        """Return the posts by ledger."""
        if self._posts is None:
            said = files.read_json(self._file).items()
            self._posts = {RefName(ledger): post for ledger, text in said if (post := _parsed(text))}
        return self._posts

    def add(self, posts: Mapping[RefName, OwnPost]) -> None:
        """Note posts that are about to be sent.

        Raises:
            StorageError: the disk cannot be written.
        """
        self._save({**self.posts(), **posts})

    def made(self, ledgers: Iterable[RefName]) -> None:
        """Note that the remote has these posts."""
        posts = self.posts()
        new = {ledger: posts[ledger]._replace(made=True) for ledger in ledgers if ledger in posts}
        if any(posts[ledger] != post for ledger, post in new.items()):
            self._save_later({**posts, **new})

    def forget(self, ledgers: Iterable[RefName]) -> None:
        """Note that these posts are gone, or void."""
        posts, gone = self.posts(), {*ledgers}
        if posts.keys() & gone:
            self._save_later({ledger: post for ledger, post in posts.items() if ledger not in gone})

    def resolve(self, listed: Mapping[RefName, Oid]) -> tuple[dict[str, RefName], dict[str, RefName]]:
        """Compare with a listing; return which commands belong to which ledger: of all posts, and of those not gone."""
        posts = self.posts()
        self.made(ledger for ledger, post in posts.items() if listed.get(post.ref) == post.tip)
        pins = {uid: ledger for ledger, post in posts.items() for uid in post.uids}
        return pins, {uid: ledger for uid, ledger in pins.items() if not _is_gone(posts[ledger], listed)}

    def settle(self, listed: Mapping[RefName, Oid], unread: Container[str]) -> None:
        """Forget the posts that are gone; not those of `unread` commands, which may have landed."""
        gone = {ledger: post for ledger, post in self.posts().items() if _is_gone(post, listed)}
        self.forget(ledger for ledger, post in gone.items() if not any(uid in unread for uid in post.uids))

    def _save_later(self, posts: Mapping[RefName, OwnPost]) -> None:
        """Save what costs nothing to know too late: the next listing says it again."""
        with contextlib.suppress(StorageError):
            self._save(posts)

    def _save(self, posts: Mapping[RefName, OwnPost]) -> None:
        data: dict[str, Json] = {
            ledger: {"ref": post.ref, "tip": post.tip, "uids": [*post.uids], "made": post.made}
            for ledger, post in posts.items()
        }
        if data:
            files.write_json(self._file, data, self._unique)
        else:
            files.remove(self._file)
        self._posts = posts


def _is_gone(post: OwnPost, listed: Mapping[RefName, Oid]) -> bool:
    return post.made and listed.get(post.ref) != post.tip


def _parsed(said: Json) -> OwnPost | None:
    if not isinstance(said, dict):
        return None
    ref, tip, uids = said.get("ref"), said.get("tip"), said.get("uids")
    if not (isinstance(ref, str) and isinstance(tip, str) and isinstance(uids, list)):
        return None
    return OwnPost(RefName(ref), Oid(tip), tuple(uid for uid in uids if isinstance(uid, str)), said.get("made") is True)
