"""Patterns: the dialect, how a last segment is read, and every overlap that the specification names."""

import pytest

from gitcoord.core.patterns.path_pattern import (
    CHARS_MAX,
    SEGMENTS_MAX,
    Pattern,
    PatternError,
    Reading,
    TooHardError,
    canonical,
    contains,
    example,
    literal,
    matches,
    overlaps,
)

FILE, TREE, EITHER, GLOB = Reading.FILE, Reading.TREE, Reading.EITHER, Reading.GLOB


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src\\auth\\login.ts", "src/auth/login.ts"),
        (".\\login.ts", "/login.ts"),
        ("./login.ts", "/login.ts"),
        ("./src/login.ts", "src/login.ts"),
        ("/src/login.ts", "src/login.ts"),
        ("//src///auth/.//login.ts", "src/auth/login.ts"),
        ("src/auth/", "src/auth/**"),
        ("src/auth/.", "src/auth/**"),
        ("auth/", "auth/"),
        ("/auth/", "auth/**"),
        ("auth/**/", "auth/**"),
        ("**", "**"),
        ("/**/", "**"),
        ("src/**/**/x.ts", "src/**/x.ts"),
        ("***/x.ts", "**/x.ts"),
        ("src/a**b.ts", "src/a*b.ts"),
        ("src/[**]", "src/[**]"),
        ("src/[^a]*", "src/[!a]*"),
        ("./!x/y", "/!x/y"),
        ("src/my file.ts", "src/my file.ts"),
    ],
)
def test_a_pattern_has_one_spelling(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty or blank"),
        (" \t", "empty or blank"),
        ("!src/a.ts", "start with '!'"),
        ("a" * (CHARS_MAX + 1), f"at most {CHARS_MAX} characters; this one has 1025"),
        ("a/" * SEGMENTS_MAX + "b", f"at most {SEGMENTS_MAX} segments; this one has 65"),
        ("src/a\nb", "control characters"),
        ("src/a\x7f", "control characters"),
        ("src/\x9b2J", "control characters"),
        ("src/\ud800", "control characters"),
        ("../a.ts", "cannot contain '..'"),
        ("src/..", "cannot contain '..'"),
        ("src\\..\\a.ts", "cannot contain '..'"),
        ("/", "names no path"),
        ("./", "names no path"),
    ],
)
def test_what_is_no_pattern_says_why(text: str, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        Pattern.of(text)


def test_what_is_just_within_the_limits_is_a_pattern() -> None:
    longest = "a" * CHARS_MAX
    deepest = "a/" * (SEGMENTS_MAX - 1) + "b"

    assert [canonical(longest), canonical(deepest), canonical(deepest + "/**")] == [longest, deepest, deepest + "/**"]


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("src/auth/", TREE),
        ("src/auth/**", TREE),
        ("auth/", TREE),
        ("**", TREE),
        ("src/*.ts", GLOB),
        ("src/**/[ab]", GLOB),
        ("src/login.ts", FILE),
        ("**/login.ts", FILE),
        ("src/*/a.b.c", FILE),
        ("src/auth", EITHER),
        ("Makefile", EITHER),
        (".github", EITHER),
        ("..x", EITHER),
        ("end.", EITHER),
        (".eslintrc.json", FILE),
        ("src/[[]slug]", EITHER),
    ],
)
def test_a_text_suggests_a_reading_which_then_need_not_be_stored(text: str, reading: Reading) -> None:
    pattern = Pattern.of(text)

    assert (pattern.reading, pattern.stored) == (reading, None)


