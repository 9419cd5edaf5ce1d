"""P2 and P10: claims among many others, and the check of many files against them."""

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.claims.conflicts import Ask, Asker
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.actor import Actor
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.leader.spool import TAKEN_MAX
from gitcoord.service.claims import claims
from gitcoord.service.claims.requested_items import drawn_id
from gitcoord.service.session.workspace import Workspace
from tests.bench.places import as_agent, repository, workspace
from tests.bench.registry import measures
from tests.bench.report import Figure

SIZES = (100, 1_000, 10_000)
CLAIMS = 300
OBJECTS = 10  # of a claim: a commit, six trees, the claim, what was applied, and the sequence number
WARM_UP = 20
RATIO_MAX = 1.3
FILES = 300
CHECKS = 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_AREAS = ("src/app", "src/lib", "tests/unit", "docs", "web/pages")


@measures("P2")
def p2() -> list[Figure]:
    """One claim of one file, at 100, 1,000 and 10,000 active claims of others."""
    figures = [_at_size(size) for size in SIZES]
    few, many = figures[0].at(0.5), figures[-1].at(0.5)
    for size, figure in zip(SIZES, figures, strict=True):
        figure.at_most(2).over("claims", size, "claim_files")
        figure.notes |= {"times_100": round(figure.at(0.5) / few, 2)}
    figures[-1].must(f"p50 <= {RATIO_MAX} x that at 100", many / few <= RATIO_MAX)
    return figures


@measures("P10")
def p10() -> list[Figure]:
    """300 files against 10,000 active claims, a tenth of them with wildcards; the same pure code as in a claim."""
    chance = random.Random(1)
    held = [_claim(at, _pattern(chance, at)) for at in range(10_000)]
    register = Register().with_changes(held)
    asker = Asker(Actor(agent="bench/cli/other", clone="other", session="s-other"))
    samples: list[float] = []
    processor: list[float] = []
    found = 0
    for _ in range(CHECKS):
        asks = [Ask(Area(path_pattern.literal(_file(chance)))) for _ in range(FILES)]
        begin, used = time.perf_counter(), time.process_time()
        found += len(conflicts.find(register, asker, asks, NOW))
        samples.append((time.perf_counter() - begin) * 1000)
        processor.append((time.process_time() - used) * 1000)
    notes: dict[str, object] = {"conflicts_found": found, "processor_ms": round(sorted(processor)[CHECKS // 2], 1)}
    return [Figure("P10", f"check of {FILES} files against 10,000 claims", samples, notes=notes).at_most(25)]


def fill(one: Workspace, size: int) -> None:
    """Let others have so many active claims; made 64 in a commit, as a crowd would."""
    entries: list[Entry] = []
    for at in range(size):
        as_agent(one, f"bench/cli/r{at % 1000}")
        wish = Wish(pattern=f"area{at % 50}/part{at // 50}/file{at}.py")
        call = ClaimFiles(claim_id=drawn_id(one, "c"), wishes=(wish,), description=f"claim {at}")
        entries.append(LEDGERS.entry_of(one.setting.host.draw_id(), call, one.actor(), None))
    with one.combiner.lock():
        for at in range(0, size, TAKEN_MAX):
            replies = one.combiner.transactions.run(entries[at : at + TAKEN_MAX])
            assert all(reply.outcome and reply.outcome.is_done for reply in replies.values())


def claim_one(one: Workspace, at: int) -> None:
    """Claim one file that nobody has, as a tool's call does."""
    as_agent(one, f"bench/cli/mine{at % 10}")
    result = claims.claim_files(one, patterns=[f"area{at % 50}/mine/file{at}.py"], description=f"claim {at}")
    assert result["granted"], result


def _at_size(size: int) -> Figure:
    with repository() as (top, env):
        one = workspace(top, env, "bench/cli/r")
        fill(one, size)
        samples: list[float] = []
        files: list[float] = []
        for at in range(WARM_UP + CLAIMS):
            begin = time.perf_counter()
            claim_one(one, at)
            claimed = time.perf_counter()
            _make_files(top, at)
            samples.append((claimed - begin) * 1000)
            files.append((time.perf_counter() - claimed) * 1000)
        figure = Figure("P2", f"claim of a file at {size:,} active claims", samples[WARM_UP:])
        figure.notes = {"ten_files_ms": round(sorted(files)[len(files) // 2], 2)}
        return figure


def _make_files(top: Path, at: int) -> None:
    """Make as many small files as a claim makes objects, in its way: what of a claim is the disk's doing."""
    folder = top.parent / f"files-{at % 256}"
    folder.mkdir(exist_ok=True)
    for number in range(OBJECTS):
        draft = folder / f".{at}-{number}"
        draft.write_bytes(b"x" * 300)
        draft.rename(folder / f"{at}-{number}")


def _claim(at: int, pattern: str) -> Claim:
    end = NOW + timedelta(hours=4)
    return Claim(
        id=f"c-{at:08d}",
        agent=f"bench/cli/r{at % 500}",
        clone="bench",
        session=f"s-{at % 500}",
        items=(Item(pattern=Pattern.of(pattern).text, expires_at=end),),
        fence=at,
        created_at=NOW,
        expires_at=end,
        last_activity=NOW,
    )


def _pattern(chance: random.Random, at: int) -> str:
    if at % 10:
        return _file(chance)
    area, folder = chance.choice(_AREAS), chance.randrange(400)
    wild = (f"{area}/d{folder}/**", f"{area}/**/n{at}_*.py", f"**/gen{at}/*.ts", f"*.t{at}", f"{area}/d?{at}/*")
    return chance.choice(wild)


def _file(chance: random.Random) -> str:
    return f"{chance.choice(_AREAS)}/d{chance.randrange(400)}/n{chance.randrange(40)}.py"
