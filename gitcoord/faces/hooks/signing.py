"""The prepare-commit-msg hook: a commit says for which step it was made.

    Coord-Step: app/3
    Coord-Fence: 2
    Coord-Agent: ann/claude-code/wt-3

Rules:
  * Only where a session of this worktree holds the step whose branch is checked out, and only new messages: merges,
    squashes, amended commits and what git replays (rebase, cherry-pick, revert) keep theirs.
  * A message that names a step already is left alone.
  * SEC-1: nothing that a ledger says is written into a message: the step is named as it was given here, the agent by
    a name that works here.
  * Nothing is added where the team has policy `trailers` off.
  * git says where trailers go, by no settings of the user's, so that no command of theirs runs; every line that was
    there stays as it was.

What this file does not know: which step is whose; the fences say what was given.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from gitcoord.core.names import agent_name, split_step_id
from gitcoord.errors import InvalidError
from gitcoord.faces.hooks import here
from gitcoord.faces.hooks.boundary import guarded
from gitcoord.faces.hooks.here import Here
from gitcoord.ledger import glance, hook_files

LOOK_S = 1.0
MESSAGE_BYTES_MAX = 1024 * 1024
_NEW = ("", "message", "template")  # githooks(5), prepare-commit-msg
_REPLAYS = ("rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD")
_TRAILER = b"Coord-Step:"


def run(arguments: Sequence[str], folder: str, cwd: str, env: Mapping[str, str]) -> int:
    """Add the trailers to the message in a file."""
    name, source = (*arguments, "", "")[:2]
    source = source or env.get("PRE_COMMIT_COMMIT_MSG_SOURCE", "")  # pre-commit and prek give the file only
    if not folder or not name or source not in _NEW or not os.path.isdir(f"{folder}/fences"):
        return 0
    place = Here.around(cwd, folder, env)
    given = dict(_given(place))
    file = Path(cwd, name)
    if not given or _is_replay(place) or _TRAILER.lower() in file.read_bytes()[:MESSAGE_BYTES_MAX].lower():
        return 0
    trailers = _trailers(place, given)
    if trailers:
        _write(place, file, trailers)
    return 0


def _given(place: Here) -> Iterator[tuple[str, int]]:
    """Yield the steps that the sessions of this worktree were given and have not ended, with their fences."""
    from gitcoord.faces.hooks.whose import names_here, sessions_here

    # A command line's session follows from its name; see `service.identity`.
    lone = (f"cli-{sha256(one.encode()).hexdigest()[:16]}" for one in names_here(place))
    for session in dict.fromkeys((*sessions_here(place), *lone)):
        folder = f"{place.folder}/fences/{session}"
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        for name in names:
            note = hook_files.load(f"{folder}/{name}") if name.endswith(".json") and name[0] != "." else {}
            step, fence = note.get("step"), note.get("fence")
            if isinstance(step, str) and isinstance(fence, int):
                yield step, fence


def _is_replay(place: Here) -> bool:
    git_dir = place.repository.text("rev-parse", "--absolute-git-dir") or ""
    return any(os.path.exists(os.path.join(git_dir, one)) for one in _REPLAYS)


def _trailers(place: Here, given: Mapping[str, int]) -> list[str]:
    """Return the trailers of the step whose branch is checked out."""
    from gitcoord.ledger.near_claims import NearClaims, policy_of
    from gitcoord.source.head import Head

    branch = Head(place.repository).branch()
    seen = glance.take(place.where(), here.CLOCKS, LOOK_S)
    if not policy_of(seen).trailers:
        return []
    claims = NearClaims(seen)
    for name, fence in given.items() if branch else ():
        step = claims.step(name, place.repo)
        if step is not None and step.branch == branch and step.is_held and step.fence == fence:
            project, num = split_step_id(name)
            agent = _agent_here(place, step.agent_id or "")
            return [
                f"Coord-Step: {project}/{num}",
                f"Coord-Fence: {fence}",
                *([f"Coord-Agent: {agent}"] if agent else []),
            ]
    return []


def _agent_here(place: Here, noted: str) -> str:
    """Return the agent whose step it is, if it works here or is a sub-agent of one that does; else who works here."""
    from gitcoord.faces.hooks.whose import names_here

    own = [name for name in names_here(place) if _is_name(name)]
    is_own = any(noted == name or noted.startswith(f"{name}/") for name in own)
    return noted if is_own and _is_name(noted) else next(iter(own), "")


def _is_name(text: str) -> bool:
    try:
        return agent_name(text) == text
    except InvalidError:
        return False


def _write(place: Here, file: Path, trailers: Sequence[str]) -> None:
    before = file.read_bytes()
    mark = place.repository.text("config", "--get", "core.commentChar") or "#"
    after = place.where().store.with_trailers(before, trailers, mark)
    whole = _with_own_lines(before, after, {one.encode() for one in trailers})
    if whole is not None:
        file.write_bytes(whole)


def _with_own_lines(before: bytes, after: bytes, added: set[bytes]) -> bytes | None:
    """Return the changed message with every line as its author wrote it; `None`: it is another message."""
    lines = after.split(b"\n")
    written = [line for line in before.split(b"\n") if line.strip()]
    if sum(1 for line in lines if line.strip() and line not in added) != len(written):
        return None
    rest = iter(written)
    return b"\n".join(next(rest) if line.strip() and line not in added else line for line in lines)


def main(arguments: Sequence[str]) -> int:
    """Run the hook."""
    return guarded("prepare-commit-msg", run, arguments, os.getcwd(), os.environ)
