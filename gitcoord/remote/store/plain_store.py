r"""The clone's store read with the git program, for hooks, which cannot afford to load a library for it.

    git ls-tree -r -t -l -z <tip> -- claims …    100644 blob <id>     <size>\tclaims/7/k/c-7k….json\0
    git cat-file --batch-check                   <id> blob <size>\n
    git cat-file --batch                         <id> blob <size>\n<content>\n

Rules:
  * Only files are read, each of at most limits.DOCUMENT_BYTES; what else is in a ledger's tree is not ours.
  * SEC-4: sizes are known before contents are read. Listing ends at LISTING_BYTES or READ_TIMEOUT_S, with folders, for
    those without files list nothing else; git itself keeps no object above OBJECT_BYTES. What is over is "too large".
  * What is fetched goes to refs of its own, `refs/pushing/<key>/`, one fetch at a time, so that it is in no other
    fetch's way. A lock that a killed fetch left there is removed by the next one.
  * A fetch has a time; one that is late goes by what was known before.

What this file does not know: what a document says.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError, RepositoryError, StorageError, UnreachableError
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.git.git_process import Bounds, Completed, clean_env, clean_text, run_git
from gitcoord.remote.git.named_url import env_for
from gitcoord.remote.git.user_config import connection_settings
from gitcoord.remote.store.files_refs import FilesRefs

try:
    import fcntl
except ImportError:  # Windows: two fetches at once may be in each other's way, and go by what is known
    fcntl = None

READ_TIMEOUT_S: Final = 10.0  # 30,000 claims take 0.2 s
LISTING_BYTES: Final = limits.LEDGER_FILES * 128  # a line of ours has 98
OBJECT_BYTES: Final = 64 * 1024 * 1024  # git inflates trees and commits whole; our largest has 25 kB
LOCK_LOOK_S: Final = 0.02
Sleep = Callable[[float], None]
Clock = Callable[[], float]
_REMOTE: Final = "gitcoord"
_FETCH: Final = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-show-forced-updates", "--prune")


class Place(NamedTuple):
    """Where ledgers are.

    Attributes:
        repository: whose configuration says how to reach it.
        own: where copies go.
        connection: what that configuration says, where it was read already.
    """

    url: str
    namespace: str
    repository: Path
    own: str
    connection: Sequence[tuple[str, str]] | None = None


class First(NamedTuple):
    """The first commit of a history, as far as it is here. `is_cut`: what it came from was left out."""

    oid: Oid
    tree: Oid
    message: str
    is_cut: bool


class PlainStore(NamedTuple):
    """A bare repository. `env`: the environment of this process; `beside`: objects that are read as well, no others'.

    Of a remote on a path only its objects are read, never its configuration, which may name programs (SEC-4).
    """

    path: Path
    env: Mapping[str, str]
    beside: str = ""

    def ensure(self) -> None:
        """Make it, where there is none.

        Raises:
            StorageError: the disk cannot be written.
        """
        if self.path.is_dir():
            return
        command = ("init", "--quiet", "--bare", "--template=", "--", str(self.path))
        done = run_git(command, cwd=self.path.parent, env=clean_env(self.env), timeout_s=READ_TIMEOUT_S)
        if done.rc != 0:
            raise StorageError(f"The store for hooks cannot be made: {clean_text(done.errors)}")

    def tips(self, names: Sequence[str]) -> dict[RefName, Oid]:
        """Return those of these refs that are there; a name that ends in `/` stands for all below it."""
        return FilesRefs(self.path, now_ns=lambda: 0).read(names)

    def files(self, tip: Oid, names: Sequence[str], *, beside: Sequence[str] = ()) -> dict[str, Oid]:
        """Return the files of a commit at or below these paths.

        `beside`: paths of what is no document of a ledger, so that its bytes count neither here nor for who writes.

        Raises:
            DocumentError: it is not here, or not the tree of a ledger.
        """
        shape = ("ls-tree", "-r", "-t", "-l", "-z", "--full-tree")
        done = self._git(*shape, tip, "--", *names, *beside, bounds=Bounds(LISTING_BYTES))
        if done.is_cut or done.stdout.count(b"\0") > limits.LEDGER_FILES:
            raise DocumentError(f"Commit {tip} cannot be read: too large. It has more files than a ledger.", where=tip)
        if done.rc != 0:
            why = "it takes too long" if done.timed_out else clean_text(done.errors)
            raise DocumentError(f"Commit {tip} cannot be read: {why}", where=tip)
        files: dict[str, Oid] = {}
        total = 0
        for row in done.stdout.decode("utf-8", "replace").split("\0")[:-1]:
            head, _, path = row.partition("\t")
            mode, _, name, size = head.split()  # of a folder `-`, of what is not here `BAD`
            if mode == "100644" and size.isdigit() and int(size) <= limits.DOCUMENT_BYTES:
                files[path] = Oid(name)
                total += int(size) if path not in beside else 0
        if total > limits.LEDGER_BYTES:
            what = f"more than {limits.LEDGER_BYTES} bytes of documents"
            raise DocumentError(f"Commit {tip} cannot be read: too large. It has {what}.", where=tip)
        return files

    def contents(self, oids: Iterable[Oid]) -> dict[Oid, bytes]:
        """Return the contents of files that were listed; what is not there is left out."""
        wanted = list(dict.fromkeys(oids))
        if not wanted:
            return {}
        return dict(_contents(wanted, self._asked("--batch", wanted)))

    def named(self, names: Sequence[str]) -> list[bytes]:
        """Return the contents of documents named as `<commit>:<path>`; what is not there or too large is left out."""
        oids = [*self._sizes(names)]
        found = self.contents(oids)
        return [found[oid] for oid in oids if oid in found]

    def fetch(self, place: Place, patterns: Sequence[str], timeout_s: float) -> None:
        """Bring what a remote has now, below `place.own`.

        Raises:
            UnreachableError: not in time.
            CoordError: the remote does not let us read.
        """
        specs = [f"+{place.namespace}/{pattern}:{place.own}{pattern}" for pattern in patterns]
        settings = place.connection
        with suppress(RepositoryError):  # a work tree that lies apart from its git directory says nothing
            settings = connection_settings(place.repository, self.env) if settings is None else settings
        env = env_for(_REMOTE, place.url, self.env, settings or ())
        command = (f"--git-dir={self.path}", *_FETCH, "--", _REMOTE, *specs)
        done = run_git(command, cwd=self.path, env=env, timeout_s=timeout_s)
        if done.timed_out:
            seconds = round(timeout_s)
            when = f"within {seconds} s" if seconds else "in the time that was left"
            raise UnreachableError(f"{redact(place.url)} did not answer {when}.")
        if done.rc != 0:
            from gitcoord.remote.git.git_failure import read_error  # its tables take 10 ms to load

            raise read_error(done, redact(place.url))

    def forget_locks(self, place: Place) -> None:
        """Remove what a killed fetch left; the caller holds the lock of the place."""
        for folder, _, names in os.walk(self.path / place.own):
            for name in names:
                if name.endswith(".lock"):
                    Path(folder, name).unlink(missing_ok=True)

    def with_trailers(self, message: bytes, trailers: Sequence[str], comment_mark: str) -> bytes:
        """Return a message with trailers, as git puts them; by no settings of the user's, which may run commands.

        Raises:
            DocumentError: git cannot.
        """
        env = {**clean_env(self.env), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        env |= {"GIT_CONFIG_COUNT": "0"}
        words = [word for trailer in trailers for word in ("--trailer", trailer)]
        shape = ("interpret-trailers", "--no-divider", "--if-exists=doNothing")
        command = (f"--git-dir={self.path}", "-c", f"core.commentChar={comment_mark}", *shape, *words)
        done = run_git(command, cwd=self.path, env=env, timeout_s=READ_TIMEOUT_S, input=message)
        if done.rc != 0:
            raise DocumentError(f"git cannot add trailers: {clean_text(done.errors)}")
        return done.stdout

    def descends(self, tip: Oid, seen: Oid) -> bool | None:
        """Whether a commit is in the history of another; `None`: one of them is not here."""
        return {0: True, 1: False}.get(self._git("merge-base", "--is-ancestor", seen, tip).rc)

    def first_of(self, tip: Oid) -> First | None:
        """Return the newest commit of a history that has no parents."""
        done = self._git("rev-list", "--max-parents=0", "--max-count=1", "--header", tip)
        head, _, body = done.stdout.rstrip(b"\0\n").decode("utf-8", "replace").partition("\n\n")
        trees = [line.removeprefix("tree ") for line in head.split("\n") if line.startswith("tree ")]
        message = "\n".join(line.removeprefix("    ") for line in body.split("\n"))
        is_cut = any(line.startswith("parent ") for line in head.split("\n"))
        return First(Oid(head[: len(tip)]), Oid(trees[0]), message, is_cut) if done.rc == 0 and trees else None

    def tree_of(self, tip: Oid) -> Oid | None:
        """Return the tree of a commit; `None`: it is not here."""
        done = self._git("rev-parse", "--verify", "--quiet", f"{tip}^{{tree}}")
        return Oid(done.stdout.decode().strip()) if done.rc == 0 else None

    def _sizes(self, names: Sequence[str]) -> dict[Oid, int]:
        """Return the documents among objects, in their order, and how many bytes each has."""
        rows = [row.split(b" ") for row in self._asked("--batch-check", names).splitlines()] if names else []
        sizes = {Oid(row[0].decode()): int(row[2]) for row in rows if row[1:2] == [b"blob"]}
        return {oid: size for oid, size in sizes.items() if size <= limits.DOCUMENT_BYTES}

    def _asked(self, how: str, names: Sequence[str]) -> bytes:
        return self._git("cat-file", how, given="".join(f"{name}\n" for name in names).encode()).stdout

    def _git(self, *arguments: str, given: bytes | None = None, bounds: Bounds | None = None) -> Completed:
        command = (f"--git-dir={self.path}", *arguments)
        env = {**clean_env(self.env), "GIT_ALLOC_LIMIT": str(OBJECT_BYTES)}
        if self.beside and os.pathsep not in self.beside:
            env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = self.beside
        return run_git(command, cwd=self.path, env=env, timeout_s=READ_TIMEOUT_S, input=given, bounds=bounds)


@contextmanager
def alone(file: Path, seconds: float, *, sleep: Sleep, monotonic: Clock) -> Generator[bool]:
    """Hold the lock of a file, or tell that it was not to be had in time."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        yield fcntl is None or _taken(handle, monotonic() + seconds, sleep, monotonic)
    finally:
        os.close(handle)


def _taken(handle: int, end: float, sleep: Sleep, monotonic: Clock) -> bool:
    if fcntl is None:
        return True
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= end:
                return False
            sleep(LOCK_LOOK_S)
        except OSError:
            return True  # a file system without locks
        else:
            return True


def _contents(wanted: Sequence[Oid], data: bytes) -> Iterator[tuple[Oid, bytes]]:
    position = 0
    for oid in wanted:
        end = data.find(b"\n", position)
        if end < 0:
            return
        head = data[position:end].split(b" ")
        position = end + 1
        if len(head) == len(("id", "kind", "size")) and head[2].isdigit():
            size = int(head[2])
            if head[1] == b"blob":
                yield oid, data[position : position + size]
            position += size + 1
