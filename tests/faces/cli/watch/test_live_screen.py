"""The screen shows what others do, acts only after a yes, and keys are answered whatever a remote does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.watch import actions, panes
from gitcoord.faces.cli.watch.dialogs import ActionDialog, Choice, TextDialog
from gitcoord.faces.cli.watch.live_screen import HELP, LiveScreen
from gitcoord.faces.cli.watch.row_list import RowList
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requests import request_release
from gitcoord.service.place import path_copies
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step, fail_step
from tests.unit.service.world import Agents, Shared, project, store_of, write_ref
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

LOOKS_S = 100.0  # a bound for what never comes
HOSTILE = "\x1b]0;owned\x07[bold red]x[/] \u202e{y}\nz"
See = Callable[[LiveScreen, Pilot[int]], Awaitable[None]]


@pytest.fixture
def ann(agents: Agents, repo: Path) -> Iterator[Workspace]:
    with closing(agents(repo, "ann/cli/wt")) as workspace:
        yield workspace


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def watched(workspace: Workspace, see: See, size: tuple[int, int] = (100, 24)) -> None:
    """Run the screen of a workspace, and look at it once it shows something."""

    async def run() -> None:
        screen = LiveScreen(workspace)
        async with screen.run_test(size=size) as pilot:
            await until(pilot, lambda: screen.look is not None)
            await see(screen, pilot)

    asyncio.run(run())


async def until(pilot: Pilot[int], is_so: Callable[[], bool]) -> None:
    """Wait until something is so on the screen; the bound is for what never comes."""

    async def wait() -> None:
        while not is_so():
            await pilot.pause(0.02)

    await asyncio.wait_for(wait(), LOOKS_S)


def drawn(screen: LiveScreen) -> str:
    """Return the list as it is on the screen."""
    rows = screen.screen_stack[0].query_one(RowList)
    return "\n".join(rows.render_line(y).text.rstrip() for y in range(rows.size.height))


def line(screen: LiveScreen, name: str) -> str:
    return str(screen.screen_stack[0].query_one(f"#{name}", Static).render())


def dialog(screen: LiveScreen) -> str:
    return "\n".join(str(part.render()) for part in screen.screen.query(Static))


def test_a_claim_of_another_process_appears_and_goes_without_a_key(ann: Workspace, bob: Workspace) -> None:
    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4")
        assert "Nothing is claimed." in drawn(screen)
        claim_files(bob, patterns=["a.zig"], description="the model")
        await until(pilot, lambda: "a.zig" in drawn(screen))
        assert "bob/cli/wt" in drawn(screen)
        await pilot.press("8")
        await until(pilot, lambda: "claim granted" in drawn(screen))

    watched(ann, see)


@pytest.mark.parametrize(("keys", "shown"), [("j j", "3/3"), ("down up", "1/3"), ("G", "3/3"), ("G g", "1/3")])
def test_keys_select_a_row(ann: Workspace, keys: str, shown: str) -> None:
    project(ann, (), (), ())

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("3", *keys.split())
        await pilot.pause()
        assert line(screen, "tabs").endswith(shown)

    watched(ann, see)


def test_a_filter_leaves_rows_with_each_of_its_words_until_it_is_cleared(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/a.zig"])
    claim_files(ann, patterns=["src/b.zig"])

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4", "slash", *"B.zig", "enter")
        assert ("src/b.zig" in drawn(screen), "src/a.zig" in drawn(screen)) == (True, False)
        await pilot.press("escape")
        assert "src/a.zig" in drawn(screen)
        assert screen.query_one("#filter", Input).display is False

    watched(ann, see)


def test_enter_shows_all_that_is_known_of_a_step(ann: Workspace) -> None:
    project(ann, (), description="Do it well.\nIn two lines.")

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("3", "enter")
        assert isinstance(screen.screen, TextDialog)
        await until(pilot, lambda: "In two lines." in dialog(screen))
        await pilot.press("escape")
        assert not isinstance(screen.screen, TextDialog)

    watched(ann, see)


def test_a_release_is_done_after_a_yes_and_not_after_a_no(ann: Workspace) -> None:
    claim_files(ann, patterns=["a.zig"])

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4", "x")
        assert "It covers a.zig." in dialog(screen)
        assert "as: gitcoord claim release c-" in dialog(screen)
        await pilot.press("n")
        assert line(screen, "said") == "Nothing was done."
        assert len(ann.register().claims) == 1
        await pilot.press("x", "y")
        await until(pilot, lambda: "is released" in line(screen, "said"))
        await until(pilot, lambda: "Nothing is claimed." in drawn(screen))

    watched(ann, see)


def test_a_claim_of_someone_else_ends_by_force_with_a_reason_only(ann: Workspace, bob: Workspace) -> None:
    claim_files(bob, patterns=["a.zig"])

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4", "x")
        assert "it ends by force" in dialog(screen)
        await pilot.press("enter")
        assert "Fill in: why." in dialog(screen)
        await pilot.press(*"gone", "enter")
        await until(pilot, lambda: "is released" in line(screen, "said"))

    watched(ann, see)
    assert ann.register().claims == {}


def test_a_request_is_answered(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.zig"])
    (claim,) = ann.register().claims
    request_release(bob, claim_id=claim, reason="the release waits", wait_seconds=0)

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("a")
        assert "the release waits" in dialog(screen)
        await pilot.press("right")
        assert screen.screen.query_one(Choice).value == "denied"
        await pilot.press("tab", "tab", *"later", "enter")
        await until(pilot, lambda: "is answered" in line(screen, "said"))

    watched(ann, see)
    (request,) = ann.register().requests.values()
    assert (request.decision, request.note) == ("denied", "later")


def test_a_failed_step_is_recovered(ann: Workspace) -> None:
    project(ann, ())
    claim_step(ann)
    fail_step(ann, step_id="app/1", reason="no disk")

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("r")
        assert "No one has it: no disk." in dialog(screen)
        await pilot.press("y")
        await until(pilot, lambda: "app/1 is available again." in line(screen, "said"))
        await pilot.press("3")
        await until(pilot, lambda: "available" in drawn(screen))

    watched(ann, see)


def test_what_the_rules_refuse_is_said_and_nothing_is_forced(agents: Agents, ann: Workspace, repo: Path) -> None:
    project(ann, ())
    claim_step(agents(repo, "bob/cli/wt", serve=True))

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("3", "r", "y")
        await until(pilot, lambda: line(screen, "said").startswith("Refused: "))

    watched(ann, see)
    board = ann.project_state("app").content
    assert board is not None
    assert board.steps[1].agent_id == "bob/cli/wt"


def test_a_file_is_promoted(ann: Workspace) -> None:
    claim_files(ann, patterns=["README.md"])

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4", "p")
        assert "as: gitcoord promote README.md shared_file" in dialog(screen)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ownership rules" in line(screen, "said"))

    watched(ann, see)


def test_a_key_that_does_nothing_here_says_so(ann: Workspace) -> None:
    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("2", "x")
        assert line(screen, "said") == "There is nothing to release here."
        assert not isinstance(screen.screen, ActionDialog)

    watched(ann, see)


@pytest.mark.rule("SEC-1")
def test_names_that_are_markup_or_escape_sequences_are_shown_as_they_are(ann: Workspace) -> None:
    create_project(ann, name="app", base_commit="HEAD", steps=[{"step_num": 1, "title": HOSTILE}])
    claim_files(ann, patterns=["a.zig"], description=HOSTILE)

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        said: list[str] = []
        for key in ("3", "4", "8"):
            await pilot.press(key)
            said.append(drawn(screen))
            await pilot.press("enter")
            said.append(dialog(screen))
            await pilot.press("escape")
        await pilot.press("4", "x")
        said.append(dialog(screen))

        assert "[bold red]x[/]" in said[0]
        assert "[bold red]x[/]" in said[2]
        assert not {"\x1b", "\x07", "\u202e"} & {*"".join(said)}

    watched(ann, see)


@pytest.mark.rule("SEC-1")
def test_a_file_that_looks_like_an_option_is_none_in_the_command_of_an_action() -> None:
    action = actions.promote(panes.PaneRow("--json", [], {"pattern": "--json"}), {}, datetime.now(UTC))

    assert action is not None
    assert action.shell({"pattern": "--json", "kind": "split"}) == "gitcoord promote -- --json split"


@pytest.mark.rule("SEC-1")
def test_who_asks_is_named_in_an_action_without_what_a_terminal_acts_on() -> None:
    request: Json = {"id": "r-1", "agent": HOSTILE, "reason": HOSTILE, "requested": [HOSTILE]}

    action = actions.respond(panes.PaneRow("r-1", [], {}), {"requests": [request]}, datetime.now(UTC))

    assert action is not None
    said = [action.title, *action.facts, *(field.label for field in action.fields), action.done]
    assert not {"\x1b", "\x07", "\u202e"} & {*"".join(said)}


def test_the_selection_stays_with_its_row_while_others_come(ann: Workspace, bob: Workspace) -> None:
    claim_files(bob, patterns=["b.zig"])

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4")
        claim_files(ann, patterns=["a.zig"])
        await until(pilot, lambda: "a.zig" in drawn(screen))
        await pilot.pause()
        assert line(screen, "tabs").endswith("2/2")

    watched(ann, see)


@pytest.mark.parametrize("size", [(80, 24), (40, 20), (160, 50), (20, 6), (5, 3)], ids=str)
def test_every_list_fits_any_terminal(ann: Workspace, bob: Workspace, size: tuple[int, int]) -> None:
    project(ann, (), (1,), name="a-project-with-quite-a-long-name")
    claim_files(bob, patterns=["src/a/rather/long/path/to/a/file.zig"], description="what it is for, in many words")

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        for key in "12345678":
            await pilot.press(key)
            assert all(len(row) <= size[0] for row in drawn(screen).splitlines())
        assert line(screen, "tabs").strip()

    watched(ann, see, size)


def test_a_terminal_that_is_resized_is_drawn_anew(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/a.zig"], description="x" * 60)

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("4")
        wide = drawn(screen)
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: max(map(len, drawn(screen).splitlines())) <= 40)
        assert drawn(screen) != wide
        assert drawn(screen).count("\n") + 1 == 12 - 4

    watched(ann, see)


class Alone(App[None]):
    """A list and nothing else."""

    def compose(self) -> ComposeResult:
        yield RowList()


def test_ten_thousand_rows_are_scrolled_and_the_selection_is_found_again() -> None:
    pane = panes.PANES[panes.STEPS]
    steps: list[Json] = [{"id": f"app/{number}", "status": "not_started"} for number in range(1, 10_001)]
    rows = [*pane.rows({"steps": steps}, datetime.now(UTC))]

    async def run() -> list[str]:
        async with Alone().run_test(size=(60, 20)) as pilot:
            found = pilot.app.query_one(RowList)
            found.focus()
            found.put(pane.columns, rows, pane.nothing, "")
            await pilot.press("G", "k")
            last = found.render_line(found.size.height - 1).text
            said = [found.place, last.split()[0]]
            found.put(pane.columns, [row for row in rows if panes.matches(row, ["9999"])], pane.nothing, "app/9999")
            return [*said, found.place]

    assert asyncio.run(run()) == ["9999/10000", "app/10000", "1/1"]


def test_a_remote_that_goes_away_leaves_what_was_there_with_its_age(
    agents: Agents, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(path_copies, "FIRST_S", 60.0)  # in less, a busy machine may copy nothing
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.zig"])

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        gone = shared.remote.with_name("gone.git")
        shared.remote.rename(gone)
        await until(pilot, lambda: "The remote did not answer; this is what was here" in line(screen, "said"))
        await pilot.press("4")
        assert "a.zig" in drawn(screen)
        gone.rename(shared.remote)
        await until(pilot, lambda: "did not answer" not in line(screen, "said"))

    watched(ann, see)


def test_a_ledger_that_breaks_is_named_and_the_others_stay(ann: Workspace, repo: Path) -> None:
    project(ann, (), name="good")
    project(ann, (), name="bad")

    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        write_ref(store_of(repo), "refs/coord/steps/bad", {"project.json": "{"})
        await until(pilot, lambda: "refs/coord/steps/bad" in drawn(screen))
        await pilot.press("3")
        assert "good/1" in drawn(screen)
        assert "bad/1" not in drawn(screen)

    watched(ann, see)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_a_key_leaves(ann: Workspace, key: str) -> None:
    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press(key)
        await until(pilot, lambda: screen.return_code == 0)

    watched(ann, see)


def test_the_page_and_the_help_have_every_key_that_acts() -> None:
    page = (Path(__file__).parents[4] / "docs" / "watch.md").read_text("utf-8")

    assert [key for key in actions.KEYS if f"| `{key}` |" not in page] == []
    assert [key for key in actions.KEYS if not any(row.startswith(f"{key}  ") for row in HELP)] == []
    assert len(panes.PANES) == 8


def test_keys_are_shown(ann: Workspace) -> None:
    async def see(screen: LiveScreen, pilot: Pilot[int]) -> None:
        await pilot.press("question_mark")
        assert "answer a request" in dialog(screen)
        await pilot.press("q")
        assert not isinstance(screen.screen, TextDialog)

    watched(ann, see)
