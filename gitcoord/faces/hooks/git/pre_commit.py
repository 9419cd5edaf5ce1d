"""The pre-commit hook: what is staged, looked at as a push will be.

    nothing near what others hold      nothing is loaded, asked or said; see `staged`
    files of others                    a warning; with policy `pre_commit: refuse` the commit is stopped
    unknown                            the ledgers are read, and it is one of these two

Rules:
  * HOOK-10: a commit concerns only its author, so by itself it gets only a warning; the push is what is refused.
  * HOOK-10: taking out what an own commit changed, by amending it or by another commit, is no change of the file.
  * A remote is given LOOK_S, and where nothing can be stopped it is not waited for twice in UNANSWERED_S. Then what was
    known of it counts.
  * The index is the one that git is at work on, which `git commit <file>` makes for itself.

What this file does not know: the rules of claims, how a failure of ours is reported; see `guard`.
"""

import os

from gitcoord.faces.hooks.git import git_place, staged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitcoord.faces.hooks.git.hook_repository import Here
    from gitcoord.ledger.hook_view.glance import Glance

LOOK_S = 1.0
UNANSWERED_S = 60.0


def main(arguments: "Sequence[str]") -> int:
    """Run the hook."""
    cwd, env = os.getcwd(), os.environ
    folder = git_place.folder_of(cwd, env)
    if not folder or _is_near_nobody(folder, cwd, env):
        return 0
    from gitcoord.faces.hooks.git.guard import guarded

    return guarded("pre-commit", _run, arguments, cwd, env)


def _is_near_nobody(folder: str, cwd: str, env: "Mapping[str, str]") -> bool:
    try:
        return staged.is_near_nobody(folder, cwd, env)
    except (OSError, ValueError, TypeError):  # damaged files
        return False


def _run(_: "Sequence[str]", folder: str, cwd: str, env: "Mapping[str, str]") -> int:
    """Look at what is staged; return the exit status."""
    from dataclasses import replace

    from gitcoord.faces.hooks.git.guard import documents
    from gitcoord.faces.hooks.git.hook_repository import Here
    from gitcoord.faces.hooks.git.output import age_of, say
    from gitcoord.source.history.pushed_work import staged_work, without_taken_out

    place = Here.around(cwd, folder, env)
    work = staged_work(place.repository)
    if not work.files:
        return 0
    seen = _look(place)
    near = documents(seen, (change.path for change in work.files))
    if not near:
        return 0
    from gitcoord.faces.hooks.git import check_report, who_pushes
    from gitcoord.ledger.hook_view.near_claims import policy_of
    from gitcoord.source.checkout.head import Head

    check = check_report.Check.of(place, seen, near)
    branch = Head(place.repository).branch()
    own = without_taken_out(place.repository, work)
    check.work(replace(who_pushes.pusher_here(place), branches=frozenset({branch} if branch else ())), own)
    stops = bool(check.report.stopping) and policy_of(seen).pre_commit == "refuse"
    if check.report.stopping or check.report.notes:
        say([*age_of(seen), *check_report.lines(check.report, "commit", stops=stops)])
    return 1 if stops else 0


def _look(place: "Here") -> "Glance":
    """Read the claims; of a remote that was silent just now what is known of them, if nothing can be stopped by it."""
    from gitcoord.faces.hooks.git.hook_repository import CLOCKS
    from gitcoord.ledger.hook_view import view

    where = place.where()
    if view.was_silent(where, CLOCKS, UNANSWERED_S):
        from gitcoord.ledger.hook_view.near_claims import policy_of

        seen = view.known(where, CLOCKS, "it did not answer within the last minute")
        policy = policy_of(seen)
        if seen.tip("claims") and policy.pre_commit == "warn" and not policy.enforce:
            return seen
    return view.take(where, CLOCKS, LOOK_S)
