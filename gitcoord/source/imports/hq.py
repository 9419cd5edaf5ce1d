"""What hq, a step server for agents, keeps in its SQLite file: projects and their steps.

Rules:
  * The tables are those of its schema 1, the only one there is; another is refused.
  * Every word of hq has one here: `merged` is a step that was completed, and whose branch has landed since.

What this file does not know: what becomes of it here; see `gitcoord.service.imports.import_hq`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.step import StepStatus
from gitcoord.errors import InvalidError
from gitcoord.source.imports.foreign_values import Row
from gitcoord.source.imports.sqlite_file import WAIT_S, Schema, opened

SCHEMA_CHECKED = 1
TABLES: Schema = {
    "projects": ("id", "name", "base_commit", "created_at", "status", "priority"),
    "steps": (
        *("id", "project_id", "step_num", "branch", "scope", "status", "worktree", "agent_id", "claimed_at"),
        *("started_at", "completed_at", "last_heartbeat", "last_commit", "files_modified", "notes"),
    ),
    "dependencies": ("step_id", "depends_on_step_id"),
    "schema_migrations": ("version",),
}
_STEP_WORDS: Mapping[str, str] = {
    **{status.value: status.value for status in StepStatus if status is not StepStatus.SKIPPED},
    "merged": StepStatus.COMPLETED.value,
}
_PROJECT_WORDS: Mapping[str, str] = {status.value: status.value for status in ProjectStatus}


@dataclass(frozen=True, slots=True)
class HqStep:
    """One step. `seen_at`: the last sign of life of who had it."""

    where: str
    num: int
    status: StepStatus
    branch: str | None
    scope: str | None
    depends_on: tuple[int, ...]
    agent: str | None
    worktree: str | None
    claimed_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    seen_at: datetime | None
    commit: str | None
    files: tuple[str, ...]
    notes: str


@dataclass(frozen=True, slots=True)
class HqProject:
    """One project with its steps."""

    where: str
    name: str
    base_commit: str | None
    created_at: datetime
    status: ProjectStatus
    priority: int
    steps: tuple[HqStep, ...]


@dataclass(frozen=True, slots=True)
class HqFile:
    """What a file of hq says. `warnings`: what was cut."""

    schema: int
    projects: tuple[HqProject, ...]
    warnings: tuple[str, ...]


def read_hq(file: Path, *, wait_s: float = WAIT_S) -> HqFile:
    """Read all of a file.

    Raises:
        InvalidError: it is not a file of hq, of another schema, or a value in it is not what it should be.
        CoordError: as `sqlite_file.opened`.
    """
    with opened(file, wait_s=wait_s) as source:
        source.check(TABLES, "hq")
        versions = [row.integer("version") for row in source.rows(TABLES, "schema_migrations")]
        schema = max(versions, default=0)
        if schema != SCHEMA_CHECKED:
            message = f"{source.name} has schema {schema} of hq; only {SCHEMA_CHECKED} was checked."
            hint = "Let hq open it once if it is older; a newer gitcoord may know a newer one."
            raise InvalidError(f"{message} Nothing was imported.", hint=hint)
        steps = source.rows(TABLES, "steps")
        waits = _dependencies(source.rows(TABLES, "dependencies"), steps)
        by_project: dict[int, list[HqStep]] = defaultdict(list)
        for row in steps:
            by_project[row.integer("project_id")].append(_step(row, waits[row.integer("id")]))
        projects = tuple(
            HqProject(
                where=row.where,
                name=row.word("name"),
                base_commit=row.maybe_word("base_commit"),
                created_at=row.moment("created_at"),
                status=ProjectStatus(row.one_of("status", _PROJECT_WORDS)),
                priority=row.integer("priority"),
                steps=tuple(sorted(by_project.pop(row.integer("id"), []), key=lambda step: step.num)),
            )
            for row in source.rows(TABLES, "projects")
        )
        if by_project:
            first = next(iter(by_project.values()))[0]
            raise InvalidError(f"{first.where}: its project is not there.", hint="Remove the step in a copy of it.")
        return HqFile(schema, projects, tuple(source.warnings))


def _dependencies(rows: Iterable[Row], steps: list[Row]) -> defaultdict[int, list[int]]:
    """Return for each step's id the numbers that it depends on."""
    places = {row.integer("id"): (row.integer("project_id"), row.integer("step_num")) for row in steps}
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        one, other = row.integer("step_id"), row.integer("depends_on_step_id")
        for name, wanted in (("step_id", one), ("depends_on_step_id", other)):
            if wanted not in places:
                raise row.fault(name, f"is {wanted}, and there is no such step")
        if places[one][0] != places[other][0]:
            raise row.fault("depends_on_step_id", f"is {other}, a step of another project")
        found[one].append(places[other][1])
    return found


def _step(row: Row, depends_on: list[int]) -> HqStep:
    return HqStep(
        where=row.where,
        num=row.integer("step_num"),
        status=StepStatus(row.one_of("status", _STEP_WORDS)),
        branch=row.maybe_word("branch"),
        scope=row.maybe_word("scope"),
        depends_on=tuple(sorted(depends_on)),
        agent=row.maybe_word("agent_id"),
        worktree=row.maybe_word("worktree"),
        claimed_at=row.maybe_moment("claimed_at"),
        started_at=row.maybe_moment("started_at"),
        completed_at=row.maybe_moment("completed_at"),
        seen_at=row.maybe_moment("last_heartbeat"),
        commit=row.maybe_word("last_commit"),
        files=row.words("files_modified"),
        notes=row.prose("notes"),
    )
