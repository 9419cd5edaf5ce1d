"""`gitcoord hook pre-receive`: what a push does to the ledgers of this repository lands only if the rules give it.

    git's lines ──> judged together (`ledger/audit/received_push`) ──> 0, or 1 and a line for each refusal

Rules:
  * SEC-3: closed. What cannot be looked at, whatever the reason, does not land; the line says what to do.
  * A push that is refused leaves nothing: git drops what it brought.
  * Branches are looked at where MARK is in the repository's folder (`init --server --branches`).
  * A push has bounds: REFS_MAX refs of gitcoord's, PUSH_S seconds. What is beyond them does not land. That the time is
    over is no `Exception`, which what reads objects may take for damage; and it is said until it is heard.

What this file does not know: what a ledger says.
"""

import os
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gitcoord.errors import CoordError, LimitError
from gitcoord.ledger.audit.received_push import ReceivingPlace, Refusal, refusals
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.format.refs import refs_of
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, oid
from gitcoord.remote.git.git_process import clean_env, run_git
from gitcoord.remote.git.signature_check import SignatureCheck
from gitcoord.remote.transports.received import received
from gitcoord.runtime import make_host

REFUSED = 1
NAMED_MAX = 20
MARK = "gitcoord-branches"
PUSH_S = 120  # 20,000 commits of ledgers take 80 s; who pushes waits, and a client of ours for a fifth of it
REFS_MAX = 2000  # of a team with 500 clones and projects, all at once
_AGAIN_S = 1.0
_CONFIG_S = 10.0
_FIELDS = 3


class _TimeOverError(BaseException):
    """The time for a push is over."""


def main(_: Sequence[str]) -> int:
    """Judge the push whose lines are on stdin; return the exit status."""
    try:
        with _bounded():
            found = judge(sys.stdin.buffer.read(), Path(os.environ.get("GIT_DIR") or ".").resolve(), os.environ)
    except _TimeOverError:
        found = [Refusal(RefName("the push"), f"cannot be judged: it takes more than {PUSH_S} s; push less at once")]
    except Exception as error:  # noqa: BLE001 - the boundary: a fault of ours is a refusal as well
        known = error if isinstance(error, CoordError) else as_known(error, "judging a push")
        found = [Refusal(RefName("the push"), f"cannot be judged: {known} {known.hint}".strip())]
    for refusal in found[:NAMED_MAX]:
        sys.stderr.write(f"gitcoord: refused: {redact(refusal.ref)} {redact(' '.join(refusal.why.split()))}\n")
    if len(found) > NAMED_MAX:
        sys.stderr.write(f"gitcoord: refused: {len(found) - NAMED_MAX} more\n")
    return REFUSED if found else 0


@contextmanager
def _bounded(seconds: float = PUSH_S) -> Generator[None]:
    """Have the block end when its time is over, where the system has an alarm."""

    def over(_number: int, _frame: object) -> None:
        raise _TimeOverError

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(lines: bytes, git_dir: Path, env: Mapping[str, str]) -> list[Refusal]:
    """Return why a push to a bare repository is refused.

    Raises:
        CoordError: the repository cannot be looked at, or more is pushed than is looked at.
        ValueError: a line is none of git's.
    """
    rows = [line.split(" ", _FIELDS - 1) for line in lines.decode("utf-8", "surrogateescape").split("\n") if line]
    updates = [RefUpdate(RefName(ref), _id(old), _id(new)) for old, new, ref in rows]
    done = run_git(
        [f"--git-dir={git_dir}", "config", "--get", "gitcoord.namespace"],
        cwd=git_dir,
        env=clean_env(env),
        timeout_s=_CONFIG_S,
    )
    named = done.stdout.decode("utf-8", "replace").strip()
    refs = refs_of({"gitcoord.namespace": named} if named else {})
    inside = f"{refs.namespace.casefold()}/"
    own = [update for update in updates if f"{update.ref.casefold()}/".startswith(inside)]
    if len(own) > REFS_MAX:
        raise LimitError(f"{len(own)} refs of gitcoord's are pushed at once.", hint=f"Push at most {REFS_MAX}.")
    with received(git_dir, env, f"{refs.namespace}/", updates) as transport:
        check = partial(SignatureCheck.of, git_dir, git_dir, env)
        place = ReceivingPlace(transport, refs, make_host(), check=check)
        found = refusals(place, updates)
        if len(own) < len(updates) and (git_dir / MARK).exists():
            from gitcoord.service.checks.received_branches import branch_findings  # a third of a second to load

            ours = {*own}
            for ref, finding in branch_findings(place, git_dir, env, [each for each in updates if each not in ours]):
                found.append(Refusal(ref, f"{finding.message} {finding.hint}"))
        return found


def _id(text: str) -> Oid | None:
    return oid(text) if text.strip("0") else None
