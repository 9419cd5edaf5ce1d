"""Names: what is accepted, and that hostile input never is."""

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gitcoord.core.documents.names import (
    AGENT_CHARS_MAX,
    BRANCH_BYTES_MAX,
    NAME_CHARS_MAX,
    agent_name,
    branch_name,
    project_name,
    shown,
    split_step_id,
    sub_agent,
    token,
)
from gitcoord.core.documents.party import agent_level
from gitcoord.errors import InvalidError
from gitcoord.ledger.format.refs import Refs

pytestmark = pytest.mark.rule("NAME-1")

RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}"
# What may be no name of anything: it leaves a folder, is an option, acts on a terminal or breaks a line.
HOSTILE = [
    "",
    " ",
    ".",
    "..",
    "../x",
    "x/..",
    "-x",
    "--upload-pack=x",
    "a b",
    "a\tb",
    "a\nb",
    "a\n",
    "a\r",
    "a\0b",
    "\x1b[31mred",
    "a\x7f",
    "a\x9b31m",
    f"a{RIGHT_TO_LEFT}b",
    "a\N{ZERO WIDTH SPACE}b",
    "a\N{LINE SEPARATOR}b",
    "\ud800",
    "x" * 10_000,
    "/",
    "/x",
    "x/",
    "a//b",
    "a\\b",
    "a:b",
    "a~1",
    "a^",
    "a?",
    "a*",
    "a[",
]
NO_REF = [".hidden", "a..b", "x.lock", "x.", "@{-1}", "a@{1}b"]
# Texts that come near to names more often than random ones.
ODD = st.text(st.sampled_from("aA0._-/@{}~^:?*[\\ \n\x7f\x9bé\N{RIGHT-TO-LEFT OVERRIDE}lock"), max_size=12)
NEAR = st.lists(st.sampled_from(["a", "Z9", ".", "..", "-", "_", "/", "@", "@{", ".lock", ".LOCK", "HEAD", "é", " "]))
TEXTS = ODD | NEAR.map("".join) | st.text(max_size=20)


def accepts(rule: Callable[[str], str], text: str) -> bool:
    try:
        assert rule(text) == text
    except InvalidError:
        return False
    return True


def git_accepts(*arguments: str) -> bool:
    done = subprocess.run(["git", "check-ref-format", *arguments], check=False, capture_output=True, timeout=60)
    return done.returncode == 0


# --- projects ---


@pytest.mark.parametrize("text", ["a", "app", "My.App_2-x", "_", "9", "x" * NAME_CHARS_MAX, "a.lock.b", "locked"])
def test_a_project_may_be_named_by_letters_digits_dots_underscores_and_dashes(text: str) -> None:
    assert project_name(text) == text


@pytest.mark.parametrize(
    "text", [*HOSTILE, *NO_REF, "x.LOCK", "x.Lock", "é", "a/b", "a@b", "x" * (NAME_CHARS_MAX + 1)], ids=ascii
)
def test_a_hostile_name_of_a_project_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match=r"cannot be the name of a project\.$") as caught:
        project_name(text)

    assert str(caught.value).isprintable()
    assert caught.value.hint.endswith("without '..', and ending neither in '.' nor in '.lock'.")
    assert len(str(caught.value)) < 200
    assert caught.value.hint


@settings(max_examples=200)
@given(TEXTS)
@example("x.LOCK")
@example("a.lock")
def test_git_accepts_the_ref_of_every_name_of_a_project(text: str) -> None:
    if accepts(project_name, text):
        assert git_accepts(Refs().steps(text))


# --- branches ---


@pytest.mark.parametrize("text", ["main", "feat/login", "a./b", "@a", "a@", "é/ü", "x" * BRANCH_BYTES_MAX, "a{b}"])
def test_a_branch_may_be_what_git_allows(text: str) -> None:
    assert branch_name(text) == text


@pytest.mark.parametrize(
    "text",
    [*(one for one in HOSTILE if one.isascii()), *NO_REF, "\ud800", "a/.b", "a.lock/b", "@", "HEAD", "ä" * 200],
    ids=ascii,
)
def test_a_branch_that_git_would_not_make_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match=r"is not a legal name of a branch\.$") as caught:
        branch_name(text)

    assert str(caught.value).isprintable()


@settings(max_examples=300)
@given(TEXTS.filter(lambda text: "\0" not in text and text.isprintable()))
@example("@")
@example("HEAD")
@example("a/@")
@example("refs/heads/a")
@example("a.lock/b")
@example("a./b")
@example("-a")
@example("a/-b")
def test_a_branch_is_legal_exactly_where_git_says_so(text: str) -> None:
    by_git = git_accepts(f"refs/heads/{text}") and not text.startswith("-") and text not in ("@", "HEAD")

    assert accepts(branch_name, text) == by_git


