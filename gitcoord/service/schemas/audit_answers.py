"""What `gitcoord audit` returns.

What this file does not know: how a ledger is audited.
"""

from typing import Literal, NotRequired, TypedDict

from gitcoord.service.schemas.answers import Answer

Problem = Literal[
    "unreadable",
    "record",
    "rules",
    "time",
    "outcome",
    "document",
    "limit",
    "team_rules",
    "beside",
    "signature",
    "identity",
    "roll",
    "repair",
    "rewritten",
    "went_back",
]


class AuditedLedger(TypedDict):
    """One ledger, as far as it was audited.

    Attributes:
        ledger: its ref.
        begin: where the audit began: its first commit, one that published it or rolled it, a checkpoint of an audit
            before, what was asked for, or where history is not here.
        after: the commit that was taken as it is, where there was one.
        commits: how many are what their commands give.
        seq, at: the sequence number and the time of the ledger at the last of these.
        not_replayed: how many were decided by another version of the rules, by that version; taken as they are.
    """

    ledger: str
    clean: bool
    tip: str
    begin: Literal["first", "published", "checkpoint", "since", "roll", "cut_off"]
    after: NotRequired[str]
    commits: int
    seq: NotRequired[int]
    at: NotRequired[str]
    not_replayed: NotRequired[dict[str, int]]


class AuditDifference(TypedDict):
    """What differs: in which document or command, at which field; what the commit has, and what its commands give."""

    document: str
    field: str
    found: str
    given: str


class AuditFinding(TypedDict):
    """The first commit of a ledger that is not sound, or a ledger that went back.

    Attributes:
        problem: what is wrong, in a word.
        author: the git identity that the commit names; clone: the clone that its record names.
    """

    ledger: str
    problem: Problem
    message: str
    next_step: str
    commit: NotRequired[str]
    author: NotRequired[str]
    clone: NotRequired[str]
    differences: NotRequired[list[AuditDifference]]


class AuditedSignature(TypedDict):
    """By whom one commit is, or a post that one carries out.

    Attributes:
        verdict: good: by a key that is known; unknown: by one that is not, or that git could not check; unsigned; bad.
        signer: a principal of the allowed signers, or the user id of an OpenPGP key; key: its fingerprint.
        why: the end of a sentence that begins with the signature, where it is not good.
        author: the git identity that the commit names.
        posted_by: of a post: the clone that it names.
    """

    ledger: str
    commit: str
    verdict: Literal["good", "unknown", "unsigned", "bad"]
    signer: NotRequired[str]
    key: NotRequired[str]
    why: NotRequired[str]
    author: str
    posted_by: NotRequired[str]


class Audited(Answer):
    """Whether the ledgers are what their recorded commands give.

    Attributes:
        rules: the version that replayed them.
        signatures: of each commit, where they were asked for; the oldest of a ledger first.
    """

    clean: bool
    rules: int
    ledgers: list[AuditedLedger]
    findings: list[AuditFinding]
    count: int
    signatures: NotRequired[list[AuditedSignature]]
