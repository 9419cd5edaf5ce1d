"""Git's hooks: our shims, where git looks for them.

    core.hooksPath not set     <common git folder>/hooks, which linked worktrees share; a submodule has its own
    core.hooksPath in here     that folder
    core.hooksPath elsewhere   not written to: it is shared with other repositories; what to do is said
    husky                      a block in .husky/<name>, because husky writes its own folder anew
    lefthook                   as without, and its own file is told: `lefthook install` writes over hooks it has
    pre-commit, prek           as without: their hook is kept and runs first

Rules:
  * A hook without our line is somebody else's: it is moved beside ours, with its permissions, and runs first.
  * A link is never written through, nor moved.
  * Taking back removes what has our line, and gives the other its name again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gitcoord import assets
from gitcoord.faces.cli.wiring.block import SHELL, Block
from gitcoord.faces.cli.wiring.change import Action, Change, Edited, NotOursError, change_to, plan, read
from gitcoord.source.repository import Repository

NAMES = ("pre-commit", "prepare-commit-msg", "pre-push", "post-checkout", "post-merge")
ASIDE = ".before-gitcoord"
LEFTHOOK = ("lefthook.yml", ".lefthook.yml", "lefthook.yaml", ".lefthook.yaml", ".config/lefthook.yml")
PRE_COMMIT = (".pre-commit-config.yaml", "prek.toml")
_CHANGED = "it was changed since init wrote it; yours is kept"
_MARK = re.compile(rb"^# gitcoord:hook ([a-z-]+) (\d+)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where the hooks go. `top` is `None` where nothing is written; `notes` is what a person has to know."""

    top: Path | None
    folder: str = ""
    label: str = ""
    is_husky: bool = False
    notes: tuple[str, ...] = ()


def find(repository: Repository) -> Hooks:
    """Return where git looks for this clone's hooks."""
    top, common = repository.top, repository.common_dir
    setting = _hooks_path(repository)
    notes = (*_lefthook(top), *_pre_commit(top))
    if (top / ".husky").is_dir() and setting in (None, ".husky", ".husky/_"):
        missing = "husky is not active in this clone yet: install the packages of package.json"
        return Hooks(top, ".husky", is_husky=True, notes=notes if setting else (*notes, missing))
    if setting is None:
        return Hooks(common, "hooks", ".git/hooks", notes=notes)
    folder = top / setting  # git resolves it against the top of the worktree
    for root in (top, common):
        if folder.is_relative_to(root) and folder != root and ".." not in Path(setting).parts:
            return Hooks(root, str(folder.relative_to(root)), setting, notes=notes)
    return Hooks(None, notes=(*notes, _elsewhere(setting)))


def _hooks_path(repository: Repository) -> str | None:
    """Return `core.hooksPath` as the user's own git sees it: ours is started with one of its own."""
    listed = repository.text("config", "--show-scope", "--type=path", "--get-all", "core.hooksPath") or ""
    values = [value for scope, _, value in (line.partition("\t") for line in listed.split("\n")) if scope != "command"]
    return values[-1] or None if values else None


def install(hooks: Hooks) -> list[Change]:
    """Plan the shims."""
    return _each(hooks, _husky_block, _shim)


def renew(hooks: Hooks) -> list[Change]:
    """Plan what `upgrade` does: the same, if there is anything of ours."""
    return install(hooks) if is_installed(hooks) else []


def remove(hooks: Hooks) -> list[Change]:
    """Plan taking the shims back."""
    changes = _each(hooks, _without_block, _taken_back)
    return [change for change in changes if change.is_needed or change.why]


def is_installed(hooks: Hooks) -> bool:
    """Whether there is a hook of ours."""
    return any(change.is_needed for change in remove(hooks))


def program(repository: Repository) -> str | None:
    """Return the program that the clone remembers for its hooks."""
    return repository.text("config", "--local", "--get", "gitcoord.program")


def _each(
    hooks: Hooks, husky: Callable[[Path, str], list[Change]], plain: Callable[[Path, str], Change]
) -> list[Change]:
    if hooks.top is None:
        return []
    top = hooks.top
    if hooks.is_husky:
        return [change for name in NAMES for change in husky(top, name)]
    changes = [plain(top, f"{hooks.folder}/{name}") for name in NAMES]
    return [replace(one, label=f"{hooks.label}/{Path(one.path).name}") for one in changes]


