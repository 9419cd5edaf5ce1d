"""Completion of values: names of projects, steps, claims and agents, as this clone knows them.

Rules:
  * A shell waits for the answer at each TAB: nothing is asked of a remote (`ledger/hook_view/known_names`).
  * Whatever goes wrong, nothing is offered and nothing is said: the line that is being typed must stay readable.
"""

import contextlib
import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gitcoord.faces.cli.terminal import world

_WRITE_OUT_S = 0.5  # a shell waits
STEPS_OF = 5  # projects whose steps are offered before one is named


def words(env: Mapping[str, str]) -> list[str]:
    """Return the words of the line that is completed, behind the program, as the shell's script hands them over."""
    line = env.get("COMP_WORDS") or env.get("_TYPER_COMPLETE_ARGS") or ""
    try:
        return shlex.split(line)[1:]
    except ValueError:  # a quote that is not closed yet
        return line.split()[1:]


def projects(incomplete: str) -> list[str]:
    """Offer projects."""
    from gitcoord.ledger.hook_view import known_names

    return _offered(incomplete, known_names.projects)


def ledgers(incomplete: str) -> list[str]:
    """Offer ledgers, as `audit --ledger` takes them."""
    from gitcoord.ledger.hook_view import known_names

    return _offered(incomplete, lambda folder: ["claims", *(f"steps/{name}" for name in known_names.projects(folder))])


def steps(incomplete: str) -> list[str]:
    """Offer steps, as PROJECT/NUMBER."""
    from gitcoord.ledger.hook_view import known_names

    def found(folder: Path) -> Iterable[str]:
        wanted, is_whole, _ = incomplete.partition("/")
        near = [pair for pair in known_names.projects(folder).items() if pair[0] == wanted or not is_whole]
        _write_out(folder)
        for name, tip in [pair for pair in near if pair[0].startswith(wanted)][:STEPS_OF]:
            yield from (f"{name}/{number}" for number in known_names.steps(folder, tip, world.environment()))

    return _offered(incomplete, found)


def claims(incomplete: str) -> list[str]:
    """Offer claims."""
    from gitcoord.ledger.hook_view import known_names

    return _offered(incomplete, known_names.claims)


def agents(incomplete: str) -> list[str]:
    """Offer agents."""
    from gitcoord.ledger.hook_view import known_names

    return _offered(incomplete, known_names.agents)


def relays(incomplete: str) -> list[str]:
    """Offer relays."""
    from gitcoord.ledger.hook_view import known_names

    def found(folder: Path) -> Iterable[str]:
        _write_out(folder)
        return known_names.relays(folder)

    return _offered(incomplete, found)


def worktrees(incomplete: str) -> list[str]:
    """Offer the linked worktrees of this clone, as paths from here; absolute where one is begun."""
    from gitcoord.ledger.clone import snapshot_files

    def found(folder: Path) -> Iterable[str]:
        for link in sorted(folder.parent.glob("worktrees/*/gitdir")):
            named = snapshot_files.first_line(str(link)).removesuffix("/.git")
            place = os.path.normpath(link.parent / named)  # relative where git is set so
            yield place if incomplete.startswith("/") else os.path.relpath(place, world.folder())

    return _offered(incomplete, found)


def decisions(incomplete: str) -> list[str]:
    """Offer answers to a request."""
    from gitcoord.core.claims.claim_commands import Answer

    return [answer.value for answer in Answer if answer.value.startswith(incomplete)]


def urgencies(incomplete: str) -> list[str]:
    """Offer how urgent it is."""
    from gitcoord.core.claims.claim_commands import Urgency

    return [urgency.value for urgency in Urgency if urgency.value.startswith(incomplete)]


def events(incomplete: str) -> list[str]:
    """Offer events."""
    from gitcoord.core.documents.events import Event

    return [event.value for event in Event if event.value.startswith(incomplete)]


def formats(incomplete: str) -> list[str]:
    """Offer formats of deliveries."""
    from gitcoord.service.relay.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def forges(incomplete: str) -> list[str]:
    """Offer forges."""
    return [name for name in ("github", "gitlab") if name.startswith(incomplete)]  # their table is slow to load


def statuses(incomplete: str) -> list[str]:
    """Offer statuses of projects."""
    from gitcoord.core.steps.project import ProjectStatus

    return [status.value for status in ProjectStatus if status.value.startswith(incomplete)]


def schemas(incomplete: str) -> list[str]:
    """Offer schemas."""
    from gitcoord.service.schemas import catalog

    return [name for name in catalog.names() if name.startswith(incomplete)]


def _write_out(folder: Path) -> None:
    """Bring the store up to its journal, which the git program does not read; as it is, where that cannot be."""
    from gitcoord.errors import CoordError
    from gitcoord.remote.store.write_out import is_behind, write_out

    with contextlib.suppress(OSError, CoordError):
        if is_behind(folder):
            from gitcoord.runtime.machine import clocks

            write_out(folder, clocks(), wait_s=_WRITE_OUT_S)


def _offered(incomplete: str, names: Callable[[Path], Iterable[str]]) -> list[str]:
    from gitcoord.ledger.clone import snapshot_files

    try:
        found = snapshot_files.places(str(world.folder()))
        folder = Path(found[1], "gitcoord") if found else None
        return [name for name in names(folder) if name.startswith(incomplete)] if folder else []
    except Exception:  # noqa: BLE001 - see the rules
        return []
