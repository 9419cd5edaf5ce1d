"""Resolving: the tracked files decide what a last segment is, and the reply says what a person should know."""

import pytest

from gitcoord.core.patterns.path_pattern import Pattern, PatternError, Reading, canonical
from gitcoord.core.patterns.resolve import doubts, matching, overlapping_files, resolve, several
from gitcoord.core.patterns.tracked_paths import Tracked

TRACKED = Tracked(
    [
        "Makefile",
        "README.md",
        "package.json",
        "web/package.json",
        "src/app/[slug]/page.tsx",
        "src/app/[id].tsx",
        "src/auth/login.ts",
        "src/auth/tests/login.test.ts",
        "src/auth_v2/login.ts",
        "src/lib.d/one.ts",
        "tools/build",
        "tools/tests/x.py",
        "vendor/build/y.c",
    ]
)


@pytest.mark.parametrize(
    ("text", "expected", "stored"),
    [
        ("src/auth", "src/auth/**", None),
        ("/src", "src/**", None),
        ("src/lib.d", "src/lib.d/**", None),
        ("README.md", "README.md", None),
        ("tools/build", "tools/build", Reading.FILE),
        ("Makefile", "Makefile", Reading.FILE),
        ("auth", "auth/", None),
        ("src/*/tests", "src/*/tests/**", None),
        ("**/auth", "**/auth/**", None),
        ("build", "build", None),
        ("lib/new.ts", "lib/new.ts", None),
        ("lib/new", "lib/new", None),
        ("README.md/", "README.md/", None),
    ],
)
def test_a_last_segment_becomes_what_is_tracked(text: str, expected: str, stored: Reading | None) -> None:
    pattern = resolve(text, TRACKED).pattern

    assert (pattern.text, pattern.stored) == (expected, stored)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("build", Reading.EITHER),
        ("lib/new", Reading.EITHER),
        ("lib/new.ts", Reading.FILE),
        ("src/*.ts", Reading.GLOB),
        ("src/auth", Reading.TREE),
    ],
)
def test_an_unknown_name_keeps_the_reading_of_its_text(text: str, reading: Reading) -> None:
    assert resolve(text, TRACKED).pattern.reading is reading


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/app/[id].tsx", "src/app/[[]id].tsx"),
        ("[id].tsx", "[[]id].tsx"),
        ("src/app/[slug]", "src/app/[[]slug]/**"),
        ("src/app/[slug]/page.tsx", "src/app/[[]slug]/page.tsx"),
    ],
)
def test_a_pattern_that_literally_is_a_tracked_path_is_taken_so_with_a_warning(text: str, expected: str) -> None:
    found = resolve(text, TRACKED)

    assert found.pattern.text == expected
    assert found.warnings == (f"{text!r} is a tracked path and was taken literally, as {expected!r}.",)
    assert found.files


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/app/[slug]/new.tsx", "src/app/[[]slug]/new.tsx"),
        ("/src/app/[slug]/**", "src/app/[[]slug]/**"),
        ("src/app/[user]/page.tsx", "src/app/[[]user]/page.tsx"),
        ("src/app/[slug]/[...rest]/page.tsx", "src/app/[[]slug]/[[]...rest]/page.tsx"),
        ("src/app/[[...all]]/page.tsx", "src/app/[[][[]...all]]/page.tsx"),
        ("src/app/[user].tsx", "src/app/[[]user].tsx"),
    ],
)
def test_a_new_path_below_a_name_in_brackets_is_that_path_with_a_warning(text: str, expected: str) -> None:
    found = resolve(text, TRACKED)

    assert found.pattern.text == expected
    assert found.warnings[0] == f"{text!r} was read with its brackets as part of a name, as {expected!r}."
    assert found.pattern == resolve(expected, TRACKED).pattern


def test_a_new_path_is_the_same_to_who_writes_it_and_to_a_hook() -> None:
    path = "src/app/[user]/page.tsx"

    assert resolve(path, TRACKED).pattern == resolve(path, TRACKED, as_literal=True).pattern


