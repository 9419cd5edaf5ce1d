"""The ledger as plain git shows it: every commit of the project's ref, with its record and its documents.

Nothing of gitcoord reads here, and nothing of what the agents said: `git fetch`, `git log`, `git cat-file`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gitcoord.core.doc import Json
from gitcoord.faces.demo.git import git
from gitcoord.faces.demo.place import PEOPLE, Place

HERE = "refs/demo/ledger"
_UNIT, _RECORD = "\x1f", "\x1e"  # control characters are escaped in JSON, so none can be in a message of ours


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit of the ledger. `steps` are the documents of its tree, by number."""

    commit: str
    time: str
    subject: str
    records: Sequence[dict[str, Json]]
    steps: dict[int, dict[str, Json]] = field(default_factory=dict[int, "dict[str, Json]"])


def read(place: Place) -> list[Entry]:
    """Return the ledger's commits, oldest first."""
    clone = place.clone(PEOPLE[0])
    git(clone, place.env, "fetch", "--quiet", "--refmap=", "--no-tags", "origin", f"+{place.ledger}:{HERE}")
    form = f"--format=%H{_UNIT}%cI{_UNIT}%s{_UNIT}%b{_RECORD}"
    log = git(clone, place.env, "log", "--first-parent", "--reverse", form, HERE, "--")
    entries = [_entry(place, *text.strip("\n").split(_UNIT)) for text in log.split(_RECORD) if text.strip("\n")]
    _add_steps(place, entries)
    return entries


def subjects(place: Place) -> list[str]:
    """Return `git log --oneline` of the ledger, newest first."""
    form = "--format=%h %s"
    return git(place.clone(PEOPLE[0]), place.env, "log", "--first-parent", form, HERE, "--").splitlines()


def _entry(place: Place, commit: str, time: str, subject: str, body: str) -> Entry:
    first, _, _ = body.partition("\n")
    if first.startswith('{"record":'):
        name = json.loads(first)["record"]
        body = git(place.clone(PEOPLE[0]), place.env, "cat-file", "blob", f"{commit}:{name}")
    lines = [json.loads(line) for line in body.splitlines() if line.startswith("{")]
    return Entry(commit, time, subject, [line for line in lines if "do" in line])


def _add_steps(place: Place, entries: list[Entry]) -> None:
    clone = place.clone(PEOPLE[0])
    paths = git(clone, place.env, "ls-tree", "-r", "--name-only", HERE, "steps/").splitlines()
    wanted = [(entry, path) for entry in entries for path in paths]
    asked = "".join(f"{entry.commit}:{path}\n" for entry, path in wanted)
    answers = git(clone, place.env, "cat-file", "--batch", stdin=asked.encode())
    for (entry, _), document in zip(wanted, _documents(answers), strict=True):
        if document is not None:
            entry.steps[int(str(document["step_num"]))] = document


def _documents(answers: str) -> Iterator[dict[str, Json] | None]:
    """Parse `git cat-file --batch`: `<id> blob <size>`, the content, a newline; or `<name> missing`."""
    data, at = (answers + "\n").encode(), 0
    while at < len(data):
        end = data.index(b"\n", at)
        words = data[at:end].split()
        if words[-1] == b"missing":
            yield None
            at = end + 1
            continue
        size = int(words[-1])
        yield json.loads(data[end + 1 : end + 1 + size])
        at = end + size + 2
