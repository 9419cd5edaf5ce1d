"""With policy `texts = private` nothing that anybody wrote in their own words is in a ledger; names and rules stay."""

from pathlib import Path

import pytest

from gitcoord.core.documents.texts import WITHHELD, without_texts
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requests import request_release, respond_to_request
from gitcoord.service.steps.projects import add_steps, create_project
from gitcoord.service.steps.step_work import claim_step, fail_step, skip_step, update_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.notices import take_notices
from tests.conftest import Git
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Result, Shared

pytestmark = pytest.mark.rule("SEC-6")
WORDS = "hush-hush"


def test_no_text_reaches_the_remote_and_a_refusal_says_what_to_do(agents: Agents, shared: Shared, git: Git) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    set_policy(ann, name="texts", value="private")
    step = {"title": WORDS, "description": WORDS}
    head = git(shared.one, "rev-parse", "HEAD")
    plan = [{"step_num": 1, "branch": "a", **step}, {"step_num": 2, "branch": "b", **step}]

    create_project(ann, name="app", base_commit=head, steps=plan, description=WORDS)
    add_steps(ann, project="app", steps=[{"step_num": 3, "branch": "c", **step}])
    update_step(ann, step_id="app/2", title=WORDS, priority=2)
    skip_step(ann, step_id="app/3", reason=WORDS)
    claim_step(ann, step_id="app/1")
    failed: Result = fail_step(ann, step_id="app/1", reason=WORDS, notes=WORDS)
    held: Result = claim_files(ann, patterns=["README.md"], description=WORDS)
    refused: Result = claim_files(bob, patterns=["README.md"], description=WORDS)
    asked: Result = request_release(bob, claim_id=held["claim"]["id"], reason=WORDS, wait_seconds=0)
    respond_to_request(ann, request_id=asked["request"]["id"], decision="denied", note=WORDS)

    assert WORDS not in everything(git, shared)
    assert failed["step"]["reason"] == WITHHELD
    conflict = refused["conflicts"][0]
    assert (conflict["agent"], conflict["claim_id"]) == ("ann/cli/one", held["claim"]["id"])
    assert "request_release" in refused["next_step"]


def test_without_the_policy_texts_are_there(agents: Agents, shared: Shared, git: Git) -> None:
    claim_files(agents(shared.one, "ann/cli/one"), patterns=["README.md"], description=WORDS)

    assert WORDS in everything(git, shared)


def test_the_first_grant_says_that_everybody_can_read(agents: Agents, servers: Servers, repo: Path) -> None:
    ann = agents(repo, "ann/cli/w", GITCOORD_REMOTE=servers.remote("http").url)

    claim_files(ann, patterns=["README.md"])
    first = [note for note in take_notices(ann) if note["notice"] == "readers"]
    claim_files(ann, patterns=["other.md"])
    again = [note for note in take_notices(ann) if note["notice"] == "readers"]

    assert ["Everyone can read http://" in str(note["message"]) for note in first] == [True]
    assert "gitcoord policy set texts private" in str(first[0]["message"])
    assert again == []


def test_a_file_that_is_named_like_a_text_is_no_text() -> None:
    given = {"landed": {"title": "1", "notes": "2"}, "wishes": [{"pattern": "description"}], "title": WORDS}

    assert without_texts(given) == {"landed": {"title": "1", "notes": "2"}, "wishes": [{"pattern": "description"}]}


def everything(git: Git, shared: Shared) -> str:
    """Return every object that the ledgers at the remote reach, and their history's messages."""
    refs = git(shared.remote, "for-each-ref", "--format=%(refname)", "refs/coord").splitlines()
    return git(shared.remote, "log", "--patch", "--root", "-m", *refs)
