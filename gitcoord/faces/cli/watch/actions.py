"""Actions: what a person may do with a row, with what will happen said before it is done.

    a key on a row ──> a RowAction: facts, the command that does the same, what to fill in ──yes──> one use case

Rules:
  * An action calls what the command line's verb calls, as the same person: the rules refuse it or not.
  * It says who holds what it ends, who waits for that, and what the log will have.

What this file does not know: how a question is drawn, and when its answer comes.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.screens.claim_views import left_of, what
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.commands import Words
from gitcoord.faces.cli.terminal.fields import few, life_word, record, records, strings, text
from gitcoord.faces.cli.terminal.show import plain
from gitcoord.faces.cli.watch.panes import AGENTS, CLAIMS, HOT, LINE, NEEDS, STEPS, PaneRow

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

Given = Mapping[str, str]
"""What was filled in, by the names of fields; "yes" or "" for one that is a choice of both."""


class Field(NamedTuple):
    """What is filled in. `choices`: the words that it may be, the first unless another is chosen; none: any text."""

    name: str
    label: str
    value: str = ""
    choices: Sequence[str] = ()
    is_needed: bool = False


class RowAction(NamedTuple):
    """One thing to do.

    Attributes:
        title: what is asked.
        facts: what will happen, a line each.
        fields: what is filled in.
        command: the words of the command that does the same.
        call: does it.
        done: says that it is done.
    """

    title: str
    facts: Sequence[str]
    fields: Sequence[Field]
    command: Callable[[Given], Sequence[str]]
    call: "Callable[[Workspace, Given], Result]"
    done: str

    def shell(self, given: Given) -> str:
        """Return the command as it is typed."""
        return plain(f"gitcoord {shlex.join(self.command(given))}")


def release(row: PaneRow, data: Result, now: datetime) -> RowAction | None:
    """End a claim: as its holder, else by force."""
    claim = _claim_of(row, data)
    if claim is None:
        return None
    claim_id, is_own = text(claim.get("id")), bool(claim.get("is_own"))
    waiters = [text(wait.get("agent")) for wait in records(data.get("queued")) if _waits_for(wait, claim_id)]
    life = life_word(claim.get("holder_life") or "unknown", claim.get("session"))
    facts = [
        f"It covers {what(claim)}.",
        f"{text(claim.get('agent'))} holds it ({'yours' if is_own else life}), {left_of(claim, now)} left.",
        f"{few(waiters)} gets it at once." if waiters else "No one waits for it.",
        *([f"It belongs to step {text(claim.get('step'))}."] if claim.get("step") else []),
        *([] if is_own else ["You do not hold it: it ends by force, and the log says who did so and why."]),
    ]

    def call(workspace: "Workspace", given: Given) -> Result:
        from gitcoord.service.claims import claims

        if is_own:
            return claims.release_claims(workspace, claim_ids=[claim_id])
        return claims.release_by_force(workspace, claim_ids=[claim_id], reason=given["reason"])

    def command(given: Given) -> Sequence[str]:
        force = [] if is_own else ["--force", "--reason", given.get("reason", "")]
        return ("claim", "release", claim_id, *force)

    fields = () if is_own else (Field("reason", "why", is_needed=True),)
    return _action(f"Release {claim_id}?", facts, fields, command, call, f"{claim_id} is released")


def recover(row: PaneRow, data: Result, _now: datetime) -> RowAction | None:
    """Make a step available again."""
    step = _step_of(row, data)
    if step is None:
        return None
    step_id = text(step.get("id"))
    why = text(step.get("why") or step.get("reason"))
    is_held = bool(step.get("life"))
    held = f"{text(step.get('agent_id'))} has it ({text(step.get('life'))})" if is_held else "No one has it"
    facts = [
        f"{step_id}: {text(step.get('title')) or 'without a title'}, {text(step.get('status'))}.",
        f"{held}{': ' if why else ''}{why.rstrip('.')}.",
        "It becomes available again; what was done is kept as its checkpoint, for its next holder.",
        *(["While its holder lives the rules refuse that; by force they are not asked, and the log has it."] * is_held),
    ]

    def call(workspace: "Workspace", given: Given) -> Result:
        from gitcoord.service.steps import step_work

        return step_work.recover_step(workspace, step_id=step_id, force=given["force"] == "yes")

    def command(given: Given) -> Sequence[str]:
        return ("step", "recover", step_id, *(["--force"] if given.get("force") == "yes" else []))

    fields = (Field("force", "by force", choices=("no", "yes")),)
    return _action(f"Recover {step_id}?", facts, fields, command, call, f"{step_id} is available again")


def respond(row: PaneRow, data: Result, _now: datetime) -> RowAction | None:
    """Answer a request for a claim of one's own."""
    named = (row.key, text(row.facts.get("about")), text(row.facts.get("request_id")))
    request = next((found for found in records(data.get("requests")) if text(found.get("id")) in named), None)
    if request is None:
        return None
    request_id, asker = text(request.get("id")), text(request.get("agent"))
    facts = [
        f"{asker} asks for {few(strings(request.get('requested')) or strings(request.get('holds')))}:",
        f"  {text(request.get('reason'))}",
        f"approved: {asker} gets it, and you lose it; denied: you keep it.",
        "narrowed: you keep a part; coexist: both hold a part. Both need the pattern of that part.",
        *([] if request.get("is_own") else [f"It is {text(request.get('holder_agent'))} who is asked, not you."]),
    ]

    def call(workspace: "Workspace", given: Given) -> Result:
        from gitcoord.service.claims import requests

        return requests.respond_to_request(
            workspace,
            request_id=request_id,
            decision=given["decision"],
            pattern=given["pattern"] or None,
            note=given["note"] or None,
        )

    def command(given: Given) -> Sequence[str]:
        decision = given.get("decision", "")
        option = "--share" if decision == "coexist" else "--keep"
        pattern = [option, given["pattern"]] if given.get("pattern") else []
        note = ["--note", given["note"]] if given.get("note") else []
        return ("request", "answer", request_id, decision, *pattern, *note)

    fields = (
        Field("decision", "answer", choices=("approved", "denied", "narrowed", "coexist")),
        Field("pattern", "part, of narrowed or coexist"),
        Field("note", f"note for {asker}"),
    )
    return _action(f"Answer {request_id}?", facts, fields, command, call, f"{request_id} is answered")


