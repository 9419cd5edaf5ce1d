"""The prepare-commit-msg hook: a commit says for which step it was made.

    Coord-Step: app/3
    Coord-Fence: 2
    Coord-Agent: ann/claude-code/wt-3

    no step is held on this branch       nothing is loaded; the shim does not even start us
    one of this worktree is, or of who   what was given is named, unless what is here of the
    is named in the settings             ledgers says that it is over; no remote is asked

Rules:
  * HOOK-11: only where a session of this worktree holds the step whose branch is checked out, and only new messages:
    merges, squashes, amended commits and what git replays (rebase, cherry-pick, revert) keep theirs.
  * HOOK-11: a step that names no branch is named on every branch on which none of here is held any more, as long as it
    is the only one of its kind here: of two nothing tells whose commit it is.
  * A message that names a step already is left alone.
  * SEC-1: nothing that a ledger says is written into a message: step, fence and agent are named as they were given
    here.
  * Nothing is added where the team has policy `trailers` off.
  * git says where trailers go, by no settings of the user's, so that no command of theirs runs; every line that was
    there stays as it was.

What this file does not know: which step is whose; the fences say what was given.
"""

import os

from gitcoord.faces.hooks.git import git_place
from gitcoord.ledger.clone import held_branches, snapshot_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitcoord.faces.hooks.git.hook_repository import Here
    from gitcoord.ledger.clone.snapshot_files import Row
    from gitcoord.ledger.hook_view.glance import Glance
    from gitcoord.ledger.hook_view.near_claims import NearClaims

LOOK_S = 1.0  # for a remote that is a folder of this machine
MESSAGE_BYTES_MAX = 1024 * 1024
_NEW = ("", "message", "template")  # githooks(5), prepare-commit-msg
_TRAILER = b"Coord-Step:"


def main(arguments: "Sequence[str]") -> int:
    """Run the hook."""
    cwd, env = os.getcwd(), os.environ
    name, source = (*arguments, "", "")[:2]
    source = source or env.get("PRE_COMMIT_COMMIT_MSG_SOURCE", "")  # pre-commit and prek give the file only
    if not name or source not in _NEW or not _may_be_of_a_step(cwd, env):
        return 0
    from gitcoord.faces.hooks.git.guard import guarded

    return guarded("prepare-commit-msg", _run, arguments, cwd, env)


def _may_be_of_a_step(cwd: str, env: "Mapping[str, str]") -> bool:
    folder, git_dir = git_place.folder_of(cwd, env), git_place.git_dir_of(cwd, env)
    if not folder or git_place.is_replay(git_dir):
        return False
    branch = git_place.branch_of(git_dir)
    if branch is None:
        return held_branches.is_any(folder)
    return bool(branch) and any(row for name in (branch, "") for row in held_branches.on_branch(folder, name))


def _run(arguments: "Sequence[str]", folder: str, cwd: str, env: "Mapping[str, str]") -> int:
    """Add the trailers to the message in a file."""
    from pathlib import Path

    from gitcoord.faces.hooks.git.hook_repository import Here
    from gitcoord.source.checkout.head import Head

    place = Here.around(cwd, folder, env)
    branch = git_place.branch_of(git_place.git_dir_of(cwd, env))
    branch = Head(place.repository).branch() if branch is None else branch
    rows = [row for name in (branch, "") for row in held_branches.on_branch(folder, name)] if branch else []
    given = [row for row in rows if _is_of_here(place, row)]
    file = Path(cwd, arguments[0])
    if not given or _TRAILER.lower() in file.read_bytes()[:MESSAGE_BYTES_MAX].lower():
        return 0
    from gitcoord.ledger.hook_view.near_claims import NearClaims, policy_of

    seen = _known(place)
    steps = NearClaims(seen)  # one for all rows: it brings the steps once
    held = [row for row in given if not _is_over(place, steps, row)]
    of_branch = [row for row in held if row.get("branch")]
    if (of_branch or len(held) == 1) and policy_of(seen).trailers:
        trailers = _lines(held[0])  # those of the branch come first, of these the one that was given last
        before = file.read_bytes()
        mark = (place.config.all_of("core.commentchar") or [None])[-1] or "#"
        after = seen.where.store.with_trailers(before, trailers, mark)
        whole = _with_own_lines(before, after, {trailer.encode() for trailer in trailers})
        if whole is not None:
            file.write_bytes(whole)
    return 0


def _is_of_here(place: "Here", row: "Row") -> bool:
    """Whether a step was given in this worktree, or to whom the settings name."""
    from gitcoord.faces.hooks.git.who_pushes import sessions_named

    if row.get("worktree") == snapshot_files.worktree_name(place.repository.top) or row.get("session") in {
        *sessions_named(place.env)
    }:
        return True
    named, agent = place.agent, str(row.get("agent"))
    return bool(named) and (agent == named or agent.startswith(f"{named}/"))


def _known(place: "Here") -> "Glance":
    """Return the ledgers as they are here: a store of this machine is read, a remote is not asked."""
    from contextlib import suppress

    from gitcoord.errors import CoordError
    from gitcoord.faces.hooks.git.hook_repository import CLOCKS
    from gitcoord.ledger.hook_view import view

    where = place.where()
    if where.url is not None and os.path.isabs(where.url):
        with suppress(CoordError):  # it is gone
            return view.take(where, CLOCKS, LOOK_S)
    return view.known(where, CLOCKS)


def _is_over(place: "Here", steps: "NearClaims", row: "Row") -> bool:
    """Whether what is here of a step says that it is not held any more; what is older than what was given does not."""
    from gitcoord.errors import CoordError

    try:
        step = steps.step(str(row.get("step")), place.repo)
    except CoordError:
        return False  # no one knows better than what was given
    fence = held_branches.fence_of(row)
    if step is None:
        return steps.glance.age_s is None  # there is none by now; what is older may lack it
    return step.fence > fence or (step.fence == fence and not step.is_held)


def _lines(row: "Row") -> "list[str]":
    from gitcoord.core.documents.names import agent_name, split_step_id
    from gitcoord.errors import InvalidError

    project, num = split_step_id(str(row.get("step")))
    lines = [f"Coord-Step: {project}/{num}", f"Coord-Fence: {held_branches.fence_of(row)}"]
    try:
        return [*lines, f"Coord-Agent: {agent_name(str(row.get('agent')))}"]
    except InvalidError:
        return lines


def _with_own_lines(before: bytes, after: bytes, added: "set[bytes]") -> bytes | None:
    """Return the changed message with every line as its author wrote it; `None`: it is another message."""
    lines = after.split(b"\n")
    written = [line for line in before.split(b"\n") if line.strip()]
    if sum(1 for line in lines if line.strip() and line not in added) != len(written):
        return None
    rest = iter(written)
    return b"\n".join(next(rest) if line.strip() and line not in added else line for line in lines)
