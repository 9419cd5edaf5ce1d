"""Golden bytes: what is on disk and on the wire today is what it was, byte by byte, whatever moves in the code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents import doc
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json, load_object
from gitcoord.core.steps.step_commands import StartStep
from gitcoord.ledger.format.meta import RECORD
from tests.golden import samples
from tests.golden.kept import FOLDER, KEPT, spelled
from tests.golden.world import refs as world_refs
from tests.unit.ledger.fakes import World


@pytest.mark.parametrize("name", KEPT)
def test_what_is_written_has_the_bytes_that_it_had(name: str) -> None:
    """If a difference is meant, it is a new format: see `tests.golden.__main__`."""
    assert spelled(KEPT[name]()) == (FOLDER / name).read_text("utf-8")


@pytest.mark.parametrize("name", samples.kinds())
def test_a_document_that_was_written_is_read_and_written_again_unchanged(name: str) -> None:
    kind = samples.kinds()[name]
    kept: dict[str, str] = _kept("documents.json")[name]

    assert {how: _again(kind, text) for how, text in kept.items()} == kept
    assert {how: kind.parse(load_object(text.encode())).encode().decode() for how, text in kept.items()} == kept


def test_every_document_of_a_teams_ledgers_is_read_the_quick_way_and_written_again_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doc, "load_object", lambda data: pytest.fail(f"read the careful way: {data}"))
    written = {path: text for commits in _kept("ledgers.json").values() for path, text in _documents(commits)}

    assert len(written) > 20
    assert {path: _again(samples.kind_at(path), text) for path, text in written.items()} == written


def test_the_calls_of_a_hint_cross_the_spool_and_are_in_no_commit(tmp_path: Path) -> None:
    """In records or in `applied/`, calls beside a hint would be a new format."""
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    replies = [ann.create(steps=1), ann.claim(), bob.claim(step_num=1)]
    for member, claim_id in ((ann, "c-00000001"), (bob, "c-00000002")):
        replies.append(member.do(ClaimFiles(claim_id=claim_id, wishes=(Wish(pattern="a.py"),)), None))
    replies.append(bob.do(ClaimFiles(claim_id="c-00000003", wishes=(Wish(pattern="b.py"),)), None))  # carries refusals
    replies.append(ann.do(StartStep(step_num=1, fence=1)))

    refs = world_refs(world)

    written = {key for commits in refs.values() for text in _texts(commits) for key in _keys(text)}
    refused = [bool(reply.outcome and not reply.outcome.is_done) for reply in replies]
    assert {"outcome", "outcomes", "refusals"} <= written
    assert "calls" not in written
    assert refused == [False, False, True, False, True, False, False]
    assert ["calls" in _keys(reply.dump()) for reply in replies] == refused


@pytest.mark.parametrize("kind", samples.kinds().values(), ids=lambda kind: kind.__name__)
def test_the_full_sample_has_every_field_and_what_only_a_newer_version_knows(kind: type[Doc]) -> None:
    dumped = samples.full(kind).dump()

    assert dumped.keys() == {*samples.names(kind), *samples.UNKNOWN}


def _kept(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text("utf-8"))


def _again(kind: type[Doc], text: str) -> str:
    return kind.decode(text.encode()).encode().decode()


def _texts(commits: Any) -> Iterator[Json]:  # noqa: ANN401 - rows of `world.refs`
    """Yield what commits say in JSON: the lines of their records, and the files."""
    for commit in commits:
        yield from (json.loads(line) for line in commit["message"].splitlines() if line.startswith("{"))
        for path, text in commit["files"].items():
            if text is not None:
                yield from map(json.loads, text.splitlines() if path == RECORD else [text])


def _keys(value: Json) -> set[str]:
    """Return the keys at any depth."""
    if isinstance(value, dict):
        return value.keys() | {key for item in value.values() for key in _keys(item)}
    return {key for item in value for key in _keys(item)} if isinstance(value, list) else set()


def _documents(commits: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(path, text) for commit in commits for path, text in commit["files"].items() if text is not None]
