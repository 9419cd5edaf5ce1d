"""git as a child process: the only place that starts it (`program` starts what tools are configured to start).

Rules:
  * git never asks: no terminal, no askpass program, stdin is closed, ssh runs in batch mode.
  * git works on the repository we name: what git exports to its hooks is not handed on.
  * git runs nothing of the user's that our writes did not cause: no hooks, no signing, no maintenance.
  * git takes no lock that it can do without: a `git status` of ours that refreshes the index would make a `git commit`
    or `git checkout` of the user's at that moment fail with "index.lock: File exists" [seen].
  * git answers in one language, within a time, and dies with all its children when the time is over.
  * SEC-4: what a remote's objects make git say is read up to a bound (`Bounds`), and git ends there, as it does when
    they make it take more memory than it may have.
  * Credentials travel in the environment, never on a command line that `ps` shows.
  * Text of a remote is shown only without control characters and without credentials.

What this file does not know: refs, nor `os.environ`: the environment is an argument.
"""

import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from gitcoord.errors import RepositoryError
from gitcoord.redaction import redact
from gitcoord.remote.contract.deadline import TOLD_AFTER_S, asked_for, bounded, is_silence, teller, unanswered

# Each could run a program of the user's, add refs or options to our push, or begin work at a bad moment.
GLOVES: Final = (
    "core.hooksPath=/dev/null",  # a global core.hooksPath runs the user's pre-push for our pushes [seen, git 2.39]
    "core.fsmonitor=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "push.useForceIfIncludes=false",
    "push.pushOption=",  # an empty value clears the list; a server without push options refuses the whole push
    "fetch.recurseSubmodules=no",
    "fetch.writeCommitGraph=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "color.ui=false",
    "advice.pushUpdateRejected=false",
)

PROTOCOLS: Final = ("file", "git", "http", "https", "ssh")
_PROTOCOLS_NEVER: Final = frozenset({"ext", "fd"})  # they run any program, or take over our file descriptors

# GIT_* that people set on purpose to reach a server or to name git itself. All others are dropped: git exports
# GIT_DIR, GIT_INDEX_FILE, GIT_PREFIX, GIT_OBJECT_DIRECTORY, GIT_QUARANTINE_PATH, GIT_PUSH_OPTION_*,
# GIT_CONFIG_PARAMETERS … to hooks, and a child would then work on the wrong repository. GIT_TRACE* would mix
# with what we parse. GIT_CONFIG_COUNT is never exported by git, only set by people and CI.
_KEPT: Final = re.compile(
    r"GIT_(?:EXEC_PATH|SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|CEILING_DIRECTORIES"
    r"|CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+))"
)
_ERRORS_BYTES: Final = 1024 * 1024  # a sentence or two are shown; the rest of a flood is read and dropped
_DEFERRED: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_KILL_WAIT_S: Final = 5  # a killed group closes its pipes at once; a process that left the group may hold them

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
# C0 except newline and tab, DEL, C1, and the marks that change the direction of text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Bounds(NamedTuple):
    """What a git process may need.

    Attributes:
        output: bytes that it may say; of more, nothing is returned but that there was more.
        memory: bytes of its own, files that it maps not counted; with more it fails. Only Linux can limit that.
    """

    output: int
    memory: int | None = None


class Completed(NamedTuple):
    """What a git process left.

    `rc` is negative where a signal ended it: ours where it `timed_out`, or said more than it may (`is_cut`). Where it
    `lacked_time`, that of our transaction was over before the remote had its own.
    """

    rc: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    is_cut: bool = False
    lacked_time: bool = False

    @property
    def errors(self) -> str:
        """Standard error as text, as git wrote it: for parsing, not for showing."""
        return self.stderr.decode(errors="replace")


