"""Start: the hook that the arguments name, importing nothing of the others.

A name that is not known passes: an older gitcoord must not break a repository whose hooks a newer one wrote.
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
        from gitcoord.faces.hooks.edit import main as edit

        status = edit(arguments[1:])
        os._exit(status)  # taking the interpreter apart takes a tenth of the hook's time, and there is nothing to keep
    if name == "pre-push":
        from gitcoord.faces.hooks.pushing import main as push

        return push(arguments[1:])
    if name == "pre-commit":
        from gitcoord.faces.hooks.committing import main as commit

        return commit(arguments[1:])
    if name == "prepare-commit-msg":
        from gitcoord.faces.hooks.signing import main as sign

        return sign(arguments[1:])
    if name in {"post-checkout", "post-merge"}:
        from gitcoord.faces.hooks.refreshing import main as refresh

        return refresh(name, arguments[1:])
    sys.stderr.write(f"gitcoord: this version knows no hook {name!r}; nothing is checked.\n")
    return 0
