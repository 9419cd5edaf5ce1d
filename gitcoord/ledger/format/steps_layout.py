"""Where the documents of a project lie in its ledger's tree.

    project.json, steps/12/1234.json
    meta.json, applied/…         as in every ledger, see `meta`

Folders stay small, because a change writes each folder above it anew and the server marks every tree of the
parent: steps are kept by hundreds, with one more level from 30,000 on.
"""

import re

from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.names import check_lines
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.errors import BugError

PROJECT = "project.json"
_PROJECT_LINES = ("name", "base_commit", "created_by")
_STEP_LINES = ("id", "branch", "scope", "agent_id", "session_id", "clone", "commit_hash", "landed_tips")
_NUM = re.compile(r"[0-9]{1,9}")
_FLAT_MAX = 30_000  # 300 folders of 100; beyond, a folder of folders for each 10,000


def step_path(num: int) -> str:
    """Return the path of a step."""
    if num < _FLAT_MAX:
        return f"steps/{num // 100}/{num}.json"
    return f"steps/{num // 10_000}w/{num // 100}/{num}.json"


def path_of(doc: Doc) -> str:
    """Return the path of a project's document."""
    if isinstance(doc, Project):
        return PROJECT
    if isinstance(doc, Step):
        return step_path(doc.step_num)
    message = f"A {type(doc).__name__} has no place in a project."
    raise BugError(message)


def check(doc: Project | Step) -> None:
    """Look at the names of a project's document; readers and writers both do.

    Raises:
        ValueError: one is none; the end of a sentence says which.
    """
    check_lines(doc, _PROJECT_LINES if isinstance(doc, Project) else _STEP_LINES)


def is_stray(path: str) -> bool:
    """Whether a file lies among the steps and is none: no number leads to its path."""
    num = path.rpartition("/")[2].removesuffix(".json")
    return is_step(path) and not (_NUM.fullmatch(num) and step_path(int(num)) == path)


def is_step(path: str) -> bool:
    """Whether a path is that of a step."""
    return path.startswith("steps/") and path.endswith(".json")