def run_git(
    args: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    input: bytes | None = None,  # noqa: A002 - the name that `subprocess` gives it
    bounds: Bounds | None = None,
    asks: str = "",
) -> Completed:
    """Run git with the gloves and wait for its end.

    Args:
        args: the words after `git`.
        cwd: a folder.
        env: from `clean_env`.
        timeout_s: how long it may take.
        input: what it reads.
        bounds: what it may say and take.
        asks: the remote that it asks, as it may be shown; not together with `bounds`.

    Raises:
        RepositoryError: git is not installed, the folder is gone, or the system starts no process.
        UnreachableError: the time of the transaction that this is part of is over; nothing was started.
    """
    limit_s = asked_for(timeout_s, asks) if asks else timeout_s
    if limit_s is None:  # as if it had been asked, and had not answered
        return Completed(-signal.SIGKILL, b"", b"", timed_out=True)
    timeout_s = bounded(limit_s)
    settings = [word for glove in GLOVES for word in ("-c", glove)]
    process: subprocess.Popen[bytes] | None = None
    try:
        with signals_deferred():
            process = _started(["git", *settings, *args], cwd, env, with_input=input is not None)
        if bounds is not None:
            return _bounded(process, input, timeout_s, bounds)
        stdout, stderr = _waited(process, input, timeout_s, asks)
    except BaseException as error:
        if process is None:
            raise
        killed = _killed(process)
        if isinstance(error, subprocess.TimeoutExpired):
            if not is_silence(timeout_s, limit_s):
                return killed._replace(lacked_time=True)
            unanswered(asks)  # "": no remote was asked
            return killed
        raise
    return Completed(process.returncode, stdout, stderr)


@contextmanager
def signals_deferred() -> Generator[None]:
    """Keep signals that handlers of Python would take until the end of this block; there they are raised.

    A handler runs between two instructions of Python. One that raises while `Popen` still waits to hear that its child
    has begun would leave a child behind that this program does not know.
    """
    if threading.current_thread() is not threading.main_thread():  # no other one runs handlers
        yield
        return
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in _DEFERRED
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _started(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], *, with_input: bool
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own can be killed as a whole; a session of its own has no terminal to ask on.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if not cwd.is_dir():
            raise RepositoryError(f"The folder {str(cwd)!r} is gone.") from error
        raise RepositoryError("git is not installed.", hint="Install git 2.34 or newer.") from error
    except OSError as error:  # a folder that may not be entered, more arguments than the system takes, no memory
        raise RepositoryError(f"git cannot be started in {str(cwd)!r}: {error.strerror or error}.") from error


def _waited(
    process: "subprocess.Popen[bytes]", given: bytes | None, timeout_s: float, asks: str
) -> tuple[bytes, bytes]:
    """Wait for the end; a person at the terminal sees what is waited for, if that takes long."""
    tell = teller() if asks else None
    if tell is None or timeout_s <= TOLD_AFTER_S:
        return process.communicate(given, timeout=timeout_s)
    try:
        return process.communicate(given, timeout=TOLD_AFTER_S)
    except subprocess.TimeoutExpired:
        tell(asks)
        return process.communicate(timeout=timeout_s - TOLD_AFTER_S)  # it goes on with what it was given


def _bounded(process: "subprocess.Popen[bytes]", given: bytes | None, timeout_s: float, bounds: Bounds) -> Completed:
    """Read the output up to a bound: `communicate` keeps all of it, and takes no bound."""
    if bounds.memory is not None and sys.platform == "linux":
        # While it runs already: what would limit it before the program starts is not safe beside threads.
        with suppress(ProcessLookupError, PermissionError, ValueError):  # it ended, or has a lower limit
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (bounds.memory, bounds.memory))
    is_late, errors = threading.Event(), bytearray()

    def end() -> None:
        is_late.set()
        _kill(process)

    watch = threading.Timer(timeout_s, end)
    beside = [threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True)]
    if process.stdin:
        beside.append(threading.Thread(target=_feed, args=(process.stdin, given or b""), daemon=True))
    for thread in (watch, *beside):
        thread.start()
    try:
        stdout = process.stdout.read(bounds.output + 1) if process.stdout else b""
        if is_cut := len(stdout) > bounds.output:
            _kill(process)
        process.wait()
    finally:
        watch.cancel()
        for thread in beside:
            thread.join(_KILL_WAIT_S)
    if process.stdout:
        process.stdout.close()
    if is_cut:
        return Completed(-signal.SIGKILL, b"", b"", is_cut=True)
    return Completed(process.returncode, stdout, bytes(errors), timed_out=is_late.is_set())


