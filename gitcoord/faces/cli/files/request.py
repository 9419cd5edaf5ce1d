"""`gitcoord request …`: ask a holder to let go of a claim, and answer."""

from typing import Annotated

import typer

from gitcoord.faces.cli.screens import claim_views
from gitcoord.faces.cli.terminal import completion
from gitcoord.faces.cli.terminal.calls import answer
from gitcoord.faces.cli.terminal.options import As, AsJson, Fresh, examples, group
from gitcoord.faces.cli.terminal.places import from_here

_app = group("Ask for the release of a claim; answer what others ask.")
_Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, r-….")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="request")


@_app.command(
    epilog=examples(
        "gitcoord request file c-7k2m9q4x --reason 'the release waits for it'",
        "gitcoord request file c-7k2m9q4x --reason 'a typo' --only src/auth/login.ts --wait 300 --json",
    )
)
def file(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="The claim, c-….", autocompletion=completion.claims)],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="The holder decides by it.")],
    urgency: Annotated[
        str, typer.Option("--urgency", help="low, normal, high or blocking.", autocompletion=completion.urgencies)
    ] = "normal",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="PATTERN", help="Only this part; all of it if left out.")
    ] = None,
    wait: Annotated[int, typer.Option("--wait", metavar="SECONDS", help="Wait for the answer, at most 600 s.")] = 45,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Ask the holder to release a claim. Unanswered, the claim ends five minutes after the holder saw the request."""
    from gitcoord.service.claims import requests

    return answer(
        lambda workspace: requests.request_release(
            workspace,
            claim_id=claim,
            reason=reason,
            urgency=urgency,
            requested_scope=only or None,
            wait_seconds=wait,
            agent_id=as_,
            patience=claim_views.patience(),
        ),
        claim_views.requested,
        as_json=as_json,
    )


@_app.command(epilog=examples("gitcoord request wait r-9b3c6k1p", "gitcoord request wait r-9b3c6k1p --timeout 300"))
def wait(
    request: _Request,
    *,
    timeout: Annotated[int, typer.Option("--timeout", metavar="SECONDS", help="At most 600.")] = 45,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Wait for the answer to a request of yours."""
    from gitcoord.service.claims import requests

    return answer(
        lambda workspace: requests.wait_for_request(
            workspace,
            request_id=request,
            timeout=timeout,
            agent_id=as_,
            patience=claim_views.patience(),
        ),
        claim_views.requested,
        as_json=as_json,
    )


@_app.command("list", epilog=examples("gitcoord request list", "gitcoord request list --mine --json"))
def list_(
    *,
    mine: Annotated[bool, typer.Option("--mine", help="What you asked of others, instead.")] = False,
    decision: Annotated[
        str | None, typer.Option("--decision", help="With --mine: only these, such as 'pending'.")
    ] = None,
    as_: As = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """List the requests for your claims. Unanswered, a claim ends five minutes after you saw its request."""
    from gitcoord.service.claims import requests

    if mine or decision:
        return answer(
            lambda workspace: requests.my_requests(workspace, decision=decision, agent_id=as_),
            claim_views.my_requests,
            as_json=as_json,
            fresh=fresh,
        )
    return answer(
        lambda workspace: requests.pending_requests(workspace, agent_id=as_),
        claim_views.pending,
        as_json=as_json,
        fresh=fresh,
    )


@_app.command(
    "answer",
    epilog=examples(
        "gitcoord request answer r-9b3c6k1p approved",
        "gitcoord request answer r-9b3c6k1p denied --note 'ten more minutes'",
        "gitcoord request answer r-9b3c6k1p narrowed --keep 'src/auth/*.test.ts'",
        "gitcoord request answer r-9b3c6k1p coexist --share src/auth/login.ts --symbol handleLogin",
    ),
)
def answer_(  # noqa: PLR0913 - what an answer may say, by name
    request: _Request,
    decision: Annotated[
        str,
        typer.Argument(
            metavar="DECISION", help="approved, denied, narrowed or coexist.", autocompletion=completion.decisions
        ),
    ],
    *,
    note: Annotated[str | None, typer.Option("--note", "-n", metavar="TEXT", help="For the agent that asked.")] = None,
    item: Annotated[str | None, typer.Option("--item", help="Which pattern of the claim, if it has several.")] = None,
    keep: Annotated[str | None, typer.Option("--keep", metavar="PATTERN", help="With narrowed: what you keep.")] = None,
    share: Annotated[
        str | None, typer.Option("--share", metavar="PATTERN", help="With coexist: what both hold.")
    ] = None,
    symbol: Annotated[list[str] | None, typer.Option("--symbol", "-s", help="With coexist: a symbol of it.")] = None,
    as_: As = None,
    as_json: AsJson = False,
) -> int:
    """Answer a request for a claim of yours."""
    from gitcoord.service.claims import requests

    if keep is not None and share is not None:
        raise typer.BadParameter("give --keep with narrowed, or --share with coexist", param_hint="--share")
    kept = keep if keep is not None else share
    return answer(
        lambda workspace: requests.respond_to_request(
            workspace,
            request_id=request,
            decision=decision,
            note=note,
            item=item,
            pattern=from_here([kept], workspace.repository.top)[0] if kept else kept,
            symbols=symbol or None,
            agent_id=as_,
        ),
        claim_views.answered,
        as_json=as_json,
    )
