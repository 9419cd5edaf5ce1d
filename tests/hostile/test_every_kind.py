"""Whatever the team's rules, a relay, a post or an archive are made into: each face answers, and work goes on.

As `test_every_face`, for the refs beside ledgers and heartbeats. All crafts are in `make torture`.
"""

from pathlib import Path

import pytest

from tests.conftest import Git
from tests.hostile import crafts
from tests.hostile.callers import CALLERS, Caller, ask
from tests.hostile.crafts import CANARY, CRAFTS, Craft, Ledger
from tests.hostile.test_every_face import cloned, gitcoord, plant
from tests.hostile.test_every_face import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

CONFIG, RELAY, INBOX, ARCHIVE = "refs/coord/config", "refs/coord/relay/", "refs/coord/inbox/", "refs/coord/archive/"
KINDS = (CONFIG, RELAY, INBOX, ARCHIVE)
WORKS = {("claim", "add", "/free.py"), ("step", "claim", "--project", "app")}  # what none of these refs stops
# What reads the refs beside the team's rules, by the first word; of rules each caller does.
READ_BESIDE = {"status", "sync", "doctor", "log", "relay", "mcp", "watch", "dashboard"}
FEW = (
    (crafts.a_blob, CONFIG, "status"),
    (crafts.another_ledger, CONFIG, "claim"),
    (crafts.numbers_beyond, CONFIG, "doctor"),
    (crafts.a_blob, RELAY, "dashboard"),
    (crafts.escapes_in_texts, RELAY, "relay"),
    (crafts.a_tag, INBOX, "claim"),
    (crafts.deep_json, INBOX, "doctor"),
    (crafts.a_tree, ARCHIVE, "log"),
    (crafts.a_message_of_escapes, ARCHIVE, "doctor"),
)


@pytest.fixture
def full(shared: Path, git: Git) -> Path:
    """The remote of `shared`, with rules of the team, a relay, a post and an archive as well."""
    remote = shared / "remote.git"
    cloned(shared, "cat", git)
    gitcoord(shared / "cat", "policy", "set", "idle_minutes", "20")
    claims = Ledger(remote, "refs/coord/claims")
    for ref, name, text in (
        (f"{RELAY}ci", "relay.json", b'{"name": "ci", "receiver": "https://ci.example"}'),
        (f"{INBOX}claims/1800000000000-cat-drawn1", "post.json", b'{"clone": "cat", "ledger": "refs/coord/claims"}'),
    ):
        tree = claims.tree(("100644", name, claims.blob(text)))
        git(remote, "update-ref", ref, git(remote, "commit-tree", tree, "-m", "by hand"))
    git(remote, "update-ref", f"{ARCHIVE}claims/1", "refs/coord/claims")
    return shared


def check(full: Path, tmp_path: Path, kind: str, craft: Craft, callers: tuple[Caller, ...], git: Git) -> None:
    gitcoord(full / "cat", "sync")  # hooks look away where there is no snapshot
    moved = plant(full / "remote.git", kind, craft, git)
    found: list[str] = []
    for caller in callers:
        answer = ask(caller, full / caller.place, tmp_path, moved)
        faults = answer.faults(caller)
        if caller.words in WORKS and answer.status != 0:
            faults.append(f"stopped by what is no ledger, with {answer.status}")
        found += [f"{caller.name}: {fault}\n{answer.out[-600:]}{answer.err[-1500:]}" for fault in faults]
    assert found == [], "\n".join(found)
    assert [*tmp_path.rglob(CANARY)] == [], "a text of the ref was run"


@pytest.mark.rule("SAFE-6", "SEC-1", "SEC-4")
@pytest.mark.parametrize(("craft", "kind", "word"), FEW, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_crafted_ref_beside_the_ledgers_breaks_no_face(
    craft: Craft, kind: str, word: str, full: Path, tmp_path: Path, git: Git
) -> None:
    check(full, tmp_path, kind, craft, (next(caller for caller in CALLERS if caller.words[0] == word),), git)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.rule("SAFE-6", "SEC-1", "SEC-4")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("craft", CRAFTS, ids=lambda craft: craft.__name__)
def test_no_crafted_ref_beside_the_ledgers_breaks_any_face(
    craft: Craft, kind: str, full: Path, tmp_path: Path, git: Git
) -> None:
    clients = (caller for caller in CALLERS if caller.place != "remote.git")  # a server's hook judges pushes, not tips
    readers = tuple(caller for caller in clients if kind == CONFIG or caller.words[0] in READ_BESIDE)
    check(full, tmp_path, kind, craft, readers, git)
