"""Predicting which active branches would not merge, before an agent has invested an hour.

Rules:
  * `active_branches` says which are compared; a result names them, who is behind each, and what was left out and why.
  * Each pair is merged once for its trees: what was found is kept in the clone's folder, by the trees of both sides
    and of their ancestor.
  * A call ends in time; what it has not come to is named, and found by the next one.
  * A pair that cannot be merged in trial is passed over and named; the others go on.

What this file does not know: how files are merged.
"""

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pygit2

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.names import branch_name, shown
from gitcoord.errors import CoordError, DocumentError, InvalidError, MissingObjectError
from gitcoord.ledger.clone import files
from gitcoord.remote.store.pygit_objects import libgit2_errors
from gitcoord.service.checks import last_prediction
from gitcoord.service.checks.active_branches import PUSHED_DAYS, Behind, Gathered, active, gather
from gitcoord.service.checks.last_prediction import PredictedPair
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.merges import broken_references, trial_merge
from gitcoord.source.merges.tree_sizes import ENTRIES_MAX
from gitcoord.source.merges.trial_repository import Side, Trial, trial
from gitcoord.source.symbols.definitions import DefinitionReader

SIDES_MAX = 30  # 435 pairs
OTHERS_MAX = 200  # beside one commit, each a merge
TIME_S_MAX = 40.0  # less than an MCP call may take; what was found is kept, so that the next call goes on
KEPT_MAX = 500
KEPT_BYTES_MAX = 16 * 1024  # of one pair; larger ones are found again
SHOWN_MAX = 20
FORMAT = 1  # of what is kept; raised when what is found changes


@dataclass(slots=True)
class _Kept:
    """What was found before, on disk."""

    workspace: Workspace | None
    found: dict[str, Json]
    is_changed: bool = False

    @classmethod
    def of(cls, workspace: Workspace) -> "_Kept":
        data = files.read_json(workspace.setting.clone.folder / "predictions.json")
        found = data.get("found")
        return cls(workspace, found if data.get("format") == FORMAT and isinstance(found, dict) else {})

    def keep(self, key: str, value: dict[str, Json]) -> None:
        if len(compact(value)) <= KEPT_BYTES_MAX:
            self.found[key] = value
            self.is_changed = True

    def save(self) -> None:
        if self.is_changed and self.workspace is not None:
            newest = dict(list(self.found.items())[-KEPT_MAX:])
            host = self.workspace.setting.host
            with contextlib.suppress(CoordError):  # it is found again
                path = self.workspace.setting.clone.folder / "predictions.json"
                files.write_json(path, {"format": FORMAT, "found": newest}, host.unique)


