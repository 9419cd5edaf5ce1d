"""What is offered: services name the next call; an agent whose set lacks that tool learns whom to ask instead.

    Create one: create_project(…); see list_projects().   ->   Ask your lead; that takes create_project, …

Only our own sentences are changed (`why`, `next_step`, hints of errors), clause by clause; data of others is not read.
"""

import re
from collections.abc import Collection, Mapping

from gitcoord.core.documents.doc import Json

_CLAUSES = re.compile(r"(?<=[.;])\s+")
_CALLED = re.compile(r"\b([a-z]+(?:_[a-z]+)+)\(")
_SENTENCES = ("why", "next_step")
_LISTS = ("notices", "oddities")


def phrase(text: str, tools: Collection[str], offered: Collection[str]) -> str:
    """Return a sentence without the clauses that name tools which exist and are not offered."""
    clauses = _CLAUSES.split(text)
    lacking = {
        clause: [name for name in _CALLED.findall(clause) if name in tools and name not in offered]
        for clause in clauses
    }
    names = dict.fromkeys(name for found in lacking.values() for name in found)
    if not names:
        return text
    kept = " ".join(clause for clause in clauses if not lacking[clause])
    kept = f"{kept[:-1]}." if kept.endswith(";") else kept
    return f"{kept} Ask your lead; that takes {', '.join(names)}, which you do not have.".strip()


def phrased(result: Mapping[str, Json], tools: Collection[str], offered: Collection[str]) -> dict[str, Json]:
    """Return a result with its sentences, and those of its notices, as `phrase` makes them."""
    out = dict(result)
    for name, value in result.items():
        if name in _SENTENCES and isinstance(value, str):
            out[name] = phrase(value, tools, offered)
        elif name in _LISTS and isinstance(value, list):
            out[name] = [phrased(item, tools, offered) if isinstance(item, dict) else item for item in value]
    return out
