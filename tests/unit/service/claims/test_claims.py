"""Claims as the use cases see them: what is asked for, what it means here, what comes back, and what is refused."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError, InvalidError
from gitcoord.service.claims import history, requested_items
from gitcoord.service.claims.claims import (
    check_conflicts,
    claim_files,
    extend_claims,
    list_claims,
    release_by_force,
    release_claims,
    release_session,
)
from gitcoord.service.claims.requests import list_queue, pending_requests, request_release
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import add_steps
from gitcoord.service.steps.step_views import get_agent_events
from gitcoord.service.steps.step_work import claim_step, update_step
from gitcoord.service.team import owner_edits
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import sync
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, later, plan, project, says, store_of, tips, write_ref

SOURCE = "def handle():\n    pass\n\n\nclass Router:\n    def get(self):\n        pass\n"


@pytest.fixture
def repo(repo: Path, git: Git) -> Path:
    """A repository with something to claim."""
    files = {"src/auth/login.py": SOURCE, "src/auth/logout.py": "", "src/api/login.py": "", "package.json": "{}"}
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "files")
    return repo


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def held(workspace: Workspace) -> list[tuple[str, list[str]]]:
    """Return who holds what."""
    rows: Any = list_claims(workspace)["claims"]
    return [(one["agent"], [item["pattern"] for item in one["items"]]) for one in rows]


def test_a_claim_is_granted_and_given_back(ann: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=["src/auth"], description="split the login")
    again = claim_files(ann, patterns=["src/auth/login.py"])
    released = release_claims(ann)

    claim = granted["claim"]
    assert granted["granted"] is True
    assert (claim["agent"], claim["branch"], claim["description"]) == ("ann/cli/wt", "main", "split the login")
    assert [item["pattern"] for item in claim["items"]] == ["src/auth/**"]
    assert claim["id"] in str(granted["next_step"])
    assert (again["granted"], again["already"]) == (True, True)
    assert released == {"released": [claim["id"]]}
    assert list_claims(ann) == {"claims": [], "count": 0}


@pytest.mark.parametrize("text", ["src/auth/login.py, src/api/login.py", "src/auth/login.py src/api/login.py"])
def test_several_files_in_one_text_are_refused_with_the_list_to_give(ann: Workspace, bob: Workspace, text: str) -> None:
    claim_files(ann, patterns=["src/auth/login.py", "src/api/login.py"])
    said: list[str] = []
    for call in (
        lambda: claim_files(bob, patterns=[text]),
        lambda: check_conflicts(bob, files=[text]),
        lambda: list_claims(bob, pattern=text),
        lambda: project(bob, paths=[text]),
    ):
        with pytest.raises(InvalidError) as caught:
            call()
        said.append(caught.value.hint)

    assert held(bob) == [("ann/cli/wt", ["src/auth/login.py", "src/api/login.py"])]
    (hint,) = set(said)
    assert hint == (
        "Give each by itself, as the list ['src/auth/login.py', 'src/api/login.py'] "
        "or as words in a shell: src/auth/login.py src/api/login.py"
    )


def test_braces_are_no_pattern_and_the_names_are_given(ann: Workspace) -> None:
    with pytest.raises(InvalidError) as caught:
        claim_files(ann, patterns=["src/auth/{login,new}.py"])

    assert caught.value.hint == (
        "Give each by itself, as the list ['src/auth/login.py', 'src/auth/new.py'] "
        "or as words in a shell: src/auth/login.py src/auth/new.py"
    )


def test_a_step_does_not_get_several_paths_in_one_text(ann: Workspace) -> None:
    project(ann)
    for call in (
        lambda: update_step(ann, step_id="app/1", paths=["src/auth, package.json"]),
        lambda: add_steps(ann, project="app", steps=plan((), paths=["src/auth, package.json"])),
    ):
        with pytest.raises(InvalidError):
            call()


@pytest.mark.parametrize("path", ["src/app/[slug]/page.tsx", "src/app/[slug]/new.tsx", "lib/[id].tsx"])
def test_a_name_in_brackets_is_the_same_file_in_a_step_and_in_a_claim(
    ann: Workspace, bob: Workspace, path: str
) -> None:
    tracked = ann.repository.top / "src/app/[slug]/page.tsx"
    tracked.parent.mkdir(parents=True)
    tracked.touch()
    ann.repository.git("add", ".")
    project(ann, (), (), paths=[path])
    add_steps(ann, project="app", steps=plan((), (), (), paths=[path])[2:])
    update_step(ann, step_id="app/2", paths=[path])

    assert claim_files(bob, patterns=[path], literal=True)["granted"] is True
    assert [claim_step(ann, step_id=f"app/{num}").get("refused") for num in (1, 2, 3)] == ["paths_held"] * 3


def test_a_new_file_whose_name_reads_like_two_is_claimed_literally(ann: Workspace) -> None:
    assert claim_files(ann, patterns=["src/auth/login.py, x.py"], literal=True)["granted"] is True


def test_a_pattern_that_matches_no_path_is_invalid_rather_than_held_already(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/auth"])

    with pytest.raises(InvalidError, match="matches no path that can exist"):
        claim_files(ann, patterns=["src/[z-a]"])


def test_a_refusal_names_the_holder_and_the_files_and_changes_nothing(ann: Workspace, bob: Workspace) -> None:
    mine: Any = claim_files(ann, patterns=["src/auth/**"], description="split the login")
    before = tips(bob)

    refused: Any = claim_files(bob, patterns=["/package.json", "src/**/login.py"])

    assert (refused["granted"], refused["claim"], refused["refused"]) == (False, None, "conflict")
    assert refused["conflicts"] == [
        {
            "your_pattern": "src/**/login.py",
            "your_symbols": [],
            "agent": "ann/cli/wt",
            "claim_id": mine["claim"]["id"],
            "item": "src/auth/**",
            "items": ["src/auth/**"],
            "branch": "main",
            "description": "split the login",
            "expires_at": mine["claim"]["expires_at"],
            "overlap": ["src/auth/login.py"],
            "holder_life": "unknown",
            "holder_seen": mine["claim"]["last_activity"],
            "free_at": refused["conflicts"][0]["free_at"],
            "symbol_overlap": [],
        }
    ]
    assert f"request_release(claim_id='{mine['claim']['id']}'" in refused["next_step"]
    assert tips(bob) == before


def test_where_no_tracked_file_is_in_both_an_example_is_named(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["new/*_test.py"])

    refused: Any = claim_files(bob, patterns=["new/test_*.py"])

    (conflict,) = refused["conflicts"]
    assert conflict["overlap"] == []
    assert conflict["example"].startswith("new/test_")


def test_an_overlap_of_many_files_shows_the_first_and_how_many_more(
    ann: Workspace, bob: Workspace, repo: Path, git: Git
) -> None:
    (repo / "many").mkdir()
    for number in range(30):
        (repo / "many" / f"{number:02}.txt").touch()
    git(repo, "add", "--all")
    set_policy(ann, name="max_claim_ratio", value="0")
    claim_files(ann, patterns=["many/"])

    (conflict,) = dict[str, Any](claim_files(bob, patterns=["many"]))["conflicts"]

    assert conflict["overlap"] == [f"many/{number:02}.txt" for number in range(20)]
    assert conflict["overlap_more"] == 10


def test_checking_says_what_claiming_would_and_writes_nothing(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth/login.py"])
    before = tips(bob)

    safe = check_conflicts(bob, files=["src/api/**"])
    unsafe = check_conflicts(bob, files=["src/auth"])
    carved = check_conflicts(bob, files=[], symbols={"src/auth/login.py": ["handle"]})
    own = check_conflicts(ann, files=["src/auth/login.py"])
    after = tips(bob)
    refused = claim_files(bob, patterns=["src/auth"])

    assert [one["safe"] for one in (safe, unsafe, carved, own)] == [True, False, True, True]
    assert "claim_files" in str(safe["next_step"])
    assert unsafe["conflicts"] == refused["conflicts"]
    assert str(unsafe["next_step"]).startswith("Wait: claim_files(patterns=['src/auth'], wait_seconds=300). Or ask: ")
    assert own["next_step"] == "You hold it already."
    assert after == before


@pytest.mark.parametrize("text", ["Router.get", "Router#get()", "(*Router).get", "Router/get"])
def test_a_symbol_in_another_spelling_is_taken_where_only_one_can_be_meant(ann: Workspace, text: str) -> None:
    granted: Any = claim_files(ann, symbols={"src/auth/login.py": [text, "handle"]})

    assert granted["claim"]["items"][0]["symbols"] == ["Router::get", "handle"]
    assert granted["warnings"] == [f"{text!r} was read as 'Router::get'."]


def test_a_symbol_that_is_in_no_spelling_there_is_an_error_with_what_was_written(ann: Workspace) -> None:
    with pytest.raises(CoordError, match=re.escape("has no symbol 'Router.put'")):
        claim_files(ann, symbols={"src/auth/login.py": ["Router.put"]})


def test_a_symbol_that_a_syntax_error_hides_is_an_error_that_names_it(ann: Workspace, bob: Workspace) -> None:
    (ann.repository.top / "src/auth/e.go").write_text("package m\n\nfunc a() {\n\tif x {\n}\n\nfunc b() int {\n}\n")

    with pytest.raises(CoordError, match="has no symbol 'b'") as caught:
        claim_files(ann, symbols={"src/auth/e.go": ["b"]})

    assert caught.value.hint == (
        "src/auth/e.go has a syntax error in line 7, which may hide what is declared: correct it, or claim the file "
        "without symbols. It has: a."
    )


def test_checking_names_who_has_waited_for_a_place_that_is_free(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth"])
    claim_files(bob, patterns=["src/**"], wait_seconds=600)
    late = later(ann, seconds=70)

    checked = check_conflicts(late, files=["src/api"], agent_id="tests")
    refused = claim_files(late, patterns=["src/api"], agent_id="tests")

    assert refused["refused"] == "behind_the_line"
    assert (checked["safe"], checked["refused"], checked["why"]) == (False, refused["refused"], refused["why"])
    assert "wait_seconds=300" in str(checked["next_step"])


def test_checking_what_one_holds_is_safe_though_another_agent_has_symbols_of_it(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth/login.py"])
    claim_files(bob, symbols={"src/auth/login.py": ["handle"]})

    checked = check_conflicts(ann, files=["src/auth/login.py"])
    again = claim_files(ann, patterns=["src/auth/login.py"])

    assert again["already"] is True
    assert (checked["safe"], checked["conflicts"], checked["next_step"]) == (True, [], "You hold it already.")


def test_a_file_of_ones_own_with_carved_symbols_and_a_new_one_are_granted_together(
    ann: Workspace, bob: Workspace
) -> None:
    first: Any = claim_files(ann, patterns=["src/auth/login.py"])
    claim_files(bob, symbols={"src/auth/login.py": ["handle"]})

    checked = check_conflicts(ann, files=["src/auth/login.py", "docs/new.md"])
    both: Any = claim_files(ann, patterns=["src/auth/login.py", "docs/new.md"], ttl_hours=6)

    own, new = first["claim"]["id"], both["claim"]["id"]
    assert checked["safe"] is True
    assert [item["pattern"] for item in both["claim"]["items"]] == ["docs/new.md"]
    assert (both["claims"], [part["symbols"] for part in both["carved"]]) == ([new, own], [["handle"]])
    assert f"extend_claims(ttl_hours=6, claim_ids=['{own}'])" in str(both["warnings"])
    assert f"release_claims(claim_ids=['{new}', '{own}'])" in both["next_step"]


@pytest.mark.parametrize("name", ["src/app/[slug]/page.tsx", "docs/my file.md", "docs/[a,b].md", "docs/ünï.md"])
def test_a_check_names_the_call_that_claims_the_file_whatever_its_name(ann: Workspace, name: str) -> None:
    checked = check_conflicts(ann, files=[name])

    assert f"claim_files(patterns=['{name}'])" in str(checked["next_step"])


def test_a_name_that_cannot_be_seen_is_not_repeated(ann: Workspace) -> None:
    checked = check_conflicts(ann, files=["a\u202eb.md"])

    assert "claim_files(…)" in str(checked["next_step"])


def test_claiming_again_for_longer_says_that_the_end_stays_and_what_extends_it(ann: Workspace) -> None:
    first: Any = claim_files(ann, patterns=["src/auth"])

    longer: Any = claim_files(ann, patterns=["src/auth/login.py"], ttl_hours=6)
    shorter: Any = claim_files(ann, patterns=["src/auth"], ttl_hours=4)

    claim, end = first["claim"]["id"], first["claim"]["expires_at"]
    (said,) = longer["warnings"]
    assert said.startswith(f"Your claim on 'src/auth/**' ends at {end}, as before. ")
    assert said.endswith(f"To hold it longer: extend_claims(ttl_hours=6, claim_ids=['{claim}']).")
    assert (longer["already"], longer["claim"]["expires_at"], shorter["warnings"]) == (True, end, [])


def test_checking_counts_nobody_whose_session_is_gone(agents: Agents, repo: Path, bob: Workspace) -> None:
    gone = agents(repo, "ann/claude/wt", serve=True)
    claim_files(gone, patterns=["src/auth"])
    blocked = check_conflicts(bob, files=["src/auth"])
    assert gone.session is not None
    gone.session._lock.release()
    gone.session = None

    checked = check_conflicts(later(bob, minutes=31), files=["src/auth"])

    assert (blocked["safe"], checked["safe"]) == (False, True)
    assert claim_files(bob, patterns=["src/auth"])["granted"] is True


def test_symbols_are_carved_out_of_a_file_and_come_back(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth/login.py"])

    granted: Any = claim_files(
        bob, patterns=["src/auth/login.py"], symbols={"src/auth/login.py": ["Router", "Router::get"]}
    )
    told = take_notices(ann)
    rows: Any = list_claims(bob, agent="ann")["claims"]
    whole: Any = claim_files(bob, patterns=["src/auth/login.py"])
    release_claims(bob)
    after: Any = list_claims(bob)["claims"]

    assert [(item["pattern"], item["symbols"]) for item in granted["claim"]["items"]] == [
        ("src/auth/login.py", ["Router"])
    ]
    assert [one["notice"] for one in told] == ["auto_narrow"]
    assert "Router" in str(told[0]["message"])
    assert rows[0]["items"][0]["carved"][0]["symbols"] == ["Router"]
    assert whole["refused"] == "conflict"
    assert "carved" not in after[0]["items"][0]


def test_colliding_symbols_are_named_on_both_sides(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, symbols={"src/auth/login.py": ["Router::get"]})

    by_symbol: Any = claim_files(bob, symbols={"src/auth/login.py": ["Router", "handle"]})
    by_file: Any = claim_files(bob, patterns=["src/auth/login.py"])

    (first,), (second,) = by_symbol["conflicts"], by_file["conflicts"]
    assert (first["your_symbols"], first["symbol_overlap"]) == (["Router"], ["Router::get"])
    assert (second["your_symbols"], second["symbol_overlap"]) == ([], ["Router::get"])


def test_notices_are_told_once_and_leave_with_a_beat(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth/login.py"])
    claim_files(bob, symbols={"src/auth/login.py": ["handle"]})

    assert len(take_notices(ann)) == 1
    assert take_notices(ann) == []
    assert take_notices(bob) == []


def test_readers_share_and_a_writer_warns_them(ann: Workspace, bob: Workspace) -> None:
    first = claim_files(ann, patterns=["src/api/**"], mode="read")
    second = claim_files(bob, patterns=["src/api/**"], mode="read")
    release_claims(bob)
    writer = claim_files(bob, patterns=["src/api/login.py"])

    assert [one["granted"] for one in (first, second, writer)] == [True, True, True]
    assert any("bob/cli/wt now writes" in str(one["message"]) for one in take_notices(ann))


def test_shared_files_last_two_hours(ann: Workspace) -> None:
    granted: Any = claim_files(ann, shared_files=["package.json"], ttl_hours=8)

    (item,) = granted["claim"]["items"]
    assert item["kind"] == "shared_file"
    started, ends = (granted["claim"][name][11:13] for name in ("created_at", "expires_at"))
    assert (int(ends) - int(started)) % 24 == 2


def test_a_module_may_be_claimed_and_is_not_narrowed(ann: Workspace, bob: Workspace) -> None:
    granted: Any = claim_files(ann, modules=["src/auth"])

    refused = claim_files(bob, symbols={"src/auth/login.py": ["handle"]})

    (item,) = granted["claim"]["items"]
    assert (item["pattern"], item["kind"], item["narrowable"]) == ("src/auth/**", "module", False)
    assert refused["refused"] == "conflict"


def test_a_pattern_without_a_file_is_granted_with_a_warning_and_the_nearest_spelling(ann: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=["src/Auth/login.py"])

    assert granted["granted"] is True
    assert granted["warnings"] == ["'src/Auth/login.py' matches no tracked file; did you mean 'src/auth/login.py'?"]


def test_several_patterns_without_a_file_share_one_sentence(ann: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=[*(f"new/{n}.py" for n in range(30)), "src/Auth/login.py", "login.py"])

    assert granted["granted"] is True
    assert granted["warnings"][1:] == [
        (
            "'src/Auth/login.py' (did you mean 'src/auth/login.py'?), 'new/0.py', 'new/1.py', 'new/2.py', 'new/3.py'"
            " and 26 more match no tracked file."
        )
    ]
    assert "at any depth" in granted["warnings"][0]


def test_a_name_that_is_there_twice_is_told_with_its_anchored_forms(ann: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=["login.py"])

    assert "'/src/api/login.py', '/src/auth/login.py'" in granted["warnings"][0]


def test_a_path_of_this_worktree_may_be_absolute_and_a_literal_path_have_wildcards(
    ann: Workspace, repo: Path, git: Git
) -> None:
    (repo / "[slug]").mkdir()
    (repo / "[slug]" / "page.tsx").touch()
    git(repo, "add", "--all")

    absolute: Any = claim_files(ann, patterns=[str(repo / "src" / "auth")])
    literal: Any = claim_files(ann, patterns=["[slug]/page.tsx"], literal=True)

    assert absolute["claim"]["items"][0]["pattern"] == "src/auth/**"
    assert literal["claim"]["items"][0]["pattern"] == "[[]slug]/page.tsx"


def test_an_absolute_path_may_go_through_a_link_and_one_of_elsewhere_is_told(
    ann: Workspace, repo: Path, tmp_path: Path
) -> None:
    link, other = tmp_path / "link", tmp_path / "other.py"
    link.symlink_to(repo.parent)
    other.touch()

    linked: Any = claim_files(ann, patterns=[str(link / repo.name / "src" / "auth" / "*.py")])
    literal: Any = claim_files(ann, patterns=[str(link / repo.name / "src" / "api" / "login.py")], literal=True)
    foreign: Any = claim_files(ann, patterns=[str(other)])

    assert linked["claim"]["items"][0]["pattern"] == "src/auth/*.py"
    assert literal["claim"]["items"][0]["pattern"] == "src/api/login.py"
    assert "is not in this worktree" in foreign["warnings"][1]


@pytest.mark.parametrize(
    ("limit", "patterns"), [("max_claim_files", ["src"]), ("max_claim_files", ["src/auth", "src/api"])]
)
def test_too_much_is_refused_one_by_one_and_together(ann: Workspace, limit: str, patterns: list[str]) -> None:
    set_policy(ann, name=limit, value="2")

    refused = claim_files(ann, patterns=patterns)

    assert (refused["refused"], refused["matched"]) == ("too_large", 3)


def test_a_scope_counts_only_what_is_in_it(ann: Workspace) -> None:
    set_policy(ann, name="max_claim_files", value="1")
    set_policy(ann, name="claim_scope", value="src/api")

    assert claim_files(ann, patterns=["src"])["granted"] is True


def test_claims_are_listed_by_agent_and_by_place(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth"])
    claim_files(ann, patterns=["/package.json"], agent_id="tests")
    claim_files(bob, patterns=["src/api"])

    assert held(ann) == [
        ("ann/cli/wt", ["src/auth/**"]),
        ("ann/cli/wt/tests", ["/package.json"]),
        ("bob/cli/wt", ["src/api/**"]),
    ]
    assert list_claims(ann, agent="ann/cli/wt")["count"] == 2
    assert list_claims(ann, agent="ann/cli/w")["count"] == 0
    assert list_claims(ann, pattern="**/login.py")["count"] == 2


def test_what_ran_out_is_listed_only_when_it_is_asked_for(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/auth"], ttl_hours=0.001)
    late = later(ann, seconds=5)

    assert list_claims(late)["count"] == 0
    assert list_claims(late, active_only=False)["count"] == 1


def test_what_ended_is_listed_newest_first_with_how_it_ended(ann: Workspace, bob: Workspace) -> None:
    first: Any = claim_files(ann, patterns=["src/auth"], description="login")["claim"]
    second: Any = claim_files(bob, patterns=["src/api"])["claim"]
    third: Any = claim_files(ann, patterns=["/package.json"])["claim"]
    release_claims(ann, claim_ids=[first["id"]])
    release_by_force(ann, claim_ids=[second["id"]])

    every: Any = list_claims(ann, active_only=False)
    of_ann: Any = list_claims(bob, active_only=False, agent="ann", pattern="src/**")

    rows = [(one["id"], one.get("ended")) for one in every["claims"]]
    assert rows == [(third["id"], None), (second["id"], "forced"), (first["id"], "released")]
    assert "next_step" not in every
    (row,) = of_ann["claims"]
    assert (row["description"], row["items"][0]["pattern"]) == ("login", "src/auth/**")
    assert row["ended_at"] >= row["created_at"]


def test_a_list_of_what_ended_says_where_it_stops(ann: Workspace) -> None:
    for number in range(history.ENDED_MAX + 1):
        claim_files(ann, patterns=[f"/{number}.py"])
    release_claims(ann)

    result: Any = list_claims(ann, active_only=False)

    assert result["count"] == history.ENDED_MAX
    assert "get_agent_events()" in result["next_step"]


def test_who_names_a_claim_that_ended_is_told_how_it_ended(ann: Workspace, bob: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=["src/auth"])
    one = granted["claim"]["id"]
    release_by_force(bob, claim_ids=[one], reason="its agent was stopped")

    released = release_claims(ann, claim_ids=[one])
    extended: Any = extend_claims(ann, ttl_hours=8, claim_ids=[one])
    asked: Any = request_release(bob, claim_id=one, reason="needed")

    assert (released["released"], released["ended"], released["already"]) == ([], {one: "forced"}, True)
    assert "refused" not in released
    assert (extended["refused"], asked["refused"]) == ("ended", "ended")
    assert extended["why"].endswith(": bob/cli/wt ended it by force, saying 'its agent was stopped'.")
    assert asked["next_step"] == "Claim now what you need of it: claim_files(patterns=['src/auth/**'])."


def test_claims_are_extended_and_never_shortened(ann: Workspace, bob: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=["src/auth"])
    one = granted["claim"]["id"]

    longer: Any = extend_claims(ann, ttl_hours=8)
    shorter: Any = extend_claims(ann, ttl_hours=1, claim_ids=[one])
    foreign = extend_claims(bob, ttl_hours=8, claim_ids=[one])
    unknown = extend_claims(bob, ttl_hours=8, claim_ids=["c-00000000"])
    nothing = extend_claims(bob, ttl_hours=8)

    assert longer["claims"][0]["expires_at"] > granted["claim"]["expires_at"]
    assert shorter == longer
    assert (foreign["refused"], unknown["refused"], nothing["claims"]) == ("not_yours", "not_found", [])


def test_another_s_claim_is_not_released_but_by_force(ann: Workspace, bob: Workspace) -> None:
    granted: Any = claim_files(ann, patterns=["src/auth"])
    one = granted["claim"]["id"]

    foreign = release_claims(bob, claim_ids=[one, "c-00000000"])
    still = list_claims(bob)["count"]
    forced = release_by_force(bob, claim_ids=[one], reason="its agent was stopped")

    assert (foreign["released"], foreign["not_yours"], foreign["not_found"]) == ([], [one], ["c-00000000"])
    assert foreign["refused"] == "not_yours"
    assert still == 1
    assert forced == {"released": [one]}
    assert any("ended it by force" in str(told["message"]) for told in take_notices(ann))


def test_a_session_gives_back_what_its_sub_agents_hold_and_leaves_the_line(ann: Workspace, bob: Workspace) -> None:
    claim_files(bob, patterns=["/package.json"])
    claim_files(ann, patterns=["src/auth"])
    claim_files(ann, patterns=["src/api"], agent_id="tests")
    claim_files(ann, patterns=["/package.json"], wait_seconds=60)

    released: Any = release_session(ann)

    assert len(released["released"]) == 2
    assert list_queue(ann) == {"queued": []}
    assert held(ann) == [("bob/cli/wt", ["/package.json"])]


def test_a_claim_of_another_repository_is_not_in_the_way(agents: Agents, shared: Shared, git: Git) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    bob.repo = "other"

    first, second = claim_files(ann, patterns=["README.md"]), claim_files(bob, patterns=["README.md"])

    assert (first["granted"], second["granted"]) == (True, True)
    assert list_claims(ann)["count"] == 1


def test_the_branch_is_the_one_checked_out_or_the_one_given(ann: Workspace, repo: Path, git: Git) -> None:
    git(repo, "switch", "--quiet", "--detach")

    detached: Any = claim_files(ann, patterns=["src/auth"])
    given: Any = claim_files(ann, patterns=["src/api"], branch="feat/x")

    assert detached["claim"]["branch"] is None
    assert given["claim"]["branch"] == "feat/x"


@pytest.mark.rule("CLAIM-14")
@pytest.mark.parametrize("call", [partial(extend_claims, ttl_hours=8), pending_requests, sync])
def test_a_claim_follows_the_checkout_with_the_next_call_of_a_command_line(
    agents: Agents, repo: Path, git: Git, call: Callable[[Workspace], object]
) -> None:
    line = agents(repo, "ann/cli/line")
    claim_files(line, patterns=["src/auth"])
    git(repo, "switch", "--quiet", "--create", "feat/x")

    call(line)

    assert [claim.branch for claim in line.register().claims.values()] == ["feat/x"]


@pytest.mark.rule("SEC-4")
def test_a_thousand_symbols_that_a_file_of_long_names_has_not_are_told_at_once(ann: Workspace, repo: Path) -> None:
    names = [f"{'n' * 90}{number:08}" for number in range(4000)]
    (repo / "src" / "auth" / "login.py").write_text("".join(f"def {name}(): 0\n" for name in names), "utf-8")
    wanted = [f"{'n' * 89}x{number:08}" for number in range(1000)]  # each takes seconds to compare with all

    with pytest.raises(InvalidError) as refused:
        claim_files(ann, symbols={"src/auth/login.py": wanted})

    assert "and 995 more." in str(refused.value)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "No patterns given."),
    ({"patterns": []}, "No patterns given."),
    ({"patterns": ["!src"]}, ""),
    ({"patterns": [""]}, ""),
    ({"patterns": ["  "]}, ""),
    ({"patterns": ["../up"]}, ""),
    ({"patterns": ["a\x1b[31mb"]}, ""),
    ({"patterns": ["x" * 1025]}, ""),
    ({"patterns": ["a/" * 65 + "b"]}, ""),
    ({"patterns": ["\ud800"]}, ""),
    ({"patterns": [f"f{number}" for number in range(5000)]}, "5000 patterns in one call are more than 500."),
    ({"symbols": {"src/auth/login.py": []}}, "No symbols are named for 'src/auth/login.py'."),
    ({"symbols": {"src/auth/login.py": ["a::"]}}, ""),
    ({"symbols": {"src/auth/login.py": [f"s{number}" for number in range(5000)]}}, ""),
    (
        {"symbols": {"src/auth/login.py": ["handel"]}},
        "'src/auth/login.py' has no symbol 'handel' (did you mean handle?).",
    ),
    ({"patterns": ["a"], "ttl_hours": 0}, ""),
    ({"patterns": ["a"], "ttl_hours": -1}, ""),
    ({"patterns": ["a"], "ttl_hours": 1e9}, ""),
    ({"patterns": ["a"], "ttl_hours": float("nan")}, ""),
    ({"patterns": ["a"], "mode": "append"}, "mode is write or read, not 'append'."),
    ({"patterns": ["a"], "branch": "-x"}, ""),
    ({"patterns": ["a"], "wait_seconds": -1}, "The wait cannot be -1 s."),
    ({"patterns": ["a"], "wait_seconds": 10**9}, "The wait cannot be 1000000000 s."),
    ({"patterns": ["a"], "queue_id": "q-00000000"}, ""),
    ({"queue_id": "nonsense"}, "'nonsense' is no id of a waiting call."),
    ({"patterns": ["a"], "description": "x" * 3000}, ""),
    ({"patterns": ["a"], "agent_id": "bob/cli/wt"}, ""),
]


@pytest.mark.parametrize(("given", "sentence"), BAD, ids=[str(one)[:40] for one, _ in BAD])
def test_a_call_that_makes_no_sense_is_told_and_writes_nothing(
    ann: Workspace, given: dict[str, Any], sentence: str
) -> None:
    before = tips(ann)

    with pytest.raises(CoordError) as caught:
        claim_files(ann, **given)

    assert says(caught.value)[:2] == (2, "invalid")
    assert str(caught.value).startswith(sentence)
    assert tips(ann) == before


def test_unknown_symbols_are_told_with_those_that_exist(ann: Workspace) -> None:
    with pytest.raises(CoordError) as caught:
        claim_files(ann, symbols={"src/auth/login.py": ["Router::put", "x"]})

    assert "Router::get" in str(caught.value)
    assert caught.value.hint == "It has: handle, Router, Router::get."


def test_symbols_that_cannot_be_looked_up_are_taken_with_a_warning(ann: Workspace, repo: Path, git: Git) -> None:
    with (repo / "large.py").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    (repo / "binary.py").write_bytes(b"\0\xff")
    (repo / "link.py").symlink_to("/etc/hostname")
    git(repo, "add", "--intent-to-add", "large.py", "binary.py", "link.py")

    warnings: list[Json] = []
    for name in ("large.py", "binary.py", "link.py", "new.py", "package.json"):
        granted: Any = claim_files(ann, symbols={f"/{name}": ["f"]})
        assert granted["granted"] is True
        warnings.append(granted["warnings"][-1])

    assert warnings == [
        "large.py has more than 512 KB, so its symbols were not looked up.",
        "binary.py is not text in UTF-8, so its symbols were not looked up.",
        "link.py does not exist here, so its symbols were not looked up.",
        "new.py does not exist here, so its symbols were not looked up.",
        "package.json is of a language whose definitions gitcoord cannot read, so its symbols were not looked up.",
    ]


def test_one_call_looks_into_so_many_files_and_says_where_it_did_not(ann: Workspace, repo: Path, git: Git) -> None:
    names = [f"src/m{number:03}.py" for number in range(requested_items.LOOKED_INTO_IN_ALL + 1)]
    for name in names:
        (repo / name).write_text("def handle(): ...\n", encoding="utf-8")
    git(repo, "add", "--all")
    set_policy(ann, name="max_claim_files", value="0")
    set_policy(ann, name="max_claim_ratio", value="0")

    granted: Any = claim_files(ann, symbols={name: ["handle"] for name in names})

    assert granted["warnings"] == ["One call looks into 100 files, so symbols of 'src/m100.py' were not looked up."]


def test_a_symbol_under_a_wildcard_is_looked_for_in_every_file(ann: Workspace) -> None:
    granted: Any = claim_files(ann, symbols={"src/auth/*.py": ["handle"]})

    assert granted["claim"]["items"][0]["symbols"] == ["handle"]
    with pytest.raises(CoordError):
        claim_files(ann, symbols={"src/auth/*.py": ["nothing"]})


@pytest.mark.parametrize("ids", [[], ["nonsense"], ["q-00000000"], [f"c-{number:08}" for number in range(600)]])
def test_bad_ids_are_told(ann: Workspace, ids: list[str]) -> None:
    for call in (lambda: release_claims(ann, claim_ids=ids), lambda: extend_claims(ann, ttl_hours=1, claim_ids=ids)):
        with pytest.raises(CoordError) as caught:
            call()
        assert says(caught.value)[:2] == (2, "invalid")


OWNERS = """\
modules:
  auth:
    paths: ["src/auth/**"]
    owners: ["bob"]
    severity: hard
