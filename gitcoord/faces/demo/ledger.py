"""The ledgers as plain git shows them: every commit of the project's ref and of the claims, with record and documents.

Nothing of gitcoord reads here, and nothing of what the agents said: `git fetch`, `git log`, `git cat-file`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.git import git
from gitcoord.faces.demo.place import PEOPLE, Place

_LEDGERS = "refs/demo/ledgers"
HERE = f"{_LEDGERS}/steps"
CLAIMS = f"{_LEDGERS}/claims"
_KINDS = ("claims/", "queue/", "requests/")
_UNIT, _RECORD = "\x1f", "\x1e"  # control characters are escaped in JSON, so none can be in a message of ours


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit of the ledger. `steps` are the documents of its tree, by number."""

    commit: str
    time: str
    subject: str
    records: Sequence[dict[str, Json]]
    steps: dict[int, dict[str, Json]] = field(default_factory=dict[int, "dict[str, Json]"])


@dataclass(frozen=True, slots=True)
class ClaimsEntry:
    """One commit of the claims. `docs`: the claims, waiting calls and requests of its tree, by id.

    Attributes:
        events: what its commands brought about, in order.
        refusals: what clones were refused before, and recorded with it.
    """

    commit: str
    events: Sequence[dict[str, Json]] = ()
    refusals: Sequence[dict[str, Json]] = ()
    docs: Mapping[str, dict[str, Json]] = field(default_factory=dict[str, "dict[str, Json]"])


def read(place: Place) -> list[Entry]:
    """Return the project's commits, oldest first."""
    _fetch(place, place.ledger, HERE)
    entries = [
        Entry(commit, time, subject, [line for line in lines if "do" in line])
        for commit, time, subject, lines in _log(place, HERE)
    ]
    clone = place.clone(PEOPLE[0])
    paths = git(clone, place.env, "ls-tree", "-r", "--name-only", HERE, "steps/").splitlines()
    wanted = [(entry, path) for entry in entries for path in paths]
    asked = "".join(f"{entry.commit}:{path}\n" for entry, path in wanted)
    answers = git(clone, place.env, "cat-file", "--batch", stdin=asked.encode())
    for (entry, _), document in zip(wanted, _documents(answers), strict=True):
        if document is not None:
            entry.steps[int(str(document["step_num"]))] = document
    return entries


def read_claims(place: Place) -> list[ClaimsEntry]:
    """Return the commits of the claims, oldest first; none where no agent got as far as to claim anything."""
    if not git(place.clone(PEOPLE[0]), place.env, "ls-remote", "origin", place.claims):
        return []
    _fetch(place, place.claims, CLAIMS)
    changes = _changes(place)
    out: list[ClaimsEntry] = []
    docs: dict[str, dict[str, Json]] = {}
    for commit, _, _, lines in _log(place, CLAIMS):
        docs = {path: doc for path, doc in {**docs, **changes.get(commit, {})}.items() if doc is not None}
        out.append(ClaimsEntry(commit, _rows(lines, "events"), _rows(lines, "refusals"), docs))
    return out


def subjects(place: Place) -> list[str]:
    """Return `git log --oneline` of both ledgers, newest first."""
    form = "--format=%h %s"
    log = git(place.clone(PEOPLE[0]), place.env, "log", "--date-order", form, f"--glob={_LEDGERS}", "--")
    return log.splitlines()


def _fetch(place: Place, ref: str, here: str) -> None:
    git(place.clone(PEOPLE[0]), place.env, "fetch", "--quiet", "--refmap=", "--no-tags", "origin", f"+{ref}:{here}")


def _rows(lines: list[dict[str, Json]], name: str) -> list[dict[str, Json]]:
    found = (line.get(name) for line in lines)
    return [row for rows in found if isinstance(rows, list) for row in rows if isinstance(row, dict)]


def _log(place: Place, ref: str) -> list[tuple[str, str, str, list[dict[str, Json]]]]:
    """Return commit, time, subject and record of each commit, oldest first."""
    form = f"--format=%H{_UNIT}%cI{_UNIT}%s{_UNIT}%b{_RECORD}"
    log = git(place.clone(PEOPLE[0]), place.env, "log", "--first-parent", "--reverse", form, ref, "--")
    entries: list[tuple[str, str, str, list[dict[str, Json]]]] = []
    for text in log.split(_RECORD):
        if not text.strip("\n"):
            continue
        commit, time, subject, body = text.strip("\n").split(_UNIT)
        if body.startswith('{"record":'):
            name = json.loads(body.partition("\n")[0])["record"]
            body = git(place.clone(PEOPLE[0]), place.env, "cat-file", "blob", f"{commit}:{name}")
        lines = [json.loads(line) for line in body.splitlines() if line.startswith("{")]
        entries.append((commit, time, subject, lines))
    return entries


def _changes(place: Place) -> dict[str, dict[str, dict[str, Json] | None]]:
    """Return for each commit of the claims the documents that it wrote, by id; `None`: one that left."""
    form = f"--format={_RECORD}%H"
    raw = ("--first-parent", "-m", "--root", "--raw", "-r", "--no-abbrev", "--no-renames", form)
    log = git(place.clone(PEOPLE[0]), place.env, "log", *raw, CLAIMS, "--")
    rows: list[tuple[str, str, str]] = []
    for text in log.split(_RECORD):
        commit, _, lines = text.partition("\n")
        for line in lines.splitlines():
            facts, _, path = line.partition("\t")
            if path.startswith(_KINDS):
                rows.append((commit, path.rpartition("/")[2].removesuffix(".json"), facts.split()[3]))
    asked = "".join(f"{blob}\n" for _, _, blob in rows)
    answers = git(place.clone(PEOPLE[0]), place.env, "cat-file", "--batch", stdin=asked.encode())
    out: dict[str, dict[str, dict[str, Json] | None]] = {}
    for (commit, name, _), document in zip(rows, _documents(answers), strict=True):
        out.setdefault(commit, {})[name] = document
    return out


def _documents(answers: str) -> Iterator[dict[str, Json] | None]:
    """Parse `git cat-file --batch`: `<id> blob <size>`, the content, a newline; or `<name> missing`."""
    data, position = (answers + "\n").encode(), 0
    while position < len(data):
        end = data.index(b"\n", position)
        words = data[position:end].split()
        if words[-1] == b"missing":
            yield None
            position = end + 1
            continue
        size = int(words[-1])
        yield json.loads(data[end + 1 : end + 1 + size])
        position = end + size + 2