@pytest.mark.parametrize(
    ("text", "given", "expected", "stored"),
    [
        ("Makefile", FILE, ("Makefile", FILE), FILE),
        ("v1.2", EITHER, ("v1.2", EITHER), EITHER),
        ("src/auth", TREE, ("src/auth/**", TREE), None),
        ("/auth", TREE, ("auth/**", TREE), None),
        ("auth", TREE, ("auth/", TREE), None),
        ("src/*.ts", FILE, ("src/*.ts", GLOB), None),
        ("src/*.ts", EITHER, ("src/*.ts", GLOB), None),
        ("src/auth/**", FILE, ("src/auth/**", TREE), None),
        ("src/a.ts", GLOB, ("src/a.ts", FILE), None),
    ],
)
def test_only_a_reading_that_the_text_does_not_suggest_is_stored(
    text: str, given: Reading, expected: tuple[str, Reading], stored: Reading | None
) -> None:
    pattern = Pattern.of(text, given)

    assert ((pattern.text, pattern.reading), pattern.stored) == (expected, stored)
    assert Pattern.of(pattern.text, pattern.stored) == pattern


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("package.json", ["package.json", "a/b/package.json"], ["package.json/x", "Package.json", "xpackage.json"]),
        ("/package.json", ["package.json"], ["a/package.json"]),
        ("*.ts", ["x.ts", "a/b/x.ts", ".ts"], ["x.tsx", "x.ts/y"]),
        ("auth/", ["auth/x", "src/auth/x/y", "auth"], ["authx/y", "src/oauth/x"]),
        ("src/auth", ["src/auth", "src/auth/x", "src/auth/x/y"], ["src/auth_v2", "src/auth_v2/x", "a/src/auth"]),
        ("src/auth/**", ["src/auth", "src/auth/x", "src/auth/x/y"], ["src/auth_v2", "src"]),
        ("src/**/x.ts", ["src/x.ts", "src/a/x.ts", "src/a/b/x.ts"], ["x.ts", "src/ax.ts", "src/x.ts/y"]),
        ("src/*/x.ts", ["src/a/x.ts"], ["src/x.ts", "src/a/b/x.ts"]),
        ("src/?.ts", ["src/a.ts", "src/\u00e9.ts"], ["src/.ts", "src/ab.ts", "src//.ts"]),
        ("src/[a-c]x", ["src/ax", "src/cx"], ["src/dx", "src/x"]),
        ("src/[!a-c]x", ["src/dx", "src/]x"], ["src/ax", "src//x"]),
        ("src/[]a]x", ["src/]x", "src/ax"], ["src/bx"]),
        ("src/[!]a]x", ["src/bx"], ["src/]x", "src/ax"]),
        ("src/[a-]x", ["src/-x", "src/ax"], ["src/bx"]),
        ("src/[[:digit:]_]x", ["src/7x", "src/_x"], ["src/dx", "src/:x"]),
        ("src/[z-a]x", [], ["src/zx", "src/ax", "src/-x"]),
        ("src/[a", ["src/[a"], ["src/a"]),
        ("src/[!]", ["src/[!]"], ["src/a"]),
        ("a[!b]c", ["axc", "d/axc"], ["a/c", "abc"]),
        ("a[/]b", ["a[/]b"], ["a/b", "ab"]),
        ("src/a**b", ["src/ab", "src/axb"], ["src/a/b", "src/ax/yb"]),
        ("**", ["a", "a/b/c"], []),
    ],
)
def test_what_a_pattern_matches(text: str, inside: list[str], outside: list[str]) -> None:
    found = [path for path in inside + outside if matches(Pattern.of(text), path)]

    assert found == inside


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("src/*_test.py", "src/test_*.py", "src/test_test.py"),
        ("src/auth/**", "**/login.ts", "src/auth/login.ts"),
        ("src/x?.ts", "src/?y.ts", "src/xy.ts"),
        ("src/auth/**", "src/auth", "src/auth"),
        ("src/auth/**", "src/**", "src/auth/x"),
        ("src/auth", "src/auth/new.ts", "src/auth/new.ts"),
        ("yb", "yb/README.md", "yb/README.md"),
        ("src/auth", "src/*/**/x.ts", "src/auth/x.ts"),
        ("src/auth", "**/auth/login.ts", "src/auth/login.ts"),
        ("src/auth", "src/auth/sub", "src/auth/sub"),
        ("scripts/run", "scripts/", "scripts/run"),
        ("Makefile", "docs/**", "docs/Makefile"),
        ("src/*.ts", "**/*", "src/x.ts"),
        ("src/*/a.ts", "src/auth/**", "src/auth/a.ts"),
        ("*.ts", "src/**", "src/x.ts"),
        ("**", "**", "x"),
        ("a/**/b.ts", "**/a/b.ts", "a/b.ts"),
        ("[a-c]x.ts", "/[c-e]x.ts", "cx.ts"),
        ("/[!a]", "/[!b]", "x"),
        (".*", "*.", ".x."),
    ],
)
def test_patterns_overlap_with_an_example(one: str, other: str, expected: str) -> None:
    first, second = Pattern.of(one), Pattern.of(other)

    assert overlaps(first, second)
    assert overlaps(second, first)
    assert example(first, second) == expected
    assert matches(first, expected)
    assert matches(second, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README.md", "package.json"),
        ("src/a.ts", "**/x.ts"),
        ("src/a.ts", "src/a.ts/x.ts"),
        ("src/a/*.ts", "src/b/*.ts"),
        ("src/**/*.ts", "src/**/*.py"),
        ("src/auth", "src/auth_v2"),
        ("src/auth", "src/auth_v2/x.ts"),
        ("src/*.ts", "src/a.ts/**/x.py"),
        ("/package.json", "src/package.json"),
        ("src/Login.ts", "src/login.ts"),
        ("[a-c]x.ts", "[d-f]x.ts"),
        (".?", "?."),  # only `..`, which is no name
        ("src/[z-a]", "**"),
        ("src/*/a.ts", "src/a.ts"),
        ("Dockerfile", "README.md"),
        ("Dockerfile", "Makefile"),
        ("Dockerfile", "*.py"),
        ("scripts/run", "README.md"),
        ("scripts/run", "Makefile"),
        ("scripts/run", "scripts/**/x.ts"),
        ("scripts/run", "docs/"),
    ],
)
def test_patterns_that_no_path_can_join(one: str, other: str) -> None:
    first, second = Pattern.of(one), Pattern.of(other)

    assert not overlaps(first, second)
    assert not overlaps(second, first)
    assert example(first, second) is None


