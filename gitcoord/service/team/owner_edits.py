"""Changing who owns what: people write `owners.yaml`, machines write `auto.yaml`, each with one swap.

Rules:
  * What is invalid is not written, and the old rules stay.
  * Where `.gitcoord/owners.yaml` is tracked on the default branch, it is the source: the ref follows it, forward only,
    and a change is made in the file of this worktree, to be committed. Of several repositories on one remote each
    follows its own file; one that tracks none is judged by the team's.
  * Every promotion may be repeated; what is covered already stays as it is.
  * SEC-1: the file of this worktree is what the branch makes it; a link is neither read nor written through.

What this file does not know: who counts refusals (`core/owners/refusal_counts`), how a text is changed (`owners_file`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitcoord.core.documents import limits
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, canonical, load_object
from gitcoord.core.documents.names import shown
from gitcoord.core.owners import promotion
from gitcoord.core.owners.owner_rules import NO_RULES, Rules
from gitcoord.core.patterns import resolve, tracked_paths
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.errors import ContendedError, DocumentError, InvalidError, unwritable
from gitcoord.ledger.format.team_layout import AUTO, OWNERS
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import config_ref, hotspots, owners_file
from gitcoord.service.team.config_ref import Change, Now
from gitcoord.service.team.owner_lookup import text_of
from gitcoord.service.team.owners_file import SHARED, SPLITS
from gitcoord.source.checkout import checkout_file
from gitcoord.source.checkout.checkout_file import NotOursError
from gitcoord.source.checkout.default_branch import DefaultTip, default_tip, file_at, is_ancestor
from gitcoord.source.checkout.tracked import read_tracked

TRACKED = ".gitcoord/owners.yaml"
SOURCE = "source.json"  # which commit of the default branch the ref's rules are from
KINDS: Mapping[str, str] = {"shared_file": SHARED, "split": SPLITS}
STARTER = """\
# Who owns what here. `gitcoord owners check FILE` says whether a file like this one is valid.
modules:
  all:
    paths: ["**"]
    owners: []
    severity: soft
"""
AUTO_STARTER = (
    "# Written by gitcoord; people's rules are in owners.yaml. `coord-managed=permanent` behind a line keeps it.\n"
)
_WHAT = "the ownership rules"


@dataclass(frozen=True, slots=True)
class Editable:
    """People's rules where they are changed. `file`: in this worktree, where that is their source."""

    text: str
    file: Path | None = None


def editable(workspace: Workspace) -> Editable:
    """Return people's rules as they are changed; without any, what to begin with.

    Raises:
        InvalidError: they are tracked on the default branch and not in this worktree.
    """
    if tracked_source(workspace) is not None:
        file = workspace.repository.top / TRACKED
        try:
            data = checkout_file.read(workspace.repository.top, TRACKED, limits.OWNERS_BYTES)
        except NotOursError as error:
            raise _left_alone(error) from None
        if data is None:
            message = f"{TRACKED} is tracked on the default branch, and this worktree does not have it."
            raise InvalidError(message, hint="Go to a worktree that has it, change it there and commit.")
        return Editable(text_of(data, TRACKED), file)
    now = config_ref.look(workspace)
    data = now.data(_people(workspace, now))
    return Editable(text_of(data, OWNERS) if data is not None else STARTER)


def write(workspace: Workspace, *, text: str, name: str, instead_of: str | None = None) -> dict[str, Json]:
    """Make a text people's rules. `instead_of`: the text that was changed into it; another one by now is not lost.

    Raises:
        InvalidError: it is not valid; every fault has its line.
        ContendedError: another client changed the rules meanwhile.
    """
    from gitcoord.service.inputs import owners_input  # no server, watch or sync checks what is written

    checked = owners_input.check(text)
    warnings: list[Json] = [*checked.passed(name)]
    rules = owners_file.rules_in(checked.root, text)
    facts: dict[str, Json] = {"modules": len(rules.modules), "shared_files": len(rules.shared_files)}
    if tracked_source(workspace) is not None:
        return {**_write_tracked(workspace, text), **facts, "warnings": warnings}

    def decide(now: Now) -> Change | None:
        path = _people(workspace, now)
        data = now.data(path)
        old = text_of(data, OWNERS) if data is not None else STARTER
        if instead_of is not None and old != instead_of:
            message = "The rules were changed meanwhile; nothing was written."
            raise ContendedError(message, hint="Do it again on what is there now.")
        if data == text.encode():
            return None
        title = f"owners of {len(rules.modules)} modules by {workspace.agent}"
        return Change(title, "set_owners", {"from": name}, {path: text.encode()}, "owners_set", facts)

    changed = config_ref.write(workspace, _WHAT, decide)
    return {"changed": changed, **facts, "warnings": warnings}