def promote(row: PaneRow, data: Result, _now: datetime) -> RowAction | None:
    """Write to the ownership rules that a place is shared, or to be split."""
    claim = _claim_of(row, data) or {}
    item = next(iter(records(claim.get("items"))), dict[str, Json]())
    named = strings(row.facts.get("patterns"))
    pattern = text(row.facts.get("pattern") or item.get("pattern")) or (named[0] if named else "")
    if not pattern:
        return None
    facts = [
        "It is written to the ownership rules, for the whole team; once is enough.",
        "shared_file: everyone changes it, so claims of it are short; split: it should be split.",
    ]

    def call(workspace: "Workspace", given: Given) -> Result:
        from gitcoord.service.team import owner_edits

        return owner_edits.promote(workspace, pattern=given["pattern"], kind=given["kind"])

    def command(given: Given) -> Sequence[str]:
        words = (given.get("pattern", ""), given.get("kind", ""))
        return ("promote", *Words(words).in_order)

    fields = (
        Field("pattern", "file or pattern", plain(pattern), is_needed=True),
        Field("kind", "as", choices=("shared_file", "split")),
    )
    return _action(f"Promote {pattern}?", facts, fields, command, call, "It is in the ownership rules")


Offer = Callable[[PaneRow, Result, datetime], RowAction | None]
# Key -> its word, what it offers, and in which panes.
KEYS: Mapping[str, tuple[str, Offer, frozenset[int]]] = {
    "a": ("answer", respond, frozenset({NEEDS, LINE})),
    "x": ("release", release, frozenset({NEEDS, CLAIMS, LINE})),
    "r": ("recover", recover, frozenset({NEEDS, STEPS, AGENTS})),
    "p": ("promote", promote, frozenset({CLAIMS, LINE, HOT})),
}


def outcome(action: RowAction, result: Result) -> tuple[str, bool]:
    """Return what became of an action, and whether it was done."""
    if result.get("why"):
        todo = f" {text(result.get('next_step'))}" if result.get("next_step") else ""
        return plain(f"Refused: {text(result.get('why'))}{todo}"), False
    already = " (it was so before)" if result.get("already") else ""
    return plain(f"{action.done}{already}."), True


def _action(
    title: str,
    facts: Sequence[str],
    fields: Sequence[Field],
    command: Callable[[Given], Sequence[str]],
    call: "Callable[[Workspace, Given], Result]",
    done: str,
) -> RowAction:
    labelled = [field._replace(label=plain(field.label)) for field in fields]
    return RowAction(plain(title), [plain(fact) for fact in facts], labelled, command, call, plain(done))


def _claim_of(row: PaneRow, data: Result) -> dict[str, Json] | None:
    """Return the claim that a row is, or is about."""
    blocks = records(row.facts.get("waits_for"))
    named = [row.key, text(row.facts.get("about")), text(row.facts.get("claim"))]
    named += [text(row.facts.get("claim_id")), *(text(block.get("claim_id")) for block in blocks)]
    return next((claim for claim in records(data.get("claims")) if text(claim.get("id")) in named), None)


def _step_of(row: PaneRow, data: Result) -> dict[str, Json] | None:
    """Return the step that a row is, or is about; of an agent the first that it has."""
    named = [row.key, text(row.facts.get("about")), *strings(row.facts.get("on"))[:1]]
    return next((step for step in records(data.get("steps")) if text(step.get("id")) in named), None)


def _waits_for(wait: Mapping[str, Json], claim_id: str) -> bool:
    return any(record(block).get("claim_id") == claim_id for block in records(wait.get("waits_for")))
