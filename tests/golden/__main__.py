"""Write what the golden tests hold: `python -m tests.golden`. Read the difference before you commit it.

A byte that changes is a new format: what is in teams' remotes has to be read for ever (see `tests/history`).
"""

from tests.golden.kept import FOLDER, KEPT, spelled

if __name__ == "__main__":
    for name, made in KEPT.items():
        (FOLDER / name).write_text(spelled(made()), encoding="utf-8")
