"""Layout, retry, pending, files and clone ids: the small parts, each with its own rules."""

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.core.documents.rewind import Mark
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step
from gitcoord.errors import BugError
from gitcoord.ledger.clone import clone_id, files, remote_folder
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format import steps_layout
from gitcoord.ledger.leader import lead_time
from gitcoord.ledger.leader.pending import Pending
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.remote.contract.protocol import Oid, RefName
from tests.unit.ledger.fakes import START, Clock

REF, OTHER = RefName("refs/coord/steps/app"), RefName("refs/coord/steps/web")
X, Y = Oid("1" * 40), Oid("2" * 40)


@pytest.mark.parametrize(
    ("num", "path"),
    [
        (0, "steps/0/0.json"),
        (99, "steps/0/99.json"),
        (100, "steps/1/100.json"),
        (29_999, "steps/299/29999.json"),
        (30_000, "steps/3w/300/30000.json"),
        (999_999_999, "steps/99999w/9999999/999999999.json"),
    ],
)
def test_steps_lie_by_hundreds_and_from_thirty_thousand_on_one_folder_deeper(num: int, path: str) -> None:
    assert steps_layout.step_path(num) == path
    assert steps_layout.is_step(path)


def test_no_two_steps_lie_at_one_place_and_no_folder_of_the_largest_project_is_large() -> None:
    paths = [steps_layout.step_path(num) for num in range(1, 100_001)]
    folders: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folders.setdefault("/".join(parts[:depth]), set()).add(parts[depth])

    assert len(set(paths)) == len(paths)
    assert max(map(len, folders.values())) <= 310


def test_documents_have_their_places_and_others_have_none() -> None:
    project = Project(name="app", base_commit="1" * 40, created_at=START, created_by="ann")
    step = Step(id="app/7", step_num=7)

    assert (steps_layout.path_of(project), steps_layout.path_of(step)) == ("project.json", "steps/0/7.json")
    assert not any(
        map(steps_layout.is_step, ["project.json", "meta.json", "applied/k.json", "steps.json", "steps/0/7.txt"])
    )
    with pytest.raises(BugError):
        steps_layout.path_of(step.__class__.__base__())  # pyright: ignore[reportOptionalCall]


def test_waiting_is_bounded_and_spread_over_the_whole_of_a_bound_that_doubles() -> None:
    longest = list(lead_time.delays(lambda: 1.0))

    assert len(longest) == lead_time.ATTEMPTS_MAX
    assert longest[0] == lead_time.FIRST_S
    assert max(longest) == lead_time.LONGEST_S
    assert all(after == min(before * 2, lead_time.LONGEST_S) for before, after in pairwise(longest))
    assert list(lead_time.delays(lambda: 0.0)) == [0.0] * lead_time.ATTEMPTS_MAX
    assert [half * 2 for half in lead_time.delays(lambda: 0.5)] == longest


def test_a_swap_that_was_sent_pins_its_commands_until_its_ref_moves(tmp_path: Path) -> None:
    pending = Pending(tmp_path, "1")
    pending.add([(REF, X, ["a", "b"])])
    pending.add([(OTHER, None, ["c"])])

    pending.resolve({REF: X})
    same = Pending(tmp_path, "2").pins()
    before, after = pending.resolve({REF: Y})
    pending.settle({REF: Y}, {"b"})
    unread = pending.pins()
    pending.settle({REF: Y}, {"c"})

    assert same == before == unread == {"a": REF, "b": REF, "c": OTHER}
    assert after == {"c": OTHER}
    assert pending.pins() == {"c": OTHER}
    pending.forget([OTHER])
    assert not (tmp_path / "pending.json").exists()


@pytest.mark.rule("TXN-4")
def test_taking_a_swap_back_leaves_what_was_on_its_way_before(tmp_path: Path) -> None:
    pending = Pending(tmp_path, "1")
    pending.add([(REF, X, ["a"])])

    pending.add([(REF, X, ["a", "b"])])
    pending.take_back(REF)

    assert pending.pins() == {"a": REF}
    pending.add([(OTHER, X, ["c"])])
    pending.take_back(OTHER)
    assert pending.pins() == {"a": REF}
    pending.take_back(REF)  # without a swap: nothing is taken back
    assert pending.pins() == {"a": REF}


