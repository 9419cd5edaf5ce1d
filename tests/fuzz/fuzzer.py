"""A fuzzer: changes inputs that are there, keeps those that reach code which none reached before, and tries on.

    seeds, corpus ──> changed ──> the parser ──> an error that it may not raise, or a property that does not hold
          ▲                          │
          └──────── kept ────────────┘  where it took a way from line to line that is new

Rules:
  * A seed and a count say which inputs are tried: the same again finds the same.
  * While inputs are kept (`LEARNING` of them) each line of the parser is traced, which takes several times as long; the
    rest runs at full speed on what was kept.
  * An input that takes longer than HANG_S, or more memory than the process may have, is a finding, too.

What this file does not know: any parser.
"""

import json
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import gitcoord

Trace = Callable[[FrameType, str, object], Any]
PROJECT = Path(gitcoord.__file__).parent
CORPUS = Path(__file__).parent / "corpus"
BYTES_MAX = 4096  # of an input; bounds of memory and time have tests of their own, with large ones
LEARNING = 0.2
HANG_S = 20.0  # of processor: a bound for a hang; inputs take microseconds
POOL_MAX = 2000
_NUMBERS = (0, 1, 9, 10, 31, 32, 47, 48, 57, 64, 91, 123, 127, 128, 192, 239, 254, 255)
_TEXTS = ("", " ", "\0", "\x1b[31m", "\ud800", "\u202e", "é", "e\u0301", "a" * 300, "../..", "-", "--x", "*", "a/b")
_VALUES: tuple[object, ...] = (None, True, False, 0, -1, 1 << 53, 10**20, 0.5, 1e308, [], {}, [[]], {"": None}, "")

Mutate = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
"""From chance, an input and words to an input."""


class HangError(Exception):
    """An input took too long."""


