"""The live view: all that a screen of a team shows at one moment, from one look.

Rules:
  * Each holder is judged as `overview` judges it, and nothing is decided here: what a person may do is refused or done
    by the use case that is called then.

What this file does not know: how it is shown, and when it is looked at again.
"""

from collections.abc import Iterator

from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.service.claims import requests
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import summary
from gitcoord.service.watch import overview
from gitcoord.service.watch.attention import Row
from gitcoord.service.watch.overview import Seen


def live(workspace: Workspace) -> dict[str, Json]:
    """Return what `overview.status` has, with the steps of active projects and the requests that are open.

    `is_own` says of a claim and of a request whether this party holds it.

    Raises:
        UnreachableError: the ledgers cannot be listed.
    """
    seen = overview.look(workspace)
    status = overview.status_of(workspace, seen)
    is_own = workspace.actor().leads
    claims: list[Json] = [{**row, "is_own": is_own(str(row["agent"]), str(row["clone"]))} for row in seen.claims]
    return {**status, "claims": claims, "steps": [*_steps(seen)], "requests": [*_requests(workspace, seen)]}


def _steps(seen: Seen) -> Iterator[Row]:
    """Yield every step of the active projects, in their order."""
    for board in seen.boards:
        if board.project.status is not ProjectStatus.ACTIVE:
            continue
        ready = {rank[2] for rank in board.available}
        for num, step in sorted(board.steps.items()):
            life = seen.lives.get(step.id)
            held: Row = {} if life is None else {"life": life.life, "why": life.why}
            yield {**summary(step), "is_available": num in ready, **held}


def _requests(workspace: Workspace, seen: Seen) -> Iterator[Row]:
    """Yield the requests of this repository that no one has answered."""
    is_own = workspace.actor().leads
    for claim in seen.register.asked:
        held = seen.register.claims.get(claim)
        for request in seen.register.pending_for(claim):
            if held is not None and request.call.repo == workspace.repo:
                holds: list[Json] = [item.pattern for item in held.items[: requests.PATTERNS_SHOWN]]
                own = is_own(request.holder_agent, request.holder_clone)
                yield {**requests.view(request), "holds": holds, "is_own": own}
