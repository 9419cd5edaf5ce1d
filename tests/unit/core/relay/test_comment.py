"""What is done with the comments of a pull request: as little as makes one of ours say a text."""

import pytest

from gitcoord.core.relay.comment import CLEAR, MARKER, Comment, Deed, DeedWord, deeds

ME = "gitcoord[bot]"
SAID = f"{MARKER}\nit collides"


def own(body: str = SAID, id_: str = "5") -> Comment:
    return Comment(id_, ME, body)


@pytest.mark.parametrize(
    ("comments", "text", "expected"),
    [
        ([], "", []),
        ([], "it collides", [Deed(DeedWord.CREATE, "", SAID)]),
        ([own()], "it collides", []),
        ([own("\r\n" + SAID.replace("\n", "\r\n") + "  ")], "it collides", []),
        ([own()], "otherwise", [Deed(DeedWord.UPDATE, "5", f"{MARKER}\notherwise")]),
        ([own()], "", [Deed(DeedWord.UPDATE, "5", f"{MARKER}\n{CLEAR}")]),
        ([own(f"{MARKER}\n{CLEAR}")], "", []),
        ([own(), own("hello", "6"), own(SAID, "7")], "it collides", [Deed(DeedWord.DELETE, "7", "")]),
    ],
    ids=["nothing", "new", "same", "as a service keeps it", "other", "over", "still over", "several"],
)
def test_the_comment_is_made_to_say_the_text(comments: list[Comment], text: str, expected: list[Deed]) -> None:
    assert deeds(comments, ME, text) == expected


@pytest.mark.rule("RELAY-5")
@pytest.mark.parametrize("author", ["ann", "", "gitcoord"])
def test_a_comment_of_another_account_is_left_and_does_not_count(author: str) -> None:
    assert deeds([Comment("5", author, SAID)], ME, "it collides") == [Deed(DeedWord.CREATE, "", SAID)]


@pytest.mark.rule("RELAY-5")
def test_where_the_account_is_not_known_no_comment_is_ours() -> None:
    assert deeds([Comment("5", "", SAID)], "", "") == []


@pytest.mark.rule("RELAY-5")
def test_a_comment_that_quotes_the_marker_is_a_persons() -> None:
    assert deeds([own(f"> {SAID}")], ME, "") == []