@pytest.mark.parametrize("path", ["lib/new\nline.py", "lib/tab\t[1].py", "lib/back\\slash.py", "back\\slash.py"])
def test_a_path_that_no_pattern_can_spell_is_claimed_with_any_character_in_its_place(path: str) -> None:
    tracked = Tracked(["a.py", path, "lib/other.py"])

    found = resolve(path, tracked, as_literal=True)

    assert (found.files, found.warnings) == ((path,), ())
    assert "?" in found.pattern.text


def test_a_backslash_of_a_tracked_name_is_no_slash() -> None:
    found = resolve("back\\slash.py", Tracked(["back\\slash.py"]))

    assert (found.pattern.text, found.files) == ("/back?slash.py", ("back\\slash.py",))
    assert "was taken literally" in found.warnings[0]
    assert resolve("back\\slash.py", Tracked(["back/slash.py"])).pattern.text == "back/slash.py"


def test_a_class_that_is_no_tracked_path_stays_a_class() -> None:
    found = resolve("src/auth/[a-z]*.ts", TRACKED)

    assert (found.pattern.text, found.files, found.warnings) == ("src/auth/[a-z]*.ts", ("src/auth/login.ts",), ())


@pytest.mark.parametrize(
    "text", ["s[rt]c/new.py", "src/[!ab]/x.py", "src/v[12]/x.py", "src/[a-z]/x.py", "src/[v]/x.py"]
)
def test_a_class_where_nothing_is_tracked_stays_a_class(text: str) -> None:
    assert resolve(text, TRACKED).pattern.text == Pattern.of(canonical(text)).text


def test_a_class_of_names_that_are_tracked_stays_a_class() -> None:
    found = resolve("[ab].py", Tracked(["a.py", "c.py"]))

    assert (found.pattern.text, found.files) == ("[ab].py", ("a.py",))


def test_a_literal_text_is_a_path_from_the_root() -> None:
    texts = ["package.json", "src/auth", "src/app/[new].tsx", "!odd?"]

    found = [resolve(text, TRACKED, as_literal=True).pattern.text for text in texts]

    assert found == ["/package.json", "src/auth/**", "src/app/[[]new].tsx", "/!odd[?]"]


def test_a_name_of_several_files_gets_a_warning_with_the_anchored_form() -> None:
    found = resolve("package.json", TRACKED)

    assert found.files == ("package.json", "web/package.json")
    assert found.warnings == (
        (
            "'package.json' has no slash and matches at any depth, here 2 times; "
            "to claim only one of them write '/package.json', '/web/package.json'."
        ),
    )


def test_a_name_of_several_folders_gets_a_warning_and_of_one_none() -> None:
    several, one = resolve("tests/", TRACKED), resolve("auth/", TRACKED)

    assert "'/tools/tests', '/src/auth/tests'." in several.warnings[0]
    assert one.warnings == ()


def test_more_places_than_are_shown_are_counted() -> None:
    tracked = Tracked(f"{folder}/x.py" for folder in "abcde")

    assert resolve("x.py", tracked).warnings[0].endswith("'/a/x.py', '/b/x.py', '/c/x.py' or 2 more.")


def test_a_name_that_looks_like_a_tracked_one_is_said_to_be_spelled_otherwise() -> None:
    tracked = Tracked(["docs/\u00fc.md"])

    found = resolve("docs/u\u0308.md", tracked)

    assert found.warnings[0].endswith("which looks the same and is spelled otherwise (Unicode normalization).")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("src/auth/logn.ts", "src/auth/login.ts"),
        ("SRC/Auth/login.ts", "src/auth/login.ts"),
        ("src/auht", "src/auth"),
        ("readme.md", "README.md"),
        ("pakcage.json", "package.json"),
        ("Auth/", "auth"),
        ("src/auth/other.ts", None),
        ("src/auth/*.py", None),
    ],
)
def test_a_pattern_without_any_file_gets_a_warning_with_the_nearest_spelling(text: str, nearest: str | None) -> None:
    found = resolve(text, TRACKED)
    asked = f"; did you mean {nearest!r}?" if nearest else "."

    assert (found.nearest, found.files) == (nearest, ())
    assert found.warnings == (f"{found.pattern.text!r} matches no tracked file{asked}",)


