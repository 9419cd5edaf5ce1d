"""The boundary of git's hooks: whatever goes wrong with us is one loud line, and git goes on.

    our own failure              one line, exit 0
    with policy `enforce`        one line, exit 1: what could not be looked at is stopped
    an interrupt                 130

Rules:
  * HOOK-9: a failure of ours stops git only under policy `enforce`, and only in a hook that judges.

What this file does not know: what a hook does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from gitcoord.core.documents.json_text import load_object
from gitcoord.errors import CoordError
from gitcoord.faces.hooks.git import git_place, not_done
from gitcoord.faces.hooks.git.output import say
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.hook_view.glance import Glance
from gitcoord.redaction import redact

Hook = Callable[[Sequence[str], str, str, Mapping[str, str]], int]
"""(arguments, our folder in the clone or nothing, working folder, environment) -> exit status."""

CHARS_MAX = 500


class ClosedError(Exception):
    """What could not be looked at is to be stopped, as the ledgers themselves say."""


def documents(glance: Glance, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the claims near some files.

    Raises:
        ClosedError: they cannot be read, and the team wants to be stopped then.
        CoordError: they cannot be read.
    """
    enforced = _is_enforced(glance)
    try:
        return glance.near(paths)
    except CoordError as error:
        if enforced:
            raise ClosedError(str(error)) from error
        raise


def _is_enforced(glance: Glance) -> bool:
    """Whether what cannot be looked at is stopped, noted for hooks that cannot ask; a damaged policy says as before."""
    folder = str(glance.where.folder)
    try:
        data = glance.text("config", "policy.json")
        enforced = bool(data) and load_object(data[0]).get("enforce") is True
    except CoordError:
        return snapshot_files.is_enforced(folder)
    snapshot_files.keep_enforced(folder, enforced=enforced)
    return enforced


def guarded(name: str, hook: Hook, arguments: Sequence[str], cwd: str, env: Mapping[str, str]) -> int:
    """Run a hook that may stop git; return the exit status."""
    folder = ""
    try:
        folder = git_place.folder_of(cwd, env)
        return hook(arguments, folder, cwd, env)
    except KeyboardInterrupt:
        return not_done.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, no git may fail because of us
        is_closed = isinstance(error, ClosedError) or (bool(folder) and git_place.is_closed(folder, name))
        reason = redact(" ".join(str(error).split()))[:CHARS_MAX] or repr(error)
        broken = error.__cause__ if isinstance(error, ClosedError) else error
        code = f" [{broken.code}]" if isinstance(broken, CoordError) else ""  # docs/errors.md says what to do
        say([f"gitcoord: {not_done.sentence(name, is_closed=is_closed)}: {reason}{code}"])
        return 1 if is_closed else 0
