"""`gitcoord claim`, `request` and `queue`: what people type, see, and get as an exit status."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcoord.runtime import open_workspace
from gitcoord.service.claims import claims
from tests.conftest import Git
from tests.faces.cli.conftest import Done, Run


@pytest.fixture(autouse=True)
def _ann(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")


@pytest.fixture
def bob(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run a command as somebody else."""

    def call(*words: str) -> Done:
        monkeypatch.setenv("GITCOORD_AGENT", "bob/cli/wt")
        try:
            return run(*words)
        finally:
            monkeypatch.setenv("GITCOORD_AGENT", "ann/cli/wt")

    return call


def claimed(run: Callable[..., Done], *words: str) -> str:
    done = run("claim", "add", "--json", *words)
    assert done.status == 0, done.out
    return done.json["claim"]["id"]


def test_a_claim_is_made_seen_and_given_back(run: Run) -> None:
    added = run("claim", "add", "src/auth/**", "--description", "split the login")
    listed = run("claim", "list")
    released = run("claim", "release")
    nothing = run("claim", "list")

    assert (added.status, released.status) == (0, 0)
    one = added.out.split()[1]
    assert added.out.startswith(f"granted  {one}  src/auth/**  until ")
    assert f"next: When the work is in: `gitcoord claim release {one}`." in added.err
    assert listed.out.splitlines()[0].split() == ["CLAIM", "AGENT", "WHAT", "UNTIL", "(UTC)", "LEFT", "BRANCH", "FOR"]
    assert "split the login" in listed.out
    assert released.out == f"released {one}\n"
    assert nothing.out == "There are no claims.\n"


def test_what_one_holds_already_of_a_call_is_named_beside_the_new_claim(run: Run) -> None:
    held = run("claim", "add", "src/a.py", "--json").json["claim"]["id"]

    added = run("claim", "add", "src/a.py", "src/b.py").out.splitlines()

    assert added[0].split()[2] == "src/b.py"
    assert added[1] == f"  with {held}, which is yours already"


def test_a_new_file_without_extension_stands_in_nobodys_way(run: Run, bob: Callable[..., Done]) -> None:
    _ = claimed(run, "NOTES.md")

    done = bob("claim", "add", "Dockerfile", "scripts/run")

    assert done.status == 0, done.err
    assert run("claim", "add", "Makefile").status == 0


def test_mine_is_what_you_hold(run: Run, bob: Callable[..., Done]) -> None:
    one, other = claimed(run, "a.py"), claimed(bob, "b.py")
    tests = claimed(run, "tests/x.py", "--as", "tests")

    mine = run("claim", "list", "--mine", "--json")
    released = run("claim", "release", "--mine")
    left = run("claim", "list", "--json")

    assert {row["id"] for row in mine.json["claims"]} == {one, tests}
    assert released.out == f"released {one}\n"
    assert {row["id"] for row in left.json["claims"]} == {other, tests}


def test_mine_of_nothing_speaks_of_you(run: Run, bob: Callable[..., Done]) -> None:
    claimed(bob, "b.py")

    assert run("claim", "list", "--mine").out == "You hold nothing.\n"


def test_a_refusal_repeats_the_options_that_name_files(run: Run, bob: Callable[..., Done]) -> None:
    claimed(run, "src/**", "--no-narrow")

    done = bob(
        "claim", "add", "-s", "src/a.py=f", "--shared", "src/b.lock", "--module", "src/c", "--no-narrow", "--as", "x"
    )

    words = "--symbol src/a.py=f --shared src/b.lock --module src/c --no-narrow --as x --wait 300"
    assert done.status == 1
    assert f"`gitcoord claim add {words}`" in done.err


def test_a_new_name_may_be_a_folder_and_keeps_what_is_in_it(run: Run, bob: Callable[..., Done]) -> None:
    one = claimed(run, "yb")

    done = bob("claim", "add", "yb/NOTES.md", "--json")

    assert (done.status, done.json["conflicts"][0]["claim_id"]) == (1, one)


