"""Branches that are pushed to a server which checks them: does what is new change what another holds?

    commits that no ref of the repository had ──> their files, their trailers ──> as `verify` judges (`verification`)

Rules:
  * HOOK-8: only what is new counts; what is merged was pushed, and looked at, before.
  * Whose a push is: the holder's, by the branch that its claim names or by a trailer `Coord-Agent` of the commits. Who
    is at the other end of the connection is not known here, and a commit's author is the person, not the agent.
  * Two findings stop it: a change of what another holds (`foreign-claim`), and a commit of a step that another has
    taken over since (`old-fence`).
  * On the default branch the claims of a branch do not count against its landing.
  * Where a ledger is pushed along, it counts as it will be.

What this file does not know: git's hooks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from gitcoord.core.checks.findings import Finding, Rule
from gitcoord.errors import LimitError
from gitcoord.ledger.audit.received_push import ReceivingPlace
from gitcoord.remote.contract.protocol import RefName, RefUpdate, oid
from gitcoord.service.checks.commit_range import spanned
from gitcoord.service.checks.read_only_view import Inspection
from gitcoord.service.checks.verification import judge_span
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.pushed_work import pushed_work

HEADS = "refs/heads/"
STOPPING = {Rule.FOREIGN_CLAIM, Rule.OLD_FENCE}
BRANCHES_MAX = 200  # of one push; one that brings something takes up to half a second
_OF_GIT = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")


def branch_findings(
    place: ReceivingPlace, git_dir: Path, env: Mapping[str, str], updates: Iterable[RefUpdate]
) -> list[tuple[RefName, Finding]]:
    """Return what stops a push, by the ref of the branch; `env`: as git gave it to the hook.

    Raises:
        LimitError: more branches are pushed than are looked at.
        CoordError: git cannot say what changed, or the ledgers cannot be read.
    """
    listed = place.transport.read(place.refs.everything)
    held = any(place.ledgers.at(place.refs, ref) is not None for ref in listed)
    branches = [update for update in updates if update.ref.startswith(HEADS) and update.new]
    if not held:
        return []
    if len(branches) > BRANCHES_MAX:
        what = f"{len(branches)} branches are pushed at once; at most {BRANCHES_MAX} are looked at."
        raise LimitError(what, hint=f"Push them in parts of {BRANCHES_MAX}.")
    beside = {name: env[name] for name in _OF_GIT if name in env}
    repository = Repository(
        git_dir, git_dir, git_dir, place.transport.objects.object_format, is_shallow=False, env=env,
        beside={**beside, "GIT_DIR": str(git_dir)},
    )  # fmt: skip
    inspection = Inspection(
        repository=repository,
        transport=place.transport,
        refs=place.refs,
        reader=place.reader(),
        listed=listed,
        remote_name="this server",
        code_url=None,
        repo=None,
        now=place.host.now(),
        monotonic=place.host.monotonic,
        tip_of=lambda there, branch: tip[0] if (tip := there.local_tip(branch)) else None,
        bring=lambda _there, _wanted: False,  # this is the remote: what it has not got is nowhere else
    )
    default = repository.text("symbolic-ref", "--quiet", "HEAD")
    found: list[tuple[RefName, Finding]] = []
    for update in branches:
        found += [(update.ref, finding) for finding in _of_branch(inspection, update, is_default=update.ref == default)]
    return found


def _of_branch(inspection: Inspection, update: RefUpdate, *, is_default: bool) -> list[Finding]:
    repository, branch = inspection.repository, update.ref.removeprefix(HEADS)
    work = pushed_work(repository, update.new or "", update.old, branch, known_by="--all")
    if work is None:
        return []
    own = work.agents()
    changes = [change for change in work.files if own is None or change.path in own]
    bases = (commit for commit in (work.known, *work.what.bases) if commit and repository.has_commit(commit))
    base = next(map(oid, bases), None)
    span = spanned(repository, work.what, base, branch, to_default=is_default)
    found = judge_span(inspection, replace(span, commits=work.commits), changes)
    return [finding for finding in found if finding.rule in STOPPING]
