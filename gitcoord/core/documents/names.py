"""Names: of projects, agents, clones, sessions, steps and branches. Parsed once at the edge, trusted inside.

Rules:
  * NAME-1: a name is checked where it comes in, by what git takes for the name of a ref; inside, it is trusted.
  * SEC-1: a document is where one comes in, too: what sentences have as it is must be one line that can be printed.
  * A project's name is part of a ref's name; names that differ only in case are the same project.
  * An agent's name is `person/tool/worktree`, a sub-agent's one level deeper; it is compared exactly.
  * Ids are Crockford's base 32 in lower case, because they are read aloud and typed.
"""

import re
from collections.abc import Iterable

from gitcoord.core.documents import limits
from gitcoord.errors import InvalidError
from gitcoord.redaction import redact

NAME_CHARS_MAX = 100
FOLDER_CHARS_MAX = 100
AGENT_CHARS_MAX = 200
AGENT_LEVELS_MAX = 6
_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_NAMESPACE = re.compile(r"refs/(?:heads/([A-Za-z0-9_][A-Za-z0-9._-]*)/)?coord")
_AGENT_LEVEL = re.compile(r"(?!\.{1,2}\Z)[^\s/~^:?*\[\]\\@{}\"'`$;&|<>]+")
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_STEP = re.compile(r"(?P<project>.+)/(?P<num>[0-9]{1,9})")
_BRANCH_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^/|^-|^\.|^@$")
BRANCH_BYTES_MAX = 244  # with `refs/heads/` a file name of 255 bytes still holds it


def shown(text: str, chars_max: int = 80) -> str:
    """Quote someone else's text for a message: short, without credentials and what a terminal acts on."""
    text = redact(text)  # before it is cut: a password is known by the `@` behind it
    # What cannot be printed has all controls and formats, such as bidirectional overrides.
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return repr(clean[:chars_max] + ("…" if len(clean) > chars_max else ""))


def is_line(text: str) -> bool:
    """Whether a text is one line that can be printed, and no longer than a name or an id may be."""
    return text.isprintable() and len(text) <= limits.LINE_CHARS


def check_lines(doc: object, fields: Iterable[str]) -> None:
    """Look at names and ids of a document that another client may have written; a field may have several, or none.

    Raises:
        ValueError: one has a character that cannot be printed, or too many; the end of a sentence says so.
    """
    for field in fields:
        value: str | tuple[str, ...] | None = getattr(doc, field)
        for text in value if isinstance(value, tuple) else (value or "",):
            if not is_line(text):
                message = (
                    f"has in {field!r} what is no line of at most {limits.LINE_CHARS} characters that can be printed"
                )
                raise ValueError(message)


def amount(count: int, noun: str) -> str:
    """Return how many there are, for a message: `1 step`, `2 branches`."""
    ending = "" if count == 1 else "es" if noun.endswith("ch") else "s"
    return f"{count} {noun}{ending}"


def repo_folder(repo: str) -> str:
    """Return a repository's name as that of a folder in a tree: two names are never one folder."""
    from hashlib import sha256  # noqa: PLC0415 - seldom needed, and 3 ms of every command

    # Only what a tree's names may have; every other byte is spelled out.
    spelled = re.sub(
        rb"[^A-Za-z0-9.-]|^[.-]", lambda match: b"_%02x" % match[0][0], repo.encode("utf-8", "surrogatepass")
    ).decode()
    return spelled if len(spelled) <= FOLDER_CHARS_MAX else sha256(repo.encode("utf-8", "surrogatepass")).hexdigest()


def is_namespace(text: str) -> bool:
    """Whether refs of coordination may lie there: `refs/coord`, or below branches of one prefix."""
    found = _NAMESPACE.fullmatch(text)
    return found is not None and ".." not in text and not (found[1] or "").lower().endswith((".", ".lock"))