def test_a_few_texts_without_any_file_are_all_named() -> None:
    found = [resolve(text, TRACKED) for text in ("src/auth/logn.ts", "build", "src/auth/other.ts", "Makefile")]

    assert doubts(found)[-1] == (
        "'src/auth/logn.ts' (did you mean 'src/auth/login.ts'?), 'src/auth/other.ts' match no tracked file."
    )
    assert doubts(found[:2]) == [*found[0].warnings, *found[1].warnings]


def test_a_text_that_is_no_pattern_is_not_resolved() -> None:
    with pytest.raises(PatternError, match=r"'\.\.'"):
        resolve("../x", TRACKED)
    with pytest.raises(PatternError, match=r"'\.\.'"):
        resolve("../x", TRACKED, as_literal=True)


@pytest.mark.parametrize("text", ["*?[" * 340, "[" * 1000])
def test_a_text_too_long_to_be_taken_literally_is_still_a_pattern(text: str) -> None:
    assert resolve(text, TRACKED).files == ()


@pytest.mark.parametrize(
    "text",
    ["**", "*.ts", "src/**", "src/auth/**", "src/**/login.ts", "login.ts", "tests/", "build", "src/*/login.ts", "*.rb"],
)
def test_matching_is_every_file_that_matches_in_order(text: str) -> None:
    pattern = Pattern.of(text)

    assert list(matching(pattern, TRACKED)) == [
        path for path in TRACKED.paths if list(matching(pattern, Tracked([path])))
    ]


def test_the_files_of_an_overlap_are_sorted_and_the_rest_is_counted() -> None:
    tracked = Tracked(f"src/{n:02}.ts" for n in range(30, 0, -1))
    tree, files = Pattern.of("src/**"), Pattern.of("*.ts")

    shown, more = overlapping_files(tree, files, tracked)

    assert (shown[0], shown[-1], len(shown), more) == ("src/01.ts", "src/20.ts", 20, 10)
    assert overlapping_files(files, tree, tracked, most=40) == (tuple(tracked.paths), 0)
    assert overlapping_files(tree, Pattern.of("src/new.ts"), tracked) == ((), 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("README.md, src/new", ("README.md", "src/new")),
        ("new/a.py,new/b", ("new/a.py", "new/b")),
        ("Makefile\nnew", ("Makefile", "new")),
        ("src/auth/**, docs", ("src/auth/**", "docs")),
        ("src/auth/login.ts README.md new.py", ("src/auth/login.ts", "README.md", "new.py")),
        ("src/auth, my notes.md", ("src/auth", "my notes.md")),
        ("README.md", ()),
        ("a, b", ()),
        ("docs/My new file.md", ()),
        ("docs/v1.0 notes.md", ()),
        ("*.{js,ts}", ("*.js", "*.ts")),
        ("src/{a, b}/{c,d}", ("src/a/{c,d}", "src/b/{c,d}")),
        ("src/[a,b].ts", ()),
        ("README.md, " * 100, ()),
    ],
)
def test_a_text_with_several_names_is_no_name_of_one(text: str, expected: tuple[str, ...]) -> None:
    assert several(text, TRACKED) == expected


@pytest.mark.parametrize("text", ["docs/a.md, b.md", "docs/a.md b.md", "docs, old/new.md", "docs, old", "a.md b.md"])
def test_a_tracked_file_or_folder_with_a_comma_or_a_space_is_one_name(text: str) -> None:
    tracked = Tracked(
        ["README.md", "b.md", "docs/a.md", "docs/a.md, b.md", "docs/a.md b.md", "docs, old/x.md", "x/a.md b.md"]
    )

    assert several(text, tracked) == ()
