"""What a hook finds in the snapshot, against asking each pattern."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.register import Register
from gitcoord.core.patterns.path_pattern import Pattern, PatternError, literal, matches
from gitcoord.ledger.clone import snapshot_files
from gitcoord.service.watch.snapshot import lines_of
from tests.property.test_patterns import PATHS, patterns

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def is_claimable(path: str) -> bool:
    try:
        return matches(literal(path), path)
    except PatternError:
        return False


odd_names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=4)
odd_paths = st.lists(odd_names, min_size=1, max_size=4).map("/".join).filter(is_claimable)


def claim(number: int, pattern: Pattern) -> Claim:
    item = Item(pattern=pattern.text, reading=pattern.stored, expires_at=NOW)
    at = f"c-{number}"
    return Claim(id=at, agent="ann", clone="one", items=(item,), created_at=NOW, expires_at=NOW, last_activity=NOW)


def written(folder: Path, claims: list[Claim]) -> None:
    files: dict[str, list[str]] = {}
    for one in claims:
        for file, line in lines_of(one, Register(), fold=False):
            files.setdefault(file, []).append(line)
    for file, lines in files.items():
        (folder / file).write_text("".join(sorted(lines)), "utf-8", newline="")


def found(claims: list[Claim], path: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), claims)
        return sorted(str(row["claim"]) for row in snapshot_files.rows_near(folder, path, fold=False))


@pytest.mark.rule("SEC-1")
def test_names_of_others_are_written_as_they_may_be_shown() -> None:
    """What a ledger says of a branch or a symbol may be anything; an agent reads it in the reason of a refusal."""
    bad = "x\nnotice: owned\x1b[31m\u202e\0" + "y" * 60_000
    item = Item(pattern="a.py", symbols=(bad, "Router"), expires_at=NOW)
    hostile = claim(1, Pattern.of("a.py")).evolve(items=(item,), branch=bad, description=bad)

    ((_, line),) = lines_of(hostile, Register(), fold=False)

    row = json.loads(line.rpartition("\t")[2])
    texts = [row["branch"], row["description"], *row["symbols"]]
    assert row["symbols"][1] == "Router"
    assert all(text.isprintable() and len(text) < 200 for text in texts), texts


@given(st.lists(patterns, max_size=8), st.sampled_from(PATHS))
def test_a_hook_finds_every_item_that_matches_a_path_once_and_no_other(some: list[Pattern], path: str) -> None:
    claims = [claim(number, one) for number, one in enumerate(some)]

    assert found(claims, path) == [one.id for one, pattern in zip(claims, some, strict=True) if matches(pattern, path)]


@given(st.lists(odd_paths, min_size=1, max_size=6, unique=True), st.data())
def test_any_name_of_a_file_is_found_as_itself(paths: list[str], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths))
    claims = [claim(number, literal(one)) for number, one in enumerate(paths)]

    assert found(claims, path) == [f"c-{paths.index(path)}"]


def test_a_pattern_is_compiled_only_where_a_path_has_what_it_spells_out(tmp_path: Path) -> None:
    written(tmp_path, [claim(number, Pattern.of(f"**/*mid{number}*.py")) for number in range(3)])
    lines = (tmp_path / snapshot_files.FLOATING).read_text().splitlines(keepends=True)
    broken = [line.replace('"regex": "', '"regex": "(') for line in lines if "mid1" not in line]  # would not compile
    (tmp_path / snapshot_files.FLOATING).write_text(
        "".join(sorted([*broken, *(line for line in lines if "mid1" in line)]))
    )

    rows = [*snapshot_files.rows_near(str(tmp_path), "src/a_mid1_b.py", fold=False)]

    assert [row["claim"] for row in rows] == ["c-1"]


@given(
    st.lists(patterns, max_size=8), st.sampled_from([path for path in PATHS if path.isascii() and path == path.lower()])
)
def test_where_cases_are_not_told_apart_a_path_is_found_in_any(some: list[Pattern], path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, one in enumerate(some):
            for file, line in lines_of(claim(number, one), Register(), fold=True):
                with (Path(folder) / file).open("a", encoding="utf-8", newline="") as lines:
                    lines.write(line)
        for file in Path(folder).iterdir():
            file.write_text("".join(sorted(file.read_text("utf-8").splitlines(keepends=True))), "utf-8", newline="")
        rows = [*snapshot_files.rows_near(folder, path.upper(), fold=True)]

    assert {str(row["claim"]) for row in rows} >= {f"c-{at}" for at, one in enumerate(some) if matches(one, path)}
