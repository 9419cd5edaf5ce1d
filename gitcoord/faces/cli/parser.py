"""The parser: which nouns there are. The help lists them by `help.GROUPS`.

A noun is one module with a function `register(root)`. Only the module that the first word names is imported;
all of them are for the help, for completion, and to suggest what a misspelt word might have meant.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated

import typer

from gitcoord.faces.cli.boundary import INTERRUPTED
from gitcoord.faces.cli.help import GroupedCommands
from gitcoord.faces.cli.terminal import completion, parameters, world

COMPLETION_VARIABLE = "_GITCOORD_COMPLETE"  # set by the shell's script that `--install-completion` writes

# First word -> the module that registers it. CI and the demonstration are faces of their own, known by name only.
NOUNS: Mapping[str, str] = {
    "init": "gitcoord.faces.cli.setup.init",
    "doctor": "gitcoord.faces.cli.setup.doctor",
    "upgrade": "gitcoord.faces.cli.setup.upgrade",
    "gc": "gitcoord.faces.cli.setup.gc",
    "uninstall": "gitcoord.faces.cli.setup.uninstall",
    "status": "gitcoord.faces.cli.status",
    "watch": "gitcoord.faces.cli.watch.command",
    "agents": "gitcoord.faces.cli.agents",
    "worktree": "gitcoord.faces.cli.worktree",
    "project": "gitcoord.faces.cli.work.project",
    "step": "gitcoord.faces.cli.work.step",
    "claim": "gitcoord.faces.cli.files.claim",
    "request": "gitcoord.faces.cli.files.request",
    "queue": "gitcoord.faces.cli.files.queue",
    "owners": "gitcoord.faces.cli.files.owners",
    "hotspots": "gitcoord.faces.cli.files.hotspots",
    "promote": "gitcoord.faces.cli.files.promote",
    "predict": "gitcoord.faces.cli.files.predict",
    "verify": "gitcoord.faces.ci.command",
    "log": "gitcoord.faces.cli.log",
    "audit": "gitcoord.faces.cli.audit",
    "metrics": "gitcoord.faces.cli.work.metrics",
    "dashboard": "gitcoord.faces.cli.dashboard",
    "schema": "gitcoord.faces.cli.schema",
    "import": "gitcoord.faces.cli.setup.import_data",
    "relay": "gitcoord.faces.cli.relay",
    "sync": "gitcoord.faces.cli.sync",
    "land": "gitcoord.faces.cli.files.land",
    "config": "gitcoord.faces.cli.setup.config",
    "policy": "gitcoord.faces.cli.setup.policy",
    "mcp": "gitcoord.faces.cli.setup.mcp",
    "hook": "gitcoord.faces.cli.setup.hook",
    "demo": "gitcoord.faces.demo.command",
}

_HELP = ["-h", "--help"]
_EPILOG = """\b
Exit status: 0 done, 1 refused by the rules, 2 usage, 3 a bug, 4 contended,
5 remote or disk out of reach or outcome unknown, 6 denied by the remote,
130 interrupted.
\b
Examples:
  gitcoord init                      set up this repository and its tools
  gitcoord project create plan.yaml  plan work as steps with dependencies
  gitcoord step claim                take the next step that is ready
  gitcoord claim add 'src/auth/**'   claim files before changing them
  gitcoord status                    who does what, until when
"""


def build(words: Sequence[str]) -> typer.Typer:
    """Return the command line with the noun that the words begin with, or with all of them."""
    root = typer.Typer(
        name="gitcoord",
        cls=GroupedCommands,
        help="Coordination for teams of coding agents through the git remote they already have.",
        epilog=_EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": _HELP},
        callback=_root,
    )
    if COMPLETION_VARIABLE in world.environment():
        words = completion.words(world.environment())[:-1]  # the last one is not finished, or stands for one to come
    if words[:1] == ["--version"]:
        wanted: Sequence[str] = ()
    else:
        wanted = words[:1] if words and words[0] in NOUNS else list(NOUNS)
    for noun in wanted:
        import_module(NOUNS[noun]).register(root)
    return root


def run(words: Sequence[str]) -> int:
    """Parse the words and run what they mean; return the exit status."""
    command = typer.main.get_command(build(words))
    parameters.lighten(command, _HELP)
    status = command.main(args=list(words), prog_name="gitcoord", standalone_mode=False)
    if status == INTERRUPTED:
        raise KeyboardInterrupt  # typer has made a status of it, without a word
    return status if isinstance(status, int) else 0


def _version(value: bool) -> None:  # noqa: FBT001 - called by typer, by position
    if value:
        from gitcoord import __version__

        sys.stdout.write(f"gitcoord {__version__}\n")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    del version  # shown by the option's callback
