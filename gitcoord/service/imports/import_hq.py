"""Importing the projects of hq, a step server: everything is read and decided before anything is written.

    file ──read whole──> projects ──as they are here──> commands ──decided, all of them──> one commit a project

Rules:
  * A step that was held there is open here, with who had it as its checkpoint: no session of hq lives here.
  * A project that is here as it would be imported is left as it is; another one of its name refuses the whole import.
  * What hq's projects cannot be here is said as a warning, or refused with the place in the file.

What this file does not know: how the file is read (`gitcoord.source.imports.hq`); what a project may be
(`core.steps.rules.import_project`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json, compact, time_text
from gitcoord.core.documents.names import project_name, shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import HELD, Step, StepStatus
from gitcoord.core.steps.step_commands import ImportProject
from gitcoord.errors import CoordError, InvalidError, RefusedError
from gitcoord.remote.contract.protocol import Oid
from gitcoord.service.claims.dry_run import caller_of
from gitcoord.service.imports.foreign_names import agent_of
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.imports.hq import HqProject, HqStep, read_hq

_RECORD_BYTES = 256 * 1024  # left for what the record says beside the command


@dataclass(frozen=True, slots=True)
class _HqPlan:
    """A project that would be imported. `outcome`: what the rules say of it now."""

    source: HqProject
    command: ImportProject
    outcome: Outcome

    @property
    def name(self) -> str:
        return self.command.project.name

    @property
    def is_new(self) -> bool:
        return self.outcome.is_done and not self.outcome.facts.get("already")


@dataclass(frozen=True, slots=True)
class _Making:
    """What making documents needs. `commits`: those of the file's that are here, with their ids."""

    workspace: Workspace
    base: Oid | None
    warnings: list[str]
    commits: Mapping[str, Oid]


def import_hq(
    workspace: Workspace,
    *,
    file: Path,
    projects: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
    base: str | None = None,
    dry_run: bool = False,
) -> dict[str, Json]:
    """Import projects of a file: all, or those that are named. `renamed`: other names for them here.

    Raises:
        InvalidError: the file or something in it cannot be imported; nothing was written.
        CoordError: writing broke; the hint says what landed.
    """
    source = read_hq(file)
    known = {project.name: project for project in source.projects}
    missing = next((name for name in projects if name not in known), None)
    if missing is not None:
        listed = ", ".join(shown(name, 40) for name in sorted(known)[:10])
        hint = f"It has {listed}." if known else "It has no projects at all."
        raise InvalidError(f"There is no project {shown(missing)} in the file.", hint=hint)
    chosen = [project for project in source.projects if not projects or project.name in projects]
    names = _names(chosen, renamed or {})
    repository = workspace.repository
    named = {project.base_commit for project in chosen} | {step.commit for project in chosen for step in project.steps}
    commits = repository.resolve_ids([name for name in named if name])
    making = _Making(workspace, repository.resolve_commit(base) if base else None, [*source.warnings], commits)
    commands = [(source, _command(making, source, name)) for source, name in zip(chosen, names, strict=True)]
    plans = _decided(workspace, commands)
    refused = [plan for plan in plans if not plan.outcome.is_done]
    result: dict[str, Json] = {"source": "hq", "schema": source.schema, "dry_run": dry_run}
    if refused:
        first = refused[0].outcome
        why = f"{first.message} Nothing was imported."
        result |= {"projects": [*map(_row, plans)], "refused": first.code, "why": why, "next_step": first.hint}
        return {**result, "warnings": [*making.warnings]}
    if not dry_run:
        _write(workspace, [plan for plan in plans if plan.is_new])
    rows: list[Json] = [_row(plan, is_written=not dry_run) for plan in plans]
    return {**result, "projects": rows, "count": len(rows), "warnings": [*making.warnings]}


def _names(chosen: Sequence[HqProject], renamed: Mapping[str, str]) -> list[str]:
    """Return the names that projects have here."""
    unknown = next((name for name in renamed if name not in {source.name for source in chosen}), None)
    if unknown is not None:
        raise InvalidError(f"{shown(unknown)} is to be renamed, and is no project that is imported.")
    names: list[str] = []
    for source in chosen:
        try:
            names.append(project_name(renamed.get(source.name, source.name)))
        except InvalidError as error:
            hint = f"{error.hint} Give it one: --rename {shown(source.name)}=NAME."
            raise InvalidError(f"{source.where}: {error}", hint=hint) from None
    twice = next((name for name, count in Counter(name.lower() for name in names).items() if count > 1), None)
    if twice is not None:
        message = f"Two projects would be named {shown(twice)} here, where case makes no difference."
        raise InvalidError(message, hint="Give one of them another name: --rename OLD=NEW.")
    return names


def _command(making: _Making, source: HqProject, name: str) -> ImportProject:
    steps = tuple(_step(making, step, name) for step in source.steps)
    project = _project(making, source, name, steps)
    command = ImportProject(project=project, steps=steps)
    size = len(compact(command.dump()).encode())
    if size > limits.DOCUMENT_BYTES - _RECORD_BYTES:
        message = (
            f"{source.where}: the project has {size >> 10} KB of texts; 3,840 KB is the most. Nothing was imported."
        )
        raise InvalidError(message, hint="Shorten notes and lists of files in a copy of the file.")
    return command


