"""Judging: the ledgers and the work of the demonstration, read with plain git when all is over."""

from collections import Counter
from collections.abc import Sequence

from gitcoord import runtime
from gitcoord.faces.demo import ledger, verdict
from gitcoord.faces.demo.claims_verdict import checks_of_claims
from gitcoord.faces.demo.git import GitFailedError, git, succeeds
from gitcoord.faces.demo.place import PEOPLE, Place
from gitcoord.faces.demo.plan import BY_NUM, CART, CART_TEXT, EDITS, FILES, TASKS, collisions
from gitcoord.faces.demo.report import Report
from gitcoord.faces.demo.verdict import Check
from gitcoord.service.watch import overview


def judge(place: Place, report: Report, *, late: Check | None, conflicts: Sequence[str], broken: Sequence[str]) -> None:
    """Fill in the report. `late`: the dead agent's hand-in; `conflicts`, `broken`: what agents reported."""
    entries, claims = ledger.read(place), ledger.read_claims(place)
    report.claims_commits = len(claims)
    report.commits = len(entries)
    report.combined = verdict.combined(entries)
    for person in place.people:
        env = {**place.env, "GITCOORD_AGENT": f"{person}/demo/audience"}
        lost = overview.status(runtime.open_workspace(place.clone(person), env, tool="demo")).get("lost_swaps")
        report.lost_swaps += lost if isinstance(lost, int) else 0
    report.log = ledger.subjects(place)
    report.recovery = verdict.recovery_of(entries, report.killed)
    late = late or Check("the dead agent's late hand-in was refused", is_ok=False, detail="no agent took its step over")
    report.checks = [
        *verdict.checks_of(entries, report.killed),
        late,
        *checks_of_claims(claims, entries, report.killed),
        _work(place, conflicts),
        _cart(place),
    ]
    troubles = "; ".join(broken)
    report.checks.append(
        Check("every other agent worked to the end", not troubles, troubles or "all ended by themselves")
    )


def _work(place: Place, conflicts: Sequence[str]) -> Check:
    """Look into the work itself: all of it is in the last step's commit, and nothing ever conflicted."""
    name = "the last commit has the work of every step"
    clone, last = place.clone(PEOPLE[0]), max(BY_NUM)
    try:
        git(
            clone,
            place.env,
            "fetch",
            "--quiet",
            "--no-tags",
            "origin",
            f"+refs/heads/{place.prefix}/*:refs/demo/work/*",
        )
        missing = [
            num
            for num in BY_NUM
            if not succeeds(
                place.clone(PEOPLE[0]),
                place.env,
                "merge-base",
                "--is-ancestor",
                *(f"refs/demo/work/step-{num}", f"refs/demo/work/step-{last}"),
            )
        ]
        texts = [git(clone, place.env, "cat-file", "blob", f"refs/demo/work/step-{last}:{file}") for file in FILES]
    except GitFailedError as error:
        return Check(name, is_ok=False, detail=str(error))
    lines = Counter(line for text in texts for line in text.splitlines())
    missing += [task.num for task in TASKS if lines[task.line] != 1]
    if missing or conflicts:
        what = f"missing: step {', '.join(str(num) for num in sorted(set(missing)))}" if missing else ""
        return Check(name, is_ok=False, detail="; ".join([*([what] if what else []), *conflicts]))
    return Check(
        name, is_ok=True, detail=f"no merge conflicted, though {collisions()} pairs of steps write at one place"
    )


def _cart(place: Place) -> Check:
    """Look into the file that two agents wanted: it must have what all of their edits made of it."""
    name = "the file that two agents wanted has the edits of both"
    clone, here = place.clone(PEOPLE[0]), "refs/demo/work/cart"
    try:
        text = git(clone, place.env, "cat-file", "blob", f"{here}:{CART}") + "\n"
        titles = git(clone, place.env, "log", "--reverse", "--format=%s", f"{place.base}..{here}", "--").splitlines()
    except GitFailedError as error:
        return Check(name, is_ok=False, detail=str(error))
    wanted = CART_TEXT
    for edit in EDITS:
        wanted = edit.done_to(wanted)
    is_ok = text == wanted and titles == [edit.title for edit in EDITS]
    return Check(name, is_ok, f"{CART}: {', '.join(titles)}")
