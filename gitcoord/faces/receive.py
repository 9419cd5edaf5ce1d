"""`gitcoord hook pre-receive`: what a push does to the ledgers of this repository lands only if the rules give it.

    git's lines ──> judged together (`ledger/audit/received_push`) ──> 0, or 1 and a line for each refusal

Rules:
  * SEC-3: closed. What cannot be looked at, whatever the reason, does not land; the line says what to do.
  * A push that is refused leaves nothing: git drops what it brought.

What this file does not know: what a ledger says.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitcoord.errors import CoordError
from gitcoord.ledger.audit.received_push import ReceivingPlace, Refusal, refusals
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.format.refs import refs_of
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, oid
from gitcoord.remote.git.git_process import clean_env, run_git
from gitcoord.remote.transports.received import received
from gitcoord.runtime import make_host

REFUSED = 1
NAMED_MAX = 20
_CONFIG_S = 10.0
_FIELDS = 3


def main(_: Sequence[str]) -> int:
    """Judge the push whose lines are on stdin; return the exit status."""
    try:
        found = judge(sys.stdin.buffer.read(), Path(os.environ.get("GIT_DIR") or ".").resolve(), os.environ)
    except Exception as error:  # noqa: BLE001 - the boundary: a fault of ours is a refusal as well
        known = error if isinstance(error, CoordError) else as_known(error, "judging a push")
        found = [Refusal(RefName("the push"), f"cannot be judged: {known} {known.hint}".strip())]
    for refusal in found[:NAMED_MAX]:
        sys.stderr.write(f"gitcoord: refused: {redact(refusal.ref)} {redact(' '.join(refusal.why.split()))}\n")
    if len(found) > NAMED_MAX:
        sys.stderr.write(f"gitcoord: refused: {len(found) - NAMED_MAX} more\n")
    return REFUSED if found else 0


def judge(lines: bytes, git_dir: Path, env: Mapping[str, str]) -> list[Refusal]:
    """Return why a push to a bare repository is refused.

    Raises:
        CoordError: the repository cannot be looked at.
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
    with received(git_dir, env, f"{refs.namespace}/", updates) as transport:
        return refusals(ReceivingPlace(transport, refs, make_host()), updates)


def _id(text: str) -> Oid | None:
    return oid(text) if text.strip("0") else None
