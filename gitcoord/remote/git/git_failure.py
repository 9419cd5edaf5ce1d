"""What git's complaints mean: one table from words on standard error to one of the outcomes of a swap.

Rules:
  * git says these things to people; there is no porcelain for them. Each row was recorded from a real git
    (tests/contract/transports/samples) or read in its source. `LC_MESSAGES=C` keeps the words stable.
  * The first row that matches wins: rows that name a person's or an administrator's "no" come before rows
    that any broken connection prints.
  * What the remote relayed (`remote: …`) may be a hook's words, of anything, after the push landed. Only what
    `receive-pack` says of its own no is looked for there.
  * What matches no row is UNKNOWN: neither success nor failure.

This module must not start anything.
"""

import re
from typing import Final

from gitcoord.errors import CoordError, DeniedError, UnreachableError, unwritable
from gitcoord.remote.contract.deadline import SLOW_HINT, NoAnswerError, TooSlowError
from gitcoord.remote.contract.protocol import SwapOutcome, SwapStatus
from gitcoord.remote.git.git_process import Completed, clean_text

_SIGN_IN = "Sign in to the remote once with git (for example `git fetch`), so that it answers without asking."
_SHA1_ONLY = "gitcoord coordinates in sha1 repositories only; name another in gitcoord.remote, it may be an empty one."
_HOST_KEY = "Connect once with ssh by hand and accept the host's key."

# The words of receive-pack, or of the git that unpacks for it, as it dies, which the remote may relay. A push by a hook
# has one more `remote: ` before them. Of a reference-transaction hook that said no receive-pack dies without a report
# [git 2.39]; nothing was written.
_RELAYED_NO: Final = re.compile(
    r"^(?:remote: )?fatal: (?:fsck error|pack exceeds maximum allowed size|ref updates aborted by hook)", re.MULTILINE
)
# (words, outcome, what to do), in this order, without regard to case.
_ROWS: Final[tuple[tuple[str, SwapStatus, str], ...]] = (
    # Our own rule: ext:: and friends.
    (r"transport '' not allowed", SwapStatus.DENIED, "Use a path, https, ssh or git URL."),
    # A repository of sha256 objects. git says so when it pushes, or when it reads one that has refs.
    (r"hash algorithm|mismatched algorithms", SwapStatus.DENIED, _SHA1_ONLY),
    # No one to ask, or the answer was wrong.
    (r"host key verification failed|REMOTE HOST IDENTIFICATION", SwapStatus.UNREACHABLE, _HOST_KEY),
    (r"permission denied \(|permission denied, please|too many authentication", SwapStatus.DENIED, _SIGN_IN),
    (r"authentication failed|prompts disabled|could not read (?:username|password)", SwapStatus.DENIED, _SIGN_IN),
    (r"returned error: (?:401|407)|HTTP (?:401|407)", SwapStatus.DENIED, _SIGN_IN),
    # A rule of the server: it answered, and the answer is no.
    (r"returned error: 403|HTTP 403", SwapStatus.DENIED, "Ask for the right to push to the remote."),
    (r"returned error: 413|HTTP 413", SwapStatus.DENIED, ""),
    (r"access denied or repository not exported|service not enabled", SwapStatus.DENIED, ""),
    (
        r"(?:no such repository|repository (?:'' )?not found)|returned error: 404|HTTP 404",
        SwapStatus.DENIED,
        "Check the URL.",
    ),
    (r"detected dubious ownership|safe\.directory", SwapStatus.DENIED, "Name the folder in `safe.directory`."),
    (r"returned error: 429|HTTP 429", SwapStatus.UNREACHABLE, "The remote asks for fewer requests."),
    # The old value that we delete is gone already; git says so before it sends anything.
    (r"remote ref does not exist", SwapStatus.LOST, ""),
    # After the request was sent. These come before the next group, whose words may follow them.
    (r"RPC failed|disconnected? while|early EOF|remote end hung up unexpectedly", SwapStatus.UNKNOWN, ""),
    # gitolite 3.6 and GitHub over ssh, before git's own words that nothing was read.
    (
        r"^FATAL: .* DENIED by |^ERROR: permission to \S+ denied to ",
        SwapStatus.DENIED,
        "Ask for the right to use the remote.",
    ),
    # Before anything was sent: git prints these while it reads the first listing of refs.
    (r"unable to access ''", SwapStatus.UNREACHABLE, ""),
    (r"could not read from remote repository|hung up upon initial contact", SwapStatus.UNREACHABLE, ""),
    (r"does not appear to be a git repository|unable to (?:connect to|look up)", SwapStatus.UNREACHABLE, ""),
    (r"unable to find remote helper|is not a git command", SwapStatus.UNREACHABLE, "Install the remote helper."),
)
_TABLE: Final = tuple((re.compile(words, re.IGNORECASE | re.MULTILINE), status, hint) for words, status, hint in _ROWS)