def predict_conflicts(workspace: Workspace, *, branch: str | None = None, limit: int = SHOWN_MAX) -> dict[str, Json]:
    """Return which pairs of active branches would conflict; with `branch` only those with it. Nothing is touched.

    Raises:
        InvalidError: the branch is no name of one, or is nowhere.
        RepositoryError: trial merges are not possible in this repository.
    """
    wanted = {branch_name(branch)} if branch else set[str]()
    reader = DefinitionReader(workspace.setting.host.monotonic, workspace.repository.env)
    kept, behind = _Kept.of(workspace), active_branches(workspace)
    since_s, namespace = _since(workspace.setting.host.now()), workspace.setting.refs.namespace
    rows: list[Json] = []
    predicted: list[PredictedPair] = []
    with trial(workspace.repository) as place:
        gathered = gather(place, behind, wanted, workspace.code_url, since_s=since_s, namespace=namespace)
        if branch and branch not in {side.name for side in gathered.sides}:
            raise InvalidError(
                f"Branch {shown(branch)} is not here, nor on the remote.", hint="Push it, or name another."
            )
        sides = _first(gathered, branch, workspace, place, behind)
        pairs = [
            pair for pair in itertools.combinations(sides, 2) if not branch or branch in (pair[0].name, pair[1].name)
        ]
        landed = _Landed(place, kept, {name for name, branch in behind.items() if branch.is_worked_on} | wanted)
        end = workspace.setting.host.monotonic() + TIME_S_MAX
        for number, (ours, theirs) in enumerate(pairs):
            if workspace.setting.host.monotonic() > end:
                place.notes.append(f"{len(pairs) - number} of {len(pairs)} pairs are left; ask again to go on.")
                break
            found = _pair(place, kept, reader, ours, theirs)
            if (found.get("conflicts") or found.get("troubles")) and not landed.has(ours, theirs):
                who: list[Json] = [_compared(side, behind) for side in (ours, theirs)]
                dirty: list[Json] = [side.name for side in (ours, theirs) if side.dirty]
                tips = (ours.commit, theirs.commit)
                predicted.append(
                    PredictedPair((ours.name, theirs.name), tips, _paths(found), workspace.setting.host.now())
                )
                rows.append(
                    {
                        "branches": [ours.name, theirs.name],
                        "who": who,
                        **({"uncommitted": dirty} if dirty else {}),
                        **found,
                    }
                )
    kept.save()
    host = workspace.setting.host
    last_prediction.note(workspace.setting.clone.folder, predicted, branch, host.now(), host.unique)
    names: list[Json] = [side.name for side in sides]
    compared: list[Json] = [_compared(side, behind) for side in sides]
    result: dict[str, Json] = {"predictions": rows[:limit], "count": len(rows), "branches": names, "pairs": len(pairs)}
    left: list[Json] = [{"branch": name, "why": why} for name, why in gathered.left_out.items()]
    more: dict[str, Json] = {"left_out": left[:SHOWN_MAX], "left_out_count": len(left)} if left else {}
    return {
        **result,
        "compared": compared,
        **more,
        "warnings": [*place.notes],
        **({"next_step": _NEXT} if rows else {}),
    }


def predict_with(
    repository: Repository,
    ours: tuple[str, str],
    behind: Mapping[str, Behind],
    url: str | None,
    *,
    now: datetime,
    monotonic: Callable[[], float],
    namespace: str,
) -> tuple[list[dict[str, Json]], list[str]]:
    """Return which active branches would conflict with one commit, and what is unknown.

    `ours`: its name and id. The default branch is where it goes, and is not one of the others.

    Raises:
        InvalidError: the commit is not here.
        RepositoryError: trial merges are not possible in this repository.
    """
    name, commit = ours
    reader, kept = DefinitionReader(monotonic, repository.env), _Kept(None, {})
    rows: list[dict[str, Json]] = []
    with trial(repository) as place:
        own_side = Side(name, commit, str(place.objects[commit].peel(pygit2.Tree).id))
        gathered = gather(place, behind, set(), url, since_s=_since(now), namespace=namespace)
        skipped = {name, place.default_name}
        others = [side for side in gathered.sides if not side.worktree and side.name not in skipped]
        others = [side for side in others if side.commit != commit]
        if len(others) > OTHERS_MAX:
            place.notes.append(f"{len(others) - OTHERS_MAX} of {len(others)} branches were not looked at.")
        landed = _Landed(place, kept, {name for name, branch in behind.items() if branch.is_worked_on} | {name})
        end = monotonic() + TIME_S_MAX
        for number, theirs in enumerate(others[:OTHERS_MAX]):
            if monotonic() > end:
                place.notes.append(f"{len(others) - number} of {len(others)} branches were not looked at: out of time.")
                break
            found = _pair(place, kept, reader, own_side, theirs)
            if (found.get("conflicts") or found.get("troubles")) and not landed.has(theirs):
                rows.append({"who": _compared(theirs, behind), "branch": theirs.name, **found})
        return rows, [*place.notes]


