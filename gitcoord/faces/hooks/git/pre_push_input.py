"""The lines that git hands to pre-push, and what of them may never be: ledgers are not moved by a person's push.

    <local ref> SP <local id> SP <remote ref> SP <remote id> LF        see githooks(5), pre-push

Rules:
  * The local ref may be any expression, also one with spaces; the rest has none.
  * HOOK-7: gitcoord's own pushes run no hook, so whatever of `refs/coord` is in these lines was not meant to be, or is
    repair.
  * A new ref and one that is moved forward pass: nothing is lost by it.

What this file does not know: claims.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gitcoord.core.documents.names import shown

NAMED_MAX = 3
_FIELDS = 4


class Line(NamedTuple):
    """One ref that is pushed; an id of zeros is `None`: nothing is there, or nothing is to be."""

    local: str
    new: str | None
    ref: str
    old: str | None

    @property
    def branch(self) -> str | None:
        """The remote's branch."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None


def parsed(data: bytes) -> list[Line]:
    """Return the lines; what is no such line is ignored."""
    rows = (line.rsplit(" ", _FIELDS - 1) for line in data.decode("utf-8", "surrogateescape").split("\n"))
    return [Line(row[0], _id(row[1]), row[2], _id(row[3])) for row in rows if len(row) == _FIELDS]


def given_by_managers(env: Mapping[str, str]) -> list[Line]:
    """Return the line that pre-commit and prek hand on: they read git's own, and name one ref in the environment."""
    new, ref = env.get("PRE_COMMIT_TO_REF", ""), env.get("PRE_COMMIT_REMOTE_BRANCH", "")
    old = env.get("PRE_COMMIT_FROM_REF", "")
    return [Line(env.get("PRE_COMMIT_LOCAL_BRANCH", ""), _id(new), ref, _id(old))] if new and ref else []


def _id(text: str) -> str | None:
    return text if text.strip("0") else None


def harm(lines: Sequence[Line], namespace: str, is_forward: Callable[[str, str], bool]) -> str:
    """Return why a push would harm the ledgers; empty if it does not. `is_forward`: (old, new) loses nothing."""
    own = [line for line in lines if line.ref.startswith(f"{namespace}/")]
    gone = [line for line in own if line.new is None]
    moved = [line for line in own if line.new and line.old and not is_forward(line.old, line.new)]
    if not gone and not moved:
        return ""
    what = "delete" if gone else "rewrite"
    named = ", ".join(shown(line.ref, 200) for line in (gone or moved)[:NAMED_MAX])
    more = len(gone or moved) - NAMED_MAX
    return (
        f"gitcoord: this push was refused: it would {what} {named}{f' and {more} more' if more > 0 else ''}, where the "
        f"claims and steps of the whole team are.\n"
        f"  `git push --mirror` and `--prune` do that, because this clone has no such refs. Push branches and tags by\n"
        f"  themselves: `git push --all`, then `git push --tags`. `git push --no-verify` skips this check.\n"
    )
