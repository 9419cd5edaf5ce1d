"""The team's policy: read and changed by everybody, kept where all see it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.policy import Policy
from gitcoord.errors import (
    ContendedError,
    DeniedError,
    DocumentError,
    InvalidError,
    SchemaError,
    StorageError,
    UnknownOutcomeError,
)
from gitcoord.ledger.format.records import parse_lines
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus, Transport
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import fields, get_policy, set_policy
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, crash, project, says, store_of, tips, write_ref

DEFAULTS = {name: getattr(Policy(), name) for name in fields()}


def test_the_default_policy_has_every_field(ann: Workspace) -> None:
    assert get_policy(ann) == {"policy": DEFAULTS}
    assert fields()[:3] == ["auto_recover", "strict_complete", "require_pushed"]
    assert tips(ann) == {}


def test_what_one_clone_decides_holds_in_the_other(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")

    mine = set_policy(ann, name="strict_complete", value="true")
    set_policy(bob, name="require_pushed", value="false")

    assert mine == {"policy": {**DEFAULTS, "strict_complete": True}}
    assert get_policy(ann) == {"policy": {**DEFAULTS, "strict_complete": True, "require_pushed": False}}
    assert get_policy(bob) == get_policy(ann)


def test_a_field_goes_back_to_its_default(ann: Workspace) -> None:
    set_policy(ann, name="require_pushed", value="true")

    assert set_policy(ann, name="require_pushed", value="auto") == {"policy": DEFAULTS}


def test_numbers_and_texts_are_policies_too(ann: Workspace) -> None:
    set_policy(ann, name="max_claim_files", value="20")
    set_policy(ann, name="max_claim_ratio", value="0.5")
    set_policy(ann, name="claim_scope", value="src")

    decided = {"max_claim_files": 20, "max_claim_ratio": 0.5, "claim_scope": "src"}
    assert get_policy(ann) == {"policy": {**DEFAULTS, **decided}}


def test_who_decided_what_is_in_the_history(ann: Workspace, repo: Path, git: Git) -> None:
    set_policy(ann, name="auto_recover", value="false")
    set_policy(ann, name="auto_recover", value="true")

    assert git(store_of(repo), "log", "--format=%s", "refs/coord/config").splitlines() == [
        "policy auto_recover = True by ann/cli/wt",
        "policy auto_recover = False by ann/cli/wt",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nope", "true"),
        ("extra", "true"),
        ("auto_recover", "auto"),
        ("auto_recover", "yes"),
        ("strict_complete", ""),
        ("max_claim_files", "true"),
        ("max_claim_files", "-1"),
        ("max_claim_files", "1.5"),
        ("max_claim_files", "9" * 10),
        ("max_claim_ratio", "x"),
        ("max_claim_ratio", "."),
    ],
)
def test_what_is_no_policy_is_invalid_with_what_is_one(ann: Workspace, name: str, value: str) -> None:
    with pytest.raises(InvalidError) as caught:
        set_policy(ann, name=name, value=value)

    assert caught.value.hint.startswith("It is one of auto_recover, ") or caught.value.hint.endswith(" is the default.")
    assert tips(ann) == {}


def test_without_auto_recover_a_stale_step_stays_with_its_holder(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    bob = agents(repo, "bob/claude/wt", serve=True)
    claim_step(bob)
    crash(bob)
    set_policy(ann, name="auto_recover", value="false")

    refused = claim_step(ann)
    named = claim_step(ann, step_id="app/1")
    set_policy(ann, name="auto_recover", value="true")

    assert (refused["step"], refused["refused"], named["refused"]) == (None, "nothing_available", "held")
    assert claim_step(ann)["recovered"] is True


@pytest.mark.rule("DOC-1")
def test_fields_of_a_newer_version_survive(ann: Workspace, repo: Path, git: Git) -> None:
    meta = json.dumps({"schema": 1, "rules": 7, "writer_min": 1, "seq": 4, "grants": 0, "later": "x"})
    write_ref(store_of(repo), "refs/coord/config", {"policy.json": '{"new_rule": true}', "meta.json": meta})

    set_policy(ann, name="strict_complete", value="true")

    store = store_of(repo)
    assert json.loads(git(store, "show", "refs/coord/config:policy.json")) == {
        "new_rule": True,
        "strict_complete": True,
    }
    kept = json.loads(git(store, "show", "refs/coord/config:meta.json"))
    assert (kept["rules"], kept["later"]) == (7, "x")


def test_files_beside_the_policy_survive(ann: Workspace, repo: Path, git: Git) -> None:
    write_ref(store_of(repo), "refs/coord/config", {"owners.yaml": "x"})

    set_policy(ann, name="strict_complete", value="true")

    assert git(store_of(repo), "show", "refs/coord/config:owners.yaml") == "x"


@pytest.mark.parametrize("meta", [{"schema": 2, "writer_min": 1}, {"schema": 1, "writer_min": 99}])
def test_a_policy_of_a_newer_version_is_read_and_not_written(ann: Workspace, repo: Path, meta: dict[str, int]) -> None:
    documents = {"policy.json": '{"strict_complete": true}', "meta.json": json.dumps(meta)}
    write_ref(store_of(repo), "refs/coord/config", documents)
    before = tips(ann)

    with pytest.raises(SchemaError, match="is written by a newer gitcoord") as caught:
        set_policy(ann, name="auto_recover", value="false")

    assert (caught.value.exit_status, caught.value.hint) == (1, "Upgrade gitcoord here; reading goes on.")
    assert get_policy(ann)["policy"] == {**DEFAULTS, "strict_complete": True}
    assert tips(ann) == before


@pytest.mark.rule("SAFE-6")
def test_a_damaged_policy_counts_as_the_default_and_commands_go_on(ann: Workspace, repo: Path) -> None:
    write_ref(store_of(repo), "refs/coord/config", {"policy.json": "{"})
    project(ann)

    assert get_policy(ann) == {"policy": DEFAULTS}
    assert claim_step(ann)["step"]


def test_while_another_process_writes_nothing_is_changed(ann: Workspace, repo: Path) -> None:
    with FileLock(repo / ".git" / "gitcoord" / "lock"), pytest.raises(ContendedError, match="nothing was changed"):
        set_policy(ann, name="auto_recover", value="false")

    assert tips(ann) == {}


def test_a_lock_that_cannot_be_made_is_said(ann: Workspace, repo: Path) -> None:
    (repo / ".git" / "gitcoord" / "lock").unlink(missing_ok=True)
    (repo / ".git" / "gitcoord" / "lock").mkdir()

    with pytest.raises(StorageError, match=r"lock' cannot be made: Is a directory\.") as caught:
        set_policy(ann, name="auto_recover", value="false")

    assert caught.value.hint == "Make room on the disk, or make the folder writable."


def test_a_remote_that_declines_says_so_in_its_own_words(agents: Agents, shared: Shared) -> None:
    hook = shared.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'not on a Friday'\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)

    with pytest.raises(DeniedError, match="not on a Friday") as caught:
        set_policy(agents(shared.one, "ann/cli/one"), name="auto_recover", value="false")

    assert caught.value.exit_status == 6


def test_a_remote_that_never_answers_is_an_unknown_outcome(ann: Workspace) -> None:
    slept: list[float] = []
    host = replace(ann.setting.host, sleep=slept.append)
    silent = Silent(ann.setting.transport)
    ann.setting = replace(ann.setting, host=host, transport=silent)

    with pytest.raises(UnknownOutcomeError, match="No answer came back") as caught:
        set_policy(ann, name="auto_recover", value="false")

    assert (caught.value.exit_status, caught.value.hint) == (5, "Look at it, then try again.")
    assert len(slept) == len(silent.swaps) > 1


class Silent:
    """A remote that never says what became of a swap."""

    name = "silent"
    is_far = True
    atomic = True
    sends_checks = True
    faults = ()

    def __init__(self, inner: Transport) -> None:
        self.swaps: list[Sequence[RefUpdate]] = []
        self.objects = inner.objects
        self.read = inner.read
        self.fetch = inner.fetch

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.swaps.append(updates)
        return SwapOutcome(SwapStatus.UNKNOWN, "cut")


def test_the_record_says_who_decided_what(ann: Workspace, repo: Path, git: Git) -> None:
    set_policy(ann, name="require_pushed", value="auto")

    message = git(store_of(repo), "log", "--format=%b", "refs/coord/config")
    [record] = parse_lines(message)
    assert (record.line["do"], record.line["args"]) == ("set_policy", {"name": "require_pushed", "value": None})
    assert record.line["by"] == ann.actor().dump()
    assert record.line["outcome"] == {
        "verdict": "done",
        "code": "policy_set",
        "facts": {"name": "require_pushed", "value": None},
    }


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "files", [{"README.md": "mine"}, {}, {"meta.json": "{", "policy.json": "{}"}], ids=["foreign", "empty", "damaged"]
)
def test_what_is_not_ours_is_not_written_over_and_the_error_says_what_is_there(
    ann: Workspace, repo: Path, files: dict[str, str]
) -> None:
    write_ref(store_of(repo), "refs/coord/config", files)
    before = tips(ann)

    with pytest.raises(DocumentError) as caught:
        set_policy(ann, name="auto_recover", value="false")

    assert says(caught.value) == (5, "damaged", True)
    assert "refs/coord/config" in str(caught.value)
    assert tips(ann) == before