shared_files: ["package.json"]
"""


def test_what_the_owners_say_is_in_the_claim_and_may_keep_others_out(ann: Workspace, bob: Workspace) -> None:
    owner_edits.write(ann, text=OWNERS, name="owners.yaml")

    free: Any = claim_files(ann, patterns=["src/auth/login.py"])
    shared: Any = claim_files(ann, patterns=["package.json"])
    set_policy(ann, name="hard_requires_owner", value="true")
    refused: Any = claim_files(ann, patterns=["src/auth/logout.py"])
    owner = claim_files(bob, patterns=["src/auth/logout.py"])
    floats: Any = claim_files(ann, patterns=["src/api/login.py", "setup.cfg"])

    assert (free["claim"]["severity"], free["claim"]["owners"]) == ("hard", ["bob"])
    assert shared["claim"]["items"][0]["kind"] == "shared_file"
    assert "package.json is a shared file: the claim lasts 2 hours." in shared["warnings"]
    assert (refused["refused"], refused["owners"]) == ("not_owner", ["bob"])
    assert refused["warnings"] == [
        "'src/auth/logout.py' reaches into module 'auth' (src/auth/**), which belongs to bob."
    ]
    assert floats["warnings"][1:] == [
        "'setup.cfg' reaches into module 'auth' (src/auth/**), which belongs to bob.",
        "'setup.cfg' has no slash and matches at any depth; the one at the root is '/setup.cfg'.",
    ]
    assert owner["granted"] is True


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("max_claim_files", "1", "too_large"),
        ("max_claims_per_agent", "1", "too_many_claims"),
        ("hard_requires_owner", "true", "not_owner"),
    ],
)
def test_a_check_is_refused_by_the_limit_that_a_claim_is_refused_by(
    ann: Workspace, bob: Workspace, name: str, value: str, refused: str
) -> None:
    owner_edits.write(ann, text=OWNERS, name="owners.yaml")
    claim_files(ann, patterns=["src/api"])
    claim_files(bob, patterns=["src/auth/logout.py"])
    set_policy(ann, name=name, value=value)

    checked: Any = check_conflicts(ann, files=["src/auth"])
    claimed: Any = claim_files(ann, patterns=["src/auth"])
    held = check_conflicts(ann, files=["src/api/login.py"])

    assert (checked["safe"], checked["refused"], claimed["refused"]) == (False, refused, refused)
    assert (checked["why"], checked["warnings"]) == (claimed["why"], claimed["warnings"])
    assert checked["next_step"].split(". ")[0] == claimed["next_step"].split(". ")[0]
    assert [conflict["agent"] for conflict in checked["conflicts"]] == ["bob/cli/wt"]
    assert (held["safe"], held["next_step"]) == (True, "You hold it already.")


def test_the_log_has_what_happened_to_claims_and_to_whom(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/auth/login.py"])
    claim_files(bob, symbols={"src/auth/login.py": ["handle"]})
    release_claims(bob)

    rows: Any = get_agent_events(ann)["events"]
    mine: Any = get_agent_events(ann, agent_id="ann/cli/wt")["events"]

    assert [(row["event"], row["agent"], row.get("by")) for row in rows] == [
        ("claim_released", "bob/cli/wt", None),
        ("claim_granted", "bob/cli/wt", None),
        ("auto_narrow", "ann/cli/wt", "bob/cli/wt"),
        ("claim_granted", "ann/cli/wt", None),
    ]
    assert [row["event"] for row in mine] == ["auto_narrow", "claim_granted"]


def test_claims_that_are_damaged_are_told_and_the_rest_goes_on(ann: Workspace, repo: Path) -> None:
    write_ref(store_of(repo), "refs/coord/claims", {"meta.json": "{"})
    calls = (
        lambda: claim_files(ann, patterns=["src/api"]),
        lambda: check_conflicts(ann, files=["src/api"]),
        lambda: list_claims(ann),
        lambda: release_claims(ann),
    )

    for call in calls:
        with pytest.raises(CoordError) as caught:
            call()
        assert says(caught.value) == (5, "damaged", True)
    shown: Any = status(ann)

    assert (shown["claims"], shown["queued"]) == ([], [])
    assert [one["ref"] for one in shown["oddities"]] == ["refs/coord/claims"]
    assert take_notices(ann) == []
