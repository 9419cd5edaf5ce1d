"""Definitions: what each language declares, which symbols a change touches, and that no bytes can break it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import count, cycle, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitcoord.core.patterns.symbols import is_symbol
from gitcoord.source.symbols.declarations import find
from gitcoord.source.symbols.definitions import (
    CACHE_CHARS_MAX,
    CACHE_FILES_MAX,
    FILE_BYTES_MAX,
    MODULE_LEVEL,
    CannotCheck,
    DefinitionReader,
    Definitions,
    Touched,
    Validation,
    symbols_touched,
)
from gitcoord.source.symbols.languages import LANGUAGES, Language, language_of, load
from gitcoord.source.symbols.parser import Answer, Request
from gitcoord.source.symbols.parser_process import ParserError, ParserProcess

GOLDEN = Path(__file__).parent / "definitions"
FILES = sorted(path for path in GOLDEN.iterdir() if path.suffix != ".json")
# No test fails because the machine is busy: the clock of who asks stands still, the parser's is the processor's.
STILL: Callable[[], float] = lambda: 0.0  # noqa: E731 - the type says what it stands for


def read(path: str, data: bytes | str) -> Definitions:
    found = DefinitionReader(STILL).definitions(path, data if isinstance(data, bytes) else data.encode())
    assert isinstance(found, Definitions), found
    return found


def reason(path: str, data: bytes) -> str:
    found = DefinitionReader(STILL).definitions(path, data)
    assert isinstance(found, CannotCheck)
    return found.reason


def touched(source: str, *lines: int, path: str = "a.py") -> Touched:
    return symbols_touched(read(path, source), [(line, line) for line in lines])


def paths(definitions: Definitions) -> list[str]:
    return [one.path for one in definitions.items]


# --- each language -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_what_a_language_declares_is_found(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    found = read(path.name, path.read_bytes())

    assert expected == {
        "language": found.language,
        "definitions": [[one.path, one.start, one.end] for one in found.items],
        "module_level": [line for line, owners in enumerate(found.owners, start=1) if MODULE_LEVEL in owners],
    }


def test_every_language_has_a_file_that_shows_it() -> None:
    shown = {language_of(path.name) for path in FILES}

    assert set(LANGUAGES) == shown


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_line_ends_of_other_systems_and_a_byte_order_mark_change_nothing(path: Path) -> None:
    unix = path.read_bytes()

    windows = b"\xef\xbb\xbf" + unix.replace(b"\n", b"\r\n")

    # The broken part at the end may be mended another way; what is whole is the same.
    whole = unix[: max(unix.lower().find(word) for word in (b"torn", b"broken", b"cracked", b"wreck"))].count(b"\n") - 2
    expected = [one for one in read(path.name, unix).items if one.end < whole]
    assert expected == [one for one in read(path.name, windows).items if one.end < whole]


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "Python"),
        ("src/a.pyi", "Python"),
        ("A.TS", "TypeScript"),
        ("a.d.ts", "TypeScript"),
        ("a.tsx", "TSX"),
        ("a.jsx", "JSX"),
        ("a.mjs", "JavaScript"),
        ("a.h", "C++"),
        ("Rakefile", "Ruby"),
        ("lib/Gemfile", "Ruby"),
        ("a.kts", "Kotlin"),
    ],
)
def test_the_name_of_a_file_says_its_language(path: str, language: str) -> None:
    found = language_of(path)

    assert found is not None
    assert language == found.name


@pytest.mark.parametrize("path", ["README.md", "py", ".py/readme", "a.py.orig", "a", "", "a.", "Makefile"])
def test_other_names_have_no_language(path: str) -> None:
    assert language_of(path) is None


@pytest.mark.rule("SEC-4")
def test_no_grammar_is_ever_loaded_by_the_process_that_asks() -> None:
    code = (
        "import sys, time\n"
        "from gitcoord.source.symbols.definitions import DefinitionReader\n"
        "found = DefinitionReader(time.monotonic).definitions('a.py', b'def f(): pass')\n"
        "print(type(found).__name__, [one for one in sys.modules if one.startswith('tree_sitter')])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout == "Definitions []\n"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("a.cc", "void A<std::map<int, B>>::c() {}", ["A::c"]),
        ("a.cc", "A::operator bool() const { return 1; }", ["A::operator bool"]),
        ("a.cc", "bool A::operator<(const A& o) { return 1; }", ["A::operator<"]),
        ("a.cc", "int A::operator()(int a) { return 1; }", ["A::operator()"]),
        ("a.cc", "void (*signal(int a, void (*f)(int)))(int);", ["signal"]),
        ("a.kt", "fun <T> List<T>.second() = 1", ["List::second"]),
        ("a.kt", "fun <T> String.shout(a: Int): String = 1", ["String::shout"]),
        ("a.rb", "module A\n  def A.b\n  end\nend\n", ["A", "A::b"]),
        ("a.swift", "extension A.B { func c() {} }", ["A::B", "A::B::c"]),
        ("a.go", "package m\nfunc (*T) M() {}\n", ["T::M"]),
        ("a.rs", "impl<'a> T for &'a mut Vec<u8> { fn x() {} }", ["Vec", "Vec::x"]),
        ("a.scala", "class A { def ::(x: Int) = 1 }", ["A"]),
        ("a.ts", "export const s = { a() {} } as const;", ["s", "s::a"]),
        ("a.js", "const s = create()(devtools((set) => ({ add: () => 1 })));", ["s", "s::add"]),
        ("a.js", "module.exports.a = () => 1;\nthis.b = () => 2;\n", ["a"]),
        ("a.py", "def f():\n    x = 1\n    y = lambda: 2\n", ["f", "f::y"]),
        ("a.py", "class A:\n" + "".join(f"{' ' * n}class A:\n" for n in range(1, 80)) + " " * 80 + "pass", None),
    ],
)
def test_a_path_is_ancestors_and_name(path: str, source: str, expected: list[str] | None) -> None:
    found = paths(read(path, source))

    # Deeper than a symbol can be: what is too deep belongs to the last that is not.
    assert (expected or ["::".join(["A"] * depth) for depth in range(1, 65)]) == found


# --- what a change touches -----------------------------------------------------------------------

NESTED = """\
import os