@settings(max_examples=100)
@given(TEXTS)
def test_git_would_make_every_branch_that_is_accepted(text: str) -> None:
    if accepts(branch_name, text):
        assert git_accepts("--branch", text)


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("text", ["a\x9b31mb", f"a{RIGHT_TO_LEFT}b", "a\N{ZERO WIDTH SPACE}b", "a\N{LINE SEPARATOR}b"])
def test_a_branch_that_a_terminal_would_act_on_is_refused_though_git_takes_it(text: str) -> None:
    assert git_accepts(f"refs/heads/{text}")
    assert not accepts(branch_name, text)


# --- agents ---


@pytest.mark.parametrize("text", ["ann", "ann/claude-code/wt-3", "a/b/c/d/e/f", "jörg/cli/wt", "a.b+c", "ann/..x"])
def test_an_agent_is_named_by_up_to_six_levels(text: str) -> None:
    assert agent_name(text) == text


@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "a/./b", "a/-b", "a/b/c/d/e/f/g", "a'b", 'a"b', "a`b`", "$(a)", "a;b", "a|b", "a&b", "<a>", "a@{b"],
    ids=ascii,
)
def test_a_hostile_name_of_an_agent_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match=r"cannot be the name of an agent\.$") as caught:
        agent_name(text)

    assert str(caught.value).isprintable()


@given(st.lists(st.text(max_size=80), min_size=1, max_size=3))
def test_any_texts_can_be_turned_into_the_levels_of_a_name(texts: list[str]) -> None:
    name = "/".join(agent_level(text) for text in texts)

    assert agent_name(name) == name
    assert len(name) <= AGENT_CHARS_MAX


@pytest.mark.parametrize(
    ("text", "level"),
    [("Ann Lee", "ann-lee"), ("  ", "unknown"), ("../..", "unknown"), ("-rf", "rf"), ("Jörg", "jörg"), ("a/b", "a-b")],
)
def test_a_users_name_becomes_a_level(text: str, level: str) -> None:
    assert agent_level(text) == level


def test_a_word_names_a_sub_agent_and_a_full_name_below_ones_own_is_taken_as_it_is() -> None:
    assert sub_agent("ann/cli/wt", "tests") == "ann/cli/wt/tests"
    assert sub_agent("ann/cli/wt", "ann/cli/wt") == "ann/cli/wt"
    assert sub_agent("ann/cli/wt", "ann/cli/wt/docs") == "ann/cli/wt/docs"


@pytest.mark.parametrize("text", ["bob/cli/wt", "ann/cli/wt-2", "ann/cli", "/tests", "../bob", "..", "-x", "a b", ""])
def test_nobody_can_be_named_who_is_not_a_sub_agent(text: str) -> None:
    with pytest.raises(InvalidError):
        sub_agent("ann/cli/wt", text)


# --- ids ---


@pytest.mark.parametrize("text", ["k3", "a.b_c-d", "0" * 100])
def test_an_id_is_lower_case(text: str) -> None:
    assert token(text, "clone") == text


@pytest.mark.parametrize("text", [*HOSTILE, *NO_REF, "K3", "é", "0" * 101], ids=ascii)
def test_a_hostile_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match=r"cannot be the id of a clone\.$"):
        token(text, "clone")


@settings(max_examples=100)
@given(TEXTS)
def test_git_accepts_the_ref_of_every_id_of_a_clone(text: str) -> None:
    if accepts(lambda one: token(one, "clone"), text):
        assert git_accepts(Refs().heartbeat(text))


# --- steps ---


def test_the_id_of_a_step_is_its_project_and_number() -> None:
    assert split_step_id("My.App/12") == ("My.App", 12)
    assert split_step_id("app/007") == ("app", 7)


@pytest.mark.parametrize(
    "text",
    [
        *("app", "app/", "/1", "app/0", "app/-1", "app/+1", "app/1.0", "app/1 ", "app/1\n", "a/b/1", "../1", ""),
        "app/\N{ARABIC-INDIC DIGIT ONE}",
        "app/" + "9" * 10,
        "app/1" * 5000,
    ],
    ids=ascii,
)
def test_what_is_no_id_of_a_step_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        split_step_id(text)


# --- quoting ---


@given(st.text(max_size=300))
@example(f"\x1b[31m{RIGHT_TO_LEFT}\n\0\x9b")
def test_a_quoted_text_is_short_and_does_nothing_to_a_terminal(text: str) -> None:
    quoted = shown(text)

    assert quoted.isprintable()
    assert len(quoted) <= 2 * 81 + 2


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shown("x" * 100, 10) == "'xxxxxxxxxx…'"
    assert shown("x" * 10, 10) == "'xxxxxxxxxx'"
