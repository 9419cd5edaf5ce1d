"""Answers of commands that set up, look after and take away, field by field."""

from typing import Literal, NotRequired, TypedDict

from gitcoord.core.documents.json_text import Json
from gitcoord.service.schemas.answers import Answer
from gitcoord.service.schemas.claim_answers import ConflictRow


class FileChange(TypedDict):
    """What became of a file, or would; `why`: of one that was left alone or put aside."""

    path: str
    action: str
    why: str


class MissingName(TypedDict):
    """What a person has to set before others can see who works here."""

    message: str
    next_step: str


class Wired(Answer):
    """What `init` wrote.

    Attributes:
        settings: of git, by name; null: it was taken away.
        published: what of this clone is on the remote now.
        probe: what the remote allows, where it was asked.
    """

    changes: list[FileChange]
    settings: dict[str, str | None]
    hints: list[str]
    published: list[str]
    remote: str | None
    repo: str | None
    probe: dict[str, Json] | None
    missing: MissingName | None
    dry_run: bool


class RolledLedger(TypedDict):
    """A ledger that was rolled, how many commits it had since it was rolled last, and where they are now."""

    ref: str
    commits: int
    archive: str


class ArchivesKept(TypedDict):
    """The archives that are there.

    Attributes:
        kept: how many of each ledger policy keeps; 0: all.
        deleted: those that were older, and audited.
        unaudited: those that are older, and stay until `gitcoord audit` of this clone has passed them.
    """

    refs: list[str]
    kept: int
    deleted: list[str]
    unaudited: list[str]


class StoreSize(TypedDict):
    """How large a store is; `loose`: objects that are files of their own."""

    loose: int
    packs: int
    bytes: int


class StorePacked(TypedDict):
    """The size of this clone's store; `after`: null where it was only looked at."""

    before: StoreSize
    after: StoreSize | None


class LeftProblem(TypedDict):
    """What was left as it is, and why."""

    code: str
    message: str
    hint: str
    ref: NotRequired[str]


class KeptWithinBounds(Answer):
    """What `gc` did, or would.

    Attributes:
        deleted: refs that no one had touched for a week.
        files: how many files of this clone went.
        store: of this clone; null where there is none.
    """

    dry_run: bool
    rolled: list[RolledLedger]
    archives: ArchivesKept
    deleted: list[str]
    files: int
    store: StorePacked | None
    problems: list[LeftProblem]


class Upgraded(Answer):
    """What was written again; with `--rules`: the ledgers that were raised.

    Attributes:
        older: clones that live and run an older version.
        unread: ledgers that cannot be read.
    """

    changes: NotRequired[list[FileChange]]
    settings: NotRequired[dict[str, str | None]]
    dry_run: NotRequired[bool]
    raised: NotRequired[bool]
    rules: NotRequired[int]
    writer_min: NotRequired[int]
    ledgers: NotRequired[list[str]]
    older: NotRequired[list[Json]]
    unread: NotRequired[list[str]]


class Deleted(TypedDict):
    """What was deleted: refs, where, and folders and files of this clone."""

    refs: list[str]
    at: str | None
    folders: list[str]
    files: list[str]


class Uninstalled(Answer):
    """What was taken away."""

    changes: list[FileChange]
    settings: dict[str, str | None]
    deleted: Deleted
    dry_run: bool


class RepairRow(TypedDict):
    """What can be fixed, and whether it was; `kept`: where what it replaced is, `command`: what brings that back."""

    repair: str
    done: bool
    text: str
    kept: NotRequired[str]
    command: NotRequired[str]


class CheckRow(TypedDict):
    """One check of doctor; what its facts are differs from check to check."""

    id: str
    status: Literal["ok", "warn", "fail", "skip"]
    text: str
    hint: str
    facts: dict[str, Json]
    repairs: list[RepairRow]


class Diagnosis(Answer):
    """What doctor found; `status`: the worst of it."""

    checks: list[CheckRow]
    status: Literal["ok", "warn", "fail"]


class Synced(Answer):
    """How much of the remote is here."""

    remote: str
    refs: int
    projects: int


class Setting(Answer):
    """A setting of git's configuration, and where it is set."""

    key: str
    value: str | None
    scope: str | None


class SettingRow(TypedDict):
    """A setting, and what it is for."""

    key: str
    value: str | None
    scope: str | None
    purpose: str


class SettingsListed(Answer):
    """All settings."""

    settings: list[SettingRow]
    count: int


class Fault(TypedDict):
    """What is wrong in a line of a file, or only odd."""

    line: int | None
    problem: str


class FileChecked(TypedDict):
    """Whether a file that people write is valid."""

    valid: bool
    file: str
    faults: list[Fault]
    warnings: list[Fault]


class ImportedProject(TypedDict):
    """A project of another tool; `was`: its name there, `was_held`: steps that had a holder there."""

    name: str
    state: str
    status: str
    steps: int
    counts: dict[str, int]
    was_held: list[int]
    was: NotRequired[str]


class Imported(Answer):
    """What was taken over from another tool.

    Attributes:
        source: hq or coord; its `schema` or `version`.
        claims: those of coord; `left_out`: how many were over.
        owners: ownership rules of coord.
    """

    source: str
    schema: NotRequired[int]
    version: NotRequired[str]
    dry_run: bool
    projects: NotRequired[list[ImportedProject]]
    claims: NotRequired[list[dict[str, Json]]]
    count: NotRequired[int]
    left_out: NotRequired[int]
    owners: NotRequired[dict[str, Json]]
    conflicts: NotRequired[list[ConflictRow]]
    conflicts_count: NotRequired[int]


class OwnersWritten(Answer):
    """Whether the ownership rules changed, and where they lie: at the ref, or in a tracked `file`."""

    changed: bool
    file: NotRequired[str]
    modules: NotRequired[int]
    shared_files: NotRequired[int]


class DemoCheck(TypedDict):
    """A promise, and whether the run kept it."""

    name: str
    ok: bool
    detail: str


class DemoReport(Answer):
    """What the demonstration did."""

    ok: bool
    project: str
    agents: list[str]
    seconds: float
    checks: list[DemoCheck]
    killed: str | None
    recovered: dict[str, Json] | None
    refused: dict[str, int]
    commits: int
    claims_commits: int
    combined: int
    lost_swaps: int
    log: list[Json]
    kept: str | None


_Named = TypedDict("_Named", {"$schema": str, "$id": str})


class SchemaShown(_Named):
    """One JSON Schema."""


class SchemasListed(TypedDict):
    """JSON Schemas by name."""

    schemas: dict[str, dict[str, Json]]
    count: int
