"""Reads while the remote is away: from what is here, with its age; and nothing is decided by them."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import parse_time
from gitcoord.errors import RulesMovedError, UnreachableError
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.deadline import NoAnswerError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.claims import check_conflicts, claim_files, list_claims
from gitcoord.service.claims.requests import pending_requests, request_release
from gitcoord.service.place import path_copies
from gitcoord.service.session import freshness
from gitcoord.service.session.freshness import READ_S, RULES_TRIES, by_rules, reading
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import get_project, list_projects
from gitcoord.service.steps.step_views import detect_stale_work, get_agent_events
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.servers.fixtures import Remote, Servers
from tests.unit.service.world import Agents, Shared, later, project, seen, stopped


class Away:
    """A transport whose remote does not answer; what is here stays."""

    def __init__(self, workspace: Workspace) -> None:
        inner = workspace.setting.transport
        self.asked = 0
        self.name, self.objects, self.swap = inner.name, inner.objects, inner.swap
        self.is_far = inner.is_far
        self.atomic, self.sends_checks, self.faults = inner.atomic, inner.sends_checks, inner.faults

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.asked += 1
        message = f"The remote of {prefixes} did not answer."
        raise UnreachableError(message)

    def fetch(self, oids: Iterable[Oid]) -> None:
        self.read([*oids])


def take_away(workspace: Workspace) -> Away:
    away = Away(workspace)
    workspace.setting = replace(workspace.setting, transport=away)
    workspace.reader = Reader(away, workspace.setting.refs)
    return away


@pytest.fixture(params=["path", "path-hook"])
def remote(request: pytest.FixtureRequest, servers: Servers, shared: Shared, git: Git) -> Remote:
    """A remote that is read in this process, and one that is asked by git."""
    remote = servers.remote(request.param)
    git(shared.one, "push", "--quiet", remote.url, "main")
    return remote


@pytest.fixture
def ann(agents: Agents, shared: Shared, remote: Remote) -> Workspace:
    return stopped(agents(shared.one, "ann/cli/one", GITCOORD_REMOTE=remote.url))


@pytest.fixture
def bob(agents: Agents, shared: Shared, remote: Remote) -> Workspace:
    return agents(shared.two, "bob/cli/two", GITCOORD_REMOTE=remote.url)


@pytest.fixture
def away(ann: Workspace, bob: Workspace, remote: Remote) -> Iterator[Path]:
    """The remote is away, after ann saw bob's work and did some of her own."""
    claim_files(bob, patterns=["src/bob.py"])
    project(bob, (), (1,))
    claim_files(ann, patterns=["src/ann.py"])
    list_claims(ann)
    claim_step(ann)
    path_copies.keep(ann)
    gone = remote.git_dir.with_name("gone.git")
    remote.git_dir.rename(gone)
    yield gone
    gone.rename(remote.git_dir)


def test_a_read_answers_from_what_was_here_and_says_as_of_when(ann: Workspace, away: Path) -> None:
    at = ann.setting.host.now()
    later(ann, minutes=12)

    with reading(ann.setting.host) as read:
        result = read.dated(list_claims(ann))

    assert result["fresh"] is False
    assert abs(parse_time(str(result["as_of"])) - at) < timedelta(minutes=1)
    assert {row["agent"] for row in seen(result)["claims"]} == {"ann/cli/one", "bob/cli/two"}
    assert "this is what was here 12 min ago" in read.sentence()
    assert read.notice().notice == freshness.NOTICE
    assert str(ann.remote_url) in str(read.notice().extra["cause"])


def test_what_this_clone_wrote_after_its_last_look_is_there(ann: Workspace, away: Path) -> None:
    with reading(ann.setting.host):
        found = get_project(ann, name="app")

    assert seen(found)["held"] == [{"step_num": 1, "agent": "ann/cli/one"}]


def test_every_part_of_a_status_is_there(ann: Workspace, away: Path) -> None:
    with reading(ann.setting.host) as read:
        result = seen(status(ann))

    assert not read.is_fresh
    assert ([one["name"] for one in result["projects"]], len(result["claims"])) == (["app"], 2)
    assert result["oddities"] == []


