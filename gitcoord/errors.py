"""Every error that a caller of gitcoord may catch: what kind, which exit status, what to do.

What the rules *decide* (done, refused, invalid) is a value, `gitcoord.core.documents.outcomes.Outcome`, so that one
refusal does not stop the batch that it is part of. What *breaks* is an error of this file. A face translates
once, with `code`, `str(error)` and `hint`; facts are attributes, never text to parse.

Exit statuses: 0 done, 1 refused, 2 usage, 3 bug, 4 contended, 5 out of reach or unknown (a remote, a disk, a ledger),
6 denied, 130 interrupted.
"""

import errno
from typing import ClassVar

from gitcoord.redaction import redact


class CoordError(Exception):
    """What broke, as one sentence with a full stop, and a hint that is a thing to do."""

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the sentence and the hint, without credentials: every face, log and report shows them (SEC-2)."""
        super().__init__(redact(message))
        clean = redact(hint)
        self.hint = clean if clean != hint else hint  # itself where it can be: it may be one that knows its calls


class UsageError(CoordError):
    """The request makes no sense as given: bad arguments, no repository, no identity."""

    code = "usage"
    exit_status = 2


class InvalidError(UsageError):
    """A value is outside what the rules allow; nothing was written."""

    code = "invalid"


class LimitError(InvalidError):
    """What was to be written is beyond what every reader takes (`core/documents/limits`); nothing was written."""

    code = "beyond_limits"


class NotFoundError(UsageError):
    """A project, step or commit that was named does not exist."""

    code = "not_found"


class RepositoryError(UsageError):
    """There is no usable git here, or no repository of the caller's that can answer what was asked."""

    code = "repository"


class StorageError(CoordError):
    """A disk of this machine cannot be written, or read; what was to be written is not there."""

    code = "storage"
    exit_status = 5


class SigningError(CoordError):
    """A commit cannot be signed as git's settings say; nothing was sent."""

    code = "signing"
    exit_status = 5


class StoreDamagedError(CoordError):
    """The store of this clone was deleted, or is damaged."""

    code = "store_damaged"
    exit_status = 5


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def unwritable(what: str, reason: object) -> StorageError:
    """Return the error of something on this machine's disk that cannot be written; the hint follows the reason."""
    number = reason.errno if isinstance(reason, OSError) else None
    words = (isinstance(reason, OSError) and reason.strerror) or reason
    text = f"{what} cannot be written: {str(words).strip().rstrip('.:')}."
    return StorageError(text, hint=disk_hint(number))


def is_forbidden(error: OSError) -> bool:
    """Whether the system says that this process may not write there, and not that the disk has no room."""
    return error.errno in _FORBIDDEN


def of_disk(error: Exception) -> StorageError | None:
    """Return the error of a path that this process may not use, or of a full disk; `None`: it is another one."""
    if not isinstance(error, OSError) or error.filename is None or error.errno not in _FORBIDDEN | _FULL:
        return None
    return StorageError(f"{str(error.filename)!r} cannot be used: {error.strerror}.", hint=disk_hint(error.errno))


def disk_hint(number: int | None) -> str:
    """Return what to do about a system's error on this machine's disk."""
    if number in _FULL:
        return "Make room on the disk."
    if number in _FORBIDDEN:
        return "Make the folder writable."
    if number == errno.ELOOP:  # a lock is never opened through one: it would be a lock of something else
        return "Remove the symbolic link that is in its place."
    return "Make room on the disk, or make the folder writable."


class DocumentError(CoordError):
    """A document, tree or commit of a ledger is not what a writer of ours makes.

    Attributes:
        where: the ref and object that is damaged, or "" while it is not known yet.
    """

    code = "damaged"
    exit_status = 5

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        """Keep the place of the damage."""
        super().__init__(message, hint=hint)
        self.where = where


class SchemaError(DocumentError):
    """A ledger is of a newer schema than this version can write or read."""

    code = "newer_schema"
    exit_status = 1


class RewoundError(DocumentError):
    """A ledger is back before what a clone saw of it, or gone; nothing in it is given out until that is decided.

    Attributes:
        clone: the other clone whose heartbeat says that it saw more; none where this one did.
    """

    code = "rewound"
    exit_status = 5
    clone: str = ""


class RefusedError(CoordError):
    """The rules refused a command whose caller gets no other answer than an error."""

    code = "refused"
    exit_status = 1


class AuthorError(RefusedError):
    """The team's policy does not take a commit of this clone: it is not signed, or the name is pinned to another."""

    code = "author"


class ContendedError(CoordError):
    """Every attempt lost its race, or the lock stayed taken; nothing of ours can still land."""

    code = "contended"
    exit_status = 4


class RulesMovedError(CoordError):
    """The team's rules have changed since a command was understood by them; nothing was written."""

    code = "rules_moved"
    exit_status = 4


class RateLimitError(CoordError):
    """A service asks to be left alone for a while; it was not asked again.

    Attributes:
        after_s: for how long.
    """

    code = "rate_limited"
    exit_status = 4

    def __init__(self, message: str, *, after_s: float = 60.0, hint: str = "") -> None:
        """Keep the pause."""
        super().__init__(message, hint=hint)
        self.after_s = after_s


class UnreachableError(CoordError):
    """The remote could not be reached; nothing was sent."""

    code = "unreachable"
    exit_status = 5


class UnknownOutcomeError(CoordError):
    """Something was sent and no answer came; the next command of this clone finds out."""

    code = "unknown_outcome"
    exit_status = 5


class DeniedError(CoordError):
    """The remote's own rule said no, in its own words."""

    code = "denied"
    exit_status = 6


class MissingObjectError(CoordError):
    """An object that a ref names is not in the object store."""

    code = "missing_object"
    exit_status = 5


class BugError(CoordError):
    """Something that cannot happen happened; the message says what."""

    code = "bug"
    exit_status = 3
