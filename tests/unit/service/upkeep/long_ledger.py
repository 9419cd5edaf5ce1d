"""A ledger with as many commits as one has after weeks of work, made by git in a second."""

import json
import subprocess
from pathlib import Path

from tests.conftest import Git


def lengthen(git: Git, store: Path, ref: str, commits: int) -> None:
    """Put commits on a ledger, the first of which counts as many commands as if each had carried one."""
    meta = json.loads(git(store, "show", f"{ref}:meta.json"))
    text = json.dumps({**meta, "seq": meta["seq"] + commits}, indent=1, sort_keys=True) + "\n"
    who = "committer Ann <ann@example.invalid> 1790000000 +0000\n"
    first = f"commit {ref}\n{who}data 1\nx\nfrom {ref}^0\nM 100644 inline meta.json\ndata {len(text)}\n{text}\n"
    rest = f"commit {ref}\n{who}data 1\nx\n\n" * (commits - 1)
    words = ["git", "fast-import", "--quiet"]
    subprocess.run(words, cwd=store, input=(first + rest).encode(), check=True, timeout=100)
