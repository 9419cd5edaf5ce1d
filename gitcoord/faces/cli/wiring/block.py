"""The managed block: our part of a text file that people write.

    <!-- gitcoord:begin -->
    … ours: replaced whenever `init` or `upgrade` runs
    <!-- gitcoord:end -->

Text outside is never touched; marks that do not make one pair leave the whole file alone.
"""

from dataclasses import dataclass

from gitcoord.faces.cli.wiring.change import Edited, NotOursError


@dataclass(frozen=True, slots=True)
class Marks:
    """How a block begins and ends in a kind of file."""

    begin: str
    end: str


MARKDOWN = Marks("<!-- gitcoord:begin -->", "<!-- gitcoord:end -->")
SHELL = Marks("# gitcoord:begin", "# gitcoord:end")
BEGIN, END = MARKDOWN.begin, MARKDOWN.end


@dataclass(frozen=True, slots=True)
class Block:
    """A block that a file shall have. `header` is what a file begins with that is made for it."""

    path: str
    body: str
    marks: Marks = MARKDOWN
    header: str = ""
    at_start: bool = False
    is_program: bool = False

    def put(self, text: str | None) -> Edited:
        """Put the block in: where it was, at the end, or at the start behind what a script begins with."""
        before = text or ""
        if not before.strip("\ufeff \t\r\n") and self.header:
            before = self.header
        return Edited(put(before, self.body, self.marks, at_start=self.at_start))

    def take(self, text: str) -> Edited:
        """Take the block out, and the header if nothing else is left."""
        left = take(text, self.marks)
        return Edited(None if left.strip() == self.header.strip() and left != text else left)


def put(text: str | None, body: str, marks: Marks = MARKDOWN, *, at_start: bool = False) -> str:
    """Return a text with the block in it: where it was, or at the end.

    Raises:
        NotOursError: the marks are damaged.
    """
    before = text or ""
    place = _place(before, marks)
    if place is None:
        newline = "\r\n" if "\r\n" in before else "\n"
        block = newline.join([marks.begin, *body.strip().splitlines(), marks.end])
        return _at_start(before, block, newline) if at_start else _appended(before, block, newline)
    start, end = place
    newline = "\r\n" if before[start + len(marks.begin) :].startswith("\r\n") else "\n"
    return before[:start] + newline.join([marks.begin, *body.strip().splitlines(), marks.end]) + before[end:]


def take(text: str, marks: Marks = MARKDOWN) -> str:
    """Return a text without the block, and without the empty line that was put before it.

    Raises:
        NotOursError: the marks are damaged.
    """
    place = _place(text, marks)
    if place is None:
        return text
    start, end = place
    head, tail = text[:start], text[end:]
    newline = "\r\n" if tail.startswith("\r\n") or head.endswith("\r\n") else "\n"
    if tail.startswith(newline):
        tail = tail.removeprefix(newline)
        head = head.removesuffix(newline) if head.endswith(newline * 2) else head
    elif not tail:  # the file had no last line end
        head = head.removesuffix(newline * 2)
    return head + tail


def _place(text: str, marks: Marks) -> tuple[int, int] | None:
    if marks.begin not in text and marks.end not in text:
        return None
    head, begins, rest = text.partition(marks.begin)
    body, ends, tail = rest.partition(marks.end)
    if not begins or not ends or marks.end in head or marks.begin in rest or marks.end in tail:
        raise NotOursError(f"its marks {marks.begin} and {marks.end} are no pair; correct them, then run this again")
    return len(head), len(head) + len(begins) + len(body) + len(ends)


def _appended(text: str, block: str, newline: str) -> str:
    if not text.strip("\ufeff \t\r\n"):
        return text + block + newline if text.startswith("\ufeff") else block + newline
    if text.endswith("\n"):
        return text + newline + block + newline
    return text + newline * 2 + block  # no last line end, as before


def _at_start(text: str, block: str, newline: str) -> str:
    """Put the block behind the lines that a script has to begin with: `#!`, and husky's own."""
    position = 0
    lines = text.splitlines(keepends=True)
    for line in lines[:5]:
        if not (line.startswith("#!") or "husky.sh" in line):
            break
        position += len(line)
    return text[:position] + block + newline + text[position:]
