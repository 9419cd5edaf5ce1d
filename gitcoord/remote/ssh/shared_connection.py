"""A connection of the clone to a host, kept by ssh itself for the sessions that follow. See ssh_config(5), ControlPath.

    <folder>/<clone>-<connection>      the socket of a background ssh, which ends PERSIST_S after its last session
    <folder>/<clone>.lock              held while one is begun

<folder> is `gitcoord` below XDG_RUNTIME_DIR, or else `ssh` in the clone's own folder.

Rules:
  * SEC-2: the folder is this user's, and open to no one else; else no connection is kept. ssh itself lets only the user
    in who began it. Another command, another user's name, another agent of keys is another connection, and each hour
    begins a new one, so that a sign-in that was taken back does not last.
  * A connection that the user's own configuration shares (ControlPath) is used as it says, and none of ours is made.
  * One process begins it. A socket without ssh behind it, left over from a crash, is removed.
  * Nothing is forwarded over it: no agent, no ports, no screen.
  * Where no socket can be made (a sandbox, a path that is too long), git does all of it.

What this file does not know: what sessions are for.
"""

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from gitcoord.errors import CoordError
from gitcoord.remote.contract.time_left import TimeLeft
from gitcoord.remote.git.git_process import clean_env
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.ssh.ssh_command import OwnSharing, SshCommand, own_sharing
from gitcoord.remote.ssh.ssh_place import SshPlace
from gitcoord.remote.ssh.ssh_process import failure, run

PERSIST_S: Final = 90  # an agent's next call comes sooner, and a watch asks every 30 s at most
_PATH_BYTES_MAX: Final = 104 - 18  # macOS takes 104, Linux 108; ssh binds a name with 17 more, and a zero behind it
_HOUR_S: Final = 3600
_BEATS: Final = ("-oServerAliveInterval=15", "-oServerAliveCountMax=2")  # a line that died is known after 30 s
# The ssh that keeps the connection lets through what it was allowed to send itself.
_ALONE: Final = ("-a", "-x", "-T", "-oClearAllForwardings=yes", "-oSendEnv=GIT_PROTOCOL")
_LOCAL_S: Final = 2.0  # asking a process of this machine


