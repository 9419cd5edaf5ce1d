"""What a push brings to a repository, as its `pre-receive` hook sees it: refs as they will be, objects set apart.

git keeps the objects of a push in a folder of their own until its hooks have agreed (`git help git-receive-pack`,
"quarantine environment"); they are read from there, and nothing is written.

What this file does not know: what a ledger says.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.protocol import Objects, Oid, RefFault, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.contract.protocol import oid as valid_oid
from gitcoord.remote.git.git_failure import shown
from gitcoord.remote.git.git_process import clean_env, run_git
from gitcoord.remote.store.joined_objects import JoinedObjects, lent
from gitcoord.remote.store.pygit_objects import PygitObjects

_LIST_S = 30.0


class Received:
    """The refs of a namespace as they will be after the push, and the objects of both sides. Nothing can be swapped."""

    name = "received"
    is_far = False
    atomic = True
    sends_checks = True
    faults: Sequence[RefFault] = ()

    def __init__(self, objects: Objects, refs: Mapping[RefName, Oid]) -> None:
        """Hold what was read."""
        self.objects = objects
        self._refs = refs

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs as they will be."""
        return {ref: tip for ref, tip in self._refs.items() if ref.startswith(tuple(prefixes))}

    def fetch(self, oids: Iterable[Oid]) -> None:
        """All that there is is here."""

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Refuse: a hook writes nothing."""
        return SwapOutcome(SwapStatus.DENIED, f"a hook moves no refs, so {len(updates)} were not")


@contextmanager
def received(
    git_dir: Path, env: Mapping[str, str], namespace: str, updates: Sequence[RefUpdate]
) -> Generator[Received]:
    """Open what a push brings to a bare repository; `env`: as git gave it to the hook.

    Raises:
        UnreachableError: the refs of the repository cannot be listed.
        CoordError: the repository cannot be opened.
    """
    words = [f"--git-dir={git_dir}", "for-each-ref", "--format=%(objectname) %(refname)", namespace]
    done = run_git(words, cwd=git_dir, env=clean_env(env), timeout_s=_LIST_S)
    if done.rc != 0:
        raise UnreachableError(f"The refs of this repository cannot be listed: {shown(done.errors)}.")
    # A name of a ref may have what Python takes for the end of a line, as U+2028.
    pairs = (line.split(" ", 1) for line in done.stdout.decode("utf-8", "surrogateescape").split("\n") if line)
    refs = {RefName(ref): valid_oid(tip) for tip, ref in pairs}
    for update in updates:
        if update.new is None:
            refs.pop(update.ref, None)
        else:
            refs[update.ref] = update.new
    objects: Objects = PygitObjects(git_dir)
    apart = env.get("GIT_QUARANTINE_PATH") or env.get("GIT_OBJECT_DIRECTORY")
    if not apart:
        yield Received(objects, refs)
        return
    with lent(git_dir / apart) as folder:  # libgit2 opens no folder of objects alone
        yield Received(JoinedObjects(PygitObjects(folder), objects), refs)
