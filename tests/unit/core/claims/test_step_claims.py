"""Steps' paths: what the ownership rules say of them, however many rules and steps there are."""

from collections.abc import Sequence

import pytest

from gitcoord.core.claims.claim import Severity
from gitcoord.core.claims.claim_commands import ClaimFiles
from gitcoord.core.claims.step_claims import PathLines, call_of, places_of
from gitcoord.core.owners.owner_rules import Module, Rules, Shared
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import OwnedPlace, PathRules
from tests.unit.core.play import NOW

TEXTS = ("**", "*.py", "*.lock", "a/", "a/b/**", "/a/b.py", "a/*/c.py", "b", "src/**/x.py", "src/x/", "/src/x/x.py")


def step_with(*paths: str) -> Step:
    return Step(id="app/1", step_num=1, paths=paths, last_activity=NOW)


def called(paths: Sequence[str], rules: PathRules) -> ClaimFiles:
    return call_of(step_with(*paths), 1, "c-1", None, PathLines.of(rules))


@pytest.mark.rule("CLAIM-5", "CLAIM-6")
@pytest.mark.parametrize("path", TEXTS)
def test_a_path_of_a_step_is_owned_and_shared_as_one_that_is_claimed(path: str) -> None:
    modules = [Module(text, (Pattern.of(text),), (f"of {text}",), Severity.HARD) for text in TEXTS]
    judged = Rules(tuple(modules), tuple(Shared(Pattern.of(text)) for text in TEXTS[1:])).of([Pattern.of(path)])
    owned = tuple(OwnedPlace(paths=(text,), owners=(f"of {text}",)) for text in TEXTS)

    call = called([path], PathRules(shared=TEXTS[1:], owned=owned))

    assert (call.severity, call.owners) == (judged.severity, judged.owners)
    assert [wish.is_shared for wish in call.wishes] == [*judged.shared]


@pytest.mark.parametrize("path", TEXTS)
def test_the_rules_about_some_paths_say_of_them_what_all_do(path: str) -> None:
    rules = PathRules(shared=TEXTS[1:], owned=tuple(OwnedPlace(paths=(text,), owners=(text,)) for text in TEXTS))

    about = PathLines.of(rules).about(places_of(step_with(path)))

    assert called([path], about) == called([path], rules)


def test_a_step_is_compared_only_with_the_rules_around_its_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = PathRules(
        shared=tuple(f"conf{num}/*.lock" for num in range(500)),
        owned=tuple(OwnedPlace(paths=(f"src/mod{num}/**",), owners=("ann",)) for num in range(500)),
    )
    compared, overlaps, contains = list[Pattern](), path_pattern.overlaps, path_pattern.contains
    monkeypatch.setattr(path_pattern, "overlaps", lambda *both: (compared.append(both[0]), overlaps(*both))[1])
    monkeypatch.setattr(path_pattern, "contains", lambda *both: (compared.append(both[0]), contains(*both))[1])

    call = called(["src/mod7/a.py", "docs/**", "conf3/x.lock"], rules)

    assert [pattern.text for pattern in compared] == ["src/mod7/**", "conf3/*.lock"]
    assert (call.owners, [wish.is_shared for wish in call.wishes]) == (("ann",), [False, False, True])


def test_an_owner_of_several_places_of_a_step_is_named_once() -> None:
    places = (("src/**", ("ann", "bob")), ("docs/**", ("cy", "ann")), ("web/**", ("dora",)))
    rules = PathRules(owned=tuple(OwnedPlace(paths=(path,), owners=owners) for path, owners in places))

    assert called(["docs/a.md", "src/a.py"], rules).owners == ("ann", "bob", "cy")
