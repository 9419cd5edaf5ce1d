"""`gitcoord config …`: this program's settings in git's own configuration.

Rules:
  * SEC-2: a URL is shown without its password, and one that has one is written without a command line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.core.documents.names import agent_name, is_namespace, project_name, shown
from gitcoord.core.documents.spelling import did_you_mean
from gitcoord.errors import InvalidError, NotFoundError, UsageError, unwritable
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.columns import names, prose
from gitcoord.faces.cli.terminal.options import AsJson, examples, group
from gitcoord.ledger.leader.push_budget import PER_MINUTE_MAX
from gitcoord.redaction import redact
from gitcoord.remote.git import git_failure
from gitcoord.source.checkout import team_file
from gitcoord.source.checkout.remote_urls import url_of
from gitcoord.source.checkout.repository import Repository, open_repository

if TYPE_CHECKING:
    from gitcoord.core.documents.json_text import Json

_app = group("Read and write gitcoord's settings, which git keeps.")
BEAT_SECONDS = range(5, 601)  # faster is a load for the remote, slower makes every agent look stale
HERE = "."  # the store of this clone, as a remote
UNSET = 1  # what git says of a key that is not set
INVALID = 1  # what is checked
NOT_THERE = 5  # what git says of unsetting one


class Scope(StrEnum):
    """Where a setting holds: for a person, for the clone with its worktrees, for one worktree."""

    USER = "user"
    CLONE = "clone"
    WORKTREE = "worktree"


_FLAGS: Mapping[Scope, str] = {Scope.USER: "--global", Scope.CLONE: "--local", Scope.WORKTREE: "--worktree"}


@dataclass(frozen=True, slots=True)
class Key:
    """A setting: what it is for, and what checks a value of it."""

    name: str
    purpose: str
    check: Callable[[str], object]


def _remote(value: str) -> None:
    if value.startswith("-") or not value.isprintable():
        raise InvalidError(
            f"{shown(value)} cannot be a remote.", hint="Give the name of a remote (`git remote`), or a URL."
        )


def _repo(value: str) -> None:
    try:
        project_name(value)
    except InvalidError as error:
        raise InvalidError(f"{shown(value)} cannot be the name of a repository.", hint=error.hint) from None


def _namespace(value: str) -> None:
    if not is_namespace(value):
        hint = "Use refs/coord, or refs/heads/<prefix>/coord where only branches may be pushed."
        raise InvalidError(f"{shown(value)} cannot be the place of the refs.", hint=hint)


def _program(value: str) -> None:
    if not Path(value).is_absolute() or not value.isprintable():
        raise InvalidError(f"{shown(value)} is not the absolute path of a program.", hint="Give `command -v gitcoord`.")


def _on_or_off(value: str) -> None:
    if value not in ("on", "off"):
        raise InvalidError(f"{shown(value)} is neither on nor off.", hint="Give on or off.")


def _notify(value: str) -> None:
    if value != "desktop":
        raise InvalidError(f"{shown(value)} is no way to notify a person.", hint="Give desktop, or take it away.")


def _beat_seconds(value: str) -> None:
    if not (re.fullmatch(r"[0-9]{1,3}", value) and int(value) in BEAT_SECONDS):
        raise InvalidError(f"{shown(value)} is not a number of seconds from 5 to 600.")


def _pushes_per_minute(value: str) -> None:
    if not (re.fullmatch(r"[0-9]{1,4}", value) and int(value) <= PER_MINUTE_MAX):
        raise InvalidError(f"{shown(value)} is not a number from 1 to {PER_MINUTE_MAX}, or 0 for no limit.")


KEYS: Mapping[str, Key] = {
    key.name.lower(): key
    for key in (
        Key("gitcoord.remote", "name or URL of the remote to coordinate through", _remote),
        Key("gitcoord.repo", "this repository's name, where several share one remote", _repo),
        Key("gitcoord.agent", "who works here: person/tool/worktree", agent_name),
        Key("gitcoord.namespace", "where the refs are", _namespace),
        Key("gitcoord.program", "the gitcoord that git's hooks start where it is not on PATH", _program),
        Key("gitcoord.beatSeconds", "how often this clone says that it is alive", _beat_seconds),
        Key("gitcoord.pushesPerMinute", "how many pushes a minute this clone makes", _pushes_per_minute),
        Key("gitcoord.notify", "where a person is notified of what needs one: desktop", _notify),
        Key("gitcoord.sign", "whether what this clone writes to ledgers is signed, by git's own settings", _on_or_off),
        Key("gitcoord.wake", "whether agents learn of requests and grants without calling", _on_or_off),
    )
}


def _completed(incomplete: str) -> list[str]:
    """Offer settings, with or without `gitcoord.`."""
    names = [key.name for key in KEYS.values()]
    short = [name.removeprefix("gitcoord.") for name in names]
    return [name for name in [*short, *names] if name.lower().startswith(incomplete.lower())]


_KeyName = Annotated[
    str,
    typer.Argument(metavar="KEY", help=", ".join(key.name for key in KEYS.values()), autocompletion=_completed),
]
_InScope = Annotated[Scope, typer.Option("--scope", help="Where it counts.")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="config")


@_app.command("list", epilog=examples("gitcoord config list", "gitcoord config list --json"))
def list_(*, as_json: AsJson = False) -> int:
    """List the settings, each with its value and where it was set."""
    repository = open_repository(world.folder(), world.environment())
    rows: list[dict[str, Json]] = []
    for key in KEYS.values():
        scope, value = _read(repository, key)
        rows.append({"key": key.name, "value": value and redact(value), "scope": scope, "purpose": key.purpose})
    if as_json:
        show.json_object({"settings": [*rows], "count": len(rows)})
    else:
        cells = [[str(row[name] or "") for name in ("key", "value", "scope", "purpose")] for row in rows]
        show.table(("key", names("value"), "scope", prose("purpose")), cells)
    return 0


@_app.command(epilog=examples("gitcoord config get gitcoord.remote", "gitcoord config get remote --json"))
def get(key: _KeyName, *, as_json: AsJson = False) -> int:
    """Print a setting, of a URL without its password. Exit status 1 if it is not set."""
    known = find(key)
    scope, found = _read(open_repository(world.folder(), world.environment()), known)
    value = found and redact(found)
    if as_json:
        show.json_object({"key": known.name, "value": value, "scope": scope})
    elif value is not None:
        show.line(value)
    return 0 if value is not None else UNSET


@_app.command(
    "set",
    epilog=examples(
        "gitcoord config set remote origin",
        "gitcoord config set agent ann/codex/wt-2 --scope worktree",
        "gitcoord config set beatSeconds 30",
    ),
)
def set_(
    key: _KeyName,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value; an empty one takes the setting away.")],
    *,
    scope: _InScope = Scope.CLONE,
    as_json: AsJson = False,
) -> int:
    """Change a setting. Nothing else is touched; `gitcoord init` also tries whether a remote can be used."""
    known = find(key)
    repository = open_repository(world.folder(), world.environment())
    if known is KEYS["gitcoord.remote"] and value not in ("", HERE) and scope is not Scope.USER:
        known.check(value)
        url_of(value, repository)  # every other command would be refused until that remote is there
    write(repository, known, value, scope)
    if as_json:
        show.json_object({"key": known.name, "value": redact(value) or None, "scope": scope.value})
    else:
        show.line(f"{known.name} is {redact(value)}" if value else f"{known.name} is not set")
    return 0


@_app.command(epilog=examples("gitcoord config check", "gitcoord config check .gitcoord/config --json"))
def check(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help=f"The team's file; {team_file.FILE} if left out.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> int:
    """Validate the file that says where a team coordinates.

    All lines that are not valid are named. Exit status 1 if it is not.
    """
    repository = open_repository(world.folder(), world.environment())
    path, name = (world.folder() / file, file) if file else (repository.top / team_file.FILE, team_file.FILE)
    try:
        faults, ignored = team_file.check(repository, path)
    except FileNotFoundError:
        hint = "`gitcoord init` proposes one."
        raise NotFoundError(f"There is no file {shown(name, 200)}.", hint=hint) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(name, 200)} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    show.checked(show.plain(name), faults, ignored, as_json=as_json)
    return INVALID if faults else 0


def find(name: str) -> Key:
    """Return the setting of a name, given with or without `gitcoord.` and in any case.

    Raises:
        UsageError: there is none; the hint lists those that there are.
    """
    lower = name.lower()
    key = KEYS.get(lower) or KEYS.get(f"gitcoord.{lower}")
    if key is None:
        near = did_you_mean(lower.removeprefix("gitcoord."), (key.removeprefix("gitcoord.") for key in KEYS))
        hint = f"{near}The settings are {', '.join(key.name for key in KEYS.values())}."
        raise UsageError(f"There is no setting {shown(name)}.", hint=hint)
    return key


def write(repository: Repository, key: Key, value: str, scope: Scope = Scope.CLONE) -> None:
    """Set a setting, or take it away where the value is empty.

    Raises:
        InvalidError: the value is not one of this setting's.
        StorageError: the disk cannot be written.
        UsageError: git could not write it.
    """
    if value:
        key.check(value)
        done = repository.git("config", _FLAGS[scope], "--replace-all", key.name, redact(value))
        if done.rc == 0 and redact(value) != value:
            _write_whole(repository, key, value, scope)
    else:
        done = repository.git("config", _FLAGS[scope], "--unset-all", key.name)
    if done.rc == 0 or (not value and done.rc == NOT_THERE):
        return
    reason = git_failure.disk_reason(done)
    if reason:
        raise unwritable(f"The file with git's setting {key.name}", reason)
    words = " ".join(done.errors.removeprefix("fatal: ").split()).partition(". ")[0].removesuffix(".")
    hint = ""
    if scope is Scope.WORKTREE and "worktreeconfig" in done.errors.lower():
        hint = "Allow settings of single worktrees first: git config extensions.worktreeConfig true"
        if repository.has_main_settings:
            hint = "Use the environment (GITCOORD_AGENT), or move core.bare and core.worktree: see git-worktree(1)."
    raise UsageError(f"git could not write {key.name}: {words}.", hint=hint)


def _write_whole(repository: Repository, key: Key, value: str, scope: Scope) -> None:
    """Put a value with a password where git has put it without; git takes values from its command line only."""
    import pygit2  # seldom needed, and each command starts cold

    from gitcoord.remote.store.pygit_objects import libgit2_errors

    origin = repository.text("config", _FLAGS[scope], "--show-origin", "--null", "--get", key.name) or ""
    file = repository.top / origin.partition("\0")[0].removeprefix("file:")
    try:
        pygit2.Config(str(file))[key.name] = value
    except libgit2_errors() as error:
        hint = "Write it with an editor (`git config --edit`), or leave the password to a credential helper."
        raise UsageError(f"git could not write {key.name} with its password: {error}.", hint=hint) from None


def _read(repository: Repository, key: Key) -> tuple[str | None, str | None]:
    found = repository.text("config", "--show-scope", "--get", key.name)
    if found is None:
        return None, None
    scope, _, value = found.partition("\t")
    return {"global": "user", "local": "clone"}.get(scope, scope), value
