"""Who owns what: the rules at `refs/coord/config`, read once for what they are, and judged by.

Rules:
  * People's rules are `owners.yaml`, machines' are `auto.yaml`; both count as one, people's lines win.
  * Where several repositories share the remote, one that has people's rules of its own is judged by those. What
    machines found in one repository is no rule of another.
  * Where unreadable rules were pushed by hand, the last rules before them stay, and every caller gets a warning. So it
    is where the whole ref cannot be read (`ledger/readers/team_rules`).
  * What was read is known by the ids of its files: without rules, or while they are unchanged, nothing is parsed and
    the parser is not even imported.

What this file does not know: how rules are changed (`owner_edits`), what is refused because of them.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json
from gitcoord.core.owners.owner_rules import NO_RULES, Module, Rules
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.core.steps.step_commands import OwnedPlace, PathRules
from gitcoord.errors import DocumentError, InvalidError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.team_layout import AUTO
from gitcoord.remote.contract.protocol import Objects, Oid, RefName
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.config_ref import own, owners_in

_K = TypeVar("_K")
_V = TypeVar("_V")
BACK_MAX = 20  # commits that are looked at for rules that can be read
KNOWN_MAX = 64  # files, and tips, that one process meets while people edit


class Known(NamedTuple):
    """The rules of a file, or why there are none."""

    rules: Rules = NO_RULES
    why: str = ""


class Owned(NamedTuple):
    """The rules at a tip. `rules` are both files as one; `problems`: what cannot be read, as sentences."""

    people: Rules = NO_RULES
    auto: Rules = NO_RULES
    rules: Rules = NO_RULES
    problems: tuple[str, ...] = ()


class Ownership(NamedTuple):
    """What the rules say of the places that a caller asks for.

    Attributes:
        is_owner: whether the caller owns all that is most strictly minded there.
        shared: for each place whether it is a shared file.
    """

    severity: Severity | None
    owners: tuple[str, ...]
    is_owner: bool
    shared: tuple[bool, ...]


class _Cache:
    """What files and tips say, by their ids; ids say all, so that every workspace of the process may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[Oid, bool], Known] = OrderedDict()
        self._tips: OrderedDict[tuple[Oid, str | None], Owned] = OrderedDict()

    def tip(self, objects: Objects, tip: Oid, repo: str | None) -> Owned:
        with self._lock:
            known = self._tips.get((tip, repo))
            if known is None:
                name = owners_in(trees.load(objects, commits.read(objects, tip).tree), repo)
                people, auto = (self._last_good(objects, tip, document) for document in (name, own(repo, AUTO)))
                whys = tuple(owned.why for owned in (people, auto) if owned.why)
                known = Owned(people.rules, auto.rules, people.rules.merged(auto.rules), whys)
                _keep(self._tips, (tip, repo), known)
            return known

    def _last_good(self, objects: Objects, tip: Oid, name: str) -> Known:
        """Return a file's rules; of one that cannot be read those that it had before."""
        commit_id, why = tip, ""
        for _ in range(BACK_MAX):
            commit = commits.read(objects, commit_id)
            known = self._file(objects, trees.load(objects, commit.tree).file(name), name)
            why = why or known.why
            earlier = commits.before(objects, commit)
            if not known.why or earlier is None or not objects.has(earlier):
                return Known(known.rules, why)
            commit_id = earlier
        return Known(why=why)

    def _file(self, objects: Objects, oid: Oid | None, name: str) -> Known:
        if oid is None:
            return Known()
        known = self._files.get((oid, _is_auto(name)))
        if known is None:
            from gitcoord.service.team import owners_file  # only who has rules needs it

            try:
                text = text_of(objects.read(oid)[1], name)
                rules = owners_file.rules_of(text, name, needs_modules=not _is_auto(name))
            except InvalidError as error:
                known = Known(why=f"{error} Until that is corrected, the rules from before it count.")
            else:
                known = Known(rules)
            _keep(self._files, (oid, _is_auto(name)), known)
        return known


_CACHE = _Cache()


