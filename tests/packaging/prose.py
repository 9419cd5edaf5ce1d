"""The prose linter of `make check`: codespell over the documents, and over what Python files say.

Its dictionary of misspellings counts, and `words.txt`: words that a reader can take two ways, or that hide who acts.

Rules:
  * Of a Python file the comments, the docstrings and the strings of several words count, each on its own line. Names
    and strings of one word are code: variables, fields, codes, words of records.
  * What stands in backticks is code, and so is the name of an argument or a field that a docstring explains.
"""

import io
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.packaging.programs import ROOT

WORDS = Path(__file__).with_name("words.txt")
# The JSON files of gitcoord/ are made from its texts.
READ = ("README.md", "CHANGELOG.md", ".changes", "docs", "templates", "hooks", ".github", "gitcoord")
CHECK_S = 100  # A bound for a hang; all of it takes two seconds.
_CODE = r'`[^`]*`|"\w+"|^ +\w+: '
# Up to Python 3.11 an f-string is one token, with the code between its braces; later its texts are tokens of their own.
_BRACES = re.compile(r"\{[^{}]*\}")
_PARTS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
_WORD = r"[\w\-'\u2019]+"


def prose_of(source: str) -> str:
    """Return the prose of a Python file, each line where it stands in the file."""
    lines = source.split("\n")
    prose = [""] * len(lines)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _PARTS and " " in token.string:
            for index, text in enumerate(_BRACES.sub(" ", token.string).split("\n"), token.start[0] - 1):
                prose[index] += f" {text}"
    return "\n".join(prose)


def _files(root: Path) -> Iterator[Path]:
    for name in READ:
        at = root / name
        paths = (
            [at] if at.is_file() else sorted(path for path in at.rglob("*") if path.is_file() and path.suffix != ".png")
        )
        yield from (path for path in paths if name != "gitcoord" or path.suffix in {".py", ".md"})


def findings(root: Path) -> list[str]:
    """Return the findings in a checkout, each as `file:line: word ==> words to take instead`."""
    phrases = [key for line in WORDS.read_text("utf-8").splitlines() if " " in (key := line.partition("->")[0])]
    options = ["--check-hidden", f"--dictionary=-,{WORDS}", f"--ignore-regex={_CODE}"]
    options.append(rf"--regex=(?i:\b(?:{'|'.join(phrases)})\b)|{_WORD}")
    with tempfile.TemporaryDirectory() as folder:
        for path in _files(root):
            copy = Path(folder, path.relative_to(root))
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text("utf-8")
            copy.write_text(prose_of(text) if path.suffix == ".py" else text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "codespell_lib", *options, "."],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            timeout=CHECK_S,
            check=False,
        )
    if done.stderr:
        raise RuntimeError(done.stderr)
    return [line.removeprefix("./") for line in done.stdout.splitlines()]


def main() -> int:
    """Print what is found; return the exit status."""
    found = findings(ROOT)
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
