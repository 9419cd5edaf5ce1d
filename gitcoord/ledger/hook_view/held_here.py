"""What this clone holds, by what is here of the ledgers: steps by the fences that its sessions were given, and claims.

Rules:
  * No remote is asked and nothing is written. What this clone took itself it knows, whatever else it has read.
  * A step that a session was given is held as far as is known where its ledger cannot be read here, or is of before.

What this file does not know: who lives, which worktree is asked about.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gitcoord.core.claims.claim import Claim
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError, DocumentError
from gitcoord.ledger.clone import files
from gitcoord.ledger.format import claims_layout, steps_layout
from gitcoord.ledger.hook_view.glance import Glance
from gitcoord.ledger.hook_view.view import bring_steps

_GIVEN = ".json"  # as in `service/session/fences`, held by a test


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step that a session of this clone was given, the last one. `step`: as it is known here, if it is."""

    id: str
    session: str
    step: Step | None


def steps_held(glance: Glance, folder: Path, clones: Collection[str]) -> Iterator[HeldStep]:
    """Yield the steps that this clone holds. `folder`: what gitcoord keeps of it; `clones`: its ids.

    Raises:
        OSError: the folder cannot be read.
    """
    given: dict[str, dict[str, list[tuple[str, int]]]] = {}
    for session in files.names_in(folder / "fences", ""):
        for name in files.names_in(folder / "fences" / session, _GIVEN):
            project, _, num = name.removesuffix(_GIVEN).rpartition("@")  # no name of a project has an `@`
            fence = files.read_json(folder / "fences" / session / name).get("fence")
            rows = given.setdefault(project, {}).setdefault(num, [])
            rows.append((session, fence if isinstance(fence, int) else 0))
    with contextlib.suppress(CoordError):  # of what is not here nothing is known
        glance = bring_steps(glance) if given else glance
    for project, nums in sorted(given.items()):
        known = _steps(glance, project, nums)
        for num, rows in sorted(nums.items()):
            step = known.get(num)
            is_known = num in known and (step is None or step.fence >= max(fence for _, fence in rows))
            if not is_known or (step is not None and step.is_held and step.clone in clones):
                sessions = [session for session, _ in sorted(rows, key=lambda row: row[1])]
                yield HeldStep(step.id if step else f"{project}/{num}", sessions[-1], step if is_known else None)


def claims_held(glance: Glance, clones: Collection[str]) -> list[Claim]:
    """Return the claims of this clone.

    Raises:
        CoordError: they cannot be read.
    """
    marks = [clone.encode() for clone in clones]
    found = (
        Claim.decode(data)
        for path, data in glance.claimed().items()
        if claims_layout.kind_at(path) is Claim and any(mark in data for mark in marks)
    )
    return [claim for claim in found if claim.clone in clones]


def _steps(glance: Glance, project: str, nums: Iterable[str]) -> dict[str, Step | None]:
    """Return those steps of a project of which it is known here what became of them; `None`: they are gone."""
    paths = {num: steps_layout.step_path(int(num)) for num in nums if num.isascii() and num.isdigit()}
    found: dict[str, Step | None] = {}
    if not glance.has_steps:
        return found
    with contextlib.suppress(CoordError):  # of those whose ledger is damaged nothing is known
        tip = glance.tip(f"steps/{project}")
        if tip is None:
            # Deleted; of a remote it may only not be here.
            return {} if glance.where.url is not None else dict.fromkeys(paths)
        listed = glance.where.store.files(tip, [*paths.values()])
        contents = glance.where.store.contents(listed.values())
        for num, path in paths.items():
            with contextlib.suppress(DocumentError):
                data = contents.get(listed[path]) if path in listed else None
                found |= {num: Step.decode(data)} if data is not None else {}
    return found
