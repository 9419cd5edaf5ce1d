"""The dashboard in a real Chromium: what a person sees of it, does with it, and is spared."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from gitcoord.core.owners.refusal_counts import SHARE_AT
from gitcoord.faces.cli.pages.live_panels import Condition, made
from gitcoord.faces.cli.pages.page_frame import Frame
from gitcoord.faces.cli.pages.panels import PANELS
from gitcoord.service.claims import claims
from gitcoord.service.dashboard import dashboard
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import step_work
from gitcoord.service.steps.projects import create_project
from tests.faces.cli.conftest import Run, RunProgram
from tests.faces.cli.dashboard.browser import PHONE, Visit, visiting
from tests.faces.cli.dashboard.serving import Served, serving
from tests.unit.service.world import Agents, Result, Shared

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "javascript:alert(3)",
    "</section></main><svg onload=alert(4)>",
    "\u202egnp.exe \x1b[31mred\x1b[0m",
)
CLAIMS = "#panel-claims tbody tr"
# What Chromium says of a server that ends: at which moment of a connection that was, chance decides.
NO_SERVER = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE")


@pytest.fixture
def page(chromium: Browser, team: Workspace) -> Iterator[Visit]:
    """The page of a busy team, live."""
    with serving(team) as served, visiting(chromium, served.url) as visit:
        visit.is_live()
        yield visit


def test_every_panel_shows_what_the_ledgers_have(page: Visit, team: Workspace) -> None:
    facts: Result = dashboard.panels(team)

    counts = page.finds(
        "Object.fromEntries([...document.querySelectorAll('.panel')].map((panel) => "
        "[panel.id, panel.querySelector('.count')?.textContent ?? null]))"
    )
    assert {f"panel-{panel.name}" for panel in PANELS} == counts.keys()
    assert counts["panel-agents"] == str(len(facts["agents"]["rows"]))
    assert counts["panel-claims"] == str(len(facts["claims"]["rows"]))
    assert counts["panel-waiting"] == str(len(facts["waiting"]["rows"])) == "1"
    for text in ("shop/2", "docs/x.md", "the docs", "Part 3"):
        assert text in page.text("main"), text
    assert page.finds("document.title").endswith("shop - gitcoord")


def test_what_another_process_commits_is_shown_without_a_reload(
    page: Visit, team: Workspace, program: RunProgram
) -> None:
    page.finds("window.here = true")

    done = program(["claim", "add", "src/new.py"], Path(team.repository.top))

    assert done.status == 0
    page.shows(f"{CLAIMS}:has-text('src/new.py')")
    assert page.finds("window.here") is True
    page.hears("Claims")


def test_an_update_leaves_what_a_person_is_at(page: Visit, team: Workspace) -> None:
    for _ in range(3):
        page.page.keyboard.press("k")
    page.finds("window.scrollTo(0, 500)")
    page.finds("window.row = document.querySelector('#panel-claims tbody tr')")
    focused = page.finds("(window.held = document.activeElement).textContent")

    claims.claim_files(team, patterns=["src/new.py"])

    page.shows(f"{CLAIMS}:has-text('src/new.py')")
    assert focused.startswith(PANELS[-3].title)
    assert page.finds("document.activeElement === window.held && window.held.isConnected")
    assert page.finds("window.row.isConnected")
    assert page.finds("window.scrollY") == 500


@pytest.mark.parametrize("is_released", [False, True])
def test_the_focus_stays_with_a_row_that_moves_and_goes_to_the_heading_of_one_that_is_gone(
    page: Visit, team: Workspace, *, is_released: bool
) -> None:
    made: Result = claims.claim_files(team, patterns=["src/held.py"])
    held = made["claim"]
    page.shows(f"{CLAIMS}:has-text('src/held.py')")
    page.finds("delete Element.prototype.moveBefore")  # which not every browser has
    page.finds(
        f"[...document.querySelectorAll('{CLAIMS}')].forEach((row) => {{"
        " row.parentNode.prepend(row); const code = row.querySelector('code'); code.tabIndex = -1;"
        f" if (code.textContent === '{held['id']}') code.focus(); }})"
    )

    if is_released:
        claims.release_claims(team, claim_ids=[held["id"]])
        page.page.wait_for_selector(f"{CLAIMS}:has-text('src/held.py')", state="detached")
    else:
        claims.claim_files(team, patterns=["src/new.py"])
        page.shows(f"{CLAIMS}:has-text('src/new.py')")

    assert page.finds("document.activeElement.textContent").startswith("Claims" if is_released else held["id"])


def test_what_is_selected_stays_until_it_is_read(page: Visit, team: Workspace) -> None:
    page.finds("document.getSelection().selectAllChildren(document.querySelector('#panel-claims tbody td'))")
    selected = page.finds("String(document.getSelection())")

    claims.claim_files(team, patterns=["src/new.py"])
    page.hears("Agents")

    assert page.finds("String(document.getSelection())") == selected != ""
    assert "src/new.py" not in page.text("#panel-claims")
    page.finds("document.getSelection().removeAllRanges()")
    page.shows(f"{CLAIMS}:has-text('src/new.py')")


def test_a_paused_page_changes_when_it_is_resumed(page: Visit, team: Workspace) -> None:
    page.page.click("#pause")

    claims.claim_files(team, patterns=["src/new.py"])

    page.shows("#pause:has-text('changed')")
    assert "src/new.py" not in page.text("main")
    assert page.page.get_attribute("#pause", "aria-pressed") == "true"
    page.page.click("#pause")
    page.shows(f"{CLAIMS}:has-text('src/new.py')")
    assert page.text("#pause") == "Pause"


def test_text_of_others_is_text(chromium: Browser, ann: Workspace) -> None:
    steps: list[Any] = [
        {"step_num": num, "title": text, "description": text, "branch": f"feat/{num}"}
        for num, text in enumerate(HOSTILE, start=1)
    ]
    create_project(ann, name="app", base_commit="HEAD", description=HOSTILE[0], steps=steps)
    step_work.claim_step(ann, step_id="app/1")
    step_work.fail_step(ann, step_id="app/1", reason=HOSTILE[1])
    claims.claim_files(ann, patterns=["<img src=x onerror=alert(5)>/**", "'\"><b>.py"], description=HOSTILE[3])

    with serving(ann) as served, visiting(chromium, served.url) as visit:
        visit.is_live()
        claims.claim_files(ann, patterns=["src/**"], description=HOSTILE[0])
        visit.shows(f"{CLAIMS}:has-text('src/**')")
        seen = visit.finds("document.body.textContent")
        assert [text for text in HOSTILE[:4] if text not in seen] == []
        assert (
            visit.finds("document.querySelectorAll('img, iframe, script:not([src]), section section, td b').length")
            == 0
        )
        assert (
            visit.finds("/[\\u202a-\\u202e\\u2066-\\u2069\\x00-\\x08\\x0b-\\x1f]/.test(document.body.textContent)")
            is False
        )
        assert visit.page.url == served.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_without_eyes_and_read_by_weak_ones(chromium: Browser, team: Workspace, scheme: str) -> None:
    with serving(team) as served, visiting(chromium, served.url, color_scheme=scheme, reduced_motion="reduce") as visit:
        visit.is_live()
        found = [_violations(visit)]
        visit.page.keyboard.press("?")
        visit.shows("dialog[open]")
        found.append(_violations(visit))
        visit.page.set_viewport_size(PHONE)
        found.append(_violations(visit))

    assert found == [[], [], []]


def _violations(visit: Visit) -> list[str]:
    response = Axe().run(visit.page).response
    return [
        f"{rule['id']}: {node['html']} {node['failureSummary']}"
        for rule in response["violations"]
        for node in rule["nodes"]
    ]


def test_everything_is_reached_by_keys_and_seen_when_it_is(page: Visit) -> None:
    reached: list[str] = []
    for _ in range(200):
        page.page.keyboard.press("Tab")
        name, outline = page.finds(
            "(() => { const node = document.activeElement, style = getComputedStyle(node);"
            "const name = node === document.body ? '' : node.id || node.className || node.textContent;"
            "return [name, `${style.outlineStyle} ${style.outlineWidth}`] })()"
        )
        if name in ("", "skip") and reached:
            break
        assert outline == "solid 2px", name
        reached.append(name)

    assert reached[0] == "skip"
    wanted = "a[href], button, input, select, summary, [tabindex='0']"
    visible = f'[...document.querySelectorAll("{wanted}")].filter((node) => node.checkVisibility()).length'
    assert len(reached) == page.finds(visible)
    assert {"filter", "pause", "theme", "help"} <= {*reached}


def test_one_key_each_goes_on_filters_pauses_and_says_which_keys_there_are(page: Visit) -> None:
    keys = page.page.keyboard
    at = "document.activeElement.closest('section')?.id"

    keys.press("j")
    first = page.finds(at)
    keys.press("j")
    second = page.finds(at)
    keys.press("k")

    assert [first, second, page.finds(at)] == ["panel-attention", "panel-agents", "panel-attention"]
    keys.press("p")
    assert page.text("#pause") == "Resume"
    keys.press("p")
    keys.press("t")
    assert page.page.input_value("#theme") == "light"
    keys.press("?")
    page.shows("dialog[open]")
    page.page.uncheck("#single-keys")
    keys.press("Escape")
    keys.press("p")
    assert page.text("#pause") == "Pause"


def test_the_filter_leaves_the_rows_with_all_of_its_words(page: Visit) -> None:
    page.page.keyboard.press("/")
    page.page.keyboard.type("DOCS/x bob")

    rows = page.page.locator("main tbody tr:visible")
    assert rows.count() > 0
    assert [text for text in rows.all_inner_texts() if "docs/x" not in text or "bob" not in text] == []
    assert page.text("#matches").startswith(f"{rows.count() + page.page.locator('ul.rows > li:visible').count()} of ")
    page.page.keyboard.press("Escape")
    assert page.text("#matches") == ""


def test_a_command_is_copied_as_it_is_shown(chromium: Browser, team: Workspace, agents: Agents, repo: Path) -> None:
    bob = agents(repo, "bob/codex/wt", tool="codex")
    for _ in range(SHARE_AT):
        claims.claim_files(bob, patterns=["docs/x.md"])
    with serving(team) as served, visiting(chromium, served.url) as visit:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.is_live()

        visit.page.locator("button.copy").first.click()

        visit.hears("Copied")
        copied = str(visit.finds("navigator.clipboard.readText()"))
        assert copied.startswith("gitcoord promote docs/x.md ")
        assert copied in visit.text("#panel-hot-files")


def test_a_phone_shows_it_without_scrolling_sideways(chromium: Browser, team: Workspace) -> None:
    with (
        serving(team) as served,
        visiting(chromium, served.url, viewport=PHONE, has_touch=True, is_mobile=True) as visit,
    ):
        visit.is_live()

        assert visit.finds("document.scrollingElement.scrollWidth") == PHONE["width"]
        inside = "!node.closest('.wide, .drawing, nav, .unseen, dialog') && node.getBoundingClientRect().right > 391"
        assert visit.finds(f"[...document.querySelectorAll('body *')].filter((node) => {inside}).length") == 0


def test_a_server_that_was_ended_and_started_again_is_found(chromium: Browser, team: Workspace) -> None:
    with serving(team) as first:
        context = visiting(chromium, first.url)
        visit = context.__enter__()
        visit.is_live()
        visit.finds("window.here = true")
    visit.shows('#condition[data-state="lost"]')
    assert "does not answer" in visit.text("#trouble")
    claims.claim_files(team, patterns=["src/new.py"])

    with serving(team) as second:
        assert second.url == first.url
        visit.is_live()
        visit.shows(f"{CLAIMS}:has-text('src/new.py')")

        assert visit.finds("window.here") is True
        assert visit.page.is_hidden("#trouble")
        assert {text for text in visit.wrong if not any(error in text for error in NO_SERVER)} == set()
        visit.wrong.clear()
        context.__exit__(None, None, None)


def test_a_remote_that_is_away_is_said_and_how_old_the_page_is(
    chromium: Browser, agents: Agents, shared: Shared
) -> None:
    ann = agents(shared.one, "ann/cli/wt")
    claims.claim_files(ann, patterns=["src/api.py"])
    with serving(ann) as served, visiting(chromium, served.url) as visit:
        visit.is_live()

        shared.remote.rename(shared.remote.with_name("gone.git"))

        visit.shows('#condition[data-state="old"]')
        assert "ago" in visit.text("#condition")
        assert "What is shown was read" in visit.text("#trouble")
        assert "src/api.py" in visit.text("#panel-claims")


def test_a_trouble_that_goes_on_is_said_to_a_screen_reader_once(
    chromium: Browser, agents: Agents, shared: Shared
) -> None:
    ann = agents(shared.one, "ann/cli/wt")
    claims.claim_files(ann, patterns=["src/api.py"])
    with serving(ann) as served, visiting(chromium, served.url) as visit:
        visit.page.clock.install()
        visit.page.reload()
        visit.is_live()
        visit.finds(
            "window.heard = []; new MutationObserver(() => heard.push(document.getElementById('said').textContent))"
            ".observe(document.getElementById('said'), {childList: true})"
        )

        shared.remote.rename(shared.remote.with_name("gone.git"))
        visit.shows('#condition[data-state="old"]')
        before = visit.text("#trouble")
        visit.page.clock.run_for(30_000)

        heard = " ".join(visit.finds("heard"))
        assert visit.text("#trouble") != before
        assert heard.count(before.partition(". ")[0]) == 1


def test_the_title_counts_what_the_panel_counts_also_where_not_all_is_shown(chromium: Browser, tmp_path: Path) -> None:
    rows: list[Any] = [{"kind": "failed_step", "about": f"app/{num}", "message": "no disk"} for num in range(150)]
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    file = tmp_path / "shop.html"
    file.write_bytes(Frame("shop", "here", 30).file(made({"attention": {"rows": rows}}, now, {}), Condition(now)))

    with visiting(chromium, file.as_uri()) as visit:
        assert visit.text("#panel-attention h2").split()[-1] == "150"
        assert visit.finds("document.title") == "(150) shop - gitcoord"


def test_without_its_script_the_page_is_whole(chromium: Browser, team: Workspace) -> None:
    with serving(team) as served, visiting(chromium, served.url, java_script_enabled=False) as visit:
        assert "docs/x.md" in visit.text("main")
        assert visit.page.is_hidden(".tools")
        assert visit.text("#condition").startswith("As of 20")


def test_nothing_moves_for_who_wants_that_and_the_theme_is_remembered(chromium: Browser, served: Served) -> None:
    with visiting(chromium, served.url, reduced_motion="reduce", color_scheme="light") as visit:
        visit.is_live()
        assert visit.finds("document.getAnimations().length") == 0
        colour = "getComputedStyle(document.body).backgroundColor"
        light = visit.finds(colour)
        visit.page.select_option("#theme", "dark")
        dark = visit.finds(colour)
        visit.page.reload()

        assert (visit.finds(colour), visit.page.input_value("#theme")) == (dark, "dark")
        assert dark != light


def test_the_exported_file_works_from_the_disk_and_asks_no_one(
    chromium: Browser, team: Workspace, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "shop.html"
    assert run("dashboard", "--export", str(file), cwd=Path(team.repository.top)).status == 0

    with visiting(chromium, file.as_uri(), reduced_motion="reduce") as visit:
        page = visit.page
        assert page.locator(".panel").count() == len(PANELS)
        assert "docs/x.md" in visit.text("#panel-hot-files")
        page.fill("#filter", "docs/x")
        assert page.locator(CLAIMS).filter(visible=True).count() < page.locator(CLAIMS).count()
        page.fill("#filter", "")
        assert page.locator("#pause").count() == 0
        page.select_option("#theme", "dark")
        assert _violations(visit) == []