def _project(making: _Making, source: HqProject, name: str, steps: Sequence[Step]) -> Project:
    wanted = source.base_commit
    commit = making.base or making.commits.get(wanted or "")
    if commit is None:
        what = f"its base commit {shown(wanted, 40)} is not in this repository" if wanted else "it has no base commit"
        hint = "Fetch it, or say where the work starts: --base COMMIT."
        raise InvalidError(f"{source.where}: {what}. Nothing was imported.", hint=hint)
    if source.priority:
        making.warnings.append(f"Project {shown(source.name)}: its priority {source.priority} has no place here.")
    status, reason = _status(source, steps)
    if reason and status is not source.status:
        making.warnings.append(f"Project {shown(source.name)} is {status} here: {reason}.")
    ended = [step.completed_at for step in steps if step.completed_at]
    return Project(
        name=name,
        base_commit=commit,
        status=status,
        repo=making.workspace.repo,
        created_at=source.created_at,
        created_by=making.workspace.agent,
        completed_at=max(ended, default=source.created_at) if status is ProjectStatus.COMPLETED else None,
        reason=reason if status is ProjectStatus.ABORTED else None,
    )


def _status(source: HqProject, steps: Sequence[Step]) -> tuple[ProjectStatus, str | None]:
    """Return what a project is here, and why if that is not what it was."""
    if source.status is ProjectStatus.ABORTED:
        return ProjectStatus.ABORTED, "it was aborted in hq"
    if all(step.is_settled for step in steps):
        return ProjectStatus.COMPLETED, None if source.status is ProjectStatus.COMPLETED else "all its steps are done"
    if source.status is ProjectStatus.COMPLETED:
        return ProjectStatus.ABORTED, "it was completed in hq with steps that were open"
    return ProjectStatus.ACTIVE, None


def _step(making: _Making, step: HqStep, project: str) -> Step:
    agent = agent_of(step.agent, making.warnings) if step.agent else None
    new = Step(
        id=f"{project}/{step.num}",
        step_num=step.num,
        branch=step.branch,
        scope=step.scope,
        depends_on=step.depends_on,
    )
    if step.status in HELD:
        return new.evolve(attempts=1, checkpoint=_left(step, agent, f"it was {step.status} in hq"))
    if step.status is StepStatus.NOT_STARTED:
        return new
    commit, notes = making.commits.get(step.commit or ""), step.notes
    if step.commit and commit is None:
        making.warnings.append(f"{step.where}: its commit {shown(step.commit, 40)} is not in this repository.")
        notes = "\n".join(text for text in (notes, f"Commit in hq: {step.commit}") if text)
    moments: dict[str, datetime | None] = {"claimed_at": step.claimed_at, "started_at": step.started_at}
    ended = step.completed_at or step.seen_at or step.started_at or step.claimed_at
    had = new.evolve(
        status=step.status, agent_id=agent, attempts=1, worktree=step.worktree, last_activity=ended, **moments
    )
    if step.status is StepStatus.FAILED:
        reason = notes or "It failed in hq."
        return had.evolve(reason=reason, failed_at=ended, checkpoint=_left(step, agent, reason))
    return had.evolve(commit_hash=commit, files_modified=step.files, notes=notes or None, completed_at=ended)


def _left(step: HqStep, agent: str | None, reason: str) -> dict[str, Json]:
    """Return what who had a step left for the next."""
    seen = step.seen_at or step.started_at or step.claimed_at
    left: dict[str, Json] = {
        "agent_id": agent,
        "branch": step.branch,
        "commit": step.commit,
        "notes": step.notes or None,
        "reason": reason,
        "worktree": step.worktree,
        "at": time_text(seen) if seen else None,
    }
    return {name: value for name, value in left.items() if value is not None}


def _decided(workspace: Workspace, commands: Sequence[tuple[HqProject, ImportProject]]) -> list[_HqPlan]:
    """Decide every command on what is here now; write nothing.

    Raises:
        InvalidError: one can never be carried out; the sentence says which.
    """
    actor, listed = workspace.actor(), workspace.listed()
    caller = caller_of(workspace, actor, listed)
    plans: list[_HqPlan] = []
    for source, command in commands:
        ref = workspace.setting.refs.steps(command.project.name)
        damage = next((oddity for oddity in workspace.skipped if oddity.ref == ref), None)
        if damage is not None:
            raise damage.as_error()
        basis = caller.basis(ref)
        basis.state.check_writable()
        outcome = caller.decide(basis, basis.state.content, command).outcome
        if outcome.verdict == "invalid":
            message = f"{source.where}, project {shown(source.name)}: {outcome.message} Nothing was imported."
            raise InvalidError(message, hint=outcome.hint or "Correct it in a copy of the file.")
        plans.append(_HqPlan(source, command, outcome))
    return plans


def _write(workspace: Workspace, plans: Sequence[_HqPlan]) -> None:
    """Write one project after the other; whatever breaks says which have landed."""
    for number, project in enumerate(plans):
        try:
            outcome = workspace.submit(project.command, workspace.actor(), project.name).outcome
            if outcome is not None and not outcome.is_done:
                raise RefusedError(outcome.message, hint=outcome.hint)
        except CoordError as error:
            landed = ", ".join(plan.name for plan in plans[:number]) or "nothing"
            rest = ", ".join(plan.name for plan in plans[number:])
            landed_note = f"Imported before that: {landed}. Not known to be: {rest}. The same command again goes on."
            error.hint = f"{error.hint} {landed_note}".strip()
            raise


def _row(plan: _HqPlan, *, is_written: bool = False) -> Json:
    project, outcome = plan.command.project, plan.outcome
    state = ("imported" if is_written else "new") if plan.is_new else "already" if outcome.is_done else "refused"
    counts: dict[str, Json] = {
        str(status): count for status, count in Counter(s.status for s in plan.command.steps).items()
    }
    row: dict[str, Json] = {"name": project.name, "state": state, "status": project.status}
    row |= {"steps": len(plan.command.steps), "counts": counts}
    row["was_held"] = [step.num for step in plan.source.steps if step.status in HELD]
    if plan.source.name != project.name:
        row["was"] = plan.source.name
    return row
