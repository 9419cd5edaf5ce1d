"""What git's hooks go by where the remote has less than this clone saw: claims that went back, unreadable rules.

    the tip is the marked one, or has what was seen ──> it counts
    else ──> what this clone saw counts, if it is here; with `enforce` nothing else does

Rules:
  * SAFE-9: a hook notices what a command notices: numbers, the own counter, descent, decisions.
  * SAFE-6: of rules that cannot be read the last ones count that were seen and are here.
  * What was seen is read from the clone's store, and from the remote itself where that is on a path (`Where.store`).

Loaded by a push only where a remote was read. What this file does not know: what is done with a glance.
"""

from collections.abc import Iterable, Mapping

from gitcoord.core.documents.json_text import load_object
from gitcoord.core.documents.rewind import Mark, Present, Rewind, judge
from gitcoord.errors import CoordError, RewoundError
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.root_commit import replaced_by
from gitcoord.ledger.format.team_layout import COUNTERS, DECISIONS, FILES, POLICY, REPOSITORIES, is_of_ledger
from gitcoord.ledger.hook_view.glance import META, Glance
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.remote.contract.protocol import Oid, RefName

ROLLS_MAX = 20  # a ledger is rolled after thousands of commits


def ahead(glance: Glance, before: Mapping[str, Oid]) -> Glance:
    """Return the fetched tips; those seen before where the remote has less by now."""
    where = glance.where
    refs, marks = Refs(where.namespace), Marks(where.folder, where.url or "", where.namespace, where.repo)
    marks.load()
    glance = _with_rules(glance, [*_named(before, "config"), *marks.tips(refs.config)])
    tip, mark = glance.tip("claims"), marks.of(refs.claims)
    if mark is None or mark.tip == tip or _judged(glance, mark) is None:
        return glance
    seen = [Oid(mark.tip), *_named(before, "claims"), *map(Oid, marks.tips(refs.claims))]
    return _as_seen(glance, mark, seen, refs.claims)


def _named(tips: Mapping[str, Oid], name: str) -> list[Oid]:
    return [tips[name]] if name in tips else []


def _as_seen(glance: Glance, mark: Mark, seen: Iterable[Oid], ref: RefName) -> Glance:
    """Return the glance with the newest claims that were seen and are here, or closed where none are."""
    now = glance.tip("claims")
    own = next((tip for tip in seen if tip != now and glance.is_here(tip)), None)
    what = "went back" if now else "is gone"
    problem = f"{ref} {what}: this clone saw it at sequence number {mark.seq}; run `gitcoord doctor --repair`"
    if own is None:
        data = glance.text("config", POLICY)
        try:
            enforces = bool(data) and load_object(data[0]).get("enforce") is True
        except CoordError:
            enforces = False
        lost = RewoundError(f"{problem}.", where=ref) if enforces else None
        return glance._replace(age_s=0.0, problem=problem, lost=lost)
    age_s = max(glance.clocks.wall() - mark.at_s, 0) if mark.at_s else 0.0
    return glance._replace(tips={**glance.tips, "claims": own}, age_s=age_s, problem=problem)


def _judged(glance: Glance, mark: Mark) -> Rewind | None:
    """Judge the claims by what was seen of them, as `lookback` does, with the git program."""
    from gitcoord.ledger.format.meta import APPLIED_KEPT, applied_path  # loaded where another wrote since
    from gitcoord.ledger.rewinds.decisions import Decisions  # as above

    tip, now = glance.tip("claims"), glance.clocks.wall()
    counts = glance.text("claims", META, *([applied_path(mark.clone)] if mark.clone else []))
    seq = _number(counts[0], "seq") if counts else 0
    present = Present(seq, _number(counts[1], "counter") if len(counts) > 1 else None) if tip else None
    decided = [Decisions.decode(data) for data in glance.text("config", DECISIONS)]
    if any(decisions.covers("claims", mark, present) for decisions in decided):
        return None
    is_kept = now - mark.at_s < APPLIED_KEPT.total_seconds()
    descends = _descends(glance, tip, Oid(mark.tip)) if tip else None
    return judge(mark, present, descends=descends, counter_is_kept=is_kept)


def _descends(glance: Glance, tip: Oid, seen: Oid) -> bool | None:
    """Whether claims have a commit in their history, a few rolls included; `None`: not all of it is here."""
    store, commit_id = glance.where.store, tip
    for _ in range(ROLLS_MAX):
        found = store.descends(commit_id, seen)
        first = store.first_of(commit_id) if found is False else None
        if first is not None and first.is_cut:  # what the one that was seen came from cannot come from that
            return False if store.descends(seen, first.oid) else None
        replaced = replaced_by(first.message) if first else None
        if first is None or replaced is None:
            return found
        if replaced == seen:
            return True
        if store.tree_of(replaced) not in (None, first.tree):
            return False
        commit_id = replaced
    return None


def _with_rules(glance: Glance, seen: Iterable[str]) -> Glance:
    """Return the glance with the last rules that can be read, where those at the remote cannot."""
    tip = glance.tip("config")
    if tip is None or _is_readable(glance, tip):
        return glance
    for seen_oid in map(Oid, seen):
        if seen_oid != tip and _is_readable(glance, seen_oid):
            return glance._replace(tips={**glance.tips, "config": seen_oid})
    return glance


def _is_readable(glance: Glance, tip: Oid) -> bool:
    store = glance.where.store
    try:
        listed = store.files(tip, [*FILES, REPOSITORIES, COUNTERS], beside=[META])
        is_rules = META in listed and not is_of_ledger({path.partition("/")[0] for path in listed})
        if not is_rules or any(path.startswith(f"{POLICY}/") for path in listed):
            return False
        for data in store.contents([listed[name] for name in (META, POLICY) if name in listed]).values():
            load_object(data)
    except CoordError:
        return False
    return True


def _number(data: bytes, name: str) -> int:
    try:
        number = load_object(data).get(name)
    except CoordError:
        return 0
    return number if isinstance(number, int) else 0
