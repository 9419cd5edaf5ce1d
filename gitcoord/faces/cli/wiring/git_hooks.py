"""Git's hooks: our shims, where git looks for them.

    core.hooksPath not set     <common git folder>/hooks, which linked worktrees share; a submodule has its own
    core.hooksPath in here     that folder
    core.hooksPath elsewhere   not written to: it is shared with other repositories; what to do is said
    husky                      a block in .husky/<name>, because husky writes its own folder anew
    lefthook                   as without; those that its file has get a line there, because it writes over git's
    pre-commit, prek           as without: both run, whichever was installed first

Rules:
  * A hook without our line is someone else's: it is moved beside ours, with its permissions, and runs first.
  * A link is never written through, nor moved.
  * Taking back removes what has our line, and gives the other its name again.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitcoord import assets
from gitcoord.faces.cli.wiring.block import SHELL, Block
from gitcoord.faces.cli.wiring.change import Action, Change, Edited, NotOursError, change_to, plan, read
from gitcoord.faces.cli.wiring.lefthook import Lefthook, hooks_in
from gitcoord.faces.cli.wiring.lefthook import find as find_lefthook
from gitcoord.source.checkout.repository import Repository

SERVER = "pre-receive"
MARK = "gitcoord-branches"  # the shim and `faces/receive` look for it
NAMES = ("pre-commit", "prepare-commit-msg", "pre-push", "post-checkout", "post-merge")
ASIDE = ".before-gitcoord"
LEGACY = ".legacy"  # where pre-commit and prek put a hook that they find, and run it from
PUT_ASIDE = (LEGACY, ".old")  # and where lefthook puts one, which it never runs
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
    lefthook: Lefthook | None = None
    worktree: Path = Path()
    common: Path = Path()
    notes: tuple[str, ...] = ()


def find(repository: Repository) -> Hooks:
    """Return where git looks for this clone's hooks."""
    top, common = repository.top, repository.common_dir
    # `core.hooksPath` as the user's own git sees it: ours is started with one of its own.
    listed = repository.text("config", "--show-scope", "--type=path", "--get-all", "core.hooksPath") or ""
    values = [value for scope, _, value in (line.partition("\t") for line in listed.split("\n")) if scope != "command"]
    setting = values[-1] or None if values else None
    path = find_lefthook(top)
    lefthook = Lefthook(path, hooks_in(top, path, NAMES)) if path else None
    hooks = Hooks(None, lefthook=lefthook, worktree=top, common=common)
    notes: tuple[str, ...] = ()
    if lefthook is not None:
        some = ", ".join(lefthook.names) or "none of ours"
        notes = (
            f"lefthook is in use, with {some}: run `lefthook install` where you have not, then `gitcoord upgrade`",
        )
    file = next((name for name in PRE_COMMIT if (top / name).exists()), None)
    if file:
        notes = (*notes, f"the hooks of {file} are kept, and run beside ours")
    if (top / ".husky").is_dir() and setting in (None, ".husky", ".husky/_"):
        missing = "husky is not active in this clone yet: install the packages of package.json"
        return replace(hooks, top=top, folder=".husky", is_husky=True, notes=notes if setting else (*notes, missing))
    if setting is None:
        return replace(_usual(hooks), notes=notes)
    folder = top / setting  # git resolves it against the top of the worktree
    for root in (top, common):
        if folder.is_relative_to(root) and folder != root and ".." not in Path(setting).parts:
            return replace(hooks, top=root, folder=str(folder.relative_to(root)), label=setting, notes=notes)
    if setting == "/dev/null":
        why = "git's hooks are switched off here (core.hooksPath is /dev/null), so none were installed"
    else:
        why = (
            f"git looks for hooks in {setting} (core.hooksPath), which is not this repository's, so none were "
            'installed; have the hooks there call `gitcoord hook <name> "$@"`, or set core.hooksPath for this clone'
        )
    return replace(hooks, notes=(*notes, why))


def _usual(hooks: Hooks) -> Hooks:
    return replace(hooks, top=hooks.common, folder="hooks", label=".git/hooks", is_husky=False)


def install(hooks: Hooks) -> list[Change]:
    """Plan the shims; a hook that lefthook has gets a line in lefthook's file instead."""
    names = [name for name in NAMES if hooks.lefthook is None or name not in hooks.lefthook.names]
    changes = _each(hooks, names, _husky_block, _shim)
    if hooks.lefthook is not None and hooks.lefthook.names:
        changes.append(plan(hooks.worktree, hooks.lefthook.path, hooks.lefthook.put))
    return changes


def renew(hooks: Hooks) -> list[Change]:
    """Plan what `upgrade` does: the same, if there is anything of ours."""
    return install(hooks) if is_installed(hooks) else []


def remove(hooks: Hooks) -> list[Change]:
    """Plan taking the shims back: also those put aside, and those from when git looked for hooks elsewhere."""
    changes = _each(hooks, NAMES, _without_block, _taken_back)
    if hooks.label != _usual(hooks).label:
        changes += _each(_usual(hooks), NAMES, _without_block, _taken_back)
    if not hooks.is_husky:
        copies = [name + suffix for name in NAMES for suffix in PUT_ASIDE]
        changes += _each(hooks, copies, _without_block, _copy_taken)
    if hooks.lefthook is not None:
        lefthook = hooks.lefthook
        changes.append(plan(hooks.worktree, lefthook.path, lambda text: lefthook.take(text or "")))
    return [change for change in changes if change.is_needed or change.why]


def on_server(git_dir: Path, *, takes_back: bool = False) -> Change:
    """Plan the shim of a repository that is pushed to, or taking it back."""
    return (_taken_back if takes_back else _shim)(git_dir, f"hooks/{SERVER}")


def branches_mark(git_dir: Path, *, is_on: bool | None) -> Change:
    """Plan the file by which the hook of a server knows that branches are checked, too; `None`: it stays as it is."""
    before = read(git_dir, MARK)
    after = (
        before if is_on is None else b"Branches of work are checked: see `gitcoord init --server`.\n" if is_on else None
    )
    return change_to(git_dir, MARK, before, after)


def is_installed(hooks: Hooks) -> bool:
    """Whether there is a hook of ours."""
    return any(change.is_needed for change in remove(hooks))


def program(repository: Repository) -> str | None:
    """Return the program that the clone remembers for its hooks."""
    return repository.text("config", "--local", "--get", "gitcoord.program")


def _each(
    hooks: Hooks, names: Sequence[str], husky: Callable[[Path, str], list[Change]], plain: Callable[[Path, str], Change]
) -> list[Change]:
    if hooks.top is None:
        return []
    top = hooks.top
    if hooks.is_husky:
        return [change for name in names for change in husky(top, name)]
    changes = [plain(top, f"{hooks.folder}/{name}") for name in names]
    return [replace(change, label=f"{hooks.label}/{Path(change.path).name}") for change in changes]


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
    if before is not None and _is_ours(top, path + LEGACY):
        return change_to(top, path + LEGACY, read(top, path + LEGACY), after)  # pre-commit put it there, and runs it
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


def _copy_taken(top: Path, path: str) -> Change:
    if not _is_ours(top, path):
        return Change(top, path, Action.UNCHANGED)
    return change_to(top, path, read(top, path), None)


def _is_ours(top: Path, path: str) -> bool:
    try:
        data = read(top, path)
    except NotOursError:
        return False
    return data is not None and _MARK.search(data) is not None


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