@pytest.mark.rule("TXN-2")
def test_what_was_sent_without_a_note_pins_beside_what_was_noted_while_the_process_lives(tmp_path: Path) -> None:
    Pending(tmp_path, "1").add([(REF, X, ["of one that died"])])
    pending = Pending(tmp_path, "2")

    pending.note_sent(REF, X, ["a"])
    pending.note_sent(REF, X, ["b"])
    pending.add([(REF, X, ["c"])])

    noted = {"of one that died": REF, "c": REF}
    assert pending.pins() == {"a": REF, "b": REF, **noted}
    assert pending.resolve({REF: X}) == (pending.pins(), pending.pins())
    assert Pending(tmp_path, "3").pins() == noted
    pending.settle({REF: Y}, {"b"})
    assert pending.pins() == {"a": REF, "b": REF}
    pending.forget([REF])
    assert pending.pins() == {}


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", ["", "{", "[]", '{"r":1}', '{"r":{"base":1}}', '{"r":{"base":null,"uids":7}}', "\0"])
def test_a_damaged_list_of_pending_swaps_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "pending.json").write_text(damage)
    pending = Pending(tmp_path, "1")

    assert pending.pins() == {}
    pending.settle({}, ())
    pending.add([(REF, X, ["a"])])
    assert pending.pins() == {"a": REF}


def test_a_file_is_whole_or_as_before_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1}, "1")
    files.write_json(path, {"a": 2, "ö": "x" * 100_000}, "1")

    assert files.read_json(path)["a"] == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'"text"', b"null"])
def test_a_damaged_file_is_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)

    assert files.read_json(path) == {}


def test_names_are_sorted_and_drafts_and_others_left_out(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", ".c.json.7", "d.lock"):
        (tmp_path / name).touch()

    assert files.names_in(tmp_path, ".json") == ["a.json", "b.json"]
    assert files.names_in(tmp_path / "none", ".json") == []
    files.remove(tmp_path / "none" / "x.json")


def test_a_clone_keeps_its_id_over_processes_and_reboots(tmp_path: Path) -> None:
    draw = Clock().draw

    first = clone_id.load_or_draw(tmp_path / "gitcoord", "machine", draw, "1")
    second = clone_id.load_or_draw(tmp_path / "gitcoord", "machine", draw, "2")

    assert first == second
    assert len(first) == clone_id.ID_CHARS


@pytest.mark.rule("SAFE-2")
def test_a_copied_clone_draws_a_new_id_and_the_first_keeps_its_own(tmp_path: Path) -> None:
    draw = Clock(drawn=10_000_000_000_000).draw
    first = clone_id.load_or_draw(tmp_path / "a", "machine", draw, "1")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copied = clone_id.load_or_draw(tmp_path / "b", "machine", lambda: "another-one", "1")
    elsewhere = clone_id.load_or_draw(tmp_path / "b", "another machine", lambda: "third-id-is", "1")
    kept = clone_id.load_or_draw(tmp_path / "a", "machine", draw, "1")
    shutil.rmtree(tmp_path / "a")
    shutil.copytree(tmp_path / "b", tmp_path / "a")  # in the place of the first
    in_place = clone_id.load_or_draw(tmp_path / "a", "machine", lambda: "fourth-one", "1")

    assert first == kept
    assert len({first, copied, elsewhere, in_place}) == 4


@pytest.mark.rule("SAFE-7")
def test_a_folder_that_is_moved_or_seen_by_a_container_is_the_same_clone(tmp_path: Path) -> None:
    before, folder = tmp_path / "before", tmp_path / "after"
    first = clone_id.load_or_draw(before, "machine", lambda: "first-one-", "1", boot="monday")
    before.rename(folder)

    def seen(machine: str, boot: str) -> str:
        return clone_id.load_or_draw(folder, machine, lambda: f"drawn-{machine}", "1", boot=boot)

    moved = seen("machine", "monday")
    rebooted = seen("machine", "tuesday")
    inside = seen("container", "tuesday")
    later = seen("container", "wednesday")  # known from before
    copied_disk = seen("laptop", "thursday")  # the numbers are those of the first

    assert {moved, rebooted, inside, later} == {first}
    assert copied_disk != first


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("lives", [True, False])
def test_a_mount_with_numbers_of_its_own_is_the_same_clone_while_a_session_lives(tmp_path: Path, lives: bool) -> None:
    first = clone_id.load_or_draw(tmp_path, "machine", lambda: "first-one-", "1")
    session = Sessions(tmp_path, "1").open(SessionBeat(id="s-ann", agents=("ann/cli/wt",)))
    if not lives:
        session.close(START)
    known = files.read_json(tmp_path / "clone.json")
    files.write_json(tmp_path / "clone.json", {**known, "places": [{"inode": 7, "device": 7}]}, "1")

    seen = [clone_id.load_or_draw(tmp_path, "container", lambda: "second-one", "1") for _ in range(2)]
    session.close(START)
    seen.append(clone_id.load_or_draw(tmp_path, "container", lambda: "third-one-", "1"))

    assert set(seen) == {first if lives else "second-one"}


def test_a_copy_of_a_folder_whose_session_lives_is_a_copy(tmp_path: Path) -> None:
    first = clone_id.load_or_draw(tmp_path / "a", "machine", lambda: "first-one-", "1")
    session = Sessions(tmp_path / "a", "1").open(SessionBeat(id="s-ann", agents=("ann/cli/wt",)))
    shutil.copytree(tmp_path / "a", tmp_path / "b")

    assert clone_id.load_or_draw(tmp_path / "b", "machine", lambda: "second-one", "1") != first
    session.close(START)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", ["", "{}", '{"id":7}', "nonsense"])
def test_a_damaged_id_is_drawn_again(tmp_path: Path, damage: str) -> None:
    clone_id.load_or_draw(tmp_path, "machine", lambda: "0123456789", "1")
    (tmp_path / "clone.json").write_text(damage)

    assert clone_id.load_or_draw(tmp_path, "machine", lambda: "abcdefghjk", "1") == "abcdefghjk"


_DRAW = """
import secrets, sys
from pathlib import Path
from gitcoord.ledger.clone import clone_id
print(clone_id.load_or_draw(Path(sys.argv[1]), "machine", lambda: secrets.token_hex(8), sys.argv[2]))
"""


@pytest.mark.rule("SAFE-2")
def test_processes_that_start_at_once_agree_on_one_id(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _DRAW, str(tmp_path / "new" / "gitcoord")]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    started = [
        subprocess.Popen([*command, str(at)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env, text=True)
        for at in range(4)
    ]

    drawn = {process.communicate(timeout=60)[0] for process in started}

    assert len(drawn) == 1
    assert drawn != {""}


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://ann:s3cret@host/r.git", "https://host/r.git"),
        ("https://t0ken@host:8443/r.git", "https://host:8443/r.git"),
        ("HTTPS://a@b:c@host/r@2.git", "HTTPS://host/r@2.git"),
        ("ssh://ann:s3cret@host/~/r.git", "ssh://ann@host/~/r.git"),
        ("git+ssh://ann@host/r.git", "git+ssh://ann@host/r.git"),
        ("ann@host:r.git", "ann@host:r.git"),
        ("https://host/r@2.git", "https://host/r@2.git"),
        ("/srv/ann@host/r.git", "/srv/ann@host/r.git"),
        ("", ""),
    ],
)
def test_a_place_is_named_after_its_url_without_the_credentials(url: str, bare: str) -> None:
    assert remote_folder.without_credentials(url) == bare
    assert remote_folder.key_of(url, "refs/coord") == remote_folder.key_of(bare, "refs/coord")
    assert (remote_folder.former_key_of(url, "refs/coord") is None) == (url == bare)