def test_a_refusal_is_status_1_with_who_where_and_what_to_do(run: Run, bob: Callable[..., Done]) -> None:
    one = claimed(run, "src/**", "-d", "all of it")

    added, checked = bob("claim", "add", "src/a.py", "--literal", "-d", "b's"), bob("claim", "check", "src/a.py")
    data = bob("claim", "add", "src/a.py", "--json")

    for done in (added, checked):
        assert (done.status, done.out) == (1, "")
        assert "refused: ann/cli/wt holds what you ask for: src/**." in done.err
        assert f"conflict: src/a.py: held by ann/cli/wt on main as {one} until " in done.err
        assert f"`gitcoord request file {one} --reason TEXT`" in done.err
    assert """`gitcoord claim add src/a.py --literal --description 'b'"'"'s' --wait 300`""" in added.err
    assert (data.status, data.json["refused"], data.json["granted"]) == (1, "conflict", False)
    assert "`gitcoord claim add src/a.py --wait 300`" in data.json["next_step"]


def test_a_pattern_like_an_option_is_repeated_as_a_pattern(run: Run, bob: Callable[..., Done]) -> None:
    claimed(run, "--", "-x.py")

    added = bob("claim", "add", "--as", "tests", "--", "-x.py")
    checked = bob("claim", "check", "--", "-x.py")

    assert "`gitcoord claim add --as tests --wait 300 -- -x.py`" in added.err
    assert "`gitcoord claim add --wait 300 -- -x.py`" in checked.err


def test_what_was_checked_is_claimed_by_the_words_that_are_printed(run: Run, bob: Callable[..., Done]) -> None:
    claimed(run, "src/**", "--no-narrow")

    blocked = bob("claim", "check", "src/a.py", "-s", "src/b.py=C::f", "--as", "tests")
    free = bob("claim", "check", "-s", "lib/b.py=f", "--json")

    words = "src/a.py --symbol src/b.py=C::f --as tests --wait 300"
    assert f"`gitcoord claim add {words}`" in blocked.err
    assert "`gitcoord claim add --symbol lib/b.py=f`" in free.json["next_step"]


def test_several_files_in_one_word_are_refused_with_the_words_to_give(run: Run, bob: Callable[..., Done]) -> None:
    claimed(run, "src/a.py", "README.md")

    added, checked = bob("claim", "add", "src/a.py, README.md"), bob("claim", "check", "src/a.py,README.md")

    for done in (added, checked):
        assert (done.status, done.out) == (2, "")
        assert "or as words in a shell: src/a.py README.md" in done.err


def test_a_name_that_a_shell_would_split_is_quoted(run: Run) -> None:
    done = run("claim", "check", "docs/my file.md", "src/[slug].tsx")

    assert "`gitcoord claim add 'docs/my file.md' 'src/[slug].tsx'`" in done.err


def test_claiming_again_for_longer_says_the_command_that_extends(run: Run) -> None:
    claim = claimed(run, "src/**")

    done = run("claim", "add", "src/a.py", "--hours", "6")

    assert f"`gitcoord claim extend {claim} --hours 6`" in done.err


def test_nobody_in_the_way_is_said(run: Run) -> None:
    done = run("claim", "check", "src/a.py")

    assert (done.status, done.out) == (0, "safe: no one is in the way\n")


def test_symbols_shared_files_and_hours_are_options(run: Run, repo: Path) -> None:
    (repo / "a.py").write_text("class C:\n    def g(self): ...\n", encoding="utf-8")

    more = ("--module", "/lib/", "--hours", "8", "--no-narrow", "--json")
    done = run("claim", "add", "--symbol", "/a.py=C::g", "--shared", "/lock", *more)

    items: Any = done.json["claim"]["items"]
    assert [(item["pattern"], item["symbols"], item["kind"]) for item in items] == [
        ("/a.py", ["C::g"], "file"),
        ("/lock", [], "shared_file"),
        ("lib/**", [], "module"),
    ]
    assert all(item["narrowable"] is False for item in items)


@pytest.mark.rule("SEC-4")
def test_symbols_of_a_file_that_is_made_to_break_a_parser_are_taken_as_they_are(run: Run, repo: Path, git: Git) -> None:
    (repo / "evil.c").write_text("%q(" * 21845, encoding="utf-8")
    git(repo, "add", "evil.c")

    done = run("claim", "add", "--symbol", "evil.c=f", "--json")

    assert done.status == 0
    assert done.json["claim"]["items"][0]["symbols"] == ["f"]
    assert [one for one in done.json["warnings"] if "so its symbols were not looked up" in one], done.json["warnings"]


def test_claims_are_extended(run: Run) -> None:
    one = claimed(run, "src/**")

    done = run("claim", "extend", one, "--hours", "24")

    assert done.status == 0
    assert done.out.startswith(f"{one} lasts until ")