def test_events_are_told_as_far_as_they_are_here(ann: Workspace, away: Path) -> None:
    with reading(ann.setting.host):
        events = seen(get_agent_events(ann))["events"]

    assert {"claim_granted", "step_claimed", "project_created"} <= {one["event"] for one in events}


def test_while_the_remote_answers_a_result_is_as_it_was(ann: Workspace) -> None:
    with reading(ann.setting.host) as read:
        result = read.dated(list_claims(ann))

    assert (result, read.sentence()) == ({"claims": [], "count": 0}, "")


def test_who_does_not_read_insists(ann: Workspace, away: Path) -> None:
    with pytest.raises(UnreachableError):
        list_claims(ann)


def test_where_nothing_was_ever_read_the_error_says_so(agents: Agents, shared: Shared, remote: Remote) -> None:
    remote.git_dir.rename(remote.git_dir.with_name("moved.git"))
    new = agents(shared.two, "new/cli/two", GITCOORD_REMOTE=remote.url)

    with pytest.raises(UnreachableError, match="Nothing was ever read from it here"), reading(new.setting.host):
        list_claims(new)


def ticking(workspace: Workspace, step_s: float) -> Workspace:
    """Let each look at the steady clock take so long, as a slow disk does."""
    ticks = itertools.count(0.0, step_s)
    setting = workspace.setting
    workspace.setting = replace(setting, host=replace(setting.host, monotonic=lambda: next(ticks)))
    return workspace


@pytest.fixture
def path_remote(servers: Servers, shared: Shared, git: Git) -> Remote:
    """A remote on a path, of which what is read has to be copied."""
    remote = servers.remote("path")
    git(shared.one, "push", "--quiet", remote.url, "main")
    return remote


def test_the_first_copy_is_whole_where_later_ones_would_stop(
    agents: Agents, shared: Shared, path_remote: Remote
) -> None:
    bob = agents(shared.two, "bob/cli/two", GITCOORD_REMOTE=path_remote.url)
    for number in range(5):
        claim_files(bob, patterns=[f"src/{number}.py"])
    ann = stopped(agents(shared.one, "ann/cli/one", GITCOORD_REMOTE=path_remote.url))
    list_claims(ann)

    path_copies.keep(ticking(ann, path_copies.KEEP_S))
    path_remote.git_dir.rename(path_remote.git_dir.with_suffix(".away"))

    with reading(ann.setting.host) as read:
        found = list_claims(ann)
    assert (read.is_fresh, found["count"]) == (False, 5)


def test_what_was_read_and_is_not_copied_is_called_so(agents: Agents, shared: Shared, path_remote: Remote) -> None:
    bob = agents(shared.two, "bob/cli/two", GITCOORD_REMOTE=path_remote.url)
    claim_files(bob, patterns=["src/bob.py"])
    ann = stopped(agents(shared.one, "ann/cli/one", GITCOORD_REMOTE=path_remote.url))
    list_claims(ann)

    path_copies.keep(ticking(ann, path_copies.FIRST_S))
    path_remote.git_dir.rename(path_remote.git_dir.with_suffix(".away"))

    with pytest.raises(UnreachableError, match="is not copied here yet"), reading(ann.setting.host):
        list_claims(ann)


def test_what_is_not_in_what_is_here_may_be_there_by_now(ann: Workspace, away: Path) -> None:
    with pytest.raises(UnreachableError, match=r"There is no project 'new'\. The remote did not answer"):
        _read_project(ann)


def _read_project(workspace: Workspace) -> None:
    with reading(workspace.setting.host):
        get_project(workspace, name="new")


def test_after_one_question_without_an_answer_no_other_is_asked(ann: Workspace) -> None:
    project(ann)
    list_projects(ann)
    path_copies.keep(ann)
    gone = take_away(ann)

    with reading(ann.setting.host):
        list_projects(ann)
        list_claims(ann)
        left = deadline.asked_for(15)

    assert (gone.asked, left) == (1, None)


def test_a_read_waits_no_longer_for_another_call_than_for_the_remote(ann: Workspace) -> None:
    list_claims(ann)
    path_copies.keep(ann)
    ticks = itertools.count(0.0, READ_S)
    hurried = replace(ann.setting.host, monotonic=lambda: next(ticks))

    def is_fresh() -> bool:
        with reading(hurried) as read:
            list_claims(ann)
            return read.is_fresh

    with ann.asking, ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_fresh).result() is False


