"""The pre-push hook: `gitcoord hook pre-push <remote> <url>`, with git's lines on standard input.

    what moves ledgers back          stopped, always
    files of others in what is new   stopped, each holder named with what to do
    nothing of gitcoord here         passes at once

Rules:
  * The claims are read once, within LOOK_S; then what was known of them counts, with its age. What is left of that time
    is all that a push waits for what it has reported.
  * HOOK-8: of what is pushed only own work counts; see `source/history/pushed_work`.
  * A push of several refs is one look; each branch is judged by the claims that are its own.
  * CLAIM-14: what was claimed at the shell on another branch than the one that is pushed follows before the push is
    sent, since CI goes by the branch; nothing is asked or written for that where all is as it was, the default branch
    is pushed, or nothing is (`--dry-run`). Where this fails the push was checked all the same.

What this file does not know: the rules of claims, how a failure of ours is reported; see `guard`.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gitcoord.faces.hooks.git import git_place, hook_repository, mirror_push, pre_push_input, push_words
from gitcoord.faces.hooks.git.guard import documents
from gitcoord.faces.hooks.git.hook_repository import Here
from gitcoord.faces.hooks.git.output import age_of, say
from gitcoord.faces.hooks.git.pre_push_input import Line
from gitcoord.ledger.format.refs import DEFAULT_NAMESPACE
from gitcoord.ledger.hook_view import view
from gitcoord.source.checkout.default_branch import default_tip, is_ancestor
from gitcoord.source.checkout.head import Head
from gitcoord.source.checkout.repository import Repository, open_repository
from gitcoord.source.history.pushed_work import PushedWork, pushed_work

LOOK_S = 3.0  # what a push waits for the remote of the claims, in all
INPUT_BYTES_MAX = 64 * 1024 * 1024  # a mirror of half a million refs
_PASSED = ("refs/notes/", "refs/stash", "refs/replace/")  # no files of the work


def run(arguments: Sequence[str], folder: str, cwd: str, env: Mapping[str, str]) -> int:
    """Look at a push; return the exit status."""
    lines = pre_push_input.parsed(sys.stdin.buffer.read(INPUT_BYTES_MAX))
    lines = lines or pre_push_input.given_by_managers(env)
    name, url = (*arguments, env.get("PRE_COMMIT_REMOTE_NAME", ""), env.get("PRE_COMMIT_REMOTE_URL", ""))[:2]
    is_mirror = mirror_push.is_mirror(lines)
    if not folder:
        touches = is_mirror or any(line.ref.startswith(f"{DEFAULT_NAMESPACE}/") for line in lines)
        if not touches:
            return 0
        repository = open_repository(Path(cwd), env, git_place.beside(cwd, env))
        return _guard(repository, lines, url, DEFAULT_NAMESPACE, is_mirror=is_mirror)
    place = Here.around(cwd, folder, env)
    is_mirror = is_mirror or mirror_push.is_set(place.repository, place.config, name)
    for namespace in {DEFAULT_NAMESPACE: 0, place.namespace: 0}:
        if _guard(place.repository, lines, url, namespace, is_mirror=is_mirror):
            return 1
    return _check(place, lines) if lines else 0


def _guard(repository: Repository, lines: Sequence[Line], url: str, namespace: str, *, is_mirror: bool) -> int:
    """Stop what would take something from the ledgers."""
    gone = mirror_push.lost(repository, url, namespace) if is_mirror and url else []
    refused = pre_push_input.harm([*lines, *gone], namespace, lambda old, new: is_ancestor(repository, old, new))
    say(refused.splitlines())
    return 1 if refused else 0


def _check(place: Here, lines: Sequence[Line]) -> int:
    works = [*_works(place, lines)]
    if not any(work.files or work.commits for _, work in works):
        return 0
    seen = view.take(place.where(), hook_repository.CLOCKS, LOOK_S)
    say(age_of(seen))
    near = documents(seen, (change.path for _, work in works for change in work.files))
    if not near and not any(commit.steps for _, work in works for commit in work.commits):
        return 0
    from dataclasses import replace

    from gitcoord.faces.hooks.git import (
        check_report,
        who_pushes,  # most pushes never get here, and it takes a while to load
    )

    check = check_report.Check.of(place, seen, near)
    pusher = who_pushes.pusher_here(place)
    for branch, work in works:
        check.work(replace(pusher, branches=frozenset({branch} if branch else ())), work)
    say(check_report.lines(check.report, "push", stops=True))
    if check.report.stopping:
        return 1
    current = Head(place.repository).branch()
    is_new = seen.where.url is not None and seen.age_s is None and current in {branch for branch, _ in works}
    claims = check.register.claims.values()
    if current and is_new and who_pushes.are_left_behind(place, pusher, claims, current) and _is_sent(place, current):
        from gitcoord.faces.hooks import spawn

        with suppress(OSError):  # no process can be started
            spawn.run(str(place.repository.top), ("sync",), seen.clocks, seen.end)
    return 0


def _is_sent(place: Here, branch: str) -> bool:
    """Whether a push puts a branch of work at the remote."""
    tip = default_tip(place.repository)
    return (tip is None or tip.name != branch) and not push_words.has(push_words.DRY_RUN)


def _works(place: Here, lines: Sequence[Line]) -> Iterator[tuple[str | None, PushedWork]]:
    """Yield (branch of this clone, what it brings) of each ref that is pushed."""
    for line in lines:
        is_own = line.ref.startswith((f"{place.namespace}/", f"{DEFAULT_NAMESPACE}/"))
        if line.new is None or is_own or line.ref.startswith(_PASSED):
            continue
        work = pushed_work(place.repository, line.new, line.old, line.branch)
        if work is not None:
            if line.local.startswith("refs/heads/"):
                branch = line.local.removeprefix("refs/heads/")
            else:
                branch = Head(place.repository).branch() if line.local == "HEAD" else None
            yield branch, work


def main(arguments: Sequence[str]) -> int:
    """Run the hook."""
    from gitcoord.faces.hooks.git.guard import guarded

    return guarded("pre-push", run, arguments, os.getcwd(), os.environ)