def project_name(text: str) -> str:
    """Return `text` as the name of a project.

    Raises:
        InvalidError: it cannot be one; the hint says what can.
    """
    ends_badly = text.lower().endswith((".", ".lock"))  # its ref is in lower case
    if _PROJECT.fullmatch(text) and len(text) <= NAME_CHARS_MAX and ".." not in text and not ends_badly:
        return text
    message = f"{shown(text)} cannot be the name of a project."
    hint = "Use 1 to 100 letters, digits, '.', '_' and '-', beginning with a letter, digit or '_', without '..', "
    hint += "and ending neither in '.' nor in '.lock'."
    raise InvalidError(message, hint=hint)


def agent_name(text: str) -> str:
    """Return `text` as the name of an agent, such as `ann/claude-code/wt-3`.

    Raises:
        InvalidError: it cannot be one.
    """
    levels = text.split("/")
    good = len(text) <= AGENT_CHARS_MAX and len(levels) <= AGENT_LEVELS_MAX and text.isprintable()
    if good and all(_AGENT_LEVEL.fullmatch(level) and not level.startswith("-") for level in levels):
        return text
    message = f"{shown(text)} cannot be the name of an agent."
    hint = "Use up to 6 parts joined by '/', such as 'ann/claude-code/wt-3', of letters, digits, '.', '_' and '-'."
    raise InvalidError(message, hint=hint)


def sub_agent(parent: str, text: str) -> str:
    """Return the full name of a sub-agent: `tests` below `ann/cli/wt` is `ann/cli/wt/tests`.

    A full name of one's own (the parent's or one below it) is accepted as it is.

    Raises:
        InvalidError: it names someone else, or is not a name.
    """
    if text == parent or text.startswith(parent + "/"):
        return agent_name(text)
    if "/" in text:
        message = f"{shown(text)} is not {shown(parent)} nor a sub-agent of it."
        hint = "Name no agent to act for yourself, or one word, such as 'tests', for a sub-agent."
        raise InvalidError(message, hint=hint)
    return agent_name(f"{parent}/{text}")


def is_numbered(text: str, name: str) -> bool:
    """Whether `text` is a name, or one that it got because that was taken: `ann/cli/wt-2`."""
    head, _, number = text.rpartition("-")
    return text == name or (head == name and number.isdecimal())


def token(text: str, what: str) -> str:
    """Return `text` as an id of a clone or a session.

    Raises:
        InvalidError: it is not 1 to 100 of `a-z0-9_.-`.
    """
    if _ID.fullmatch(text) and ".." not in text and not text.endswith((".", ".lock")):
        return text
    message = f"{shown(text)} cannot be the id of a {what}."
    raise InvalidError(message, hint="Use 1 to 100 lower-case letters, digits, '.', '_' and '-'.")


def is_branch(text: str) -> bool:
    """Whether `branch_name` takes a text."""
    legal = text.isprintable() and not _BRANCH_BAD.search(text) and text not in {"", "HEAD"}
    return legal and len(text.encode()) <= BRANCH_BYTES_MAX


def branch_name(text: str) -> str:
    """Return `text` as the name of a branch, as `git check-ref-format --branch` would accept it.

    Git also accepts what a terminal acts on (C1 controls, bidirectional overrides); here it is refused (SEC-1).

    Raises:
        InvalidError: git would not accept it, or it cannot be printed. See git-check-ref-format(1).
    """
    if is_branch(text):
        return text
    message = f"{shown(text)} is not a legal name of a branch."
    raise InvalidError(message, hint="See `git help check-ref-format`; for example 'feat/login'.")


def split_step_id(text: str) -> tuple[str, int]:
    """Split `<project>/<num>`.

    Raises:
        InvalidError: it is not of that form.
    """
    match = _STEP.fullmatch(text)
    if match and int(match["num"]) > 0:
        return project_name(match["project"]), int(match["num"])
    message = f"{shown(text)} is not the id of a step."
    raise InvalidError(message, hint="A step's id is '<project>/<number>', such as 'myapp/3'.")
