"""Commands of the claims ledger, as data; see `step_commands` for what that means.

Ids of what a command makes (claims, entries, requests) are drawn by its caller and stand in it, so that deciding it
again gives the same documents.
"""

from collections.abc import Mapping
from enum import StrEnum

from gitcoord.core.claims.claim import Claim, Kind, Mode, Severity
from gitcoord.core.documents.doc import Doc, Number, Real, Text
from gitcoord.core.patterns.path_pattern import Reading


class Urgency(StrEnum):
    """How much a waiter minds waiting."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    BLOCKING = "blocking"


class Answer(StrEnum):
    """What a holder may answer to a request."""

    APPROVED = "approved"
    DENIED = "denied"
    NARROWED = "narrowed"
    COEXIST = "coexist"


class Wish(Doc, frozen=True, kw_only=True):
    """One wanted item, with what the caller's repository says of it.

    Attributes:
        hours: how long; `None` means the default of its kind.
        matched: how many tracked files it matches.
        is_shared: whether a `shared_files` line of the ownership rules covers it.
        auto: an edit hook asks.
    """

    pattern: Text
    reading: Reading | None = None
    symbols: tuple[Text, ...] = ()
    kind: Kind = Kind.FILE
    mode: Mode = Mode.WRITE
    narrowable: bool = True
    hours: Real | None = None
    matched: Number = 0
    is_shared: bool = False
    auto: bool = False


class ClaimFiles(Doc, frozen=True, kw_only=True):
    """Claim all of the wishes, or nothing.

    Attributes:
        claim_id, entry_id: the ids of the claim, or of the entry in the line, that this makes.
        wait_s: how long the entry may wait in all; 0 does not wait.
        tracked: how many tracked files the repository (or the folder `claim_scope`) has.
        matched: how many of them all wishes together match.
        owners, severity, is_owner: what the ownership rules say of the place, and whether the caller is an owner.
        is_elsewhere: the caller's other claims do not follow to `branch`, which is not the one that is checked out, or
            is the default one.
    """

    claim_id: Text
    entry_id: Text = ""
    wishes: tuple[Wish, ...]
    description: Text = ""
    branch: Text | None = None
    repo: Text | None = None
    wait_s: Number = 0
    urgency: Urgency = Urgency.NORMAL
    tracked: Number = 0
    matched: Number = 0
    severity: Severity | None = None
    owners: tuple[Text, ...] = ()
    is_owner: bool = False
    step: Text | None = None
    step_fence: Number | None = None
    is_elsewhere: bool = False


class KeepWaiting(Doc, frozen=True, kw_only=True):
    """Say that the caller still waits for its entry."""

    entry_id: Text


class CancelEntry(Doc, frozen=True, kw_only=True):
    """Stop waiting."""

    entry_id: Text


class ReleaseClaims(Doc, frozen=True, kw_only=True):
    """End claims; no ids means all of the holder's.

    Attributes:
        whole_session: every claim of the caller's session, its sub-agents' too.
        step: only those that were taken with this step.
        commits: for each claim over pushed commits: the commit that the next holder should have.
        force: an operator ends someone else's claim.
    """

    ids: tuple[Text, ...] = ()
    whole_session: bool = False
    step: Text | None = None
    commits: Mapping[str, Text] | None = None
    force: bool = False
    reason: Text = ""


class ExtendClaims(Doc, frozen=True, kw_only=True):
    """Make claims last at least this many hours from now; no ids means all of the holder's."""

    ids: tuple[Text, ...] = ()
    hours: Real


class RequestRelease(Doc, frozen=True, kw_only=True):
    """Ask the holder of a claim to let go of it.

    Attributes:
        wishes: the wanted items; none means all that the claim holds. The fields after `repo` are as in `ClaimFiles`.
    """

    request_id: Text
    claim_id: Text
    reason: Text
    urgency: Urgency = Urgency.NORMAL
    wishes: tuple[Wish, ...] = ()
    branch: Text | None = None
    repo: Text | None = None
    tracked: Number = 0
    matched: Number = 0
    severity: Severity | None = None
    owners: tuple[Text, ...] = ()
    is_owner: bool = False


class AnswerRequest(Doc, frozen=True, kw_only=True):
    """Answer a request; `item` names the pattern that it is about where the claim has several.

    Attributes:
        claim_id: the id of the claim that the requester gets by this.
    """

    request_id: Text
    claim_id: Text
    answer: Answer
    note: Text = ""
    item: Text | None = None
    pattern: Text | None = None
    reading: Reading | None = None
    symbols: tuple[Text, ...] = ()


