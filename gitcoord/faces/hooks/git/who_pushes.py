"""Whose: under which names and sessions work is done in this worktree.

Rules:
  * Every session that worked here counts, and every name that an agent without session has here.

What this file does not know: what is claimed, which hook asks.
"""

from collections.abc import Iterable, Iterator, Mapping

from gitcoord.core.checks.pusher import Pusher
from gitcoord.core.claims.claim import Claim
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import FREE_SESSION
from gitcoord.core.documents.party import agent_level
from gitcoord.faces.hooks.git.hook_repository import Here
from gitcoord.ledger.clone import snapshot_files

_SESSIONS = ("GITCOORD_SESSION", "CLAUDE_CODE_SESSION_ID", "GEMINI_SESSION_ID")


def pusher_here(place: Here) -> Pusher:
    """Return whose work this is: of the agents of this worktree."""
    known = snapshot_files.load(str(place.folder / "clone.json"))
    before = snapshot_files.load(
        str(place.folder / "earlier.json")
    )  # as in `clone_id`, which is more than a hook loads
    ids = {str(known.get("id", "")), *_texts(known.get("others"))} - {""}
    return Pusher(
        None,
        place.repo,
        clones=frozenset(ids),
        earlier=frozenset(_texts(before.get("earlier")) if before.get("id") == known.get("id") else ()),
        sessions=frozenset(sessions_here(place)),
        names=frozenset(names_here(place)),
    )


def sessions_here(place: Here) -> Iterator[str]:
    """Yield the ids of the sessions of this worktree, by every name that they have."""
    yield from sessions_named(place.env)
    for beat in place.sessions():
        yield from {str(beat.get("id", "")), *_texts(beat.get("aliases"))} - {""}


def sessions_named(env: Mapping[str, str]) -> Iterator[str]:
    """Yield the ids of sessions by which the committing process was started."""
    yield from (env[variable].lower() for variable in _SESSIONS if env.get(variable))


def names_here(place: Here) -> Iterator[str]:
    """Yield the names under which agents work in this worktree."""
    if place.agent:
        yield place.agent
    tools = {"cli"}
    for beat in place.sessions():
        yield from _texts(beat.get("agents"))
        tools |= {str(beat.get("tool", ""))} - {""}
    yield from filter(None, (_name_of(place, tool) for tool in sorted(tools)))


def are_left_behind(place: Here, pusher: Pusher, claims: Iterable[Claim], branch: str) -> bool:
    """Whether one of these claims was made at the shell of this worktree, on another branch than is checked out now.

    What a server's session holds follows with that server's next beat.
    """
    at_shell = place.agent or _name_of(place, "cli")
    return any(
        claim.agent == at_shell
        and claim.clone in pusher.clones
        and claim.step is None
        and claim.branch != branch
        and (claim.session or FREE_SESSION).startswith(FREE_SESSION)
        for claim in claims
    )


def _name_of(place: Here, tool: str) -> str:
    """Return the name of who works here with a tool; empty where git does not know the user."""
    user = place.settings.get("user.name", "").strip()
    levels = (user, tool, snapshot_files.worktree_name(place.repository.top))
    return "/".join(map(agent_level, levels)) if user else ""


def _texts(value: Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
