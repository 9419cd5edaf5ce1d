"""The YAML round trip: whatever people write around it, a change adds or removes its line and not a byte more."""

from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.service.team.owners_file import SHARED, SPLITS, add, read, remove

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)
_COMMENT = st.one_of(st.just(""), _WORDS.map(lambda text: f"  # {text}"))
_NAME = st.from_regex(r"[a-z]{1,6}\.[a-z]{1,3}", fullmatch=True)
_STYLE = st.sampled_from(["{}", "'{}'", '"{}"', "src/{}"])
_GAP = st.sampled_from(["", "\n", "# between\n", "\n  # indented\n"])
# A NUL, a line break or half of a character is no pattern; everything else that a file can be called is one.
_ANY_NAME = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20).filter(
    lambda text: text.strip() and not text.startswith("!") and text.strip("./\\") and ".." not in text
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a valid file with comments and gaps in every place where people put them."""
    margin = draw(st.sampled_from(["", "  ", "    "]))
    names = draw(st.lists(_NAME, min_size=1, max_size=6, unique=True))
    items = [f"{draw(_GAP)}{margin}- {draw(_STYLE).format(name)}{draw(_COMMENT)}\n" for name in names]
    modules = f"{draw(_GAP)}modules:{draw(_COMMENT)}\n  a:\n    paths: [x/**]{draw(_COMMENT)}\n"
    shared = f"shared_files:{draw(_COMMENT)}\n{''.join(items)}"
    splits = f"{draw(_GAP)}suggested_splits: [lib/**]{draw(_COMMENT)}\n"
    parts = draw(st.permutations([modules, shared, splits]))
    return "".join(parts) + draw(_GAP)


@given(documents(), _ANY_NAME, st.booleans())
def test_adding_changes_one_line_and_removing_it_gives_the_bytes_back(text: str, name: str, marked: bool) -> None:
    pattern = Pattern.of(name)
    before = read(text)
    if pattern in [line.pattern for line in before.shared_files]:
        return

    after = add(text, SHARED, pattern, "auto-promoted=2026-11-21" if marked else "")

    lines, more = text.splitlines(keepends=True), after.splitlines(keepends=True)
    assert len(more) == len(lines) + 1
    assert [line for at, line in enumerate(more) if at != _new(lines, more)] == lines
    shared = read(after).shared_files
    assert shared[:-1] == before.shared_files
    assert (shared[-1].pattern, shared[-1].promoted_on) == (pattern, "2026-11-21" if marked else "")
    assert remove(after, SHARED, pattern) == text


@given(documents(), _NAME)
def test_adding_to_brackets_changes_nothing_outside_them(text: str, name: str) -> None:
    after = add(text, SPLITS, Pattern.of(name))

    assert after.replace(f', "{name}"]', "]") == text


def _new(lines: list[str], more: list[str]) -> int:
    return next((at for at, line in enumerate(lines) if more[at] != line), len(lines))