def predict_among(
    repository: Repository,
    heads: Mapping[str, str],
    pairs: Sequence[tuple[str, str]],
    *,
    monotonic: Callable[[], float],
) -> tuple[list[tuple[tuple[str, str], tuple[str, ...]]], list[str]]:
    """Return which pairs of proposals would conflict, each with its paths, and what is unknown.

    `heads`: the commit of each proposal, by its name; `pairs`: names of two, the most important first.

    Raises:
        RepositoryError: trial merges are not possible in this repository.
    """
    reader, kept, end = DefinitionReader(monotonic, repository.env), _Kept(None, {}), monotonic() + TIME_S_MAX
    rows: list[tuple[tuple[str, str], tuple[str, ...]]] = []
    with trial(repository) as place:
        sides = {name: place.side_at(name, commit) for name, commit in heads.items()}
        for number, pair in enumerate(pairs):
            if monotonic() > end:
                place.notes.append(f"{len(pairs) - number} of {len(pairs)} pairs were not looked at: out of time.")
                break
            ours, theirs = sides[pair[0]], sides[pair[1]]
            if ours is None or theirs is None:  # its commit is not here, which who asks has said
                continue
            found = _pair(place, kept, reader, ours, theirs)
            if found.get("conflicts") or found.get("troubles"):
                rows.append((pair, _paths(found)))
        return rows, [*place.notes]


_NEXT = "Talk to the agent that has the other branch, or merge it before going on: it costs less now."


@dataclass(slots=True)
class _Landed:
    """Which branches landed in other commits; asked only of those that conflict, for it takes git some processes."""

    place: Trial
    kept: _Kept
    worked_on: set[str]

    def has(self, *sides: Side) -> bool:
        """Whether one of them has; not of what an agent works on."""
        return any(self._has(side) for side in sides if not side.worktree and side.name not in self.worked_on)

    def _has(self, side: Side) -> bool:
        key = f"landed.{side.commit}.{self.place.default_commit}"
        known = self.kept.found.get(key)
        if isinstance(known, dict):
            return known.get("landed") is True
        has_landed = self.place.has_landed(side)
        self.kept.keep(key, {"landed": has_landed})
        return has_landed


def active_branches(workspace: Workspace) -> dict[str, Behind]:
    """Return the branches of claims and of steps; damaged ledgers say nothing."""
    listed = workspace.listed()
    try:
        register = workspace.register(listed)
    except (DocumentError, MissingObjectError):
        register = None
    with workspace.lock:
        boards = [state.content for state in workspace.reader.projects(listed) if state.content]
    return active(register, boards, workspace.repo)


def _since(now: datetime) -> int:
    return int((now - timedelta(days=PUSHED_DAYS)).timestamp())


def _compared(side: Side, behind: Mapping[str, Behind]) -> dict[str, Json]:
    row = behind.get(side.name, Behind()).row(side.name)
    return {**row, **({"worktree": Path(side.worktree).name} if side.worktree else {})}


def _first(
    gathered: Gathered, branch: str | None, workspace: Workspace, place: Trial, behind: Mapping[str, Behind]
) -> list[Side]:
    """Put the branch asked for, the own worktree and what agents work on first, and leave out what is too much."""
    here, sides = str(workspace.repository.top), gathered.sides
    ranked = sorted(
        sides, key=lambda side: (side.name != branch, side.worktree != here, not (side.worktree or side.name in behind))
    )
    if len(ranked) > SIDES_MAX:
        named = Call.of("predict_conflicts", branch=...)
        left = f"{len(ranked) - SIDES_MAX} of {len(ranked)} branches are left out; name one: "
        place.notes.append(sentence(left, named, "."))
        gathered.left_out |= {side.name: f"more than {SIDES_MAX} are active" for side in ranked[SIDES_MAX:]}
    return ranked[:SIDES_MAX]


