"""A remote reached with the git program: ssh, git://, remote helpers, paths with hooks, and http as a fallback.

Reading is one `git fetch` of the whole namespace into refs of the store, listing and objects in one connection.
Several processes of a clone share the store, so each fetch has refs of its own, a *slot* (`slots`). What `read` returns
comes from its own slot only; a slot that another process reads later moves nothing back. Archives of ledgers
(`archive/`) are not fetched, and listed only where they are asked for: who has not seen their history works without it.

What is damaged in the store git takes for what it has, or stumbles over. Then it is set aside, and what the remote
lists is fetched as by a repository without refs that shares the objects (`copied_objects`), hourly at most if in vain.

Writing is one `git push --porcelain --atomic` with a lease for each ref. Rules:
  * A lease compares with the listing that the same push receives, and the server compares with that listing again
    under its locks: a write is a true compare-and-swap. A check is a push of what is there already, so only the
    first comparison is made for it; this is why `sends_checks` is False. A caller that needs the second moves the ref
    to a child of what it expects. A check of absence, or of an object that we do not have, is read immediately before.
  * SAFE-5: a push of several refs is never split. A remote without `atomic` is found out by the first of them, before
    git sends anything: it is LOST, and its caller decides again for a remote that takes one ref at a time.
  * A push that was cut short is UNKNOWN, not LOST.
  * What the pushed commits came from is in the repository that git pushes from (`push_source`).

This module must not start processes itself (`git_process`) nor know ledgers.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from gitcoord.errors import (
    CoordError,
    DeniedError,
    MissingObjectError,
    RepositoryError,
    StorageError,
    StoreDamagedError,
    UnreachableError,
)
from gitcoord.redaction import redact
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.deadline import NoAnswerError, TooSlowError, asked_for
from gitcoord.remote.contract.protocol import (
    FaultKind,
    Objects,
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    first_stale,
    is_under,
    lost_at,
    one_at_a_time,
)
from gitcoord.remote.copies.boundaries import Boundaries
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.copies.refetch_log import RefetchLog
from gitcoord.remote.copies.whole_history import WholeHistory
from gitcoord.remote.git.git_failure import judge_failure, read_error, shown
from gitcoord.remote.git.git_process import Completed, run_git
from gitcoord.remote.git.named_url import env_for, is_by_helper
from gitcoord.remote.store.cache_locks import remove_if_stale
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.remote.store.joined_objects import lent
from gitcoord.remote.store.ref_locks import PACKED_LOCK
from gitcoord.remote.transports.place_time import TRACE, in_trace
from gitcoord.remote.transports.push_report import judge_push, landed_refs
from gitcoord.remote.transports.push_source import LeftOutError, PushSource
from gitcoord.remote.transports.slots import free_slot

TIMEOUT_S: Final = 15.0  # one network timeout: as long as a clone's lock may be held
DEEPEN_S: Final = 60.0  # 20,000 commits are 17 MB
DAMAGED_MAX: Final = 10  # refs of the remote without their object that a fetch works around, one connection each

# The URL is configuration of this one command, under this name, so that no command line shows it.
_REMOTE: Final = "gitcoord"
_FETCH: Final = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-show-forced-updates")
# `--no-verify` beside core.hooksPath: a remote helper may not hand configuration on.
_PUSH: Final = ("push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
_WHOLE: Final = 2**31 - 1  # the depth that means all of it; see git-fetch(1), --unshallow
_NO_ATOMIC: Final = "does not support --atomic push"
_NOT_OUR_REF: Final = re.compile(r"not our ref ([0-9a-f]{40,64})")
# upload-pack says the last of these when it lacks a part of what a fetch wants, and does not say of which ref.
_CORRUPT: Final = "repository corruption on the remote side"
_NO_SUCH_OBJECT: Final = re.compile(
    rf"not our ref|unadvertised object|find remote ref|no matching remote head|did not send all|{_CORRUPT}",
    re.IGNORECASE,
)
# Before 2.36 git exits with 0 all the same, and the slot has a ref that the remote has no more.
_NOT_PRUNED: Final = re.compile(r"^error: could not (?:delete|remove) reference", re.MULTILINE)
_LISTED = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?)\t([^\n]+)")


class GitCliTransport:
    """Refs of a remote, by the git program, with the clone's store for objects."""

    name = "gitcli"
    is_far = True
    sends_checks = False

    def __init__(  # noqa: PLR0913 - the composition root names each
        self,
        url: str,
        *,
        store_path: Path,
        objects: CopiedObjects,
        env: Mapping[str, str],
        clocks: Clocks,
        settings: Sequence[tuple[str, str]] = (),
        namespace: str = "refs/coord/",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Reach `url`, with what `user_config.connection_settings` says of the user's repository.

        Args:
            url: what `git remote get-url --push` prints: a path, a URL or scp-like.
            store_path: the clone's bare repository; its object database is `objects`.
            objects: where this transport's objects are.
            env: the environment of this process; it is cleaned here.
            clocks: the clock that stamps files.
            settings: credentials, http and ssh settings of the user's repository.
            namespace: what `read` fetches as a whole, ending in `/`.
            timeout_s: for each git command.
        """
        self.atomic = True  # until the remote says otherwise
        self._shown_url = redact(url)
        self._history = WholeHistory(objects, Boundaries(store_path, clocks, self._shown_url), clocks, self.deepen)
        self.objects: Objects = self._history
        self._copies = objects
        self._store = store_path
        self._timeout_s = timeout_s
        self._namespace = namespace
        self._archives = f"{namespace}archive/"
        self._clocks = clocks
        self._faults: Sequence[RefFault] = ()
        self._refetches = RefetchLog(store_path, clocks.wall_ns)
        self._slot_refs: dict[int, FilesRefs] = {}
        self._env = env_for(_REMOTE, url, env, settings)
        self._source = PushSource(store_path, self._history, self._env, is_by_helper(url), timeout_s)

    @property
    def faults(self) -> Sequence[RefFault]:
        """What the last read skipped: damaged refs."""
        return tuple(self._faults)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs under `prefixes`; objects of the namespace are fetched on the way.

        Raises:
            UnreachableError: the remote cannot be reached or does not answer.
            DeniedError: the remote does not let us read.
        """
        self._faults = ()
        own = (is_under(prefix, [self._namespace]) and not prefix.startswith(self._archives) for prefix in prefixes)
        if not all(own):
            return self._list(prefixes)
        with free_slot(self._store) as slot:
            refs = None if slot is None else self._fetch_namespace(slot)
        if refs is None:
            return self._list(prefixes)
        return {ref: oid for ref, oid in refs.items() if is_under(ref, prefixes)}

    def _fetch_namespace(self, slot: int) -> Mapping[RefName, Oid] | None:
        """Fetch into a slot and return its refs, or None where git stumbled over one of them or a left-over lock."""
        own = f"refs/slots/{slot}/"
        fetch = [*_FETCH, "--prune", "--", _REMOTE, f"+{self._namespace}*:{own}*", f"^{self._archives}*"]
        done = self._fetched(fetch)
        is_damaged_there = _NOT_OUR_REF.search(done.errors) is not None
        if not _has_all(done) and not is_damaged_there:
            # Empty this slot: damaged refs, lock files of a killed fetch. It is ours while we hold it.
            shutil.rmtree(self._store / "refs" / "slots" / str(slot), ignore_errors=True)
            remove_if_stale(f"{self._store}/{PACKED_LOCK}", self._store, self._clocks)
            done = self._fetched(fetch)

            def bring() -> None:
                nonlocal done
                self._bring_all_anew()
                done = self._fetched(fetch)
                if not _has_all(done):
                    message = f"All came anew, and git does not fetch: {shown(done.errors)}."
                    raise MissingObjectError(message)  # so it was no damage: not again within the hour

            if not _has_all(done):
                self._refetches.bring(self._namespace, bring)
        if not _has_all(done):
            return None
        reader = self._slot_refs.setdefault(slot, FilesRefs(self._store, now_ns=self._clocks.wall_ns))
        return {RefName(self._namespace + ref[len(own) :]): oid for ref, oid in reader.read([own]).items()}

    def _fetched(self, args: Sequence[str]) -> Completed:
        done = self._run(args)
        if _is_no(done):
            raise read_error(done, self._shown_url)
        return done

    def _list(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List without fetching. The server sends all of its refs, so this is not the usual way."""
        patterns = [f"{prefix}*" if prefix.endswith("/") else prefix for prefix in prefixes]
        done = self._run(["ls-remote", "--quiet", "--refs", "--", _REMOTE, *patterns])
        if done.rc != 0:
            raise read_error(done, self._shown_url)
        listed = {RefName(ref.decode(errors="replace")): Oid(oid.decode()) for oid, ref in _LISTED.findall(done.stdout)}
        # A pattern of ls-remote matches the tail of a name: refs/x/refs/coord/claims too.
        found = {ref: oid for ref, oid in listed.items() if is_under(ref, prefixes)}
        # git lists a ref whose file is empty as one of no object.
        self._faults = [RefFault(ref, FaultKind.NO_OBJECT) for ref, oid in found.items() if not oid.strip("0")]
        return {ref: oid for ref, oid in found.items() if oid.strip("0")}

    def fetch(self, oids: Iterable[Oid]) -> None:
        """Make these commits present; after a `read` they usually are, which costs nothing.

        Raises:
            UnreachableError: the remote cannot be reached or does not answer.
            DeniedError: the remote does not let us read.
            MissingObjectError: the remote no longer has one of them.
        """
        missing = [oid for oid in oids if not self._copies.has(oid)]
        if not missing:
            return
        done = self._fetch_some(missing)
        lacking = [oid for oid in missing if not self._copies.has(oid)]
        if not _is_no(done):  # else git takes what is damaged here for what it has, or builds on it
            gone = _NOT_OUR_REF.findall(done.errors)
            lacking = [oid for oid in lacking if oid in gone or not (self._copies.has(oid) or self.refetch(oid))]
            if not lacking:
                return
        if done.rc != 0 and not _NO_SUCH_OBJECT.search(done.errors):
            raise read_error(done, self._shown_url)
        if lacking:
            raise MissingObjectError(f"The remote no longer has {lacking[0]}: {shown(done.errors)}")

    def refetch(self, tip: Oid) -> bool:
        """Bring a commit once more, hourly at most; see `Refetches.refetch`. What is damaged is set aside first."""
        return self._refetches.bring(tip, lambda: self._bring_anew(tip))

    def deepen(self, lacking: Oid) -> None:
        """Bring all that was left out of the histories that are here; `lacking`: of that, as far as the remote has it.

        Raises:
            UnreachableError: the remote cannot be reached or does not answer.
            DeniedError: the remote does not let us read.
        """
        listed = self._list([self._namespace])
        tips = sorted({oid for ref, oid in listed.items() if not ref.startswith(self._archives)})
        # Of any commit: the server hears what was left out, and sends that. One that it lost it may have parts of.
        for wanted in (*[*filter(self._copies.has, tips), *tips][:1], lacking):
            # `--unshallow` fails where nothing was left out.
            done = self._run([*_FETCH, f"--depth={_WHOLE}", "--", _REMOTE, wanted], timeout_s=DEEPEN_S)
            if done.rc != 0 and not _NO_SUCH_OBJECT.search(done.errors):
                raise read_error(done, self._shown_url)
            if self._copies.has(lacking):
                return

    def _bring_all_anew(self) -> None:
        """Bring what is listed: git stumbles over a commit of long ago, too, that is damaged and is read by no one."""
        listed = self._list([self._namespace])
        if tips := {tip for ref, tip in listed.items() if not ref.startswith(self._archives)}:
            self._bring_anew(*tips)

    def _bring_anew(self, *tips: Oid) -> None:
        """Fetch as a repository of the same objects that has no refs: of what refs have git asks for nothing."""
        self._copies.set_aside_damaged(self._env)
        with lent(self._store / "objects") as git_dir:
            done = self._run([*_FETCH, "--", _REMOTE, *tips], git_dir=git_dir)
        if done.rc != 0:
            error = read_error(done, self._shown_url)
            if _is_no(done) or isinstance(error, StorageError):
                raise error
            raise MissingObjectError(f"{', '.join(tips)} did not come whole: {shown(done.errors)}.") from error
        self._history.boundaries.tidy_soon(self._copies)

    def _fetch_some(self, oids: Sequence[Oid]) -> Completed:
        """Fetch what the remote has of these: it refuses all because of one, and names that one."""
        wanted = set(oids)
        while True:
            done = self._run(
                [*_FETCH, "--stdin", "--", _REMOTE], "".join(f"{oid}\n" for oid in sorted(wanted)).encode()
            )
            refused = wanted.intersection(_NOT_OUR_REF.findall(done.errors))
            wanted -= refused
            if done.rc == 0 or not refused or not wanted or len(oids) - len(wanted) > DAMAGED_MAX:
                break
        if _CORRUPT in done.errors and len(wanted) > 1:  # the others go on: halves, until the damaged one is alone
            ordered = sorted(wanted)
            halves = [self._fetch_some(half) for half in (ordered[::2], ordered[1::2])]
            return next((half for half in halves if half.rc != 0), done)
        return done

    def server_time(self) -> datetime | None:
        """Return what time an http server says it is, for the price of a listing; `None` where it does not say so."""
        if not self._shown_url.lower().startswith(("http://", "https://")):
            return None
        with suppress(CoordError):
            done = self._run(["ls-remote", "--quiet", "--refs", "--", _REMOTE, f"{self._namespace}config"], more=TRACE)
            return in_trace(done.stderr)
        return None

    # -- writing ------------------------------------------------------------------------------------------------------

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all, in one push where the remote is atomic."""
        tips = [update.new for update in updates if update.new and not update.is_check]
        lacking = [tip for tip in tips if not self._copies.has(tip)]
        if lacking:
            return SwapOutcome(SwapStatus.LOST, f"missing necessary objects: {', '.join(lacking)}")
        try:
            return self._swap_atomic(updates) if self.atomic else self._swap_one(updates)
        except DeniedError as error:
            return SwapOutcome(SwapStatus.DENIED, str(error).rstrip("."))
        except (NoAnswerError, TooSlowError, LeftOutError) as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error).rstrip("."), error)
        except UnreachableError as error:  # only reading and starting git raise, before anything was sent
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error).rstrip("."))
        except (RepositoryError, StorageError, StoreDamagedError) as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)

    def _swap_atomic(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        sent = [update for update in updates if not update.is_check or (update.old and self._copies.has(update.old))]
        stale = self._stale_check([update for update in updates if update not in sent])
        if stale is not None:
            return stale
        done = self._push(sent, atomic=len(sent) > 1)
        if _NO_ATOMIC in done.errors:  # git stopped before it sent anything
            self.atomic = False
            return self._swap_one(updates)
        outcome = judge_push(done, sent)
        if landed_refs(done) and outcome.status is SwapStatus.UNKNOWN and len(sent) > 1:
            self.atomic = False
        return outcome

    def _swap_one(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        writes = [update for update in updates if not update.is_check]
        if len(writes) > 1:
            return one_at_a_time()
        stale = self._stale_check([update for update in updates if update.is_check])
        return stale or judge_push(self._push(writes, atomic=False), writes)

    def _stale_check(self, checks: Sequence[RefUpdate]) -> SwapOutcome | None:
        if not checks:
            return None
        stale = first_stale(self.read([check.ref for check in checks]), checks)
        return None if stale is None else lost_at(stale)

    def _push(self, updates: Sequence[RefUpdate], *, atomic: bool) -> Completed:
        if asked_for(self._timeout_s, self._shown_url) is None:
            raise NoAnswerError(f"The remote {self._shown_url!r} did not answer in time; nothing was sent.")
        leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
        refspecs = [f"{update.new or ''}:{update.ref}" for update in updates]
        with self._source.of([update.new for update in updates if update.new]) as git_dir:
            words = [*_PUSH, *(["--atomic"] if atomic else []), *leases, "--", _REMOTE, *refspecs]
            return self._run(words, git_dir=git_dir)

    def _run(
        self,
        args: Sequence[str],
        stdin: bytes | None = None,
        *,
        more: Mapping[str, str] | None = None,
        git_dir: Path | None = None,
        timeout_s: float | None = None,
    ) -> Completed:
        try:
            return run_git(
                [f"--git-dir={git_dir or self._store}", *args],
                cwd=self._store,
                env={**self._env, **(more or {})},
                timeout_s=timeout_s or self._timeout_s,
                input=stdin,
                asks=self._shown_url,
            )
        except RepositoryError as error:
            if self._store.is_dir():
                raise
            message = f"The store {str(self._store)!r} was deleted."
            raise StoreDamagedError(message, hint="Try again: the next command makes it again.") from error


def _has_all(done: Completed) -> bool:
    """Whether a slot is as the remote is."""
    return done.rc == 0 and not _NOT_PRUNED.search(done.errors)


def _is_no(done: Completed) -> bool:
    """Whether the remote did not answer a question, or said no to it."""
    no = {SwapStatus.DENIED, SwapStatus.UNREACHABLE}
    return done.rc != 0 and (done.timed_out or judge_failure(done).status in no)