@pytest.mark.rule("TXN-4")
def test_what_an_older_version_had_pending_under_another_name_is_pending_still(tmp_path: Path) -> None:
    here, former = tmp_path / "here", tmp_path / "former"
    for folder in (here, former):
        folder.mkdir()
    Pending(former, "1").add([(REF, X, ["a"])])
    pending = Pending(here, "2", former)

    pending.add([(OTHER, X, ["b"])])

    assert Pending(here, "3", former).pins() == {"a": REF, "b": OTHER}
    assert not (former / "pending.json").exists()
    pending.settle({REF: Y, OTHER: Y}, ())
    assert Pending(here, "4", former).pins() == {}


@pytest.mark.rule("SAFE-9")
def test_what_an_older_version_saw_at_a_place_of_another_name_was_seen_there(tmp_path: Path) -> None:
    url = "https://ann:s3cret@host/r.git"
    older = Marks(tmp_path, "", "refs/coord", None)
    older._place = remote_folder.former_key_of(url, "refs/coord") or ""
    older.note(REF, Mark(X, 7))
    marks = Marks(tmp_path, url, "refs/coord", None)

    marks.load()

    assert (marks.of(REF), marks.tips(REF), marks.elsewhere(REF)) == (Mark(X, 7), [X], [])
    marks.forget(REF)
    again = Marks(tmp_path, url, "refs/coord", None)
    again.load()
    assert again.of(REF) is None
