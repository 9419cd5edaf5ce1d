"""Whatever a ledger holds, each face answers, and what damages one ledger stops no other.

No traceback, no hang, no memory without bound, nothing that a terminal acts on, no git command of the user blocked.

All crafts, ledgers and callers together take most of an hour of one core (`make torture`); here each craft meets one.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import Git, Prepared
from tests.hostile.callers import CALLERS, HELLO, MORE_CALLERS, ROOT, Caller, ask, call, lines
from tests.hostile.crafts import (
    CANARY,
    CRAFTS,
    TAG,
    Craft,
    Ledger,
    a_history_anew,
    a_past_with_names,
    a_strange_checkpoint,
    forged_events,
    headers_without_end,
    imitations,
    imitations_in_names,
    imitations_in_symbols,
    markup_in_texts,
    no_json,
    no_meta,
    seen_by_no_one,
)

CLAIMS, STEPS, HEARTBEATS = "refs/coord/claims", "refs/coord/steps/app", "refs/coord/heartbeats/"
KINDS = (CLAIMS, STEPS, HEARTBEATS)
FEW = 1
BEATS_MAX = 5
# They look at everything, and say of which ledger something is wrong.
EXAMINERS = {("doctor",), ("audit",)}
READERS = tuple(Caller(words) for words in (("status",), ("doctor",), ("audit",), ("verify", "--base", "HEAD")))
PLAN = """\
name: app
base_commit: HEAD
steps:
  - {step_num: 1, title: Data model, branch: feat/model, paths: [model.py], description: The tables.}
  - {step_num: 2, title: Endpoints, branch: feat/api, depends_on: [1]}
  - {step_num: 3, title: Manual}