class A:
    x = 1

    # above b
    @wrap
    def b(self):
        return 1

        return 2

    def c(self): pass


def d():
    def e():
        pass
    return e
"""


@pytest.mark.parametrize(
    ("lines", "symbols", "module_level"),
    [
        ([1], (), True),
        ([2], (), False),
        ([3], ("A",), False),
        ([4], ("A::x",), False),
        ([5], (), False),
        ([6], ("A::b",), False),
        ([7], ("A::b",), False),
        ([10], ("A::b",), False),
        ([12], (), False),
        ([13], ("A::c",), False),
        ([16], ("d",), False),
        ([17, 18], ("d::e",), False),
        ([1, 4, 13, 19], ("A::c", "A::x", "d"), True),
        ([0, -5, 20, 10_000], (), False),
    ],
)
def test_a_changed_line_touches_the_innermost_definitions(
    lines: list[int], symbols: tuple[str, ...], module_level: bool
) -> None:
    assert Touched(symbols, module_level) == touched(NESTED, *lines)


def test_a_range_touches_what_each_of_its_lines_touches() -> None:
    definitions = read("a.py", NESTED)

    assert Touched(("A::b", "A::c"), module_level=False) == symbols_touched(definitions, [(9, 13)])


@pytest.mark.parametrize("lines", [[], [(5, 4)], [(1, 0)], [(0, 0)]])
def test_a_side_without_lines_touches_nothing(lines: list[tuple[int, int]]) -> None:
    assert Touched((), module_level=False) == symbols_touched(read("a.py", NESTED), lines)


def test_a_new_method_between_blank_lines_does_not_touch_its_class() -> None:
    found = touched(
        "class A:\n    def b(self): pass\n\n    def new(self):\n        pass\n\n    def c(self): pass\n", 3, 4, 5
    )

    assert Touched(("A::new",), module_level=False) == found


def test_a_new_class_in_a_namespace_touches_only_itself() -> None:
    source = "namespace N {\nclass A {\n};\n\nclass New {\n};\nusing B = int;\n}\n"

    assert Touched(("N::New",), module_level=False) == touched(source, 4, 5, 6, path="a.cc")
    assert Touched((), module_level=True) == touched(source, 8, path="a.cc")


@pytest.mark.parametrize(
    ("source", "symbols", "module_level"),
    [
        ("class A { void b() {} }", ("A", "A::b"), False),
        ("void a() {} void b() {}", ("a", "b"), False),
        ("foo(); void a() {}", ("a",), True),
        ("int a, b;", ("a", "b"), False),
        ("class A {};", ("A",), False),
        ("/** doc */ void a() {}", ("a",), False),
        ("struct S { int x; } s;", ("S", "S::x", "s"), False),
    ],
)
def test_a_line_of_several_definitions_touches_each_that_has_text_on_it(
    source: str, symbols: tuple[str, ...], module_level: bool
) -> None:
    assert Touched(symbols, module_level) == touched(source, 1, path="a.cc")


def test_a_comma_after_a_member_belongs_to_it() -> None:
    source = "const o = {\n  a() {\n  },\n  b: () => {\n  },\n};\n"

    assert Touched(("o::a", "o::b"), module_level=False) == touched(source, 3, 5, path="a.js")


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("# one\n# two\ndef f(): pass\n", 1),
        ("# apart\n\n# two\ndef f(): pass\n", 3),
        ("x = 1  # of x\ndef f(): pass\n", 2),
        ("def e():\n    pass\n    # of e\ndef f(): pass\n", 4),
        ("# one\n@a\n@b\ndef f(): pass\n", 1),
    ],
)
def test_a_definition_begins_with_what_is_directly_above_it(source: str, start: int) -> None:
    (found,) = (one for one in read("a.py", source).items if one.path == "f")

    assert start == found.start


def test_both_sides_of_a_deletion_are_asked() -> None:
    old = read("a.py", "def a(): pass\ndef b(): pass\n")
    new = read("a.py", "def a(): pass\n")

    assert Touched(("b",), module_level=False) == symbols_touched(old, [(2, 2)])
    assert Touched((), module_level=False) == symbols_touched(new, [(2, 1)])


# --- validation ----------------------------------------------------------------------------------


def test_symbols_that_exist_are_valid() -> None:
    found = DefinitionReader(STILL).validate("a.py", NESTED.encode(), ["A", "A::b", "d::e"])

    assert Validation() == found


def test_the_ancestor_that_only_a_receiver_names_exists() -> None:
    found = DefinitionReader(STILL).validate("a.go", b"package m\nfunc (r *R) H() {}\n", ["R", "R::H"])

    assert Validation() == found


def test_unknown_symbols_come_with_what_exists_outermost_first() -> None:
    found = DefinitionReader(STILL).validate("a.py", NESTED.encode(), ["A.b", "A", "zzz"])

    assert Validation(("A.b", "zzz"), ("A", "d", "A::x", "A::b", "A::c", "d::e")) == found


@pytest.mark.parametrize(
    ("path", "data", "warning"),
    [
        ("new.py", None, "new.py does not exist here, so its symbols were not looked up"),
        (
            "a.zig",
            b"fn a() void {}",
            "a.zig is of a language whose definitions gitcoord cannot read, so its symbols were not looked up",
        ),
        ("a.py", b"a\0b", "a.py is not text in UTF-8, so its symbols were not looked up"),
    ],
)
def test_what_cannot_be_looked_up_passes_with_a_warning(path: str, data: bytes | None, warning: str) -> None:
    assert Validation(warning=warning) == DefinitionReader(STILL).validate(path, data, ["x"])


# --- whatever the bytes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("a.md", b"# text", "is of a language whose definitions gitcoord cannot read"),
        ("a.py", b"x" * (FILE_BYTES_MAX + 1), "has more than 512 KB"),
        ("a.py", b"x" * 50_000_000, "has more than 512 KB"),
        ("a.py", b"def f():\0 pass", "is not text in UTF-8"),
        ("a.py", "def f(): pass".encode("utf-16"), "is not text in UTF-8"),
        ("a.py", b"# caf\xe9", "is not text in UTF-8"),
    ],
    ids=["language", "large", "huge", "nul", "utf-16", "latin-1"],
)
def test_what_cannot_be_checked_says_why(path: str, data: bytes, expected: str) -> None:
    assert expected == reason(path, data)


def test_a_missing_grammar_cannot_be_checked() -> None:
    missing = Language("Nothing", (".nothing",), "tree_sitter_nothing_of_the_kind", ("python",))
    other = Language("Other", (".other",), "tree_sitter_go", ("python",))

    assert load(missing) is None
    assert load(other) is None


def late_at(look: int) -> Callable[[], bool]:
    """Return a clock by which it is late from so many looks on."""
    looks = count()
    return lambda: next(looks) >= look


def test_every_step_of_the_analysis_looks_at_the_time() -> None:
    functions = 200
    data = b"# above\ndef f(): pass\n" * functions
    loaded = load(LANGUAGES[0])
    assert loaded is not None
    looks = count()
    find(*loaded, data, lambda: next(looks) < 0)
    total = next(looks)

    # One look for each match, unit, item, comment and line, not only for what the parser and the query find.
    assert total > 8 * functions
    assert {find(*loaded, data, late_at(look)) for look in range(1, 8 * functions, 40)} == {None}
    assert find(*loaded, data, late_at(100 * total)) is not None


class Busy(ParserProcess):
    """A parser that finds no time for the first file."""

    is_busy = True

    def ask(self, request: Request, data: bytes, monotonic: Callable[[], float], env: Mapping[str, str]) -> Answer:
        if self.is_busy:
            self.is_busy = False
            raise ParserError("takes more than 1 s to parse")
        return super().ask(request, data, monotonic, env)


def test_a_file_that_was_not_parsed_is_tried_again() -> None:
    reader = DefinitionReader(STILL, parser=Busy())

    first = reader.definitions("a.py", b"def f(): pass\n")
    second = reader.definitions("a.py", b"def f(): pass\n")

    assert isinstance(first, CannotCheck)
    assert isinstance(second, Definitions)


ROWS = {
    "round": b"(" * 100_000,
    "closing": b")" * 100_000,
    "curly": b"{" * 100_000,
    "nested": b"(" * 50_000 + b"1" + b")" * 50_000,
    "holes": b"[" + b"," * 200_000 + b"]",
    "line": b"a" * 100_000,
    "quotes": b"'" * 100_001,
    "functions": b"function f() {" * 5000,
    "blank": b"\n" * 50_000,
    "empty": b"",
}


# Each row meets one language here, and each language a row; all meet all in the long tests.
PAIRS = [*zip(LANGUAGES, cycle(ROWS), strict=False)]
MORE = [pair for pair in product(LANGUAGES, ROWS) if pair not in PAIRS]


@pytest.mark.parametrize(
    ("language", "row"),
    [*PAIRS, *(pytest.param(*pair, marks=pytest.mark.torture) for pair in MORE)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_long_rows_end_in_an_answer(language: Language, row: str) -> None:
    # Some of these would take minutes; which of the two answers it is depends on the processor.
    reader = DefinitionReader(STILL, parse_s_max=0.1)

    found = reader.definitions("a" + language.endings[0], ROWS[row])

    assert isinstance(found, Definitions | CannotCheck)


def test_a_row_that_would_stall_the_query_is_given_up_before_it() -> None:
    assert reason("a.js", b"[" + b"," * 400_000 + b"]") == "takes more than 1 s to parse"


def well_formed(found: Definitions, data: bytes) -> Iterable[str]:
    """List what is wrong with definitions, whatever they are."""
    lines = data.count(b"\n") + 1
    if len(found.owners) != lines:
        yield f"{len(found.owners)} owners of {lines} lines"
    for one in found.items:
        if not is_symbol(one.path) or not 1 <= one.start <= one.end <= lines:
            yield str(one)
    for line, owners in enumerate(found.owners, start=1):
        for place in owners:
            if place != MODULE_LEVEL and not found.items[place].start <= line <= found.items[place].end:
                yield f"line {line} is not in {found.items[place]}"
    everything = symbols_touched(found, [(1, lines)])
    if not set(everything.symbols) <= set(paths(found)) <= found.symbols.keys():
        yield "touched what does not exist"


SAMPLES = {path: path.read_bytes() for path in FILES}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_edit_of_a_file_breaks_reading_it(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(FILES))
    text = SAMPLES[path]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 200)))
        put = data.draw(st.one_of(st.sampled_from([b"", b"{", b"}", b"(", b'"', b"'", b"/*", b"\r", b"::", b"\n\n"]),
                                  st.text(max_size=5).map(lambda one: one.encode("utf-8", "replace"))))  # fmt: skip
        text = text[:start] + put + text[end:]

    found = DefinitionReader(STILL).definitions(path.name, text)

    assert isinstance(found, CannotCheck) or not list(well_formed(found, text))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(LANGUAGES), st.binary(max_size=300) | st.text(max_size=300).map(lambda one: one.encode()))
def test_no_bytes_break_reading(language: Language, data: bytes) -> None:
    found = DefinitionReader(STILL).definitions("a" + language.endings[0], data)

    assert isinstance(found, CannotCheck) or not list(well_formed(found, data))


@pytest.mark.rule("SEC-4")
def test_names_within_names_that_fill_memory_are_given_up() -> None:
    name = "n" * 900
    methods = b"".join(b" def f%d(): 0\n" % number for number in range(6000))

    assert reason("a.py", f"class {name}:\n".encode() + methods) == "declares more than can be compared"


# --- remembering ---------------------------------------------------------------------------------


def test_the_same_bytes_are_parsed_once() -> None:
    reader = DefinitionReader(STILL)

    first = reader.definitions("a.py", b"def f(): pass\n")

    assert first is reader.definitions("src/b.py", b"def f(): pass\n")
    assert first is not reader.definitions("a.js", b"def f(): pass\n")


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    reader = DefinitionReader(STILL)
    files = [f"f{number}() {{ :; }}".encode() for number in range(CACHE_FILES_MAX)]
    found = [reader.definitions("a.sh", data) for data in files]
    assert found[0] is reader.definitions("a.sh", files[0])  # used again

    reader.definitions("a.sh", b"one_more() { :; }")

    assert found[0] is reader.definitions("a.sh", files[0])
    assert found[1] is not reader.definitions("a.sh", files[1])


class Wordy(ParserProcess):
    """A parser that finds one long name in whatever file."""

    def ask(self, *_: object, **__: object) -> Answer:
        return {"items": [("n" * 4_000_000, 1, 1)], "owners": [(0,)], "lines": [0]}


@pytest.mark.rule("SEC-4")
def test_what_is_remembered_is_bounded_by_its_length_too() -> None:
    reader = DefinitionReader(STILL, parser=Wordy())
    files = [b"#%d" % number for number in range(CACHE_CHARS_MAX // 4_000_000 + 2)]
    found = [reader.definitions("a.py", data) for data in files]

    assert found[-1] is reader.definitions("a.py", files[-1])
    assert found[0] is not reader.definitions("a.py", files[0])
