"""The console script: starts the face that the arguments name, importing nothing else.

`gitcoord mcp` and `gitcoord hook` answer within milliseconds and must not pay for the command line's imports. What they
do not understand is left to the command line, which has the help and one way to say what is wrong.
"""

import sys


def main() -> int:
    """Run gitcoord; return the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["mcp"]:
        from gitcoord.faces.mcp import front

        tool_set = front.tool_set_of(arguments[1:])
        if tool_set is not None:
            return front.main(tool_set)
    if arguments[:2] == ["hook", "sync"]:
        from gitcoord.faces.settling import main as settle

        return settle(arguments[2:])
    if arguments[:1] == ["hook"] and arguments[1:2] and "--help" not in arguments and not arguments[1].startswith("-"):
        from gitcoord.faces.hooks.start import main as run_hook

        return run_hook(arguments[1:])
    from gitcoord.faces.cli.app import main as command_line

    return command_line(arguments)