class BeatClaims(Doc, frozen=True, kw_only=True):
    """Say where the caller works now: which files it edits, and on which branch.

    Attributes:
        active: paths that were edited lately, or have changes that are not committed.
        commits: for each claim over pushed commits: the last of them.
        delivered: the notices that the caller has been shown.
        called: the agent itself has called since it was granted something; else its server says that it lives.
        unpushed: for each item with work that only the caller's clone sees, a path of that; `None`: it did not look.
    """

    active: tuple[Text, ...] = ()
    branch: Text | None = None
    commits: Mapping[str, Text] | None = None
    delivered: tuple[Text, ...] = ()
    called: bool = False
    unpushed: tuple[Text, ...] | None = None


class Tidy(Doc, frozen=True, kw_only=True):
    """End claims and queue entries that are over: by time, by silence, or because the caller stopped asking."""


class Refusal(Doc, frozen=True, kw_only=True):
    """An agent was refused what it asked for, because of an item of a claim."""

    by: Text
    claim: Text
    item: Text
    pattern: Text


class TellRefusals(Doc, frozen=True, kw_only=True):
    """Let what the clone was refused land; `refused` is what holders learn of it, filled in where it is written."""

    refused: tuple[Refusal, ...] = ()


class WorkedFile(Doc, frozen=True, kw_only=True):
    """A file of a claim that was worked on; `symbols`: what of it, where that is known."""

    claim: Text
    path: Text
    symbols: tuple[Text, ...] = ()


class LandClaims(Doc, frozen=True, kw_only=True):
    """End the claims of branches that were merged, item by item.

    Attributes:
        merged: branch to merge commit.
        claims: those of them whose branch had commits of its own since they were made; no other ends.
        changed: what the branches' commits changed of these claims since they were made. `None`: the writer is of
            version 0.1.0, which ended claims as a whole.
        unlanded: files of these claims in which work was seen that has not landed.
        barriers: what landed, or whose branch is gone.
        default_branch: claims made on it end as all others do, not by this.
    """

    merged: Mapping[str, Text]
    claims: tuple[Text, ...] = ()
    changed: tuple[WorkedFile, ...] | None = None
    unlanded: tuple[WorkedFile, ...] = ()
    barriers: tuple[Text, ...] = ()
    default_branch: Text | None = None
    repo: Text | None = None


class EndStepClaims(Doc, frozen=True, kw_only=True):
    """End what a holder claimed with a step, which it holds no more. `commit`: what landed the step's branch."""

    step: Text
    agent: Text
    clone: Text
    commit: Text | None = None


class FollowStep(Doc, frozen=True, kw_only=True):
    """Keep the claim of a step whose holder resumed it; `call` claims it anew if it has ended."""

    step: Text
    fence: Number
    call: ClaimFiles


class ImportClaims(Doc, frozen=True, kw_only=True):
    """Take over claims of another tool, all or none.

    Attributes:
        claims: as they are to be written, without session and fence; the first of them is the older holder.
        shared: the ids of each two that agreed there to share what both have.
    """

    claims: tuple[Claim, ...]
    shared: tuple[tuple[Text, ...], ...] = ()


ClaimCommand = (
    ClaimFiles
    | KeepWaiting
    | CancelEntry
    | ReleaseClaims
    | ExtendClaims
    | RequestRelease
    | AnswerRequest
    | BeatClaims
    | Tidy
    | TellRefusals
    | LandClaims
    | EndStepClaims
    | FollowStep
    | ImportClaims
)

CLAIM_COMMANDS: Mapping[str, type[ClaimCommand]] = {
    "claim_files": ClaimFiles,
    "keep_waiting": KeepWaiting,
    "cancel_queue_request": CancelEntry,
    "release_claims": ReleaseClaims,
    "extend_claims": ExtendClaims,
    "request_release": RequestRelease,
    "respond_to_request": AnswerRequest,
    "beat_claims": BeatClaims,
    "tidy": Tidy,
    "tell_refusals": TellRefusals,
    "land_claims": LandClaims,
    "end_step_claims": EndStepClaims,
    "follow_step": FollowStep,
    "import_claims": ImportClaims,
}
