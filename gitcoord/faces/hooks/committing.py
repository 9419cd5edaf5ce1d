"""The pre-commit hook: what is staged, looked at as a push will be.

    files of others      told; with policy `pre_commit: refuse` the commit is stopped
    anything else        nothing is said

Rules:
  * A commit is nobody's business but its author's, so by itself it is only told; the push is what is refused.
  * Taking out what an own commit changed, by amending it or by another commit, is no change of the file.
  * A remote is given LOOK_S: who commits often does not wait for it. Then what was known of it counts.
  * The index is the one that git is at work on, which `git commit <file>` makes for itself.

What this file does not know: the rules of claims, how a failure of ours is told; see `boundary`.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gitcoord.faces.hooks import here
from gitcoord.faces.hooks.boundary import documents, guarded
from gitcoord.faces.hooks.here import Here
from gitcoord.faces.hooks.saying import age_of, say
from gitcoord.ledger import glance
from gitcoord.source.head import Head
from gitcoord.source.own_work import staged_work, without_taken_out

LOOK_S = 1.0


def run(_: Sequence[str], folder: str, cwd: str, env: Mapping[str, str]) -> int:
    """Look at what is staged; return the exit status."""
    if not folder:
        return 0
    place = Here.around(cwd, folder, env)
    work = staged_work(place.repository)
    if not work.files:
        return 0
    seen = glance.take(place.where(), here.CLOCKS, LOOK_S)
    near = documents(seen, (one.path for one in work.files))
    if not near:
        return 0
    from gitcoord.faces.hooks import checking, whose
    from gitcoord.ledger.near_claims import policy_of

    check = checking.Check.of(place, seen, near)
    branch = Head(place.repository).branch()
    own = without_taken_out(place.repository, work)
    check.work(replace(whose.pusher_here(place), branches=frozenset({branch} if branch else ())), own)
    stops = bool(check.report.stopping) and policy_of(seen).pre_commit == "refuse"
    if check.report.stopping or check.report.notes:
        say([*age_of(seen), *checking.told(check.report, "commit", stops=stops)])
    return 1 if stops else 0


def main(arguments: Sequence[str]) -> int:
    """Run the hook."""
    return guarded("pre-commit", run, arguments, os.getcwd(), os.environ)