def test_a_file_without_extension_has_nothing_below_it_and_an_unknown_name_may() -> None:
    inside = Pattern.of("bin/run/x.sh")

    assert not overlaps(Pattern.of("bin/run", FILE), inside)
    assert overlaps(Pattern.of("bin/run"), inside)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/app/[slug]/page.tsx", "src/app/[[]slug]/page.tsx"),
        ("what?/a*b.ts", "what[?]/a[*]b.ts"),
        ("package.json", "/package.json"),
        ("Makefile", "/Makefile"),
        ("!x", "/!x"),
        (".\\src\\a.ts", "src/a.ts"),
        ("[!a]/[[]", "[[]!a]/[[][[]]"),
    ],
)
def test_a_literal_path_is_anchored_and_matches_only_itself(path: str, text: str) -> None:
    pattern = literal(path)
    plain = path.replace("\\", "/").removeprefix("./")

    assert (pattern.text, pattern.reading) == (text, FILE)
    assert [matches(pattern, one) for one in (plain, f"x/{plain}", f"{plain}/x")] == [True, False, False]
    assert Pattern.of(pattern.text, pattern.stored) == pattern


def test_a_bracket_in_a_path_is_no_class() -> None:
    page = literal("src/app/[slug]/page.tsx")

    assert not matches(page, "src/app/s/page.tsx")
    assert not overlaps(page, literal("src/app/s/page.tsx"))
    assert overlaps(page, Pattern.of("src/app/*/page.tsx"))


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("src/**", "src/auth/login.ts", True),
        ("src/**", "src/**/*.py", True),
        ("src/**", "/src", True),
        ("src/**", "**/src/x.ts", False),
        ("src/*.ts", "src/a*.ts", True),
        ("src/a*.ts", "src/*.ts", False),
        ("*.ts", "src/**/*.ts", True),
        ("**/*.ts", "*.ts", True),
        ("src/**/*.ts", "*.ts", False),
        ("*", "**", True),
        ("**", "*", True),
        ("**/x.ts", "x.ts", True),
        ("src/auth", "src/auth/**", True),
        ("src/auth/**", "src/auth", True),
        ("src/auth/*", "src/auth/**", False),
        ("[!a]*", "[bc]*", True),
        ("[bc]*", "[!a]*", False),
        ("*a*", "*a", True),
        ("*a*b*", "*b*a*b", True),
        ("[a-c]*", "a*", True),
        ("?*", "*", True),
        ("??*", "*", False),
        ("[!.]*", "?", True),  # the name `.` is none
        ("src/x", "src/[z-a]", True),
    ],
)
def test_containment_is_exact(outer: str, inner: str, expected: bool) -> None:
    assert contains(Pattern.of(outer), Pattern.of(inner)) is expected


def test_a_hostile_containment_is_given_up_after_a_count_of_steps() -> None:
    outer, inner = Pattern.of("*a" + "?" * 300), Pattern.of("*[ab]" + "?" * 300)

    with pytest.raises(TooHardError, match="cannot be decided in 50000 steps"):
        contains(outer, inner)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/".join(["**/*a*b*c*"] * 32), "/".join(["**/*b*a*c*"] * 32), True),
        ("/".join(["**/*a*"] * 32), "/".join(["**/b?"] * 32), True),
        ("/".join(["**/*a*b"] * 32), "/".join(["**/*a*c"] * 32), False),
        ("*a" * 510 + "x", "*a" * 510 + "y", False),
        ("*?" + "?*a" * 300, "*b" + "a?*" * 300, True),
    ],
)
def test_a_hostile_overlap_is_decided(one: str, other: str, expected: bool) -> None:
    first, second = Pattern.of(one), Pattern.of(other)

    found = example(first, second)

    assert (overlaps(first, second), found is not None) == (expected, expected)
    assert found is None or (matches(first, found) and matches(second, found))


def test_no_path_makes_matching_slow() -> None:
    pattern = Pattern.of("/".join(["**/*a*b*c*"] * 32))

    assert not matches(pattern, "/".join(["abcabcabcabcaa" * 10] * 200) + "/q")