def promote(workspace: Workspace, *, pattern: str, kind: str = "shared_file") -> dict[str, Json]:
    """Say that everyone needs what a pattern names (`shared_file`), or that its module should be split (`split`).

    Raises:
        InvalidError: it is no pattern, or the kind is another.
    """
    if kind not in KINDS:
        raise InvalidError(f"{shown(kind)} is no kind of promotion.", hint="It is shared_file or split.")
    paths = tracked_paths.Tracked(read_tracked(workspace.repository).paths)
    try:
        found = resolve.resolve(pattern, paths)
    except PatternError as error:
        raise InvalidError(str(error), hint="For example 'src/index.ts' or 'src/auth/**'.") from None
    place, warnings = Pattern.of(found.pattern.text), found.warnings
    result: dict[str, Json] = {"pattern": place.text, "kind": kind, "warnings": [*warnings]}
    if tracked_source(workspace) is not None:
        text = _promoted(editable(workspace).text, TRACKED, kind, place)
        if text is None:
            return {**result, "already": True, "changed": False, "file": TRACKED}
        return {**result, **_write_tracked(workspace, text)}

    def decide(now: Now) -> Change | None:
        path = _people(workspace, now)
        data = now.data(path)
        text = _promoted(text_of(data, OWNERS) if data is not None else STARTER, OWNERS, kind, place)
        if text is None:
            return None
        given: dict[str, Json] = {"pattern": place.text, "kind": kind}
        title = f"promote {place.text[:40]} to {kind} by {workspace.agent}"
        return Change(title, "promote", given, {path: text.encode()}, "promoted", given)

    changed = config_ref.write(workspace, _WHAT, decide)
    return {**result, "changed": changed, **({} if changed else {"already": True})}


def promote_by_itself(workspace: Workspace, listed: Mapping[RefName, Oid] | None = None) -> dict[str, Json]:
    """Do what policy `auto_promote_threshold` says, by what was refused.

    With a listing that was made already a watcher may ask as often as it likes: while the policy is off, that is all
    that is looked at.
    """
    done = promotion.Plan()
    if listed is not None:
        with workspace.lock:
            policy = workspace.reader.policy(workspace.setting.refs.config, listed)
        if policy.auto_promote_threshold <= 0:
            return {"promoted": [], "demoted": []}

    def decide(now: Now) -> Change | None:
        nonlocal done
        with workspace.lock:
            policy = workspace.reader.policy(workspace.setting.refs.config, now.listed)
        if policy.auto_promote_threshold <= 0:
            return None
        try:
            people, auto = _rules(now, _people(workspace, now)), _rules(now, config_ref.own(workspace.repo, AUTO))
        except InvalidError:  # a person repairs a file that a person damaged
            done = promotion.Plan()
            return None
        today = workspace.setting.host.now().date()
        counters = hotspots.counters_of(workspace, now.listed)
        done = promotion.plan(
            counters=counters,
            people=people,
            auto=auto,
            today=today,
            threshold=policy.auto_promote_threshold,
            subtree_min_files=policy.subtree_min_files,
        )
        if not done:
            return None
        return _auto_change(now, done, today.isoformat(), config_ref.own(workspace.repo, AUTO))

    config_ref.write(workspace, _WHAT, decide)
    return {"promoted": [pattern.text for pattern in done.added], "demoted": [pattern.text for pattern in done.removed]}


def follow_tracked(workspace: Workspace) -> dict[str, Json]:
    """Bring the rules that are tracked on the default branch to the ref; tell whether that changed anything.

    A clone that fetched less than another one changes nothing back.
    """
    tip = default_tip(workspace.repository)
    data = file_at(workspace.repository, tip.commit, TRACKED) if tip else None
    if tip is None or data is None:
        return {"followed": False}
    try:
        owners_file.rules_of(text_of(data, TRACKED), TRACKED)
    except InvalidError as error:
        return {"followed": False, "warnings": [f"{error} The rules from before it count."]}

    def decide(now: Now) -> Change | None:
        rules, origin = (config_ref.own(workspace.repo, name) for name in (OWNERS, SOURCE))
        if now.data(rules) == data or not _is_newer(workspace, tip, now.data(origin)):
            return None
        source: dict[str, Json] = {"commit": tip.commit, "seconds": tip.seconds, "repo": workspace.repo}
        edits: dict[str, bytes | None] = {rules: data, origin: canonical(source)}
        return Change(f"owners of {tip.commit[:12]}", "follow_owners", {**source}, edits, "owners_set", {})

    return {"followed": config_ref.write(workspace, _WHAT, decide)}


