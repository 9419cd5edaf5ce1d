"""What this clone holds, by what is here of the ledgers: steps by the fences that its sessions were given, and claims.

Rules:
  * No remote is asked and nothing is written. What this clone took itself it knows, whatever else it has read.
  * A step that a session was given, and whose ledger cannot be read here, is held as far as is known.

What this file does not know: who lives, which worktree is asked about.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from gitcoord.core.claims.claim import Claim
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import files
from gitcoord.ledger.format import claims_layout, steps_layout
from gitcoord.ledger.hook_view.glance import Glance
from gitcoord.ledger.hook_view.view import bring_steps

_GIVEN = ".json"  # as in `service/session/fences`, held by a test


@dataclass(frozen=True, slots=True)
class HeldStep:
    """A step that sessions of this clone were given. `step`: as it is known here; `None`: it cannot be read."""

    id: str
    sessions: tuple[str, ...]
    step: Step | None


def steps_held(glance: Glance, folder: Path, clones: Collection[str]) -> Iterator[HeldStep]:
    """Yield the steps that this clone holds. `folder`: what gitcoord keeps of it; `clones`: its ids.

    Raises:
        OSError: the folder cannot be read.
    """
    given: dict[str, tuple[str, ...]] = {}
    for session in files.names_in(folder / "fences", ""):
        for name in files.names_in(folder / "fences" / session, _GIVEN):
            step_id = name.removesuffix(_GIVEN).replace("@", "/")  # no name of a project has an `@`
            given[step_id] = (*given.get(step_id, ()), session)
    for step_id, sessions in sorted(given.items()):
        is_known, step = _step(glance, step_id)
        if not is_known or (step is not None and step.is_held and step.clone in clones):
            yield HeldStep(step.id if step is not None else step_id, sessions, step)


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


def _step(glance: Glance, name: str) -> tuple[bool, Step | None]:
    """Return whether what became of a step is known here, and the step, where there still is one."""
    project, _, num = name.rpartition("/")
    if not (project and num.isascii() and num.isdigit()):
        return False, None
    try:
        bring_steps(glance)
        if glance.tip(f"steps/{project}") is None:
            return glance.where.url is None, None  # deleted; of a remote it may only not be here
        found = glance.text(f"steps/{project}", steps_layout.step_path(int(num)))
        return bool(found), Step.decode(found[0]) if found else None
    except CoordError:  # damaged, or its objects are not here
        return False, None
