"""Near claims: what hooks of git found in the ledgers, as documents; see `glance`.

Rules:
  * A document that is damaged is left out and counted, and the rest counts: a hook goes on.

What this file does not know: whose claims are whose, what is pushed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.notice import Barrier
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.step_claims import is_void_by
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError, DocumentError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.format import claims_layout, steps_layout
from gitcoord.ledger.hook_view.glance import Glance
from gitcoord.ledger.hook_view.view import bring_steps


@dataclass(slots=True)
class NearClaims:
    """Documents of a glance. `damaged`: how many cannot be read."""

    glance: Glance
    damaged: int = 0
    _steps: dict[str, Step | None] = field(default_factory=dict[str, "Step | None"])

    def register(self, repo: str | None, documents: Mapping[str, bytes]) -> Register:
        """Return the claims and barriers of one repository."""
        return Register().with_changes(doc for doc in self._parsed(documents) if doc.repo == repo)

    def _parsed(self, documents: Mapping[str, bytes]) -> Iterator[Claim | Barrier]:
        for path, data in documents.items():
            kind = claims_layout.kind_at(path)
            if kind is not Claim and kind is not Barrier:
                continue
            try:
                doc = kind.decode(data)
                claims_layout.check(doc, path)
            except (DocumentError, ValueError):
                self.damaged += 1
            else:
                yield doc

    def is_void(self, claim: Claim) -> bool:
        """Whether a claim of a step confers nothing, as far as that is known here."""
        if claim.step is None:
            return False
        try:
            return is_void_by(claim, self.step(claim.step, claim.repo))
        except CoordError:
            return False

    def step(self, name: str, repo: str | None) -> Step | None:
        """Return a step of a project of this repository; `None`: there is none of that name.

        Raises:
            CoordError: the steps cannot be read in time, or this one is damaged.
        """
        if name not in self._steps:
            self._steps[name] = self._read_step(name, repo)
        return self._steps[name]

    def has_project(self, name: str) -> bool:
        """Whether there is a ledger of a project.

        Raises:
            CoordError: the steps cannot be read in time.
        """
        self.glance = bring_steps(self.glance)
        return self.glance.tip(f"steps/{name.lower()}") is not None

    def _read_step(self, name: str, repo: str | None) -> Step | None:
        project, _, num = name.rpartition("/")
        if not project or not (num.isascii() and num.isdigit()) or len(num) > len("100000"):
            return None
        self.glance = bring_steps(self.glance)
        data = self.glance.text(f"steps/{project.lower()}", steps_layout.PROJECT, steps_layout.step_path(int(num)))
        if len(data) < len(("project", "step")):
            return None
        return Step.decode(data[1]) if Project.decode(data[0]).repo == repo else None


def policy_of(glance: Glance) -> Policy:
    """Return the team's policy; the default where there is none. Of one that is damaged `enforce` counts as it was."""
    data = glance.text("config", "policy.json")
    try:
        return Policy.decode(data[0]) if data else Policy()
    except DocumentError:
        return Policy(enforce=snapshot_files.is_enforced(str(glance.where.folder)))