class SharedConnection:
    """The way of one clone to one host."""

    def __init__(
        self, place: SshPlace, command: SshCommand, *, folder: Path, now_s: Callable[[], int], shown: str
    ) -> None:
        """Begin nothing yet.

        Args:
            place: the host.
            command: the user's ssh.
            folder: of the clone.
            now_s: seconds since the epoch.
            shown: the remote, without credentials.
        """
        self._place = place
        self._command = command
        self._clone = folder
        self._folder = socket_folder(folder, command.env.get("XDG_RUNTIME_DIR", ""))
        self._now_s = now_s
        self._shown = shown
        self._own: OwnSharing | None = None

    def options(self, left: TimeLeft) -> list[str]:
        """Return ssh's options for a session over the connection, which is there then.

        Raises:
            UnfamiliarError: none can be shared.
            CoordError: the host cannot be reached, or does not let us in.
        """
        path = self._path()
        if self._own is None and not _answers(path):
            self._prepare(path)
            with self._alone(left):
                if not _answers(path):
                    self._begin(path, left)
        if self._own is None:
            return [*_ALONE, "-oControlMaster=no", f"-oControlPath={path}"]
        if not _is_heard(self._own.path):
            with self._alone(left):
                if not _is_heard(self._own.path):
                    self._begin_own(self._own, left)
        return [*_ALONE, "-oControlMaster=no"]

    def _path(self) -> Path:
        env = self._command.env
        kind = [env["GIT_SSH_COMMAND"], self._place.host, self._place.port, self._now_s() // _HOUR_S]
        kind += [env.get("HOME", ""), env.get("SSH_AUTH_SOCK", "")]
        return self._folder / f"{clone_word(self._clone)}-{_word(repr(kind), 16)}"

    @contextmanager
    def _alone(self, left: TimeLeft) -> Generator[None]:
        lock = FileLock(self._folder / _lock_name(self._clone), mode=0o600)
        try:
            lock.acquire(timeout=left.whole_s())
        except Timeout:  # another process waits for the host
            raise left.over() from None
        except OSError as error:
            raise UnfamiliarError(_no_socket(error), lasts=False) from None
        try:
            yield
        finally:
            lock.release()

    def _begin(self, path: Path, left: TimeLeft) -> None:
        said = run(self._command, self._command.words(self._place, ["-T", "-G"]), left)
        if said.rc != 0:
            raise UnfamiliarError("its ssh command does not say how it is set up, as OpenSSH does")
        own = own_sharing(said.stdout.decode(errors="replace"))
        if own.path:
            self._own = own
            return
        path.unlink(missing_ok=True)
        options = ["-oControlMaster=yes", f"-oControlPersist={PERSIST_S}", f"-oControlPath={path}", *_ALONE]
        self._start([*options, *(() if own.beats else _BEATS)], left)
        if not _answers(path):
            raise UnfamiliarError("ssh keeps no connection to it")

    def _begin_own(self, own: OwnSharing, left: TimeLeft) -> None:
        if not own.is_kept:
            raise UnfamiliarError("the user's ssh shares a connection only as long as one is in use", lasts=False)
        self._start([*_ALONE], left)

    def _start(self, options: list[str], left: TimeLeft) -> None:
        begun = run(self._command, self._command.words(self._place, [*options, "-f", "-N"]), left)
        if begun.rc != 0:
            raise failure(begun.rc, begun.stderr, self._shown)

    def _prepare(self, path: Path) -> None:
        """Make the folder, and see whether it can have a socket as ssh makes it: bound to one name, linked to another.

        Raises:
            UnfamiliarError: it cannot.
        """
        if len(os.fsencode(path)) > _PATH_BYTES_MAX:
            raise UnfamiliarError("the path of a socket in the clone's folder is too long", lasts=False)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if not is_private(path.parent):
                raise UnfamiliarError(f"others may enter {str(path.parent)!r}", lasts=False)
            with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as tried:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.bind(f"{tried}/s")
                Path(tried, "t").hardlink_to(f"{tried}/s")
        except OSError as error:
            raise UnfamiliarError(_no_socket(error), lasts=False) from None


def socket_folder(folder: Path, runtime: str) -> Path:
    """Return where sockets of a clone are. `folder`: the clone's; `runtime`: XDG_RUNTIME_DIR."""
    return Path(runtime) / "gitcoord" if runtime and is_private(Path(runtime)) else folder / "ssh"


def is_private(folder: Path) -> bool:
    """Whether a folder is this user's, and open to no one else."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def clone_word(folder: Path) -> str:
    """Return what the names of a clone's sockets begin with."""
    return _word(os.path.realpath(folder), 8)


def end_all(folder: Path, env: Mapping[str, str], monotonic: Callable[[], float]) -> None:
    """End the connections that a clone keeps, with the sessions over them.

    Args:
        folder: the clone's.
        env: the environment of this process.
        monotonic: a clock.
    """
    sockets = socket_folder(folder, env.get("XDG_RUNTIME_DIR", ""))
    command = SshCommand({**clean_env(env), "GIT_SSH_COMMAND": "ssh -F none"}, "/")
    for path in sockets.glob(f"{clone_word(folder)}-*"):
        if _answers(path):
            words = command.words(SshPlace("none", "", ""), [f"-oControlPath={path}", "-O", "exit"])
            with suppress(CoordError):  # it ends by itself
                run(command, words, TimeLeft(_LOCAL_S, "", monotonic))
        path.unlink(missing_ok=True)
    (sockets / _lock_name(folder)).unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    """Whether an ssh is behind a socket that only this user could make."""
    return is_private(path.parent) and _is_heard(str(path))


def _is_heard(path: str) -> bool:
    """Whether a process is behind a socket."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_LOCAL_S)
            probe.connect(path)
    except (OSError, ValueError):
        return False
    return True


def _no_socket(error: OSError) -> str:
    return f"no socket can be made for its connection: {error.strerror or error}"


def _lock_name(folder: Path) -> str:
    return f"{clone_word(folder)}.lock"


def _word(text: str, size: int) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:size]
