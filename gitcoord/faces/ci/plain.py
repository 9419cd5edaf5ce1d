"""Plain text: what others wrote, without anything that a terminal, an XML parser or a CI's log acts on (SEC-1)."""

import unicodedata

_ODD = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Return text as one line of printable characters."""
    return "".join(one if one.isprintable() and unicodedata.category(one) != "Cf" else _ODD for one in text)
