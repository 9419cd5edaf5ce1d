"""What happens is told as it happens: one JSON object a line for programs, one sentence a line for people."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from gitcoord.core.documents.events import Event
from tests import fork_server
from tests.conftest import AddWorktree, Git, MakeBare, MakeRepo
from tests.faces.cli.conftest import ROOT, Run
from tests.faces.cli.test_terminal import on_terminal
from tests.schemas.checks import faults
from tests.unit.service.world import store_of, write_ref

ONCE = ("watch", "--jsonl", "--once")
HOSTILE = "\x1b]0;owned\x07[bold]{red}\u202e\nx"


def objects(out: str) -> list[dict[str, Any]]:
    """Return the lines of a stream; each is as its schema says, and has no other field."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    for line in lines:
        name = f"events/{line['event']}" if "event" in line else "results/watch"
        assert faults(name, line, is_closed=True) == []
    return lines


def events(out: str) -> list[str]:
    return [line["event"] for line in objects(out) if "event" in line]


class Stream:
    """A watch that runs."""

    def __init__(self, cwd: Path, *words: str) -> None:
        self.process = fork_server.start(
            [sys.executable, "-m", "gitcoord", "watch", *words],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def lines(self) -> Iterator[str]:
        """Yield what is written, as it is; a test that hangs here ends with pytest's bound."""
        assert self.process.stdout is not None
        yield from self.process.stdout

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(150)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(150)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


class Watching(Protocol):
    """Start a watch that ends with the test."""

    def __call__(self, *words: str) -> Stream: ...


@pytest.fixture
def watching(repo: Path) -> Iterator[Watching]:
    streams: list[Stream] = []

    def start(*words: str) -> Stream:
        streams.append(Stream(repo, *words))
        return streams[-1]

    yield start
    for stream in streams:
        stream.end()


def test_events_of_other_processes_come_as_lines_with_a_cursor_each(
    run: Run, watching: Watching, repo: Path, add_worktree: AddWorktree, project: str
) -> None:
    other = add_worktree(repo, "wt-2")
    stream = watching("--jsonl")
    lines = stream.lines()
    begun = json.loads(next(lines))
    for words in (("step", "claim"), ("step", "complete", "app/1"), ("claim", "add", "a.zig")):
        assert run(*words, cwd=other).status == 0

    said = [next(lines) for _ in range(3)]

    assert stream.interrupt() == 130
    found = objects("".join(said))
    assert [line["event"] for line in found] == ["step_claimed", "step_completed", "claim_granted"]
    assert {str(line["agent"]) for line in found} == {"test-author/cli/wt-2"}
    again = objects(run(*ONCE, "--since", found[0]["cursor"]).out)
    assert [line["id"] for line in again[1:]] == [line["id"] for line in found[1:]]
    assert events(run(*ONCE, "--since", begun["cursor"]).out) == [line["event"] for line in found]


def test_a_look_has_the_cursor_of_its_moment(run: Run) -> None:
    cursor = run("watch", "--json").json["cursor"]
    assert run("claim", "add", "a.zig").status == 0

    assert events(run(*ONCE, "--since", cursor).out) == ["claim_granted"]


def test_from_the_start_every_event_comes_once(run: Run, project: str) -> None:
    for words in (("step", "claim", "app/1"), ("step", "fail", "app/1", "--reason", "x"), ("claim", "add", "a")):
        assert run(*words).status == 0

    found = objects(run(*ONCE, "--since", "start").out)[1:]

    assert [line["event"] for line in found] == ["project_created", "step_claimed", "step_failed", "claim_granted"]
    assert len({line["id"] for line in found}) == 4
    assert {line["event"] for line in found} < {*Event}


@pytest.mark.parametrize("cursor", ["", "nonsense", "e1.AAAA", "e9.5T5VZGMDqtw", "-1", "e1." + "A" * 1000])
def test_a_word_that_is_no_cursor_is_a_usage_error_that_says_what_to_do(run: Run, cursor: str) -> None:
    done = run("watch", "--jsonl", f"--since={cursor}")

    assert done.status == 2
    assert "is no cursor of events" in json.loads(done.out)["error"]["message"]
    assert "begin with what happens from now on" in json.loads(done.out)["error"]["hint"]


def test_a_cursor_of_another_repository_is_a_usage_error(run: Run, make_repo: MakeRepo) -> None:
    other = make_repo("other")
    assert [run("claim", "add", "a.zig", cwd=cwd).status for cwd in (None, other)] == [0, 0]
    cursor = run("watch", "--json").json["cursor"]

    done = run("watch", "--jsonl", "--since", cursor, cwd=other)

    assert (done.status, "is not of this clone" in done.out) == (2, True)


@pytest.mark.parametrize(
    "words",
    [("--plain", "--jsonl"), ("--json", "--jsonl"), ("--since", "start"), ("--once",), ("--plain", "--fresh")],
    ids=" ".join,
)
def test_what_does_not_go_together_is_a_usage_error(run: Run, words: Sequence[str]) -> None:
    assert run("watch", *words).status == 2


def test_an_option_that_a_screen_has_no_use_for_is_named_in_the_hint(run: Run) -> None:
    assert "Add one of them, or leave --since out." in run("watch", "--since", "start").err


def test_a_pipe_gets_one_look_and_is_told_so(run: Run, project: str) -> None:
    done = run("watch")

    assert done.status == 0
    assert "app      0 %" in done.out
    assert "this is one look; --plain and --jsonl go on" in done.err


def test_plain_lines_say_what_needs_attention_and_what_happens(run: Run, watching: Watching, project: str) -> None:
    stream = watching("--plain")
    lines = stream.lines()
    first = [next(lines), next(lines)]
    for words in (("step", "claim", "app/1"), ("step", "fail", "app/1", "--reason", "no disk")):
        assert run(*words).status == 0

    said = [next(lines) for _ in range(3)]

    assert stream.interrupt() == 130
    assert first[0].startswith("watching this clone as test-author/cli/repo; Ctrl-C")
    assert first[1] == "what needs attention: nothing\n"
    told = "".join(said)
    assert " step claimed: app/1, test-author/cli/repo, Data model\n" in told
    assert "step failed: app/1" in told
    assert "needs attention: app/1: " in told
    assert "\x1b" not in told


@pytest.mark.rule("SEC-1")
def test_hostile_names_stay_data(run: Run, repo: Path) -> None:
    (repo / "plan.json").write_text(json.dumps({"name": "app", "steps": [{"step_num": 1, "title": HOSTILE}]}))
    assert run("project", "create", "plan.json").status == 0
    assert run("step", "claim").status == 0
    assert run("claim", "add", "a.zig", "--description", HOSTILE).status == 0

    streamed = run(*ONCE, "--since", "start").out
    _, drawn = on_terminal(repo, "watch", "--plain", "--once", "--since", "start")

    found = objects(streamed)
    assert [line["title"] for line in found if "title" in line][-1].startswith("\x1b]0;owned")
    for out in (streamed, drawn):
        assert not {"\x1b", "\x07", "\u202e"} & {*out}
    assert "[bold]{red}" in drawn
    assert len(streamed.splitlines()) == len(found)


def test_a_ledger_that_breaks_is_named_once_and_the_rest_goes_on(run: Run, watching: Watching, repo: Path) -> None:
    stream = watching("--jsonl")
    lines = stream.lines()
    next(lines)
    write_ref(store_of(repo), "refs/coord/steps/broken", {"project.json": "{"})
    named = json.loads(next(lines))
    assert run("claim", "add", "a.zig").status == 0

    after = json.loads(next(lines))

    assert stream.interrupt() == 130
    assert named["ref"] == "refs/coord/steps/broken"
    assert named["hint"]
    assert faults("results/watch", named, is_closed=True) == []
    assert after["event"] == "claim_granted"


def test_a_remote_that_goes_away_is_a_line_and_so_is_its_return(
    run: Run, watching: Watching, repo: Path, git: Git, make_bare: MakeBare
) -> None:
    hub = make_bare("hub.git")
    git(repo, "remote", "add", "origin", str(hub))
    git(repo, "config", "gitcoord.remote", "origin")
    assert run("claim", "add", "a.zig").status == 0
    stream = watching("--jsonl")
    lines = stream.lines()
    next(lines)
    hub.rename(hub.with_name("gone.git"))

    away = json.loads(next(lines))
    hub.with_name("gone.git").rename(hub)
    back = json.loads(next(lines))
    assert run("claim", "add", "b.zig").status == 0
    after = json.loads(next(lines))

    assert stream.interrupt() == 130
    assert back["solved"] == away["problem"]
    assert after["event"] == "claim_granted"


def test_a_reader_that_is_gone_ends_the_stream(run: Run, watching: Watching) -> None:
    stream = watching("--jsonl")
    next(stream.lines())
    assert stream.process.stdout is not None
    stream.process.stdout.close()
    assert run("claim", "add", "a.zig").status == 0

    assert stream.process.wait(150) == 141
