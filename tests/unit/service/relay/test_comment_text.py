"""The text of a comment: all that others wrote stands in code, short, and without secrets."""

from datetime import UTC, datetime, timedelta

import pytest

from gitcoord.core.checks.findings import Finding, Rule
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.service.checks.collisions import Collisions, Proposal, RefusedClaim
from gitcoord.service.relay.comment_text import LINES_MAX, Words, comment_text

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
WORDS = Words(NOW, "#", {"feat/ann": 7}, is_private=False)


def found(path: str = "a.py", rule: Rule = Rule.FOREIGN_CLAIM, symbols: tuple[str, ...] = (), **claim: Json) -> Finding:
    until = time_text(NOW + timedelta(hours=2))
    facts: dict[str, Json] = {"claim_id": "c-1", "agent": "ann/cli/wt", "branch": "feat/ann", "expires_at": until}
    return Finding(rule, "", path=path, symbols=symbols, claim=facts | claim)


def lines(collisions: Collisions, words: Words = WORDS) -> list[str]:
    return [line for line in comment_text(collisions, words).splitlines() if line.startswith("-")]


def of(*claims: Finding, **more: object) -> Collisions:
    return Collisions(Proposal(9, "1" * 40, "feat/bob", "main"), [*claims], **more)  # pyright: ignore[reportArgumentType]


def test_what_one_claim_holds_is_one_line() -> None:
    assert lines(of(found("a.py"), found("b.py"), found("c.py", symbols=("f", "g")))) == [
        "- collides with #7 in `f`, `g` in `a.py`, `b.py`, `c.py`: `ann/cli/wt` holds it until 14:00 UTC (`c-1`)"
    ]


def test_a_branch_without_a_pull_request_and_a_claim_without_a_branch_are_named_as_such() -> None:
    assert [
        line.partition(" in ")[0] for line in lines(of(found(branch="feat/x"), found(claim_id="c-2", branch=None)))
    ] == [
        "- collides with branch `feat/x`",
        "- collides with a claim",
    ]


def test_what_was_changed_before_it_was_claimed_is_said_so() -> None:
    [line] = lines(of(found(rule=Rule.LATER_CLAIM)))

    assert line.endswith("(`c-1`), but it was changed here before that: land it soon")


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize(
    "text",
    ["@bob #1 !2", "[x](http://e.invalid)", "`@bob` ``x``", "one\n/close\n", "--> <img src=x>", "\x1b[31m", "a\u202eb"],
)
def test_text_of_others_stands_in_code_on_one_line(text: str) -> None:
    told = comment_text(
        of(
            found(text, agent=text, branch=text, description=text, claim_id=text, symbols=(text,)),
            unmerged={8: (text,)},
            refused=[RefusedClaim(text, (text,), NOW, text, NOW)],
        ),
        WORDS,
    )

    outside = "".join(told.split("`")[::2])
    assert told.isprintable() or set(told) - {"\n"} <= {char for char in told if char.isprintable()}
    assert len(told.splitlines()) == 7
    assert [sign for sign in ("@", "http", "<", "/close", "#1", "!2") if sign in outside] == []


@pytest.mark.rule("SEC-2")
def test_a_password_in_a_text_is_not_told() -> None:
    assert "hush" not in comment_text(of(found(description="see https://ann:hush@example.com/x")), WORDS)


@pytest.mark.rule("SEC-6")
def test_where_texts_are_private_no_description_is_told() -> None:
    told = comment_text(of(found(description="rework prices")), WORDS._replace(is_private=True))

    assert "(`c-1`)" in told
    assert "prices" not in told


def test_what_is_too_much_is_counted() -> None:
    many = [found(f"{number}.py", claim_id=f"c-{number}") for number in range(LINES_MAX + 3)]
    told = lines(of(*many, unmerged={8: tuple(f"{number}.py" for number in range(9))}))

    assert told[LINES_MAX] == "- and 3 more"
    assert told[-1] == "- does not merge with #8: `0.py`, `1.py`, `2.py`, `3.py`, `4.py` and 4 more"
    assert len(comment_text(of(found("x" * 5000)), WORDS)) < 1000


def test_where_there_is_nothing_to_say_there_is_no_text() -> None:
    assert comment_text(of(), WORDS) == ""