def _drain(pipe: IO[bytes], into: bytearray) -> None:
    with pipe:
        while part := pipe.read(_ERRORS_BYTES):
            into += part[: max(_ERRORS_BYTES - len(into), 0)]


def _feed(pipe: IO[bytes], given: bytes) -> None:
    with suppress(BrokenPipeError):  # it ended before it had read all
        pipe.write(given)
    with suppress(BrokenPipeError):
        pipe.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _killed(process: "subprocess.Popen[bytes]") -> Completed:
    _kill(process)
    try:
        stdout, stderr = process.communicate(timeout=_KILL_WAIT_S)
    except subprocess.TimeoutExpired:
        stdout, stderr = b"", b""
    return Completed(-signal.SIGKILL, stdout, stderr, timed_out=True)


def clean_env(
    env: Mapping[str, str], *, settings: Iterable[tuple[str, str]] = (), ssh_command: str = "", scheme: str = ""
) -> dict[str, str]:
    """Return the environment for `run_git`.

    Args:
        env: the environment of this process.
        settings: git configuration for this command; it travels in the environment, so secrets may be in it.
        ssh_command: `core.sshCommand` as the user's repository has it; GIT_SSH_COMMAND in `env` wins, as in git.
        scheme: the protocol or remote helper of the URL that the user named, allowed beside the usual ones.
    """
    cleaned = {name: value for name, value in env.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    # Set the language of messages and leave the character set alone: LC_ALL would override LC_MESSAGES.
    everything = cleaned.pop("LC_ALL", "")
    if everything:
        cleaned["LANG"] = cleaned["LC_CTYPE"] = everything
    cleaned.pop("LANGUAGE", None)
    cleaned["LC_MESSAGES"] = "C"
    cleaned["GIT_OPTIONAL_LOCKS"] = "0"
    cleaned["GIT_TERMINAL_PROMPT"] = "0"
    cleaned["GIT_ASKPASS"] = cleaned["SSH_ASKPASS"] = ""
    cleaned["SSH_ASKPASS_REQUIRE"] = "never"
    cleaned["GIT_SSH_COMMAND"] = _batch_ssh(cleaned, ssh_command)
    by_user = cleaned.get("GIT_ALLOW_PROTOCOL")
    allowed = [*PROTOCOLS, *([scheme] if scheme not in {"", *PROTOCOLS, *_PROTOCOLS_NEVER} else [])]
    if by_user is not None:
        allowed = [protocol for protocol in allowed if protocol in by_user.split(":")]
    cleaned["GIT_ALLOW_PROTOCOL"] = ":".join(allowed)
    count = int(cleaned["GIT_CONFIG_COUNT"]) if cleaned.get("GIT_CONFIG_COUNT", "").isdecimal() else 0
    for key, value in settings:
        cleaned[f"GIT_CONFIG_KEY_{count}"], cleaned[f"GIT_CONFIG_VALUE_{count}"] = key, value
        count += 1
    cleaned["GIT_CONFIG_COUNT"] = str(count)
    return cleaned


def _batch_ssh(env: Mapping[str, str], ssh_command: str) -> str:
    """Append batch mode to the user's ssh; the order of choice is git's own (see git-config(1), core.sshCommand)."""
    command = env.get("GIT_SSH_COMMAND") or ssh_command
    if not command:
        command = shlex.quote(env["GIT_SSH"]) if env.get("GIT_SSH") else "ssh"
    words = command.replace("\\", "/").lower().split()
    program = words[0].strip("\"'").rpartition("/")[2].removesuffix(".exe") if words else "ssh"
    variant = env.get("GIT_SSH_VARIANT") or program
    if variant in {"plink", "putty"}:
        return f"{command} -batch"
    return command if variant in {"tortoiseplink", "simple"} else f"{command} -oBatchMode=yes"


def clean_text(text: str, *, chars_max: int = 500) -> str:
    """Return text of a remote as it may be shown: no control characters, no credentials, not too long (SEC-1)."""
    # Redacted before as well: an escape sequence may begin in a password and end with the `@` behind it.
    plain = _CONTROL.sub("", _ESCAPE.sub("", redact(text).replace("\r", "\n")))
    plain = redact(plain).strip()
    return plain if len(plain) <= chars_max else plain[: chars_max - 1] + "…"
