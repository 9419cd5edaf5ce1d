"""The console script: starts the face that the arguments name, importing nothing else.

`gitcoord mcp` and `gitcoord hook` answer within milliseconds and must not pay for the command line's imports.
"""

import sys


def main() -> int:
    """Run gitcoord; return the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["mcp"] and "--help" not in arguments:
        from gitcoord.faces.mcp.front import main as serve

        return serve(arguments[1:])
    if arguments[:2] == ["hook", "sync"]:
        from gitcoord.faces.settling import main as settle

        return settle(arguments[2:])
    if arguments[:1] == ["hook"] and "--help" not in arguments:
        from gitcoord.faces.hooks.start import main as run_hook

        return run_hook(arguments[1:])
    from gitcoord.faces.cli.app import main as command_line

    return command_line(arguments)
