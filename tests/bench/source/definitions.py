"""P11: the definitions of large source files in each language, and of files whose syntax is broken."""

import random
import time
from collections.abc import Iterator

from gitcoord.source.symbols.definitions import FILE_BYTES_MAX, CannotCheck, DefinitionReader
from gitcoord.source.symbols.languages import LANGUAGES, language_of
from gitcoord.source.symbols.parser_process import ParserProcess
from tests.bench.registry import measures
from tests.bench.report import Figure
from tests.bench.source.sources import SOURCES

SIZES = (64 * 1024, FILE_BYTES_MAX)
RUNS = 5
MB = 1_000_000
CANCELLED_MS = 1_500  # a second, and what may lie between two looks at the clock: the query takes up to a third of one
_ONCE = {"go": "package shop\n", "php": "<?php\n"}  # what a file begins with


@measures("P11", limit_s=300)
def p11() -> list[Figure]:
    """Each language, small and large; then what is broken."""
    assert {language_of(f"a.{ending}") for ending in SOURCES} == set(LANGUAGES)
    return [*(speed(ending, size, RUNS) for ending in SOURCES for size in SIZES), cancelled(FILE_BYTES_MAX)]


def speed(ending: str, size_bytes: int, runs: int) -> Figure:
    """Read files of one language that differ in their last line, so that none is remembered."""
    language = language_of(f"a.{ending}")
    assert language is not None
    data = source(ending, size_bytes - 16)
    figure = Figure("P11", f"{language.name}, {size_bytes // 1024} KB", [], unit="MB/s")
    reader = DefinitionReader(time.monotonic, parse_s_max=60)
    found: int | str = 0
    reader.definitions(f"a.{ending}", source(ending, 4096))  # the grammar is imported and its query compiled
    for at in range(runs):
        begin = time.perf_counter()
        definitions = reader.definitions(f"a.{ending}", data + b"\n" * at)
        figure.samples.append(len(data) / MB / (time.perf_counter() - begin))
        if isinstance(definitions, CannotCheck):
            found = definitions.reason
            break
        found = len(definitions.items)
    figure.at_least(0.7).must("read to its end", isinstance(found, int))
    figure.notes = {
        "work": figure.work,
        "slowest": round(min(figure.samples), 2),
        "definitions": found,
    }
    return figure


def cancelled(size_bytes: int) -> Figure:
    """Read broken files of each language with the limit that holds for users."""
    figure = Figure("P11", f"broken syntax, {size_bytes // 1024} KB", [])
    given_up: list[str] = []
    longest = (0.0, "")
    for seed, ending in enumerate(SOURCES):
        for how, data in broken(source(ending, size_bytes - 16), seed):
            reader = DefinitionReader(time.monotonic, parser=ParserProcess())
            reader.definitions(f"a.{ending}", b"")  # it is started
            begin = time.perf_counter()
            found = reader.definitions(f"a.{ending}", data)
            took_ms = (time.perf_counter() - begin) * 1000
            figure.samples.append(took_ms)
            longest = max(longest, (took_ms, f"{ending}, {how}"))
            if isinstance(found, CannotCheck):
                given_up.append(f"{ending}, {how}")
    figure.notes = {"cancelled": len(given_up), "which": given_up, "longest": f"{longest[0]:.0f} ms: {longest[1]}"}
    return figure.must(f"cancelled after 1 s: most <= {CANCELLED_MS:,} ms", longest[0] <= CANCELLED_MS)


def source(ending: str, size_bytes: int) -> bytes:
    """Return a file of a language, as large as can be without being larger."""
    once = _ONCE.get(ending, "")
    pattern = SOURCES[ending]
    out, length, at = [once], len(once), 0
    while True:
        piece = _numbered(pattern, at, is_ruby=ending == "rb")
        length += len(piece.encode())
        if length > size_bytes:
            return "".join(out).encode()
        out.append(piece)
        at += 1


def broken(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield what a file looks like while somebody edits it, and what nobody would write."""
    chance = random.Random(seed)
    gaps = bytearray(data)
    for _ in range(len(data) // 500):
        gaps[chance.randrange(len(gaps))] = ord(" ")
    yield "letters missing", bytes(gaps)
    yield "cut off", data[: len(data) * 2 // 3]
    yield "no closing brackets", data.translate(None, b"})]")
    yield "quotes missing", data.replace(b'"', b"", len(data) // 1000)
    yield "only opening brackets", b"({[" * (len(data) // 3)
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    yield "lines in any order", b"".join(lines)


def _numbered(pattern: str, at: int, *, is_ruby: bool) -> str:
    """Number the declarations; what a language itself writes with `@` stays."""
    kept = {"@Override": "\0o", **({"@number": "\0n", "@lines": "\0l"} if is_ruby else {})}
    for text, mark in kept.items():
        pattern = pattern.replace(text, mark)
    pattern = pattern.replace("@", str(at))
    for text, mark in kept.items():
        pattern = pattern.replace(mark, text)
    return pattern