def _pair(place: Trial, kept: _Kept, reader: DefinitionReader, ours: Side, theirs: Side) -> dict[str, Json]:
    if ours.tree == theirs.tree:
        return {}
    try:
        return _merged(place, kept, reader, ours, theirs)
    except (*libgit2_errors(), UnicodeError) as error:
        why = str(error).rstrip(".") or type(error).__name__
        place.notes.append(f"{shown(ours.name)} and {shown(theirs.name)} cannot be merged in trial: {shown(why, 200)}.")
        return {}


def _merged(place: Trial, kept: _Kept, reader: DefinitionReader, ours: Side, theirs: Side) -> dict[str, Json]:
    repo = place.objects
    # A worktree's uncommitted changes are on top of its commit, so that the ancestor is that of the commits.
    commits = pygit2.Oid(hex=ours.commit), pygit2.Oid(hex=theirs.commit)
    ancestor = cast("pygit2.Oid | None", repo.merge_base(*commits))
    if ancestor is None:
        place.notes.append(f"{shown(ours.name)} and {shown(theirs.name)} have no common commit here.")
        return {}
    base = repo[ancestor].peel(pygit2.Tree).id
    if str(base) in (ours.tree, theirs.tree):
        return {}  # one side has changed nothing
    key = f"{base}.{ours.tree}.{theirs.tree}"
    known = kept.found.get(key)
    if isinstance(known, dict):
        return known
    trees = (base, pygit2.Oid(hex=ours.tree), pygit2.Oid(hex=theirs.tree))
    if any(place.sizes.is_too_large(str(tree)) for tree in trees):
        why = f"one of their trees has more than {ENTRIES_MAX} entries"
        place.notes.append(f"{shown(ours.name)} and {shown(theirs.name)} cannot be merged in trial: {why}.")
        return {}
    conflicts = trial_merge.conflicts(repo, *trees, reader)
    conflicting = {path for conflict in conflicts for path in (conflict.path, conflict.theirs_path) if path}
    troubles = broken_references.troubles(repo, trees, reader, conflicting)
    rows: list[Json] = [_conflict(conflict) for conflict in conflicts[:SHOWN_MAX]]
    more: list[Json] = [_trouble(trouble) for trouble in troubles[:SHOWN_MAX]]
    out: dict[str, Json] = {}
    if rows:
        out |= {"conflicts": rows, "conflicts_count": len(conflicts)}
    if more:
        out |= {"troubles": more, "troubles_count": len(troubles)}
    found = out
    kept.keep(key, found)
    return found


def _paths(found: Mapping[str, Json]) -> tuple[str, ...]:
    rows = found.get("conflicts") or found.get("troubles")
    paths = [row.get("path") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(dict.fromkeys(str(path) for path in paths))


def _conflict(conflict: trial_merge.Conflict) -> dict[str, Json]:
    extra: dict[str, Json] = {
        "lines": [_lines(pair) for pair in conflict.ours_lines],
        "their_lines": [_lines(pair) for pair in conflict.theirs_lines],
        "symbols": [*conflict.symbols],
        "their_path": conflict.theirs_path,
    }
    return {"path": conflict.path, "kind": conflict.kind, **{name: value for name, value in extra.items() if value}}


def _lines(pair: tuple[int, int]) -> str:
    return f"{pair[0]}" if pair[0] == pair[1] else f"{pair[0]}-{pair[1]}"


def _trouble(trouble: broken_references.Trouble) -> dict[str, Json]:
    fate = f"now {trouble.became}" if trouble.became else "gone"
    deed = "edits it" if trouble.is_edit else "newly uses it"
    out: dict[str, Json] = {
        "path": trouble.path,
        "symbol": trouble.symbol,
        "used_in": trouble.used_in,
        "removed_by": 0 if trouble.by_ours else 1,
        "why": f"{trouble.symbol} is {fate} on one branch, and the other {deed} in {trouble.used_in}.",
    }
    return {**out, **({"lines": [*trouble.lines]} if trouble.lines else {})}
