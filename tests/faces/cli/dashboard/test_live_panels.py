"""What open pages get: panels that changed, how old they are, and nothing where no one looks."""

import asyncio
from pathlib import Path

import pytest

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, distinct
from gitcoord.faces.cli.pages import live_panels, page_server
from gitcoord.faces.cli.pages.live_panels import OWED_S, Condition, LivePanels, Pace
from gitcoord.faces.cli.pages.page_access import HEADERS
from gitcoord.faces.cli.pages.page_frame import Frame
from gitcoord.faces.cli.pages.page_server import STREAMS_MAX
from gitcoord.faces.cli.pages.panels import PANELS
from gitcoord.service.claims import claims
from gitcoord.service.dashboard.dashboard import Dashboard
from gitcoord.service.session.workspace import Workspace
from tests.faces.cli.dashboard.serving import Served, serving
from tests.unit.service.world import Agents, Shared, damage, project

NAMES = {panel.name for panel in PANELS}


def test_each_part_is_answered_with_what_protects_it(served: Served) -> None:
    answers = {part: served.ask(part) for part in ("", "page.css", "page.js", "nothing")}

    assert {part: (answer.status, answer.headers["content-type"]) for part, answer in answers.items()} == {
        "": (200, "text/html; charset=utf-8"),
        "page.css": (200, "text/css; charset=utf-8"),
        "page.js": (200, "text/javascript; charset=utf-8"),
        "nothing": (404, "text/plain; charset=utf-8"),
    }
    assert [HEADERS.items() <= answer.headers.items() for answer in answers.values()] == [True] * 4
    assert ["server" in answer.headers or "set-cookie" in answer.headers for answer in answers.values()] == [False] * 4


def test_a_look_at_the_head_alone_ends(served: Served) -> None:
    answers = [served.ask(part, "HEAD") for part in ("", "live", "page.css", "page.js")]

    assert [(answer.status, answer.body) for answer in answers] == [(200, "")] * 4


def test_a_page_that_has_nothing_gets_every_panel(served: Served) -> None:
    assert served.stream().panels().keys() == NAMES


def test_a_page_gets_only_what_it_has_not(served: Served) -> None:
    have = served.stream().panels()

    assert served.stream(have).panels() == {}
    assert served.stream({**have, "claims": "other"}).panels().keys() == {"claims"}


def test_after_a_commit_every_open_page_gets_the_panels_that_changed(served: Served, ann: Workspace) -> None:
    streams = [served.stream(), served.stream()]
    before = [stream.panels() for stream in streams]

    claims.claim_files(ann, patterns=["src/api.py"])

    after = [stream.panels() for stream in streams]
    assert after[0] == after[1]
    assert "claims" in after[0]
    assert {"projects", "deliveries", "requests", "hot-files"} & after[0].keys() == set()
    assert before[0]["claims"] != after[0]["claims"]


def test_the_page_shows_what_was_committed_while_no_one_looked(served: Served, ann: Workspace) -> None:
    assert "src/api.py" not in served.ask().body
    claims.claim_files(ann, patterns=["src/api.py"])

    assert "src/api.py" in served.ask().body


def test_no_one_looks_at_the_ledgers_while_no_page_is_open(served: Served, ann: Workspace) -> None:
    stream = served.stream()
    stream.until("condition")
    stream.close()
    while served.live._tells:
        continue  # the server has not heard yet that it was closed
    for name in ("a", "b", "c"):
        claims.claim_files(ann, patterns=[f"src/{name}.py"])
    looks = served.live.latest.number

    shown = next(data for name, data in served.stream() if name == "panel" and "src/c.py" in data["html"])

    assert (shown["name"], served.live.latest.number) == ("claims", looks + 1)