def _shim(top: Path, path: str) -> Change:
    name = Path(path).name
    after = (assets.hooks() / name).read_bytes()
    try:
        before = read(top, path)
        aside = read(top, path + ASIDE)
    except NotOursError as refusal:
        return Change(top, path, Action.SKIPPED, why=str(refusal))
    if before is not None and _MARK.search(before):
        if _is_changed(before, after):
            return Change(top, path, Action.KEPT, before, before, _CHANGED)
        return change_to(top, path, before, after)
    change = replace(change_to(top, path, before, after), is_program=True)
    if before is None:
        return change
    if aside is not None and aside != before:
        why = f"it is not ours, and so is {name}{ASIDE}; merge the two, then run this again"
        return Change(top, path, Action.SKIPPED, before, before, why)
    return replace(change, puts_aside=name + ASIDE, why=f"yours runs first, as {name}{ASIDE}")


def _taken_back(top: Path, path: str) -> Change:
    name = Path(path).name
    try:
        before = read(top, path)
        aside = read(top, path + ASIDE)
    except NotOursError:
        return Change(top, path, Action.UNCHANGED)
    if before is None or not _MARK.search(before):
        return Change(top, path, Action.UNCHANGED, before, before)
    if _is_changed(before, (assets.hooks() / name).read_bytes()):
        return Change(top, path, Action.KEPT, before, before, _CHANGED)
    change = change_to(top, path, before, None)
    return change if aside is None else replace(change, brings_back=name + ASIDE, why="yours is back")


def _is_changed(present: bytes, ours: bytes) -> bool:
    """Whether people changed a shim: one of an older version differs, one of this version must not."""
    versions = [match[2] if (match := _MARK.search(data)) else b"" for data in (present, ours)]
    return versions[0] == versions[1] and present != ours


def _husky_block(top: Path, name: str) -> list[Change]:
    shim = plan(top, f".husky/gitcoord/{name}", lambda _: Edited((assets.hooks() / name).read_text(encoding="utf-8")))
    block = Block(f".husky/{name}", _HUSKY_PUSH if name == "pre-push" else _HUSKY, SHELL, "#!/bin/sh\n", at_start=True)
    return [shim, replace(plan(top, block.path, block.put), is_program=True)]


def _without_block(top: Path, name: str) -> list[Change]:
    def gone(text: str | None) -> Edited:
        return Edited(None if text is None or _MARK.search(text.encode()) else text)

    def taken(text: str | None) -> Edited:
        return Edited(None) if text is None else Block("", "", SHELL, "#!/bin/sh\n").take(text)

    return [plan(top, f".husky/{name}", taken), plan(top, f".husky/gitcoord/{name}", gone)]


def _elsewhere(setting: str) -> str:
    if setting == "/dev/null":
        return "git's hooks are switched off here (core.hooksPath is /dev/null), so none were installed"
    return (
        f"git looks for hooks in {setting} (core.hooksPath), which is not this repository's, so none were installed; "
        'have the hooks there call `gitcoord hook <name> "$@"`, or set core.hooksPath for this clone'
    )


def _lefthook(top: Path) -> tuple[str, ...]:
    file = next((name for name in LEFTHOOK if (top / name).exists()), None)
    if file is None:
        return ()
    line = "commands: {gitcoord: {run: gitcoord hook pre-push {1} {2}, use_stdin: true}}"
    why = "its next `lefthook install` writes over the hooks that it has"
    return (f"lefthook is in use, and {why}: run `gitcoord upgrade` after it, or add to {file} under pre-push: {line}",)


def _pre_commit(top: Path) -> tuple[str, ...]:
    file = next((name for name in PRE_COMMIT if (top / name).exists()), None)
    return (f"the hooks of {file} are kept: they run first, whichever was installed first",) if file else ()


_HUSKY = """\
# Written by `gitcoord init`, taken back by `gitcoord uninstall`.
[ ! -f "$(dirname -- "$0")/gitcoord/${0##*/}" ] || sh "$(dirname -- "$0")/gitcoord/${0##*/}" "$@" || exit $?
"""
_HUSKY_PUSH = """\
# Written by `gitcoord init`, taken back by `gitcoord uninstall`. What git says is read once, and given on.
if [ -f "$(dirname -- "$0")/gitcoord/${0##*/}" ]; then
  gitcoord_lines="$(git rev-parse --git-dir)/gitcoord-pre-push.$$"
  cat >"$gitcoord_lines"
  sh "$(dirname -- "$0")/gitcoord/${0##*/}" "$@" <"$gitcoord_lines" || { rm -f "$gitcoord_lines"; exit 1; }
  exec <"$gitcoord_lines"
  rm -f "$gitcoord_lines"
fi
"""
