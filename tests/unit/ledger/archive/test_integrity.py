"""Soundness: damage of each kind is named with its commit, and a ledger of ours has none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import canonical
from gitcoord.core.steps.step import Step
from gitcoord.ledger.archive.integrity import faults
from gitcoord.ledger.archive.past_claims import past_claims
from gitcoord.ledger.format import claims_layout, commits, steps_layout, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.meta import META, Meta
from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.store.pygit_objects import PygitObjects

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
WHO = Signature("Ann", "ann@example.invalid")


class Chain:
    """A ledger that a test writes commit by commit."""

    def __init__(self, folder: Path) -> None:
        pygit2.init_repository(str(folder), bare=True)
        self.objects = PygitObjects(folder)
        self.folder = trees.EMPTY
        self.tip: Oid | None = None
        self.now = NOW

    def add(self, seq: int, *docs: Doc, gone: tuple[str, ...] = (), **raw: bytes) -> Oid:
        edits: dict[str, bytes | None] = {META: canonical(Meta(seq=seq).dump())}
        edits |= {_path(doc): canonical(doc.dump()) for doc in docs}
        edits |= {name.replace("__", "/") + ".json": data for name, data in raw.items()}
        edits |= dict.fromkeys(gone)
        self.folder = trees.write(self.objects, self.folder, edits)
        assert self.folder.oid is not None
        parents = [self.tip] if self.tip else []
        self.tip = commits.write(self.objects, self.folder.oid, parents, WHO, self.now, "work")
        self.now += timedelta(hours=1)
        return self.tip


def _path(doc: Doc) -> str:
    return steps_layout.path_of(doc) if isinstance(doc, Step) else claims_layout.path_of(doc)


def claim(name: str = "c-00000001", fence: int = 1) -> Claim:
    item = Item(pattern="src/a.py", expires_at=NOW + timedelta(hours=4))
    return Claim(
        id=name,
        agent="ann/cli/wt",
        clone="laptop",
        items=(item,),
        fence=fence,
        created_at=NOW,
        expires_at=item.expires_at,
        last_activity=NOW,
    )


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "store.git")


def told(chain: Chain) -> list[tuple[Oid, str]]:
    assert chain.tip is not None
    return [(one.commit, one.what) for one in faults(chain.objects, chain.tip)]


def test_a_ledger_whose_numbers_grow_is_sound(chain: Chain) -> None:
    chain.add(1, claim())
    chain.add(2, claim("c-00000002", 2), Step(id="app/1", step_num=1, fence=1))
    chain.add(3, Step(id="app/1", step_num=1, fence=2), gone=(_path(claim()),))

    assert told(chain) == []


def test_numbers_that_go_back_are_named_with_their_commit(chain: Chain) -> None:
    chain.add(5, Step(id="app/1", step_num=1, fence=2))
    back = chain.add(4, Step(id="app/1", step_num=1, fence=1))
    chain.add(6)

    assert told(chain) == [
        (back, "lowers the sequence number from 5 to 4"),
        (back, "lowers the fence of step app/1 from 2 to 1"),
    ]


def test_a_fence_that_was_never_given_is_named(chain: Chain) -> None:
    chain.add(1)
    forged = chain.add(2, claim(fence=9))

    assert told(chain) == [(forged, "has claim c-00000001 with fence 9, but only 2 were given out")]


def test_damaged_and_misplaced_documents_are_named(chain: Chain) -> None:
    chain.add(1)
    bad = chain.add(2, claims__0__0__x=b"{", claims__0__0__y=canonical(claim().dump()), steps__0__7=b"[]")

    found = told(chain)

    assert {commit for commit, _ in found} == {bad}
    whats = sorted({what.partition(":")[0] for _, what in found})
    assert whats == [
        "has a damaged document at claims/0/0/x.json",
        "has a damaged document at steps/0/7.json",
        "has at claims/0/0/y.json what belongs elsewhere",
    ]


def test_a_tip_that_is_no_commit_is_named(chain: Chain) -> None:
    chain.add(1)
    assert chain.folder.oid is not None
    chain.tip = chain.folder.oid

    [(commit, what)] = told(chain)

    assert (commit, what.startswith("cannot be read: ")) == (chain.tip, True)


def test_past_claims_are_those_that_were_there_since(chain: Chain) -> None:
    chain.add(1, claim())
    chain.add(2, claim("c-00000002", 2), gone=(_path(claim()),))
    chain.add(3, gone=(_path(claim("c-00000002")),))
    assert chain.tip is not None

    def since(hours: float) -> list[str]:
        assert chain.tip is not None
        return sorted(one.id for one in past_claims(chain.objects, chain.tip, NOW + timedelta(hours=hours)).claims)

    assert since(0) == ["c-00000001", "c-00000002"]
    assert since(1.5) == ["c-00000002"]
    assert since(5) == []
    assert not past_claims(chain.objects, chain.tip, NOW).is_cut


def test_history_that_was_cut_off_is_said(chain: Chain) -> None:
    assert past_claims(chain.objects, Oid("1" * 40), NOW).is_cut
    assert past_claims(chain.objects, Oid("1" * 40), NOW).claims == ()
