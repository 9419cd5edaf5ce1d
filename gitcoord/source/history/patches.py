"""Patches: whether one commit has the work of another in it, by its history or by equal patches.

    work      ──a──b            is in      ──x──a'──b'──       each patch for itself (a rebase, picked commits)
                                or in      ──x──(a+b)──        all of them as one (a squash)

Rules:
  * Patches are compared by `git patch-id`, which sees no line numbers and no blanks; see git-patch-id(1).
  * What is not here is unknown; it is never guessed.

What this file does not know: steps, claims, why it is asked.
"""

from gitcoord.source.checkout.bounded_git import read_git
from gitcoord.source.checkout.default_branch import is_ancestor
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.changes import DIFF_TIMEOUT_S, merge_bases

COMMITS_MAX = 1000  # since the common commit; a squash is looked for among these
PATCH_BYTES_MAX = 64 * 1024 * 1024  # a squash of more is not compared


def has_work(repository: Repository, head: str, work: str) -> bool | None:
    """Return whether a head has the work that ends in a commit; `None`: that commit is not here."""
    if not repository.has_commit(work):
        return None
    if is_ancestor(repository, work, head):
        return True
    bases = merge_bases(repository, head, work)
    if not bases:
        return None if repository.is_shallow else False
    missing = ("rev-list", "--cherry-pick", "--right-only", "--no-merges", "--max-count=1", f"{head}...{work}", "--")
    done = repository.git(*missing)
    if done.rc == 0 and not done.stdout:
        return True
    whole = _patch_ids(repository, "diff-tree", "-p", "--no-ext-diff", "--no-textconv", bases[0], work)
    if not whole:
        return False
    limits = ("--no-merges", f"--max-count={COMMITS_MAX}", "--no-show-signature", "--no-ext-diff", "--no-textconv")
    return bool(whole & _patch_ids(repository, "log", "-p", "--format=commit %H", *limits, f"{bases[0]}..{head}", "--"))


def has_patch(repository: Repository, head: str, commit: str) -> bool:
    """Return whether a head has one commit in its history, or its patch: a rebase makes every commit anew."""
    if is_ancestor(repository, commit, head):
        return True
    if not (repository.has_commit(head) and repository.has_commit(commit)):
        return False
    done = repository.git("cherry", head, commit, f"{commit}^")  # `-` is one whose patch is there; see git-cherry(1)
    return done.rc == 0 and done.stdout.startswith(b"-")


def _patch_ids(repository: Repository, *words: str) -> set[str]:
    env = repository.git_env
    patch = read_git(words, cwd=repository.top, env=env, timeout_s=DIFF_TIMEOUT_S)
    if patch.rc != 0 or len(patch.stdout) > PATCH_BYTES_MAX:
        return set()
    arguments = ("patch-id", "--stable")
    done = read_git(arguments, cwd=repository.top, env=env, timeout_s=DIFF_TIMEOUT_S, given=patch.stdout)
    if done.rc != 0:
        return set()
    return {line.split(" ")[0] for line in done.stdout.decode("ascii", "replace").splitlines()}
