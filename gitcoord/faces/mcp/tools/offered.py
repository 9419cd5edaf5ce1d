"""What is offered: services name the next call; an agent whose set lacks that tool learns whom to ask instead.

    Create one: create_project(…); see list_projects().   ->   Ask your lead; that takes create_project, …

Only sentences of ours name calls as data, and are changed, clause by clause; what others wrote is not.
"""

import re
from collections.abc import Collection, Mapping

from gitcoord.core.documents.call import Sentence, calls_of
from gitcoord.core.documents.doc import Json

_CLAUSES = re.compile(r"(?<=[.;])\s+")
_GONE = "\0"  # where a call was that the reader cannot make
_SPACE = "\1"  # within a call, where no clause ends, whatever a file of it is called


def phrase(text: str, offered: Collection[str]) -> str:
    """Return a sentence without the clauses that name tools which are not offered."""
    lacking = dict.fromkeys(call.tool for call in calls_of(text) if call.tool not in offered)
    if not isinstance(text, Sentence) or not lacking:
        return text
    marked = text.said(lambda call: _GONE if call.tool in lacking else call.spelled.replace(" ", _SPACE))
    kept = " ".join(clause for clause in _CLAUSES.split(marked) if _GONE not in clause).replace(_SPACE, " ")
    kept = f"{kept[:-1]}." if kept.endswith(";") else kept
    return f"{kept} Ask your lead; that takes {', '.join(lacking)}, which you do not have.".strip()


def phrased(result: Mapping[str, Json], offered: Collection[str]) -> dict[str, Json]:
    """Return a result with the sentences in it as `phrase` makes them."""

    def within(value: Json) -> Json:
        if isinstance(value, list):
            return [within(item) for item in value]
        if isinstance(value, dict):
            return phrased(value, offered)
        return phrase(value, offered) if isinstance(value, str) else value

    return {name: within(value) for name, value in result.items()}