def ownership_of(
    workspace: Workspace,
    places: Sequence[Pattern],
    listed: Mapping[RefName, Oid] | None = None,
    agent: str | None = None,
) -> Ownership:
    """Judge places for an agent, by default the workspace's own. `listed`: a listing that was made already."""
    judged = owned(workspace, listed).rules.of(places)
    return Ownership(judged.severity, judged.owners, judged.is_owner(agent or workspace.agent), judged.shared)


def path_rules(workspace: Workspace, listed: Mapping[RefName, Oid], agent: str) -> PathRules:
    """Return what the rules say for the paths of a step that an agent may get."""
    rules = owned(workspace, listed).rules
    hard = rules.hard_of_others(agent)
    barred = hard if hard and workspace.policy(listed).hard_requires_owner else []
    return PathRules(
        shared=tuple(line.pattern.text for line in rules.shared_files),
        owned=tuple(
            OwnedPlace(paths=tuple(path.text for path in module.paths), owners=module.owners) for module in barred
        ),
    )


def not_owned(
    workspace: Workspace, places: Sequence[Pattern], listed: Mapping[RefName, Oid], agent: str
) -> list[tuple[Pattern, Module, Pattern]]:
    """Return the places within what an agent must be an owner of, each with the first such module and path of it."""
    found: list[tuple[Pattern, Module, Pattern]] = []
    hard = owned(workspace, listed).rules.hard_of_others(agent)
    others = [(module, path) for module in hard for path in module.paths]
    for place in places:
        meets = next(((module, path) for module, path in others if path_pattern.overlaps(path, place)), None)
        if meets is not None:
            found.append((place, *meets))
    return found


def owned(workspace: Workspace, listed: Mapping[RefName, Oid] | None = None) -> Owned:
    """Return the rules that count now, with each problem named."""
    ref = workspace.setting.refs.config
    with workspace.lock:
        tip, damage = workspace.reader.rules_at((workspace.listed() if listed is None else listed).get(ref))
    problems = (str(damage.error),) if damage else ()
    try:
        found = _CACHE.tip(workspace.setting.transport.objects, tip, workspace.repo) if tip else Owned()
    except (DocumentError, MissingObjectError) as error:
        return Owned(problems=(*problems, str(error)))
    return found._replace(problems=(*problems, *found.problems))


def show(workspace: Workspace, *, patterns: Sequence[str] = ()) -> dict[str, Json]:
    """Return the rules with where each shared line is from, or what they say of patterns.

    Raises:
        InvalidError: a text is no pattern.
    """
    listed = workspace.listed()
    found = owned(workspace, listed)
    warnings: list[Json] = [*found.problems]
    if patterns:
        rows = [_judged(workspace, found.rules, place_of(text)) for text in patterns]
        return {"places": [*rows], "warnings": warnings}
    return {**found.people.as_json(), "auto": found.auto.as_json()["shared_files"], "warnings": warnings}


def _judged(workspace: Workspace, rules: Rules, place: Pattern) -> Json:
    judged = rules.of([place])
    return {
        "pattern": place.text,
        "modules": [module.name for module in judged.modules],
        "severity": judged.severity,
        "owners": [*judged.owners],
        "is_owner": judged.is_owner(workspace.agent),
        "shared_file": judged.shared[0],
    }


def place_of(text: str) -> Pattern:
    """Return the pattern of a person's text.

    Raises:
        InvalidError: it is none.
    """
    try:
        return Pattern.of(text)
    except PatternError as error:
        raise InvalidError(str(error), hint="For example 'src/index.ts' or 'src/auth/**'.") from None


def text_of(data: bytes, name: str) -> str:
    """Return a file's text.

    Raises:
        InvalidError: it is too large, or not UTF-8.
    """
    if len(data) > limits.OWNERS_BYTES:
        raise InvalidError(f"{name} is larger than {limits.OWNERS_BYTES >> 10} KB.", hint="Use wider patterns.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidError(f"{name}:{line}: this is not UTF-8.") from None


def _is_auto(name: str) -> bool:
    return name.rpartition("/")[2] == AUTO


def _keep(known: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    known[key] = value
    while len(known) > KNOWN_MAX:
        known.popitem(last=False)
