"""Commands: which files a shell command or a patch is about to change, as far as its text tells.

Rules:
  * What is unknown (a variable, a program that is not known, a path from a loop) is left out: the push check finds
    what is missed here, and an agent that is stopped for a file it did not mean is worse off than one that is not.
  * Nothing is run, expanded or looked up.

What this file does not know: claims, where the files are.
"""

import re

from gitcoord.faces.hooks.edit import formatters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

CHARS_MAX = 200_000  # of a command; a longer one is a file that is written through the shell
PATH_CHARS_MAX = 4096
_PUNCTUATION = frozenset("();<>|&\n")
_COMMENT = re.compile(r"(?:^|(?<=[\s;&|()]))#")
_DOCUMENT = re.compile(r"<<-?[ \t]*(['\"\\]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_PREFIXES = frozenset(("sudo", "command", "env", "time", "nice", "nohup", "exec", "then", "do", "else", "!"))
_ALL = frozenset(("rm", "mv", "touch", "tee", "truncate", "unlink", "shred"))
_LAST = frozenset(("cp", "install", "ln"))
_IN_PLACE = frozenset(("sed", "perl", "ruby", "gsed"))
_SCRIPTS = frozenset(("-e", "-f", "-pe", "-ne", "-pie", "-ie", "--expression", "--file"))
_GIT = frozenset(("rm", "mv", "checkout", "restore"))
_DOUBTFUL = frozenset("$`*?[]{}<>")
_HEADS = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")


def files_of(text: str) -> "list[str]":
    """Return the files that a command or a patch names as those it changes, each once."""
    text = text[:CHARS_MAX]
    found: list[str] = []
    for line in text.split("\n"):
        head = next((head for head in _HEADS if line.startswith(head)), None)
        if head is not None:
            found.append(line[len(head) :].strip())
    if not text.lstrip().startswith("*** Begin Patch"):
        found += [name for words in _simple_commands(text) for name in words]
    sure = (
        name
        for name in found
        if name and not name.startswith(("/dev/", "-")) and len(name) <= PATH_CHARS_MAX and _DOUBTFUL.isdisjoint(name)
    )
    return list(dict.fromkeys(sure))


def _simple_commands(text: str) -> "Iterator[list[str]]":
    """Yield the files of each simple command: those that it writes into, then those that its program changes."""
    words: list[str] = []
    targets: list[str] = []
    operator = folder = ""
    outside: list[str] = []  # the folders around subshells, which have their own
    for word in [*_words(_without_documents(text)), ";"]:
        if not _PUNCTUATION.issuperset(word):
            if not operator:
                words.append(word)
            elif operator == ">":
                targets.append(word)
            operator = ""
            continue
        # `>` for an operator that is followed by a file to write, `<` for others that take a word, or
        # nothing.
        operator = ">" if word.endswith((">", ">|")) else "<" if word.endswith(("<", ">&", "<&")) else ""
        if operator and words and words[-1].isdigit():
            words.pop()  # 2> is the number of a stream
        if not operator:
            found = [*targets, *_changed(words)]
            yield [name if name.startswith("/") else f"{folder}{name}" for name in found if name]
            folder = f"{folder}{_entered(words)}" if len(folder) <= PATH_CHARS_MAX else "$/"
            words, targets = [], []
            for char in word:
                if char == "(":
                    outside.append(folder)
                elif char == ")" and outside:
                    folder = outside.pop()


def _entered(words: "list[str]") -> str:
    """Return the folder that later names are below; what is unknown makes them doubtful."""
    if words[:1] == ["cd"]:
        return f"{words[1]}/" if len(words) == len(("cd", "folder")) and not words[1].startswith("/") else "$/"
    return "$/" if words[:1] in (["pushd"], ["popd"]) else ""


def _without_documents(text: str) -> str:
    """Return a command without its here-documents: their lines are no commands."""
    kept: list[str] = []
    marks: list[str] = []
    for line in text.split("\n"):
        if marks:
            if line.strip() == marks[0]:
                marks.pop(0)
            continue
        marks = [match[2] for match in _DOCUMENT.finditer(line)] if "<<<" not in line else []
        kept.append(_DOCUMENT.sub("", _without_comment(line)))
    return "\n".join(kept)


def _without_comment(line: str) -> str:
    """Return a line without its comment, which may have a quote that is not closed."""
    position = single = double = 0
    for match in _COMMENT.finditer(line):
        single += line.count("'", position, match.start())
        double += line.count('"', position, match.start())
        position = match.start()
        if not single % 2 and not double % 2:
            return line[:position]
    return line


def _words(text: str) -> "Iterator[str]":
    import shlex  # half a millisecond that edits need not pay

    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        yield from lexer
    except ValueError:
        return  # a quote that is not closed: what stands before it is known


def _changed(words: "list[str]") -> "Iterator[str]":
    plain = list(words)
    while plain and (plain[0] in _PREFIXES or ("=" in plain[0] and plain[0].split("=")[0].isidentifier())):
        plain.pop(0)
    if plain:
        yield from _of_program(plain[0].rpartition("/")[2], plain[1:])


def _of_program(program: str, words: "list[str]") -> "Iterator[str]":
    names = _names(words, takes=_SCRIPTS if program in _IN_PLACE else ())
    if program in _ALL:
        yield from names
    elif program in _LAST and len(names) > 1:
        yield names[-1]
    elif program in _IN_PLACE and any(
        word.startswith("--in-place") or (word.startswith("-") and word[1:2] != "-" and "i" in word[1:])
        for word in words
    ):
        has_script = any(word in _SCRIPTS for word in words)
        yield from names if has_script else names[1:]
    elif program == "git" and names[:1] and names[0] in _GIT:
        rest = words[words.index(names[0]) + 1 :]
        if names[0] == "checkout":  # without `--` a name may be a branch
            rest = rest[rest.index("--") + 1 :] if "--" in rest else []
        yield from (word for word in rest if not word.startswith("-"))
    else:
        yield from formatters.rewritten([program, *words])


def _names(words: "list[str]", *, takes: "Container[str]") -> "list[str]":
    """Return the words that are no options; after `--` all are names. What some options take is left out."""
    out: list[str] = []
    skips = False
    for index, word in enumerate(words):
        if word == "--":
            return [*out, *words[index + 1 :]]
        if not word.startswith("-") and not skips:
            out.append(word)
        skips = word in takes
    return out
