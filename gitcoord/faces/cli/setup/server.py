"""`gitcoord init --server` and `uninstall --server`: the hook of a repository that is pushed to, on its server."""

from collections.abc import Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.errors import UsageError
from gitcoord.faces.cli.screens import change_list
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.wiring import git_hooks
from gitcoord.faces.cli.wiring.change import write
from gitcoord.remote.git.git_failure import shown as git_said
from gitcoord.remote.git.git_process import Completed, clean_env, run_git

_GIT_S = 30.0
_NEXT = "each push to refs/coord is checked now; `gitcoord audit` in a clone looks at what landed before"


def carry_out(
    path: Path, settings: Mapping[str, str | None], *, branches: bool | None = None, dry_run: bool, as_json: bool
) -> int:
    """Install the hook, or take it back where the settings are to go; return the exit status.

    `branches`: whether it checks branches of work, too; `None`: as it is.

    Raises:
        UsageError: there is no repository, its hooks are elsewhere, or git does not let us set it up.
    """
    folder = (world.folder() / path).resolve()
    git_dir = Path(_said(folder, "rev-parse", "--absolute-git-dir"))
    elsewhere = _git(git_dir, "config", "--show-scope", "--get-all", "core.hooksPath").stdout.decode("utf-8", "replace")
    values = [line for line in elsewhere.splitlines() if not line.startswith("command")]
    if values:
        what = f"git looks for the hooks of {shown(str(folder))} in {shown(values[-1].partition(chr(9))[2])}."
        hint = (
            "Have the pre-receive hook there call `gitcoord hook pre-receive`, with git's lines on its standard input."
        )
        raise UsageError(what, hint=hint)
    takes_back = None in settings.values()
    changes = [git_hooks.on_server(git_dir, takes_back=takes_back)]
    mark = git_hooks.branches_mark(git_dir, is_on=False if takes_back else branches)
    changes += [mark] if mark.is_needed else []
    if not dry_run:
        changes = [write(change) for change in changes]
        for name, value in settings.items():
            if value is None:
                _git(git_dir, "config", "--unset-all", name)  # it may be gone
            else:
                _said(git_dir, "config", name, value)
    if as_json:
        result: dict[str, Json] = {
            "changes": change_list.rows(changes),
            "settings": change_list.values(settings),
            "hints": [],
            "dry_run": dry_run,
        }
        if takes_back:
            result = {**result, "deleted": {"refs": [], "at": None, "folders": [], "files": []}}
            del result["hints"]
        else:
            result |= {"published": [], "remote": None, "repo": None, "probe": None, "missing": None}
        show.json_object(result)
    elif dry_run:
        change_list.preview(changes, settings)
    else:
        change_list.tell(changes)
        if not takes_back:
            show.aside("next", _NEXT)
    change_list.complain(changes, dry_run=dry_run)
    return change_list.status(changes)


def _said(folder: Path, *words: str) -> str:
    done = _git(folder, *words)
    if done.rc != 0:
        what = f"The repository {shown(str(folder))} cannot be set up: {git_said(done.errors)}."
        raise UsageError(what, hint="Name the folder of the bare repository, and run this as the user that owns it.")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def _git(folder: Path, *words: str) -> Completed:
    if not folder.is_dir():
        raise UsageError(f"There is no folder {shown(str(folder))}.", hint="Name the folder of the bare repository.")
    return run_git([*words], cwd=folder, env=clean_env(world.environment()), timeout_s=_GIT_S)