def test_who_waited_for_a_call_that_got_no_answer_does_not_ask_again(ann: Workspace) -> None:
    hanging = threading.Event()
    waits = threading.Event()
    ticks = itertools.count()

    def monotonic() -> float:
        """Tell when the second call begins to wait for the first."""
        tick = float(next(ticks))
        if hanging.is_set():
            waits.set()
        return tick

    class Hangs(Away):
        def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
            self.asked += 1
            hanging.set()
            assert waits.wait(30), "a bound for a call that never comes"
            message = f"The remote of {prefixes} did not answer in time."
            raise NoAnswerError(message)

    remote = Hangs(ann)
    ann.setting = replace(ann.setting, transport=remote, host=replace(ann.setting.host, monotonic=monotonic))
    ann.reader = Reader(remote, ann.setting.refs)

    def ask() -> str:
        with pytest.raises(NoAnswerError) as caught:
            ann.listed()
        return str(caught.value)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask)
        assert hanging.wait(30), "a bound for a call that never comes"
        second = pool.submit(ask)

    assert (first.result() == second.result(), remote.asked) == (True, 1)
    assert ask()
    assert remote.asked == 2  # who comes later asks


def test_nothing_old_says_that_a_file_is_free(ann: Workspace, away: Path) -> None:
    with reading(ann.setting.host):
        free = check_conflicts(ann, files=["free.py"])
        symbol = check_conflicts(ann, symbols={"free.py": ["f"]}, agent_id="tests")
        taken = check_conflicts(ann, files=["src/bob.py"])

    assert (free["safe"], free["conflicts"]) == (False, [])
    assert "Ask again when the remote is back: check_conflicts(files=['free.py'])." in str(free["next_step"])
    assert "check_conflicts(symbols={'free.py': ['f']}, agent_id='tests')." in str(symbol["next_step"])
    assert (taken["safe"], taken["conflicts_count"]) == (False, 1)


def test_that_nothing_was_heard_since_is_nobodys_silence(ann: Workspace, bob: Workspace, away: Path) -> None:
    later(ann, days=1)

    with reading(ann.setting.host):
        found = detect_stale_work(ann, timeout_minutes=15)

    assert found["steps"] == []


def test_who_looks_at_requests_while_the_remote_is_away_has_not_seen_them(
    ann: Workspace, bob: Workspace, remote: Remote
) -> None:
    claim = seen(claim_files(ann, patterns=["a.py"]))["claim"]["id"]
    request_release(bob, claim_id=claim, reason="please", wait_seconds=0)
    list_claims(ann)
    path_copies.keep(ann)
    remote.git_dir.rename(remote.git_dir.with_name("off.git"))

    with reading(ann.setting.host):
        found = pending_requests(ann)

    assert found["count"] == 1


@pytest.mark.rule("SAFE-2")
@pytest.mark.parametrize("decide", [lambda ann: claim_files(ann, patterns=["z.py"]), claim_step])
def test_nothing_is_decided_by_what_was_here(decide: Callable[[Workspace], object], ann: Workspace, away: Path) -> None:
    with pytest.raises(UnreachableError):
        decide(ann)


@pytest.mark.parametrize(("moves", "ends_well"), [(0, True), (RULES_TRIES - 1, True), (RULES_TRIES, False)])
def test_what_is_decided_by_rules_that_move_meanwhile_is_tried_by_those_of_now_and_not_for_ever(
    ann: Workspace, *, moves: int, ends_well: bool
) -> None:
    project(ann)
    tried_by: list[Mapping[RefName, Oid]] = []

    def attempt(refs: Mapping[RefName, Oid]) -> str:
        tried_by.append(refs)
        if len(tried_by) <= moves:
            raise RulesMovedError("The rules have changed.")
        return "done"

    if ends_well:
        assert by_rules(ann, {}, attempt) == "done"
    else:
        with pytest.raises(RulesMovedError):
            by_rules(ann, {}, attempt)

    assert tried_by == [{}, *[ann.listed()] * min(moves, RULES_TRIES - 1)]
