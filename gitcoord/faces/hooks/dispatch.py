"""Start: the hook that the arguments name, importing nothing of the others.

Rules:
  * A name that is not known passes: an older gitcoord must not break a repository whose hooks a newer one wrote.
  * A hook of git that cannot even be loaded (a package that is being upgraded) is one loud line, as in `guard`.
  * The line says what was not done: a hook that checks nothing does not say that nothing was checked.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: "Sequence[str]") -> int:
    """Run one hook; return the exit status."""
    name = arguments[0] if arguments else ""
    if name == "edit":
        from gitcoord.faces.hooks.edit.hook import main as edit

        status = edit(arguments[1:])
        os._exit(status)  # taking the interpreter apart takes a tenth of the hook's time, and there is nothing to keep
    from gitcoord.faces.hooks.git import not_done  # before anything that may not load

    try:
        if name == "pre-push":
            from gitcoord.faces.hooks.git.pre_push import main as push

            return push(arguments[1:])
        if name == "pre-commit":
            from gitcoord.faces.hooks.git.pre_commit import main as commit

            return commit(arguments[1:])
        if name == "prepare-commit-msg":
            from gitcoord.faces.hooks.git.prepare_commit_msg import main as sign

            return sign(arguments[1:])
        if name in {"post-checkout", "post-merge"}:
            from gitcoord.faces.hooks.git.post_checkout import main as refresh

            return refresh(name, arguments[1:])
    except KeyboardInterrupt:
        return not_done.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - no git may fail because of us
        return _unloaded(name, error)
    sys.stderr.write(f"gitcoord: this version knows no hook {name!r}; nothing is checked.\n")
    return 0


def _unloaded(name: str, error: Exception) -> int:
    from gitcoord.faces.hooks.git import not_done

    is_closed = False
    try:
        from gitcoord.faces.hooks.git import git_place

        is_closed = git_place.is_closed(git_place.folder_of(os.getcwd(), os.environ), name)
    except Exception:  # noqa: BLE001, S110 - this part cannot be loaded either, so nothing says that it is to be closed
        pass
    why = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    sys.stderr.write(f"gitcoord: {not_done.sentence(name, is_closed=is_closed)}: {why}\n")
    return 1 if is_closed else 0