def to_follow(workspace: Workspace) -> dict[str, Json]:
    """Return how the rules of the default branch begin to count, where others do still."""
    tip = default_tip(workspace.repository)
    data = file_at(workspace.repository, tip.commit, TRACKED) if tip else None
    if tip is None or data is None:
        return {}
    now = config_ref.look(workspace)
    rules, origin = (config_ref.own(workspace.repo, name) for name in (OWNERS, SOURCE))
    if now.data(rules) == data or not _is_newer(workspace, tip, now.data(origin)):
        return {}
    return {"next_step": f"{TRACKED} of the default branch differs; it takes effect after `gitcoord sync`."}


def tracked_source(workspace: Workspace) -> DefaultTip | None:
    """Return the tip of the default branch, if people's rules are tracked there."""
    tip = default_tip(workspace.repository)
    return tip if tip and file_at(workspace.repository, tip.commit, TRACKED) is not None else None


def _people(workspace: Workspace, now: Now) -> str:
    return config_ref.owners_in(now.folder, workspace.repo)


def _rules(now: Now, name: str) -> Rules:
    data = now.data(name)
    return owners_file.rules_of(text_of(data, name), name, needs_modules=False) if data is not None else NO_RULES


def _auto_change(now: Now, plan: promotion.Plan, today: str, path: str) -> Change:
    data = now.data(path)
    text = text_of(data, path) if data is not None else AUTO_STARTER
    for place in plan.removed:
        text = owners_file.remove(text, SHARED, place)
    for place in plan.added:
        text = owners_file.add(text, SHARED, place, f"auto-promoted={today}")
    added: list[Json] = [pattern.text for pattern in plan.added]
    removed: list[Json] = [pattern.text for pattern in plan.removed]
    facts: dict[str, Json] = {"auto_promote": added, "auto_demote": removed}
    title = f"auto-promote {len(added)}, auto-demote {len(removed)}"
    events: list[dict[str, Json]] = [{"event": Event.AUTO_PROMOTE, "pattern": pattern.text} for pattern in plan.added]
    events += [{"event": Event.AUTO_DEMOTE, "pattern": pattern.text} for pattern in plan.demoted]
    return Change(title, "auto_promote", {}, {path: text.encode()}, "auto_promoted", facts, tuple(events))


def _promoted(text: str, name: str, kind: str, place: Pattern) -> str | None:
    """Return the rules with a place promoted; `None`: it is already."""
    rules = owners_file.rules_of(text, name)
    is_there = rules.is_shared(place) if kind == "shared_file" else place in rules.suggested_splits
    return None if is_there else owners_file.add(text, KINDS[kind], place)


def _write_tracked(workspace: Workspace, text: str) -> dict[str, Json]:
    old = editable(workspace).text
    if old != text:
        config_ref.check_size(TRACKED, text.encode())
        try:
            checkout_file.replace(workspace.repository.top, TRACKED, text.encode())
        except NotOursError as error:
            raise _left_alone(error) from None
        except OSError as error:
            raise unwritable(f"The file {TRACKED!r}", error.strerror) from error
    todo = f"Commit {TRACKED}; once that is on the default branch, the rules follow with `gitcoord sync`."
    return {"changed": old != text, "file": TRACKED, "next_step": todo, **to_follow(workspace)}


def _left_alone(why: NotOursError) -> InvalidError:
    message = f"{TRACKED} of this worktree was left alone: {why}."
    return InvalidError(message, hint="Make it a file of its own in this worktree, then run this again.")


def _is_newer(workspace: Workspace, tip: DefaultTip, source: bytes | None) -> bool:
    """Whether the default branch has gone on since the ref's rules were taken from it."""
    try:
        recorded = load_object(source) if source is not None else {}
    except DocumentError:
        return True
    commit, seconds = recorded.get("commit"), recorded.get("seconds")
    if recorded and recorded.get("repo") != workspace.repo:
        return False  # a repository that had this name, or none, before
    if not isinstance(commit, str) or not isinstance(seconds, int):
        return True
    return is_ancestor(workspace.repository, Oid(commit), tip.commit) or tip.seconds > seconds
