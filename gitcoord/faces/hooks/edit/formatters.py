"""Formatters: programs that rewrite the files that they are given, and the words that make them do so.

Rules:
  * A name without an ending is left out: these programs are given folders as often as files, and what is below a folder
    would have to be looked up.
  * A call that only looks (`--check`, `--diff`) changes nothing.

What this file does not know: how a command is cut into words.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ALWAYS: "tuple[str, ...]" = ()
# Program, or program and verb -> words of which one is needed for files to be rewritten; none: they always are.
_REWRITE: "Mapping[tuple[str, ...], tuple[str, ...]]" = {
    ("black",): _ALWAYS,
    ("isort",): _ALWAYS,
    ("rustfmt",): _ALWAYS,
    ("ruff", "format"): _ALWAYS,
    ("ruff", "check"): ("--fix", "--fix-only"),
    ("prettier",): ("--write", "-w"),
    ("eslint",): ("--fix",),
    ("stylelint",): ("--fix",),
    ("gofmt",): ("-w",),
    ("goimports",): ("-w",),
    ("clang-format",): ("-i",),
}
_LOOK = frozenset(("--check", "--diff", "--list-different", "--check-only", "--fix-dry-run", "--emit"))
_TAKE = frozenset(  # a value that may be the name of a file which is only read
    ("-c", "--config", "--config-path", "--ignore-path", "--plugin", "--settings-file", "--cache-location", "-o")
)
# What starts a program: `npx prettier`, `uv run ruff`, `python -m black`.
_RUNNERS = frozenset(("npx", "bunx", "pnpm", "yarn", "uvx", "uv", "pipx", "poetry", "python", "python3"))
_BETWEEN = frozenset(("run", "exec", "dlx", "tool"))


def rewritten(words: "list[str]") -> "Iterator[str]":
    """Yield the files that a simple command rewrites in place."""
    if words and words[0].rpartition("/")[2] in _RUNNERS:  # what counts is the program that it starts
        index = 1
        while index < len(words) and (words[index] in _BETWEEN or words[index].startswith("-")):
            index += 1
        words = words[index:]
    if not words:
        return
    program = words[0].rpartition("/")[2]
    known = next((rule for rule in ((program,), (program, *words[1:2])) if rule in _REWRITE), None)
    if known is None:
        return
    needed, rest = _REWRITE[known], words[len(known) :]
    if _LOOK.isdisjoint(rest) and (not needed or not set(needed).isdisjoint(rest)):
        yield from (
            word
            for before, word in zip(["", *rest], rest, strict=False)
            if not word.startswith("-") and "." in word.rpartition("/")[2].strip(".") and before not in _TAKE
        )