"""
SIDE_PLAN = "name: side\nbase_commit: HEAD\nsteps:\n  - {step_num: 1, title: Beside}\n"
# What differs from what gitcoord writes, and changes nothing of what a ledger says. A history anew with the same
# documents is what publishing makes: who saw none before cannot tell (who did: tests/unit/doctor/test_rewound_tips).
SOUND = (headers_without_end, a_history_anew)
# What does not read the ledger that was crafted, and so goes on.
OTHERS = {
    ("step", "claim", "--project", "side"): (CLAIMS, STEPS, HEARTBEATS),
    ("claim", "add", "/free.py"): (STEPS, HEARTBEATS),
    ("step", "claim", "--project", "app"): (CLAIMS, HEARTBEATS),
}


def gitcoord(cwd: Path, *words: str, given: str = "") -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": "ann/cli/wt"}
    program = [sys.executable, "-m", "gitcoord", *words]
    done = subprocess.run(program, cwd=cwd, env=env, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def make_shared(folder: Path, git: Git) -> None:
    """Make a remote on which ann has a project, a step, a claim and a heartbeat."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "remote.git")
    git(folder, "clone", "--quiet", "remote.git", "ann")
    ann = folder / "ann"
    (ann / "README.md").write_text("# A project\n", encoding="utf-8")
    (ann / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (ann / "side.yaml").write_text(SIDE_PLAN, encoding="utf-8")
    git(ann, "add", "--all")
    git(ann, "commit", "--quiet", "--message", "first")
    git(ann, "push", "--quiet", "origin", "HEAD:main")
    git(folder / "remote.git", "symbolic-ref", "HEAD", "refs/heads/main")
    git(ann, "config", "gitcoord.remote", "origin")
    gitcoord(ann, "project", "create", "plan.yaml")
    gitcoord(ann, "project", "create", "side.yaml")
    gitcoord(ann, "step", "claim", "--project", "app")
    gitcoord(ann, "claim", "add", "/src/", "/README.md", "--description", "The text")
    for _ in range(BEATS_MAX):  # a busy machine may end the server before its heartbeat is out
        gitcoord(ann, "mcp", given=lines(*HELLO, call(2, "list_claims")))
        if git(folder / "remote.git", "for-each-ref", HEARTBEATS):
            break
    shutil.rmtree(ann)


@pytest.fixture
def shared(tmp_path: Path, prepared: Prepared, git: Git) -> Path:
    """The remote, and a clone of bob's that has seen nothing of it yet."""
    folder = tmp_path / "shared"
    prepared.copy("a team", folder, lambda made: make_shared(made, git))
    cloned(folder, "bob", git)
    (folder / "bob" / "message.txt").write_text("text\n", encoding="utf-8")
    return folder


def cloned(folder: Path, name: str, git: Git) -> None:
    git(folder, "clone", "--quiet", "remote.git", name)
    git(folder / name, "config", "gitcoord.remote", "origin")


def plant(remote: Path, kind: str, craft: Craft, git: Git) -> dict[str, str]:
    """Let a ref of the remote be what a craft makes; return it, with its `old` and its `new` tip."""
    ref = git(remote, "for-each-ref", "--count=1", "--format=%(refname)", kind)
    old = git(remote, "rev-parse", ref)
    tip = craft(Ledger(remote, ref))
    # By hand: git refuses to name by a ref what is no object of its own kind, and a server that takes pushes may not.
    path = remote / ref
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{tip}\n", encoding="ascii")
    return {"ref": ref, "old": old, "new": tip}


def plant_for(callers: Iterable[Caller], shared: Path, kind: str, craft: Craft, git: Git) -> dict[str, str]:
    """Plant as `plant` does, under a clone with a snapshot where a caller works in one: without it hooks look away."""
    if not any(caller.place == "cat" for caller in callers):
        return plant(shared / "remote.git", kind, craft, git)
    cat = shared / "cat"
    cloned(shared, "cat", git)
    gitcoord(cat, "sync")
    assert (cat / ".git/gitcoord/snapshot/me.json").is_file()
    moved = plant(shared / "remote.git", kind, craft, git)
    ask(Caller(("sync",)), cat, shared.parent, moved)
    return moved


def check(shared: Path, tmp_path: Path, kind: str, craft: Craft, callers: tuple[Caller, ...], git: Git) -> None:
    moved = plant_for(callers, shared, kind, craft, git)
    found: list[str] = []
    for caller in callers:
        answer = ask(caller, shared / caller.place, tmp_path, moved)
        faults = answer.faults(caller)
        if caller.words == ("hook", "pre-receive") and kind != HEARTBEATS and answer.status != 1:
            faults.append(f"a push that no record gives was taken, with {answer.status}")
        if (
            caller.words in EXAMINERS
            and kind != HEARTBEATS
            and craft not in SOUND
            and kind not in answer.out + answer.err
        ):
            faults.append("the ledger is not named")
        if kind in OTHERS.get(caller.words, ()) and answer.status != 0:
            faults.append(f"stopped by another ledger, with {answer.status}")
        found += [f"{caller.name}: {fault}\n{answer.out[-600:]}{answer.err[-1500:]}" for fault in faults]
    assert found == [], "\n".join(found)
    assert [*tmp_path.rglob(CANARY)] == [], "a text of the ledger was run"


def few(number: int) -> tuple[Caller, ...]:
    """Return the callers that a craft meets here: others for each, so that all have met some."""
    return tuple(CALLERS[(number * FEW + at) % len(CALLERS)] for at in range(FEW))


@pytest.mark.rule("SAFE-6", "SEC-1", "SEC-4")
@pytest.mark.parametrize("number", range(len(CRAFTS)), ids=lambda number: CRAFTS[number].__name__)
def test_a_crafted_ledger_breaks_no_face(number: int, shared: Path, tmp_path: Path, git: Git) -> None:
    check(shared, tmp_path, KINDS[number % len(KINDS)], CRAFTS[number], few(number), git)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(("craft", "kind"), [(no_json, CLAIMS), (no_meta, STEPS)])
def test_readers_name_the_ledger_that_they_cannot_read_and_work_beside_it_goes_on(
    craft: Craft, kind: str, shared: Path, tmp_path: Path, git: Git
) -> None:
    moved = plant(shared / "remote.git", kind, craft, git)

    answers = {caller.name: ask(caller, shared / "bob", tmp_path, moved) for caller in READERS}
    beside = ask(Caller(("step", "claim", "--project", "side")), shared / "bob", tmp_path, moved)

    assert [name for name, answer in answers.items() if kind not in answer.out + answer.err] == []
    assert "--repair" in answers["doctor"].out
    assert (beside.status, "side/1" in beside.out) == (0, True), beside.err


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize(
    ("craft", "kind"),
    [
        *((craft, CLAIMS) for craft in (imitations, imitations_in_names, imitations_in_symbols)),
        *((craft, STEPS) for craft in (imitations, a_strange_checkpoint)),
        (seen_by_no_one, HEARTBEATS),
    ],
)
def test_text_of_others_looks_like_no_sentence_of_ours(
    craft: Craft, kind: str, shared: Path, tmp_path: Path, git: Git
) -> None:
    """Neither a next step nor a notice: it stands behind what it is of, in one line, or in a field of JSON."""
    shows = {
        CLAIMS: {"status", "claim check README.md", "hook edit claude PreToolUse", "mcp all"},
        STEPS: {"step show app/1", "project show app", "mcp all"},
        HEARTBEATS: {"status", "doctor", "mcp all"},
    }[kind]

    callers = tuple(caller for caller in CALLERS if caller.name in shows)
    assert {caller.name for caller in callers} == shows
    check(shared, tmp_path, kind, craft, callers, git)


@pytest.mark.rule("SEC-1", "SEC-7")
def test_text_of_others_is_no_markup_of_a_page_that_is_written_or_served(
    shared: Path, tmp_path: Path, git: Git
) -> None:
    moved = plant(shared / "remote.git", STEPS, markup_in_texts, git)
    callers = {caller.name: caller for caller in CALLERS if caller.words[0] == "dashboard"}

    answers = {name: ask(caller, shared / "bob", tmp_path, moved) for name, caller in callers.items()}

    assert {name: answer.status for name, answer in answers.items()} == {
        "dashboard page.html": 0,
        "dashboard live": 130,
    }
    assert [name for name, answer in answers.items() if f"&lt;{TAG} " not in answer.page] == []
    assert [fault for name, answer in answers.items() for fault in answer.faults(callers[name])] == []


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize(
    ("craft", "kind"), [(forged_events, CLAIMS), (forged_events, STEPS), (a_past_with_names, CLAIMS)]
)
def test_what_a_record_says_looks_like_no_sentence_of_ours(
    craft: Craft, kind: str, shared: Path, tmp_path: Path, git: Git
) -> None:
    shows = {"log", "metrics", "watch start", "claim list", "mcp all"}

    callers = tuple(caller for caller in (*CALLERS, *MORE_CALLERS) if caller.name in shows)
    assert {caller.name for caller in callers} == shows
    check(shared, tmp_path, kind, craft, callers, git)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.rule("SAFE-6", "SEC-1", "SEC-4")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("craft", CRAFTS, ids=lambda craft: craft.__name__)
def test_no_crafted_ledger_breaks_any_face(craft: Craft, kind: str, shared: Path, tmp_path: Path, git: Git) -> None:
    check(shared, tmp_path, kind, craft, (*CALLERS, *MORE_CALLERS), git)
