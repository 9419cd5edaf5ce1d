"""`gitcoord policy …`: what the whole team decided, kept in the remote."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import names, prose
from gitcoord.faces.cli.terminal.fields import record, setting_word
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples, group

# What each field decides, in the words of `core/documents/policy`, short enough for a table.
PURPOSES: Mapping[str, str] = {
    "auto_recover": "claiming a step takes over a stale one when nothing else is available",
    "strict_complete": "a commit off the step's branch, or outside its paths, is refused",
    "require_pushed": "completing needs a pushed commit; auto: while another clone is live",
    "max_claim_files": "files that one claim may match; 0 is no limit",
    "max_claim_ratio": "share of all files that one claim may match; 0 is no limit",
    "claim_scope": "the folder in which max_claim_files counts",
    "release_on_merge": "claims end when their branch landed",
    "complete_on_merge": "a held step is completed when its branch landed",
    "idle_minutes": "a claim ends when its session was silent for so many minutes; at least 10, or 0 for never",
    "strict_read": "readers and writers of one place conflict",
    "hard_requires_owner": "places of severity hard are claimed by their owners only",
    "queue_age_boost_s": "a call that waits for so long goes up one level; 0 never",
    "max_claims_per_agent": "claims of one agent; 0 is no limit",
    "max_waiting_per_agent": "calls in line; 0 is no limit",
    "max_waiting": "calls in line of all agents; 0 is no limit",
    "auto_promote_threshold": "refusals in 7 days that make a file a shared one; 0 never",
    "subtree_min_files": "this many promoted files of a folder promote the folder; 0 never",
    "auto_claim": "a free file is claimed by its first edit",
    "pre_commit": "for a commit of files that others hold: warn, or refuse",
    "enforce": "what a git hook or CI cannot judge is stopped",
    "texts": "shared, or private: no titles, descriptions, reasons and notes in the ledgers",
    "trailers": "commits on a step's branch name step, fence and agent",
    "require_claims": "CI refuses changes that were never claimed for their branch",
}


def _completed(incomplete: str) -> list[str]:
    return [name for name in PURPOSES if name.startswith(incomplete)]


_app = group("Read and change the team's policy, which the remote keeps.")
_Name = Annotated[str, typer.Argument(metavar="NAME", help="See `gitcoord policy show`.", autocompletion=_completed)]
_Value = Annotated[
    str,
    typer.Argument(metavar="VALUE", help="true, false, a number, a folder, a word, or auto where that is the default."),
]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="policy")


@_app.command("show", epilog=examples("gitcoord policy show", "gitcoord policy show --json"))
def show_(*, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """Show every field of the policy."""
    from gitcoord.service.team import policy

    return answer(policy.get_policy, _lines, as_json=as_json, fresh=fresh)


# People who know `git config list` and `claim list` try this word first.
_app.command("list", hidden=True, epilog=examples("gitcoord policy list"))(show_)


@_app.command(
    "set", epilog=examples("gitcoord policy set require_pushed true", "gitcoord policy set auto_recover false")
)
def set_(name: _Name, value: _Value, *, as_json: AsJson = False) -> int:
    """Change one field for everyone who shares the remote."""
    from gitcoord.service.team import policy

    return answer(
        lambda workspace: policy.set_policy(workspace, name=name, value=value),
        lambda result, _: show.line(f"{name} is {setting_word(record(result.get('policy')).get(name))} for everyone"),
        as_json=as_json,
    )


def _lines(result: Result, _now: datetime) -> None:
    rows = [[name, setting_word(value), PURPOSES.get(name, "")] for name, value in record(result.get("policy")).items()]
    show.table(("policy", names("value"), prose("purpose")), rows)
