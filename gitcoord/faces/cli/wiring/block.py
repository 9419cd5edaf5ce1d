"""The managed block: our part of a text file that people write.

    <!-- gitcoord:begin -->
    … ours: replaced whenever `init` runs
    <!-- gitcoord:end -->

Text outside is never touched; marks that do not make one pair leave the whole file alone.
"""

from gitcoord.faces.cli.wiring.change import NotOursError

BEGIN = "<!-- gitcoord:begin -->"
END = "<!-- gitcoord:end -->"


def put(text: str | None, body: str) -> str:
    """Return a text with the block in it: where it was, or at the end.

    Raises:
        NotOursError: the marks are damaged.
    """
    before = text or ""
    if BEGIN not in before and END not in before:
        newline = "\r\n" if "\r\n" in before else "\n"
        return _appended(before, _block(body, newline), newline)
    head, begins, rest = before.partition(BEGIN)
    _, ends, tail = rest.partition(END)
    if not begins or not ends or END in head or BEGIN in rest or END in tail:
        raise NotOursError(f"its marks {BEGIN} and {END} are not one pair; mend them, then run this again")
    return head + _block(body, "\r\n" if rest.startswith("\r\n") else "\n") + tail


def _block(body: str, newline: str) -> str:
    return newline.join([BEGIN, *body.strip().splitlines(), END])


def _appended(text: str, block: str, newline: str) -> str:
    if not text.strip():
        return block + newline
    gap = newline if text.endswith("\n") else newline * 2
    return text + gap + block + newline