def test_a_page_that_was_just_made_needs_no_other_look_for_its_news(
    served: Served, ann: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((page_server, "LOADING_S"), (live_panels, "AGAIN_S")):
        monkeypatch.setattr(module, name, 600.0)  # in less, a busy machine may not come to open the stream
    page = served.ask()
    looks = served.live.latest.number

    stream = served.stream()
    stream.until("condition")

    assert (page.status, served.live.latest.number) == (200, looks)
    claims.claim_files(ann, patterns=["src/api.py"])
    assert "claims" in stream.panels()


def test_so_many_pages_are_open_and_no_more(served: Served) -> None:
    streams = [served.stream() for _ in range(STREAMS_MAX)]

    refused = served.ask("live")
    streams[0].close()

    assert (refused.status, refused.body) == (503, "Too many pages are open; close some.\n")
    while served.ask("live", "HEAD").status == 503:
        continue  # the server has not heard yet that it was closed
    assert served.stream().panels().keys() == NAMES


def test_a_page_that_does_not_read_keeps_no_other_from_its_news(served: Served, ann: Workspace) -> None:
    served.stream()
    reading = served.stream()
    reading.until("condition")

    claims.claim_files(ann, patterns=["src/api.py"])

    assert "claims" in reading.panels()


def test_a_ledger_that_breaks_while_it_is_watched_is_named_and_hides_no_other(served: Served, ann: Workspace) -> None:
    project(ann, name="app")
    project(ann, name="docs")
    served.ask()
    stream = served.stream()
    stream.until("condition")

    damage(Path(ann.repository.top), "app")

    news = {data["name"]: data["html"] for name, data in stream.until("condition") if name == "panel"}
    assert "refs/coord/steps/app" in news["attention"]
    assert "docs" in news["projects"]


def test_a_remote_that_goes_away_leaves_the_panels_and_says_so(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/cli/wt")
    claims.claim_files(ann, patterns=["src/api.py"])
    with serving(ann) as served:
        stream = served.stream()
        stream.until("condition")

        shared.remote.rename(shared.remote.with_name("gone.git"))
        away = stream.until("condition")
        page = served.ask()

    assert [name for name, _ in away] == ["condition"]
    assert away[0][1]["trouble"] != ""
    assert away[0][1]["at"] < ann.setting.host.now().isoformat()
    assert "src/api.py" in page.body


def test_a_look_that_ends_after_its_server_breaks_nothing(ann: Workspace) -> None:
    live = LivePanels(ann, 30)

    async def page() -> None:
        live._tells.append(page_server._teller(asyncio.Event()))

    asyncio.run(page())
    live.turn()

    assert live.latest.panels.keys() == NAMES


def test_looks_that_come_after_a_quiet_time_need_no_rest_and_those_that_never_end_cost_a_third() -> None:
    pace, look_s, now = Pace(), 0.25, 1_000.0
    rests, looks = list[float](), 0
    while now < 1_060.0:
        rests.append(pace.rest_s(now, now + look_s))
        now, looks = now + look_s + rests[-1], looks + 1

    assert rests[:4] == [0.0] * 4
    assert looks * look_s <= (60.0 + OWED_S) / 3 + look_s
    assert pace.rest_s(now + 60, now + 60 + look_s) == 0.0


def test_the_digest_of_facts_is_of_any_text_that_a_file_may_be_called() -> None:
    texts: list[Json] = ["a", "\ud800", "\ud801", "é", sentence("Run ", Call.of("claim_step"), ".")]

    assert len({distinct({"rows": [text]}) for text in texts}) == len(texts)
    assert distinct({"a": 1, "b": [2.5, None]}) == distinct({"b": [2.5, None], "a": 1})


class Broken(Dashboard):
    """Facts that cannot be made, by a fault of ours."""

    def panels(self, *, commits_max: int = 0) -> dict[str, Json]:
        raise ZeroDivisionError(commits_max)


def test_a_bug_that_goes_on_has_one_report(ann: Workspace) -> None:
    live = LivePanels(ann, 30)
    live._dashboard = Broken(ann, 30)

    looks: list[Condition] = []
    for _ in range(2):
        live.turn()
        looks.append(live.latest.condition)

    assert (live.latest.number, looks[0]) == (2, looks[1])
    assert "Report it with the file" in looks[0].hint


class BrokenFrame(Frame):
    """A page that cannot say of which version it is, by a fault of ours."""

    @property
    def version(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - it is made anew each time
        raise ZeroDivisionError


def test_what_breaks_once_a_stream_has_begun_is_said_on_the_page_and_has_one_report(ann: Workspace) -> None:
    with serving(ann, frame=BrokenFrame) as served:
        events = [[*served.stream()] for _ in range(2)]

    assert [[name for name, _ in sent] for sent in events] == [["condition"]] * 2
    assert "sending news to a page failed" in events[0][0][1]["trouble"]
    assert "Report it with the file" in events[0][0][1]["hint"]
    assert events[0][0][1]["hint"] == events[1][0][1]["hint"]


def test_streams_end_when_the_server_does(served: Served) -> None:
    stream = served.stream()
    stream.until("condition")

    served.end()

    assert [name for name, _ in stream if name == "panel"] == []
