"""`make check` reads the prose (`tests.packaging.prose`): what it finds, and what it leaves alone."""

from pathlib import Path

from tests.packaging import prose

SOURCE = '''
"""Return what whoever asks is told.

    told: how often.
"""

told = {"nobody": f"not {told} yet", "said": "Nobody came."}  # somebody {told}
CODE = "nobody"
PATTERN = """the `whoever` field
of late, teh end"""
'''


def _checkout(top: Path, **files: str) -> Path:
    for name in prose.READ:
        (top / name).mkdir() if "." not in name[1:] else (top / name).touch()
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return top


def test_a_word_of_the_list_in_a_document_is_found_with_what_to_write_instead(tmp_path: Path) -> None:
    top = _checkout(tmp_path, **{"docs/claims.md": "A claim.\n\nWhoever waits of late, teh end.\n`whoever` waits.\n"})

    assert prose.findings(top) == [
        "docs/claims.md:3: Whoever ==> The holder, The caller, The agent that",
        "docs/claims.md:3: of late ==> recently",
        "docs/claims.md:3: teh ==> the",
    ]


def test_the_documents_for_those_who_change_the_code_are_read(tmp_path: Path) -> None:
    texts = {
        ".github/CONTRIBUTING.md": "Nobody.\n",
        "gitcoord/DESIGN.md": "Told.\n",
        "gitcoord/made.json": '"told us"\n',
    }

    found = [line.partition(" ==>")[0] for line in prose.findings(_checkout(tmp_path, **texts))]

    assert sorted(found) == [".github/CONTRIBUTING.md:1: Nobody", "gitcoord/DESIGN.md:1: Told"]


def test_comments_docstrings_and_texts_of_code_are_read_and_names_are_not(tmp_path: Path) -> None:
    found = prose.findings(_checkout(tmp_path, **{"gitcoord/told.py": SOURCE}))

    assert [(int(line.split(":")[1]), line.split(": ")[1].split(" ==>")[0]) for line in found] == [
        (2, "whoever"),
        (2, "told"),
        (7, "Nobody"),
        (7, "somebody"),
        (10, "of late"),
        (10, "teh"),
    ]


def test_each_word_of_the_list_is_found(tmp_path: Path) -> None:
    words = [line.partition("->")[0] for line in prose.WORDS.read_text("utf-8").splitlines()]
    top = _checkout(tmp_path, **{"README.md": "".join(f"And {word} comes.\n" for word in words)})

    found = [line.partition(" ==>")[0] for line in prose.findings(top)]

    assert found == [f"README.md:{number}: {word}" for number, word in enumerate(words, 1)]
