"""`gitcoord dashboard`: who does what as a page that is kept up to date, on this machine; or as one file."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import REFUSED, Result, answer, opened
from gitcoord.faces.cli.terminal.fields import record, text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace

PORT_MAX = 65_535
_LINES = (
    "gitcoord dashboard",
    "gitcoord dashboard --open",
    "gitcoord dashboard --port 8123 --days 7",
    "gitcoord dashboard --export gitcoord.html",
)


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("dashboard", epilog=examples(*_LINES))(dashboard)


def dashboard(
    *,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=1, max=PORT_MAX, help="Listen there; else where it was, or anywhere."),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", help="Timeline and metrics of this many days, at most 90; today is one of them.")
    ] = 30,
    is_opened: Annotated[bool, typer.Option("--open/--no-open", help="Open it in your browser, too.")] = False,
    export: Annotated[
        str | None, typer.Option("--export", metavar="FILE.html", help="Write it as one file instead, as of now.")
    ] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show who does what as a page in your browser, live.

    It is shown until this command is interrupted, to who has its address,
    on this machine alone. The page only shows; it changes nothing.
    With --json what it would show is printed, as of now.
    """
    from gitcoord.service.dashboard import dashboard as facts_of

    if export is not None or as_json:
        option = "--json" if export is None else "--export"
        if port is not None or is_opened:
            raise typer.BadParameter("nothing is served, so --port and --open mean nothing", param_hint=option)
        return answer(
            lambda workspace: (
                facts_of.panels(workspace, days=days) if export is None else _exported(workspace, export, days)
            ),
            lambda result, _now: show.line(
                f"{'written anew' if result.get('replaced') else 'written'}: {text(result.get('export'))}"
            ),
            as_json=as_json,
            fresh=fresh,
        )
    if fresh:
        raise typer.BadParameter("a page that is live says how old it is", param_hint="--fresh")
    with opened() as workspace:
        facts_of.Dashboard(workspace, days)  # says what is wrong with the days, before anything is listening
        _serve(workspace, port, days, is_opened=is_opened)
    return REFUSED


def _serve(workspace: "Workspace", port: int | None, days: int, *, is_opened: bool) -> None:
    from gitcoord.faces.cli.pages import page_link, page_server
    from gitcoord.faces.cli.pages.live_panels import LivePanels
    from gitcoord.faces.cli.pages.page_frame import Frame
    from gitcoord.remote.git.browser import open_file

    folder = workspace.setting.clone.folder
    link = page_link.open_link(folder, workspace.setting.host, port)
    frame = Frame(_name(workspace), workspace.remote_name, days)
    show.line(link.url)
    show.aside("dashboard", f"shows {workspace.remote_name} on this machine alone; Ctrl-C ends it")
    show.flush()
    if is_opened and not open_file(page_link.leading_file(folder, link.url)):
        show.aside("note", "No browser could be started here; open the address in yours.")
    page_server.serve(link, LivePanels(workspace, days), frame)


def _name(workspace: "Workspace") -> str:
    """Name the repository: as it calls itself, or by the last part of its address, or by its folder."""
    if workspace.repo:
        return workspace.repo
    if workspace.remote_url is None:
        return workspace.repository.common_dir.parent.name
    return re.split(r"[/:]", workspace.remote_name.rstrip("/"))[-1].removesuffix(".git") or workspace.remote_name


def _exported(workspace: "Workspace", name: str, days: int) -> Result:
    """Write the page to a file, and return what to say of it."""
    from gitcoord.faces.cli.pages.live_panels import Condition, made
    from gitcoord.faces.cli.pages.page_frame import Frame
    from gitcoord.service.dashboard import dashboard as facts_of
    from gitcoord.service.session import freshness

    facts = facts_of.panels(workspace, days=days)
    now = workspace.setting.host.now()
    at = freshness.judged_at(now)
    page = Frame(_name(workspace), workspace.remote_name, days).file(made(facts, now, {}), Condition(at))
    file = world.folder() / name
    is_there = file.exists()
    try:
        file.write_bytes(page)
    except (OSError, ValueError) as error:
        raise UsageError(f"{name!r} cannot be written: {getattr(error, 'strerror', None) or error}.") from None
    cut = record(facts.get("timeline")).get("complete_since")
    return {"export": str(file), "replaced": is_there, "days": days, "complete_since": cut}
