"""What `init`, `upgrade` and `uninstall` tell: each file with what becomes of it, and why.

Rules:
  * What is left alone is said on stderr, with the reason, and the exit status tells that there was some.
  * A dry run shows the difference and writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.wiring.change import Action, Change, diff
from gitcoord.redaction import redact

_PROPOSED = {Action.CREATED: "create", Action.CHANGED: "change", Action.REMOVED: "remove"}
INCOMPLETE = 1  # something was left untouched, or is missing, that a person has to look at


def rows(changes: Sequence[Change]) -> list[Json]:
    """Return changes as objects."""
    return [{"path": change.name, "action": change.action.value, "why": change.why} for change in changes]


def tell(changes: Sequence[Change], *, restored: Collection[str] = ()) -> None:
    """List what became of each file, but for what was left alone. `restored`: paths that have their old bytes again."""
    for change in changes:
        if change.action is not Action.SKIPPED:
            is_restored = change.action is Action.CHANGED and change.path in restored
            _row("restored" if is_restored else change.action.value, change)


def propose(changes: Sequence[Change]) -> None:
    """List what would become of each file that is to be written."""
    for change in changes:
        if change.is_needed:
            _row(_PROPOSED[change.action], change)


def _row(word: str, change: Change) -> None:
    show.line(f"{word:<10} {change.name}" + (f"  ({change.why})" if change.why else ""))


def values(settings: Mapping[str, str | None]) -> dict[str, Json]:
    """Return settings as an object, without passwords (SEC-2)."""
    return {name: value and redact(value) for name, value in settings.items()}


def preview(changes: Sequence[Change], settings: Mapping[str, str | None], *, is_more: bool = False) -> None:
    """Show what would change: files as a unified diff, settings as commands. `is_more`: there is other than these."""
    for change in changes:
        show.verbatim(diff(change))
        if change.puts_aside or change.brings_back:
            show.line(f"# {change.name}: {change.why}")
    for name, value in settings.items():
        show.line(f"git config {name} {redact(value)}" if value else f"git config --unset {name}")
    if not is_more and not settings and not any(change.is_needed for change in changes):
        show.line("Nothing would change.")


def complain(changes: Sequence[Change], *, dry_run: bool = False) -> None:
    """Name what was left alone; in a dry run what is kept, too, which no list has shown."""
    for change in changes:
        if change.action is Action.SKIPPED:
            show.aside("skipped", f"{change.name}: {change.why}")
        elif dry_run and change.action is Action.KEPT:
            show.aside("kept", f"{change.name}: {change.why}")


def status(changes: Sequence[Change]) -> int:
    """Return the exit status that changes mean."""
    return INCOMPLETE if any(change.action is Action.SKIPPED for change in changes) else 0
