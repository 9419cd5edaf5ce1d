"""Ownership: who minds a place, how much, and what everybody touches."""

import pytest

from gitcoord.core.claims.claim import Severity
from gitcoord.core.owners.owner_rules import Module, Rules, Shared
from gitcoord.core.patterns.path_pattern import Pattern, literal


def place(text: str) -> Pattern:
    return Pattern.of(text)


AUTH = Module("auth", (place("src/auth/**"),), ("ann", "@bob"), Severity.HARD)
WEB = Module("web", (place("src/web/**"), place("*.css")), ("cy",))
RULES = Rules((AUTH, WEB), (Shared(place("package.json")), Shared(place("src/gen/**"))))


@pytest.mark.parametrize(
    ("asked", "severity", "owners"),
    [
        (["src/auth/login.ts"], Severity.HARD, ("ann", "@bob")),
        (["src/web/a.ts"], Severity.SOFT, ("cy",)),
        (["src/**"], Severity.HARD, ("ann", "@bob", "cy")),
        (["src/web/a.ts", "src/auth/x.css"], Severity.HARD, ("ann", "@bob", "cy")),
        (["docs/**"], Severity.SOFT, ("cy",)),  # style sheets may be anywhere
        (["docs/a.md"], None, ()),
        ([], None, ()),
    ],
)
def test_a_place_has_the_strictest_severity_and_all_owners(
    asked: list[str], severity: Severity | None, owners: tuple[str, ...]
) -> None:
    judged = RULES.of([place(one) for one in asked])

    assert (judged.severity, judged.owners) == (severity, owners)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [("ann", True), ("ann/claude-code/wt-3", True), ("bob/cli/wt/tests", True), ("anna/cli/wt", False), ("cy", False)],
)
def test_an_owner_owns_for_all_agents_of_its_name(agent: str, expected: bool) -> None:
    assert RULES.of([place("src/auth/a.ts")]).is_owner(agent) is expected


def test_what_is_strict_asks_for_its_own_owner_only() -> None:
    both = RULES.of([place("src/**")])

    assert both.is_owner("ann/cli/wt")
    assert not both.is_owner("cy/cli/wt")
    assert [RULES.hard_of_others(agent) for agent in ("ann/cli/wt", "cy/cli/wt")] == [[], [AUTH]]


def test_a_module_without_owners_is_everybodys() -> None:
    rules = Rules((Module("all", (place("**"),), (), Severity.HARD),))

    assert rules.of([place("a")]).is_owner("bob/cli/wt")
    assert rules.hard_of_others("bob/cli/wt") == []


@pytest.mark.parametrize(
    ("asked", "shared"),
    [
        (place("package.json"), True),
        (literal("web/package.json"), True),
        (literal("package.json"), True),
        (place("src/gen/a.ts"), True),
        (place("src/gen/*.ts"), True),
        (place("src/**"), False),
        (place("*.json"), False),
    ],
)
def test_a_file_is_shared_when_one_line_contains_it_whole(asked: Pattern, shared: bool) -> None:
    assert RULES.of([asked]).shared == (shared,)


def test_what_cannot_be_decided_is_not_shared() -> None:
    outer, inner = place("*a" + "?" * 300), place("*b" + "?" * 200)

    assert Rules(shared_files=(Shared(outer),)).of([inner]).shared == (False,)


def test_peoples_line_counts_where_machines_say_the_same() -> None:
    auto = Rules(shared_files=(Shared(place("package.json"), "2026-11-21"), Shared(place("a.ts"), "2026-11-20")))

    merged = RULES.merged(auto)

    assert [(line.pattern.text, line.promoted_on) for line in merged.shared_files] == [
        ("package.json", ""),
        ("src/gen/**", ""),
        ("a.ts", "2026-11-20"),
    ]
    assert merged.modules == RULES.modules


def test_rules_as_data_have_the_names_of_the_file() -> None:
    rules = Rules((AUTH,), (Shared(place("a.ts"), "2026-11-20", is_pinned=True),), (place("src/core/**"),))

    assert rules.as_json() == {
        "modules": {"auth": {"paths": ["src/auth/**"], "owners": ["ann", "@bob"], "severity": "hard"}},
        "shared_files": [{"pattern": "a.ts", "auto_promoted": "2026-11-20", "permanent": True}],
        "suggested_splits": ["src/core/**"],
    }
