"""Help: the list of all commands, by what they are for, as in the README."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperGroup

# Heading -> the words below it. Every word of the parser is in one of them; a test holds that.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Set up": ("init", "doctor", "gc", "upgrade", "uninstall", "config", "policy", "import", "demo"),
    "Plan and work": ("project", "step"),
    "Claim": ("claim", "request", "queue", "owners", "hotspots", "promote"),
    "See": ("status", "watch", "agents", "worktree", "log", "audit", "metrics", "dashboard", "predict", "schema"),
    "Land": ("verify", "land"),
    "Run": ("mcp", "relay", "sync", "hook"),
}


class GroupedCommands(TyperGroup):
    """The first word's commands, listed by `GROUPS`."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - typer calls it so, and its own types are private
        """Write a section for each group."""
        longest = max(len(name) for name in self.commands)
        width = formatter.width - 6 - longest
        for heading, names in GROUPS.items():
            found = [(name, self.commands[name]) for name in names if name in self.commands]
            rows = [(name.ljust(longest), command.get_short_help_str(width)) for name, command in found]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
