"""Parties: holders whose claims do not conflict with each other.

    ann/cli/wt               the command line of a worktree
    ann/claude-code/wt       a tool there: one party with the command line
    ann/codex/wt             another tool: one party with the command line, another than claude-code's
    ann/claude-code/wt/t     a sub-agent: a party of its own, as is every name of another shape
    ann/claude-code/wt-2     another worktree, or a second session of the tool beside the first: a party of its own

Rules:
  * Names of one clone that differ in the tool only are partners where one of the two tools is the command line.
  * What the command line holds keeps no tool out, so it is no proof against another tool: a tool that wants it for
    itself gets a claim of its own, and that keeps the other tool out (SAFE-1).
  * The edit hook asks here as well, so nothing is imported that it has not, not even `re`.

What this file does not know: clones, claims, steps.
"""

from zlib import crc32

COMMAND_LINE = "cli"
LEVELS = 3  # person, tool, worktree
LEVEL_CHARS = 50


def are_partners(one: str, other: str) -> bool:
    """Whether two agents of one clone are two names of one party."""
    if one == other or not other.endswith(one[one.rfind("/") :]):  # of most holders that are asked about
        return False
    mine, theirs = one.split("/"), other.split("/")
    if not len(mine) == len(theirs) == LEVELS or mine[::2] != theirs[::2]:
        return False
    return COMMAND_LINE in (mine[1], theirs[1])


def agent_level(text: str) -> str:
    """Turn any text (a user's name, a folder) into one part of an agent's name; a long one is cut, and gets a sum."""
    spaced = "".join(char if char.isalnum() or char in "_.+-" else " " for char in text.strip().lower())
    clean = "-".join(spaced.split()).strip("-.")
    if len(clean) > LEVEL_CHARS:
        clean = f"{clean[: LEVEL_CHARS - 9]}.{crc32(clean.encode('utf-8', 'surrogatepass')):08x}"
    return clean or "unknown"


def is_one(holder: "tuple[str, str]", other: "tuple[str, str]") -> bool:
    """Whether two holders, each an agent and its clone, are one party."""
    return holder == other or (holder[1] == other[1] and are_partners(holder[0], other[0]))