def test_extending_nothing_says_once_that_nothing_is_held(run: Run) -> None:
    done = run("claim", "extend")

    assert (done.status, done.out) == (0, "You hold nothing.\n")
    assert done.err == "next: Claim what you need: `gitcoord claim add PATTERN`.\n"


def test_a_mistyped_claim_leads_to_what_is_held_and_not_to_the_end_of_all(run: Run) -> None:
    nothing = run("claim", "release", "c-00000000")
    one = claimed(run, "src/**")
    mistyped = run("claim", "release", "c-00000000")

    assert (nothing.status, mistyped.status) == (1, 1)
    assert nothing.err.endswith("next: You hold nothing.\n")
    assert mistyped.err.endswith(f"next: You hold {one}. Name what to release: `gitcoord claim release CLAIM`.\n")


def test_an_operator_may_end_another_s_claim(run: Run, bob: Callable[..., Done]) -> None:
    one = claimed(run, "src/**")

    plain = bob("claim", "release", one)
    forced = bob("claim", "release", one, "--force", "--reason", "its agent was stopped")
    told = run("claim", "list")

    assert (plain.status, forced.status) == (1, 0)
    assert f"refused: Claim {one} is held by ann/cli/wt." in plain.err
    how = "bob/cli/wt ended it by force, saying 'its agent was stopped'."
    assert f"note: Your claim {one} ended: {how}" in told.err
    assert "forced by bob/cli/wt: its agent was stopped" in run("log").out


def test_waiting_ends_with_the_present_conflict(run: Run, bob: Callable[..., Done]) -> None:
    claimed(run, "src/**")

    done = bob("claim", "add", "src/a.py", "--wait", "1")

    assert done.status == 1
    assert "refused: ann/cli/wt holds what you ask for: src/**." in done.err


def test_the_line_is_seen_and_left(run: Run, bob: Callable[..., Done], repo: Path) -> None:
    claimed(run, "src/**")
    waiting = open_workspace(repo, {**os.environ, "GITCOORD_AGENT": "bob/cli/wt"}, tool="cli")
    one = str(claims.claim_files(waiting, patterns=["src/a.py"], wait_seconds=600)["queue_id"])
    waiting.close()

    listed, status = run("queue", "list"), run("status")
    foreign, own = run("queue", "cancel", one), bob("queue", "cancel", one)
    empty = run("queue", "list")

    assert f"{one}  bob/cli/wt  src/a.py  normal" in listed.out
    assert f"waits      {one}  src/a.py: bob/cli/wt waits for " in status.out
    assert (foreign.status, foreign.out) == (1, "")
    assert foreign.err == "refused: Nothing of yours waits under this id.\n"
    assert own.out == f"{one} cancelled\n"
    assert empty.out == "No one waits.\n"


def test_a_request_is_filed_seen_answered_and_read(run: Run, bob: Callable[..., Done]) -> None:
    claim = claimed(run, "src/**")

    filed = bob("request", "file", claim, "--reason", "the release waits", "--wait", "0")
    one = filed.out.split()[0]
    noted = run("log")
    seen, mine = run("request", "list"), bob("request", "list", "--mine")
    answered = run("request", "answer", one, "approved", "--note", "go ahead")
    read = bob("request", "wait", one)

    assert filed.out == f"{one} is pending\n"
    assert f"`gitcoord request wait {one}`" in filed.err
    assert f"{one}  bob/cli/wt asks for src/**  (normal)" in seen.out
    assert "  > the release waits" in seen.out
    assert f"note: bob/cli/wt asks for your claim {claim}" in seen.err
    assert (seen.err + seen.out).count("`gitcoord request answer ") == 1
    for told in (noted.err, seen.err + seen.out):
        assert f"`gitcoord request answer {one} DECISION` (DECISION: approved, denied, narrowed or coexist)" in told
        assert "approved|" not in told
    assert re.search(r"the claim ends at \d{4}-\d\d-\d\d \d\d:\d\d UTC", filed.err)
    assert "pending" in mine.out
    assert answered.out == read.out == f"{one} is approved: go ahead\n"


def test_a_hint_has_the_options_of_the_command_line(run: Run) -> None:
    kept, shared = run("request", "answer", "r-1", "narrowed"), run("request", "answer", "r-1", "coexist")
    no_claim = run("claim", "release", "none")

    assert "`gitcoord request answer r-1 narrowed --keep PATTERN`" in kept.err
    assert "`gitcoord request answer r-1 coexist --share PATTERN`; or symbols of it." in shared.err
    assert "error: 'none' is no id of a claim." in no_claim.err


