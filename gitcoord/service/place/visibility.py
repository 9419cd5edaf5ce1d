"""Visibility: what a grant says of who can see it, where that may surprise, and who can read the remote at all.

Rules:
  * SEC-6: the first grant of a clone at a remote says who can read what is coordinated there, if everyone can.
  * Of a clone that follows the team's file, where `init` may never have run, it says that pushes are not checked.

What this file does not know: why a clone coordinates where it does; see `placement`.
"""

import contextlib

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import files, team_place
from gitcoord.remote.transports.readers import Readers, readers_of
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout import push_hook

ASKED = "readers.json"  # in the folder of a place; who can read it, as it was when this clone began
PRIVATE = "gitcoord policy set texts private"
EVERYBODY = f"keeps titles, descriptions, reasons and notes out: `{PRIVATE}`."


def with_readers(workspace: Workspace, result: dict[str, Json]) -> dict[str, Json]:
    """Return the result of a grant, with who can see it first."""
    if workspace.remote_url is not None:
        _tell_at_first(workspace, workspace.remote_url)
    return {"seen_by": workspace.warning, **result} if workspace.warning else result


def sentence_of(readers: Readers, name: str) -> str:
    """Return the sentence for a person about who can read a remote; `name`: its URL without credentials."""
    match readers:
        case Readers.EVERYBODY:
            return f"Everyone can read {name}, and what is coordinated there. This {EVERYBODY}"
        case Readers.ALLOWED:
            return f"Everyone who may read {name} can read what is coordinated there; a stranger was refused."
        case Readers.UNKNOWN:
            return f"Everyone who may read {name} can read what is coordinated there."


def _tell_at_first(workspace: Workspace, url: str) -> None:
    file = workspace.setting.place_folder / ASKED
    if file.exists():
        return
    readers = readers_of(url, workspace.repository.env)
    with contextlib.suppress(CoordError, OSError):  # it is asked again with the next grant
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(file, {"readers": readers.value}, workspace.setting.host.unique)
    if readers is Readers.EVERYBODY:
        text = sentence_of(readers, workspace.remote_name)
        workspace.notify(CallerNotice.of("readers", text))
    if (
        team_place.load(workspace.setting.clone.folder)
        and push_hook.checks_pushes(workspace.repository.top, workspace.repository.common_dir, workspace.repository.env)
        is False
    ):
        workspace.notify(CallerNotice.of("no_push_hook", push_hook.MISSING))
