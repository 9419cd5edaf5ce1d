"""`gitcoord queue …`: the line of calls that wait for claims."""

from typing import Annotated

import typer

from gitcoord.faces.cli.screens import claim_views
from gitcoord.faces.cli.terminal.calls import answer
from gitcoord.faces.cli.terminal.options import As, AsJson, Fresh, examples, group

_app = group("See who waits for claims; cancel a waiting call.")


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="queue")


@_app.command("list", epilog=examples("gitcoord queue list", "gitcoord queue list --json"))
def list_(*, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """List the calls that wait, in the order of their arrival."""
    from gitcoord.service.claims import requests

    return answer(requests.list_queue, claim_views.queue, as_json=as_json, fresh=fresh)


@_app.command(epilog=examples("gitcoord queue cancel q-5d0f2hc7"))
def cancel(
    queue: Annotated[str, typer.Argument(metavar="Q-ID", help="The waiting call, q-….")],
    *,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Cancel a waiting call of yours."""
    from gitcoord.service.claims import requests

    return answer(
        lambda workspace: requests.cancel_queue_request(workspace, queue_id=queue, agent_id=as_),
        claim_views.cancelled,
        as_json=as_json,
        refused=lambda result: not result.get("cancelled"),
    )
