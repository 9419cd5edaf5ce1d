"""Names of another tool as names that are legal here: the same text always gives the same name.

What this file does not know: which tool it is.
"""

import hashlib

from gitcoord.core.documents.names import AGENT_LEVELS_MAX, agent_name, shown
from gitcoord.core.documents.party import agent_level
from gitcoord.errors import InvalidError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, as of all ids here
_ID_CHARS = 8
_MARK_CHARS = 4  # twenty bits: two texts that look alike once they are legal do not become one agent


def agent_of(text: str, warnings: list[str]) -> str:
    """Return an agent's name; one that is not legal is changed, and a warning says so."""
    try:
        return agent_name(text)
    except InvalidError:
        levels = [agent_level(level) for level in text.split("/")][:AGENT_LEVELS_MAX]
        name = agent_name(f"{'/'.join(levels)}-{_drawn(text, _MARK_CHARS)}")
    warning = f"Agent {shown(text, 40)} is {name} here."
    if warning not in warnings:
        warnings.append(warning)
    return name


def claim_id_of(text: str) -> str:
    """Return the id that a claim of another tool has here, so that importing it twice finds it again."""
    return f"c-{_drawn(text, _ID_CHARS)}"


def _drawn(text: str, chars: int) -> str:
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in hashlib.sha256(text.encode()).digest()[:chars])