_DISK = re.compile(r"Read-only file system|No space left on device|Disk quota exceeded")
_OWN_DISK = re.compile(rf"{_DISK.pattern}|Permission denied|Operation not permitted")
_QUOTED = re.compile(r"'[^'\n]*'")
_REMOTE_LINE = re.compile(r"^remote: ?(.*?)\s*$", re.MULTILINE)
_LOCAL_LINE = re.compile(r"^(?:(?:fatal|error|warning|ssh|[\w.@-]+): .*|Host key .*)$", re.MULTILINE)


def disk_reason(done: Completed) -> str:
    """Return why a git that writes to this machine only could not, where the disk is why; "" where it is not."""
    found = _OWN_DISK.search("\n".join(_LOCAL_LINE.findall(done.errors)))
    return found[0] if found else ""


def judge_failure(done: Completed) -> SwapOutcome:
    """Return what a failed git that gave no report on single refs means."""
    status, words, hint = _judge(done)
    return SwapOutcome(status, "\n".join(filter(None, (words, hint))))


def read_error(done: Completed, shown_url: str) -> CoordError:
    """Return the error of a failed git that was to read: one sentence, and what to do."""
    status, words, hint = _judge(done)
    disk = _DISK.search("\n".join(_LOCAL_LINE.findall(done.errors)))
    if disk:
        return unwritable("The store of this clone", disk[0])
    sentence = "; ".join(line.strip().rstrip(".") for line in words.split("\n") if line.strip())
    text = f"The remote {shown_url!r} was not read: {sentence}."
    if status is SwapStatus.DENIED:
        return DeniedError(text, hint=hint or "Check the URL, or ask its administrator for the right to read it.")
    if done.lacked_time:
        return TooSlowError(text, hint=SLOW_HINT)
    if done.timed_out:
        return NoAnswerError(text, hint="It is slow or gone: try again. `gitcoord doctor` says which.")
    return UnreachableError(text, hint=hint or "Check the URL (`git remote -v`) and the network, then try again.")


def _judge(done: Completed) -> tuple[SwapStatus, str, str]:
    if done.timed_out:
        return SwapStatus.UNKNOWN, "the remote did not answer in time", ""
    words = unquoted(done.errors)
    if _RELAYED_NO.search(words):
        return SwapStatus.DENIED, shown(done.errors), ""
    own = _REMOTE_LINE.sub("", words)
    for pattern, status, hint in _TABLE:
        if pattern.search(own):
            return status, shown(done.errors), hint
    return SwapStatus.UNKNOWN, shown(done.errors) or f"git exited with {done.rc} and said nothing", ""


def unquoted(errors: str) -> str:
    """Return the words without what git quotes: a path or URL may contain any of the words that are looked for."""
    return _QUOTED.sub("''", errors)


def shown(errors: str) -> str:
    """Return the remote's own words, or else git's, as they may be shown."""
    remote = [line for line in _REMOTE_LINE.findall(errors) if line]
    lines = remote or _LOCAL_LINE.findall(errors) or errors.splitlines()
    return clean_text("\n".join(lines))