def on_bytes(chance: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """Change a few bytes, somewhere."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        start = chance.randint(0, len(out))
        length = chance.choice((1, 1, 2, 4, 8, 32))
        match chance.randrange(9):
            case 0 if out:
                out[start - 1] ^= 1 << chance.randrange(8)
            case 1 if out:
                out[start - 1] = chance.choice(_NUMBERS)
            case 2:
                out[start:start] = bytes(chance.randrange(256) for _ in range(length))
            case 3:
                del out[start : start + length]
            case 4:
                out[start:start] = out[start : start + length] * chance.choice((1, 1, 2, 20))
            case 5:
                other = chance.randint(0, len(out))
                out[start : start + length] = out[other : other + length]
            case 6:
                del out[start:]
            case _ if words:
                out[start : start + chance.choice((0, 0, length))] = chance.choice(words)
            case _:
                out[start:start] = bytes([chance.choice(_NUMBERS)])
    return bytes(out[:BYTES_MAX])


def on_lines(chance: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """Change whole lines: take out, repeat, exchange, put a word in; else bytes."""
    lines = data.split(b"\n")
    start = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            del lines[start]
        case 1:
            lines[start:start] = [chance.choice(lines)] * chance.choice((1, 1, 3))
        case 2:
            other = chance.randrange(len(lines))
            lines[start], lines[other] = lines[other], lines[start]
        case 3 if words:
            lines[start] += chance.choice(words)
        case _:
            return on_bytes(chance, data, words)
    return b"\n".join(lines)[:BYTES_MAX]


def on_json(chance: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """Change a value somewhere in JSON; else bytes, where it is none and once in a while."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return on_bytes(chance, data, words)
    if chance.random() < 0.2:
        return on_bytes(chance, data, words)
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = _changed(chance, value, words)
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")[:BYTES_MAX]


def _changed(chance: random.Random, value: Any, words: Sequence[bytes]) -> Any:  # noqa: ANN401 - JSON
    is_inside = chance.random() < 0.8
    if isinstance(value, dict) and value and is_inside:
        return _changed_object(chance, value, words)
    if isinstance(value, list) and value and is_inside:
        start = chance.randrange(len(value))
        inside = ([], [value[start]] * chance.choice((2, 4)), [_changed(chance, value[start], words)])
        return [*value[:start], *chance.choice((*inside, inside[-1])), *value[start + 1 :]]
    if isinstance(value, str) and value and not chance.randrange(4):
        start = chance.randrange(len(value))
        return value[:start] + _text(chance, words) + value[start + chance.randrange(2) :]
    return chance.choice(([value], json.dumps(value), _text(chance, words), chance.choice(_VALUES)))


def _changed_object(chance: random.Random, value: dict[str, Any], words: Sequence[bytes]) -> dict[str, Any]:
    name, other = chance.choice([*value]), chance.choice([*value])
    match chance.randrange(8):
        case 0:
            return {key: inner for key, inner in value.items() if key != name}
        case 1:
            return {**value, _text(chance, words): value[name]}
        case 2:
            return {**value, name: value[other]}
        case _:
            return {**value, name: _changed(chance, value[name], words)}


def _text(chance: random.Random, words: Sequence[bytes]) -> str:
    if words and chance.random() < 0.6:
        return chance.choice(words).decode("utf-8", "replace")
    return chance.choice(_TEXTS)


class Target(NamedTuple):
    """One parser.

    Attributes:
        name: what a report calls it; also the folder of its corpus.
        check: reads an input and asserts what must hold of what was read.
        seeds: inputs to begin with, those of the corpus aside.
        code: the functions that read, by their file below `gitcoord/`: their branches are counted.
        allowed: what `check` may raise: an input is refused in the parser's own words.
        words: what inputs are made of.
        mutate: how inputs are changed.
        fitted: makes an input whole again, such as a checksum; done to most of them.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    code: Mapping[str, Sequence[str]]
    allowed: tuple[type[Exception], ...] = ()
    words: Sequence[bytes] = ()
    mutate: Mutate = on_bytes
    fitted: Callable[[bytes], bytes] | None = None

    def corpus(self) -> list[bytes]:
        """Return the inputs that are kept: what found something once, and what reaches far."""
        kept = sorted((CORPUS / self.name.replace(" ", "-")).glob("*"))
        return [*self.seeds, *(path.read_bytes() for path in kept)]


class Finding(NamedTuple):
    """An input on which a parser failed, and how."""

    data: bytes
    error: str


class Tried(NamedTuple):
    """What was tried: how many inputs, those that were kept, and what failed."""

    inputs: int
    pool: Sequence[bytes]
    findings: Sequence[Finding]


def failure(target: Target, data: bytes) -> str:
    """Return how a parser fails on an input; empty: it does not."""
    try:
        target.check(data)
    except target.allowed:
        return ""
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        return f"{type(error).__name__} at {where}: {str(error)[:300]}"
    return ""


def fuzz(target: Target, seed: int, count: int, *, is_alone: bool = False, findings_max: int = 1) -> Tried:
    """Try `count` inputs, those of the corpus first; stop after `findings_max` that fail in different places.

    `is_alone`: the process does nothing else, so its lines can be traced and its time be bounded.
    """
    chance = random.Random(f"{seed} {target.name}")
    pool = target.corpus()
    findings: dict[str, Finding] = {}
    ways = _Ways(target)
    tried, learning = 0, len(pool) + count * LEARNING
    for data in _inputs(target, chance, pool, count):
        learns = is_alone and tried < learning
        tried += 1
        found = len(ways.taken)
        if is_alone:
            signal.setitimer(signal.ITIMER_PROF, HANG_S)
        with ways.noted() if learns else nullcontext():
            said = failure(target, data)
        if said:
            findings.setdefault(said.partition(": ")[0], Finding(data, said))
            if len(findings) >= findings_max:
                break
        elif len(ways.taken) > found and len(pool) < POOL_MAX:
            pool.append(data)
    if is_alone:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Tried(tried, pool, [*findings.values()])


def bound_process(memory_bytes: int = 4 << 30) -> None:
    """Give this process a bound of memory, and let an input that takes too long fail."""

    def late(*_: object) -> None:
        raise HangError(f"it takes more than {HANG_S:.0f} s")

    signal.signal(signal.SIGPROF, late)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _inputs(target: Target, chance: random.Random, pool: Sequence[bytes], count: int) -> Iterator[bytes]:
    first = pool[:count]
    yield from first
    for _ in range(count - len(first)):
        data = target.mutate(chance, chance.choice(pool), target.words)
        if not chance.randrange(8):
            data = on_bytes(chance, data, [chance.choice(pool)])
        fits = target.fitted is not None and chance.randrange(5)
        yield target.fitted(data) if fits and target.fitted else data


class _Ways:
    """The steps from line to line that were taken in the files of a parser."""

    def __init__(self, target: Target) -> None:
        self.taken = set[tuple[CodeType, int, int]]()
        self._files = frozenset(str(PROJECT / path) for path in target.code)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note those of what is run now."""
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame: FrameType, _event: str, _: object) -> Trace | None:
        if frame.f_code.co_filename not in self._files:
            return None
        code, last = frame.f_code, 0

        def step(frame: FrameType, event: str, _: object) -> Trace:
            nonlocal last
            if event == "line":
                self.taken.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return step

        return step
