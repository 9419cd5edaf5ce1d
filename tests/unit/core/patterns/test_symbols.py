"""Symbols: what is one, which of them meet, what is left after a carving, what was probably meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.patterns import symbols
from gitcoord.core.patterns.symbols import SymbolError
from gitcoord.errors import InvalidError

NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("::".join)
SETS = st.lists(NAMES, max_size=8)


@pytest.mark.parametrize(
    "text",
    ["handle", "Router::handle", "a::b::c", "~Router", "operator bool", "operator==", "[]=", "#secret", "größe", "a.b",
     "::".join(["a"] * 64), "x" * 1024],
)  # fmt: skip
def test_a_name_with_its_ancestors_is_a_symbol(text: str) -> None:
    assert text == symbols.symbol(text)
    assert symbols.is_symbol(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("x" * 1025, "it has more than 1,024 characters"),
        ("::".join(["a"] * 65), "it has more than 64 levels"),
        ("a\nb", "it has characters that cannot be printed"),
        ("a\x1b[2J", "it has characters that cannot be printed"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "it has characters that cannot be printed"),
        ("\ud800", "it has characters that cannot be printed"),
        ("::a", "there is nothing before, after or between two '::'"),
        ("a::", "there is nothing before, after or between two '::'"),
        ("a::::b", "there is nothing before, after or between two '::'"),
        (" a", "a name begins or ends with a blank"),
        ("a:: b", "a name begins or ends with a blank"),
        ("a:::b", "a name begins or ends with ':'"),
        ("a:", "a name begins or ends with ':'"),
    ],
)
def test_what_cannot_be_a_symbol_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(SymbolError) as caught:
        symbols.symbol(text)

    assert str(caught.value).endswith(f" cannot be a symbol: {reason}.")
    assert "Router::handle" in caught.value.hint
    assert not symbols.is_symbol(text)


def test_a_bad_symbol_is_an_invalid_value_for_both_kinds_of_callers() -> None:
    assert issubclass(SymbolError, ValueError)
    assert issubclass(SymbolError, InvalidError)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Router", "Router", True),
        ("Router", "Router::handle", True),
        ("Router", "Router::a::b", True),
        ("Foo", "Foobar", False),
        ("Foo::h", "Bar::h", False),
        ("Foo::h", "Foo::g", False),
        ("handle", "Router::handle", False),
        ("router", "Router", False),
    ],
)
def test_symbols_are_related_when_equal_or_one_is_the_others_ancestor(one: str, other: str, expected: bool) -> None:
    assert expected == bool(symbols.meeting([one], [other]))
    assert expected == bool(symbols.meeting([other], [one]))


def test_meeting_names_mine_in_my_order_and_once() -> None:
    found = symbols.meeting(["B::x", "A", "C", "A", "D::e::f"], ["A::b", "D::e", "Cc"])

    assert found == ("A", "D::e::f")


@given(SETS, SETS)
def test_meeting_agrees_with_comparing_every_pair(mine: list[str], theirs: list[str]) -> None:
    met = {
        symbol
        for symbol in mine
        for other in theirs
        if f"{symbol}::".startswith(f"{other}::") or f"{other}::".startswith(f"{symbol}::")
    }

    assert met == set(symbols.meeting(mine, theirs))


@given(SETS, SETS)
def test_meeting_is_mutual(mine: list[str], theirs: list[str]) -> None:
    assert bool(symbols.meeting(mine, theirs)) == bool(symbols.meeting(theirs, mine))


def test_outermost_says_the_same_cover_once() -> None:
    assert symbols.outermost(["b", "a::b", "a", "ab", "a", "c::d", "c::d::e"]) == ("a", "ab", "b", "c::d")


@given(SETS, NAMES)
def test_outermost_covers_what_the_list_covered(cover: list[str], one: str) -> None:
    assert symbols.is_within(one, cover) == symbols.is_within(one, symbols.outermost(cover))


def test_a_carved_symbol_is_carved_with_all_below_it_but_its_ancestor_is_not() -> None:
    carved = symbols.carve(["Router::handle"], ["Foo"])

    found = {one: symbols.is_within(one, carved) for one in ("Router", "Router::handle", "Router::handle::x", "Foo::a")}

    assert found == {"Router": False, "Router::handle": True, "Router::handle::x": True, "Foo::a": True}


@given(SETS, SETS, NAMES)
def test_carving_adds_up(first: list[str], second: list[str], one: str) -> None:
    both = symbols.carve(symbols.carve((), first), second)

    assert symbols.is_within(one, both) == (symbols.is_within(one, first) or symbols.is_within(one, second))


EXISTING = ["Router", "Router::handle", "Router::close", "Session::handle", "parse_line", "Größe"]


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        ("router::Handle", ("Router::handle",)),
        ("Router.handle", ("Router::handle",)),
        ("Router#close", ("Router::close",)),
        ("handle", ("Router::handle", "Session::handle")),
        ("close", ("Router::close",)),
        ("parseLine", ("parse_line",)),
        ("parse_lien", ("parse_line",)),
        ("GRÖSSE", ("Größe",)),
        ("zzzzzz", ()),
        ("", ()),
    ],
)
def test_the_nearest_spellings_come_first(unknown: str, expected: tuple[str, ...]) -> None:
    assert expected == symbols.suggest(unknown, EXISTING, len(expected) or 3)


def test_no_more_spellings_than_asked_for() -> None:
    found = symbols.suggest("handle1", [f"handle{n}" for n in range(2, 50)], 4)

    assert len(found) == 4


@pytest.mark.rule("SEC-4")
def test_names_that_are_made_to_be_compared_for_long_are_not() -> None:
    alike = "a" * 60  # difflib takes a millisecond for two that have such a beginning
    existing = [f"{alike}{number:040}" for number in range(100_000)]

    found = symbols.suggest(f"{alike}{'7' * 40}", existing)

    assert set(found) <= set(existing[:1000])
    assert symbols.suggest("x" * 900, [*existing, "x" * 901]) == ()


@given(st.text(max_size=30), SETS)
def test_spellings_exist_and_are_not_the_unknown_one(unknown: str, existing: list[str]) -> None:
    found = symbols.suggest(unknown, existing)

    assert set(found) <= set(existing) - {unknown}
    assert len(found) == len(set(found)) <= symbols.SUGGESTIONS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Item::Index", "Item::Index"),
        ("Class.method", "Class::method"),
        ("Class#method()", "Class::method"),
        ("(*Item).Index", "Item::Index"),
        ("(Item).Index(x int)", "Item::Index"),
        ("this->that", "this::that"),
        ("*", "*"),
    ],
)
def test_a_symbol_in_the_spelling_of_a_language_is_respelled(text: str, expected: str) -> None:
    assert symbols.respelled(text) == expected
