"""What is kept: for each file beside this one the function that makes its content anew."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.ledger.format.entry import Reply
from tests.golden import clone_files, samples, world

FOLDER = Path(__file__).parent


def documents() -> dict[str, Json]:
    """Return the bytes of each kind of document: with its required fields alone, and with every field set.

    Of a reply also a refusal whose hint names calls, which stand beside it.
    """
    spelled: dict[str, dict[str, Json]] = {}
    for name, kind in samples.kinds().items():
        spelled[name] = {"bare": samples.bare(kind).encode().decode(), "full": samples.full(kind).encode().decode()}
    spelled[Reply.__name__]["with_calls"] = samples.reply_with_calls().encode().decode()
    return {**spelled}


def ledgers() -> dict[str, Json]:
    """Return the commits of every ref that a small team leaves."""
    with tempfile.TemporaryDirectory() as folder:
        return world.refs(world.played(Path(folder)))


def files_of_a_clone() -> dict[str, Json]:
    """Return the files that processes of one clone write for each other."""
    with tempfile.TemporaryDirectory() as folder:
        return clone_files.written(Path(folder))


KEPT: Mapping[str, Callable[[], dict[str, Json]]] = {
    "documents.json": documents,
    "ledgers.json": ledgers,
    "clone_files.json": files_of_a_clone,
}


def spelled(made: Mapping[str, Json]) -> str:
    """Spell content so that a difference is a few lines."""
    return json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
