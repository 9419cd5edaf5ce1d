"""A copy of a remote's ledgers in a folder, taken once, for who may only read: CI with a token that cannot push.

Rules:
  * Nothing is ever sent but what `git fetch` asks for; a swap is refused without starting anything.
  * Only the last commits of each ledger are brought (`DEPTH`); more of one where a caller asks (`deepen`).
  * Heartbeats and what else is of no use later stay away.
  * A remote that does not answer, or that says no, could not be read: `UnreachableError`. A check fails closed.

What this file does not know: what a ledger says.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from gitcoord.errors import CoordError, DeniedError, MissingObjectError, UnreachableError
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import (
    Objects,
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    is_under,
)
from gitcoord.remote.git.git_failure import judge_failure, read_error
from gitcoord.remote.git.git_process import Completed, run_git
from gitcoord.remote.git.named_url import env_for

DEPTH: Final = 101  # a hundred commits are looked into, and the last one's parent
TIMEOUT_S: Final = 30.0  # twice the usual: a runner's first connection is slow, and a hang is to be seen
_REMOTE: Final = "gitcoord"
_NOT_KEPT: Final = ("heartbeats", "inbox", "archive", "probe")
_FETCH: Final = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-show-forced-updates")
_LISTED = re.compile(r"([0-9a-f]{40}(?:[0-9a-f]{24})?) (.+)")


class ReadOnlyCopy:
    """The refs and objects of a namespace, as they were when the copy was taken."""

    name = "copy"
    is_far = False  # what was taken is here
    atomic = True
    sends_checks = True
    faults: Sequence[RefFault] = ()

    def __init__(
        self,
        url: str,
        *,
        folder: Path,
        objects: Objects,
        env: Mapping[str, str],
        settings: Sequence[tuple[str, str]] = (),
        namespace: str = "refs/coord/",
    ) -> None:
        """Say where from and where to; `folder` becomes a bare repository whose objects are `objects`."""
        self.objects = objects
        self._folder = folder
        self._namespace = namespace
        self._shown_url = redact(url)
        self._env = env_for(_REMOTE, url, env, settings)

    def take(self) -> None:
        """Bring the ledgers.

        Raises:
            UnreachableError: the remote was not read, whatever the reason.
        """
        created = self._run(["init", "--quiet", "--bare", "--", str(self._folder)], inside=False)
        if created.rc != 0:
            raise self._unread(created)
        left_out = [f"^{self._namespace}{kind}/*" for kind in _NOT_KEPT]
        wanted = f"+{self._namespace}*:{self._namespace}*"
        done = self._run([*_FETCH, "--update-head-ok", f"--depth={DEPTH}", "--", _REMOTE, wanted, *left_out])
        if done.rc == 0:
            return
        # Where no ref matches, git fails without a word [seen, git 2.39].
        is_silent = not done.timed_out and not done.stderr.strip()
        asked = ["ls-remote", "--quiet", "--refs", "--", _REMOTE, f"{self._namespace}*"]
        listed = self._run(asked) if is_silent else done
        if listed.rc != 0 or listed.stdout:
            raise self._unread(done)

    def deepen(self, ref: RefName, since: datetime) -> None:
        """Bring the commits of one ledger and its archives back to a moment, as far as the remote gives them."""
        when = f"--shallow-since={int(since.timestamp())}"
        # A tip that is older than the moment is an error to git; what is here already is enough then.
        self._run([*_FETCH, "--update-head-ok", when, "--", _REMOTE, f"+{ref}:{ref}"])
        archive = f"{self._namespace}archive/{ref.removeprefix(self._namespace)}/*"
        # First the last commit of each: where a ledger was rolled since, that tells whether more is needed.
        if self._run([*_FETCH, "--depth=1", "--", _REMOTE, f"+{archive}:{archive}"]).rc == 0:
            self._run([*_FETCH, when, "--", _REMOTE, f"+{archive}:{archive}"])

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs of the copy."""
        done = self._run(["for-each-ref", "--format=%(objectname) %(refname)"])
        rows = (_LISTED.fullmatch(line) for line in done.stdout.decode("utf-8", "replace").splitlines())
        return {RefName(row[2]): Oid(row[1]) for row in rows if row and is_under(row[2], prefixes)}

    def fetch(self, oids: Iterable[Oid]) -> None:
        """Nothing is brought later.

        Raises:
            MissingObjectError: one of them is not in the copy.
        """
        lacking = next((oid for oid in oids if not self.objects.has(oid)), None)
        if lacking is not None:
            raise MissingObjectError(f"The remote did not give {lacking}.")

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Refuse: a copy is only read."""
        return SwapOutcome(SwapStatus.DENIED, f"this is a copy for reading; {len(updates)} updates were not sent")

    def _unread(self, done: Completed) -> CoordError:
        error = read_error(done, self._shown_url)
        if isinstance(error, DeniedError) or judge_failure(done).status is SwapStatus.UNKNOWN:
            return UnreachableError(str(error), hint=error.hint)
        return error

    def _run(self, args: Sequence[str], *, inside: bool = True) -> Completed:
        where = [f"--git-dir={self._folder}"] if inside else []
        return run_git([*where, *args], cwd=self._folder, env=self._env, timeout_s=TIMEOUT_S, asks=self._shown_url)