def test_status_and_log_show_claims(run: Run) -> None:
    one = claimed(run, "src/**", "-d", "all of it")

    status, log, data = run("status"), run("log"), run("status", "--json")

    assert f"{one}  ann/cli/wt  src/**" in status.out
    assert "claim_granted" in log.out
    assert one in log.out
    assert [row["id"] for row in data.json["claims"]] == [one]
    assert data.json["queued"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("claim", "add"),
        ("claim", "add", "!src"),
        ("claim", "add", "--symbol", "src/a.py"),
        ("claim", "add", "a", "--wait", "-1"),
        ("claim", "add", "a", "--hours", "0"),
        ("claim", "check"),
        ("claim", "release", "nonsense"),
        ("claim", "release", "--force"),
        ("claim", "release", "c-00000000", "--session"),
        ("request", "file", "c-00000000", "--reason", " "),
        ("request", "answer", "r-00000000", "maybe"),
        ("request", "answer", "r-00000000", "narrowed", "--keep", "a", "--share", "b"),
        ("request", "wait", "r-00000000", "--timeout", "-1"),
        ("queue", "cancel", "c-00000000"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_a_usage_error(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_a_step_that_was_passed_over_is_named_with_who_holds_its_paths(
    run: Run, bob: Callable[..., Done], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    steps = [f"  - {{step_num: {num}, branch: feat/{num}, paths: [src/{num}.py]}}" for num in (1, 2)]
    plan.write_text("\n".join(["name: app", "steps:", *steps]), encoding="utf-8")
    run("project", "create", str(plan))
    claimed(bob, "src/1.py")

    out = run("step", "claim").out

    assert "app/2" in out
    assert "passed over: step 1: bob/cli/wt holds what you ask for: src/1.py." in out


def test_a_name_that_meets_a_claim_where_no_file_is_can_be_meant_at_the_root(
    run: Run, bob: Callable[..., Done]
) -> None:
    claimed(run, "docs/**")

    refused = bob("claim", "add", "README.md")

    assert refused.status == 1
    assert "both would match docs/README.md" in refused.err
    hint = "warning: 'README.md' has no slash and matches at any depth; the one at the root is '/README.md'."
    assert hint in refused.err
    assert hint in bob("claim", "check", "README.md").err
    assert bob("claim", "add", "/README.md").status == 0


def test_a_name_of_another_agent_that_is_in_the_way_where_no_file_is_is_named(
    run: Run, bob: Callable[..., Done]
) -> None:
    added = run("claim", "add", "README.md")

    refused = bob("claim", "add", "docs/")

    assert "warning: 'README.md' has no slash and matches at any depth: no other agent can claim a folder" in added.err
    assert "To claim only this one write '/README.md'." in added.err
    said = "'README.md' of ann/cli/wt has no slash and matches at any depth, and is in your way where no such file is."
    assert f"warning: {said} Its holder may answer a request with narrowed, and keep '/README.md'." in refused.err


def test_an_item_that_ends_before_the_others_is_listed_with_its_end(run: Run, bob: Callable[..., Done]) -> None:
    ends = run("claim", "add", "/b.md", "--shared", "/a.md", "--json").json["claim"]["items"]
    run("claim", "add", "docs/**", "--read")
    bob("claim", "add", "docs/c.md")

    listed = run("claim", "list").out

    by_name = {item["pattern"]: item["expires_at"][:16].replace("T", " ") for item in ends}
    assert f"/a.md (until {by_name['/a.md']} UTC)" in listed
    assert "/b.md (until" not in listed
    assert "docs/** but docs/c.md (outdated) (to read)" in listed


@pytest.mark.parametrize(
    ("pair", "file", "symbol"),
    [
        ("a.cpp=Foo::operator==", "a.cpp", "Foo::operator=="),
        ("a=b/c.rb=K::y=", "a=b/c.rb", "K::y="),
        ("c.rb=K::===", "/c.rb", "K::==="),
        ("c.rb=K::<=>", "/c.rb", "K::<=>"),
        ("c.rb=K::=~", "/c.rb", "K::=~"),
        ("a=b.py=handle", "a=b.py", "handle"),
    ],
)
def test_the_name_of_a_symbol_may_end_in_what_an_operator_has(run: Run, pair: str, file: str, symbol: str) -> None:
    done = run("claim", "add", "--symbol", pair, "--json")

    assert [(item["pattern"], item["symbols"]) for item in done.json["claim"]["items"]] == [
        (file.removeprefix("/"), [symbol])
    ]


@pytest.mark.parametrize("option", ["--symbol", "--shared", "--module"])
def test_a_place_in_an_option_is_meant_from_the_folder_one_is_in(run: Run, repo: Path, option: str) -> None:
    here = repo / "src/a"
    here.mkdir(parents=True)

    added = run("claim", "add", option, "./b.zz=one" if option == "--symbol" else "./b.zz", "--json", cwd=here)
    there = run("claim", "list", "--on", "./b.zz", "--json", cwd=here)
    elsewhere = run("claim", "list", "--on", "../b.zz", "--json", cwd=here)

    assert [item["pattern"] for item in added.json["claim"]["items"]] == ["src/a/b.zz"]
    assert (there.json["count"], elsewhere.json["count"]) == (1, 0)


def test_a_check_of_a_symbol_is_of_the_file_in_the_folder_one_is_in(
    run: Run, bob: Callable[..., Done], repo: Path
) -> None:
    assert bob("claim", "add", "src/a/b.zz", "--no-narrow").status == 0
    (repo / "src/a").mkdir(parents=True)

    checked = run("claim", "check", "--symbol", "../a/b.zz=one", "--json", cwd=repo / "src/a")

    assert (checked.status, checked.json["safe"]) == (1, False)


@pytest.mark.parametrize(
    ("given", "claimed_as"),
    [("./b.py", "src/a/b.py"), ("../c/", "src/c/**"), ("../../x.py", "/x.py"), ("b.py", "b.py"), ("src/a/b.py",) * 2],
)
def test_a_path_that_begins_with_a_dot_is_meant_from_this_folder(
    run: Run, repo: Path, given: str, claimed_as: str
) -> None:
    (repo / "src" / "a").mkdir(parents=True)

    claim = run("claim", "add", given, "--json", cwd=repo / "src" / "a").json["claim"]

    assert [item["pattern"] for item in claim["items"]] == [claimed_as]


def test_a_path_that_is_only_here_is_doubted(run: Run, repo: Path) -> None:
    (repo / "src" / "a").mkdir(parents=True)
    (repo / "src" / "a" / "b.py").touch()

    here = run("claim", "check", "a/b.py", cwd=repo / "src")
    root = run("claim", "check", "src/a/b.py", cwd=repo / "src")

    assert "warning: 'a/b.py' is read from the root of the repository; for the one here write './a/b.py'." in here.err
    assert "read from the root" not in root.err


def test_a_path_that_leads_out_of_the_repository_is_a_mistake(run: Run, repo: Path) -> None:
    assert run("claim", "add", "../x.py").status == 2


def test_all_claims_of_ones_own_are_released_with_all(run: Run) -> None:
    claim = run("claim", "add", "README.md", "--json").json["claim"]["id"]

    assert run("claim", "release", claim, "--all").status == 2
    assert run("claim", "release", "--all").out == f"released {claim}\n"


def test_a_list_says_what_was_carved_out_of_a_claim(run: Run, repo: Path, git: Git) -> None:
    (repo / "a.py").write_text("def f():\n    pass\n\n\ndef g():\n    pass\n", encoding="utf-8")
    git(repo, "add", "a.py")
    for pattern in ("a.py", "*.py"):
        run("claim", "add", pattern)
        run("claim", "add", "--symbol", "a.py=f", "--as", "tests")

        listed = run("claim", "list").out

        assert f"{pattern} but f{'' if pattern == 'a.py' else ' in a.py'}  " in listed
        assert "a.py: f " in listed
        run("claim", "release", "--session")


def test_the_log_says_which_functions_of_a_file_were_claimed(run: Run) -> None:
    run("claim", "add", "--symbol", "b.py=f", "--symbol", "b.py=g")

    assert "  b.py: f, g  " in run("log").out


def test_the_log_names_files_and_is_narrowed_to_one(run: Run) -> None:
    claimed(run, "src/ansi.go", "-d", "no colours in a pipe")
    claimed(run, "docs/a.md")
    run("claim", "release")

    of_file, old = run("log", "--file", "src/**", "--since", "2h"), run("log", "--since", "2100-01-01")
    mistake = run("log", "--since", "yesterday")

    assert [line.split()[2] for line in of_file.out.splitlines()[1:]] == ["claim_released", "claim_granted"]
    assert all(line.endswith("src/ansi.go  no colours in a pipe") for line in of_file.out.splitlines()[1:])
    assert old.out == "Nothing has happened yet.\n"
    assert (mistake.status, mistake.err.count("--since")) == (2, 1)
