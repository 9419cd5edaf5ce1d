"""What git says of a push, recorded from real servers under `samples/`, and what we take it to mean.

A sample is what git 2.39 printed: an outcome to expect, the updates that were sent, standard output and error.
Paths and ports were replaced; nothing else was. One sample says that it was recorded by others.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapStatus, oid
from gitcoord.remote.git.git_process import Completed
from gitcoord.remote.transports.push_report import PushLine, judge_lines, judge_push, lines_of, parse_report

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.txt"))
REF = RefName("refs/coord/claims")
OLD, NEW = oid("1" * 40), oid("2" * 40)


@dataclass(frozen=True)
class Sample:
    expect: SwapStatus
    updates: list[RefUpdate]
    done: Completed


def load(path: Path) -> Sample:
    head, _, rest = path.read_text("utf-8").partition("--- stdout\n")
    stdout, _, stderr = rest.partition("--- stderr\n")
    fields = [(key, value) for key, _, value in (line.partition(": ") for line in head.splitlines())]
    values = dict(fields)
    updates = [value.split(" ") for key, value in fields if key == "update"]
    return Sample(
        SwapStatus(values["expect"]),
        [RefUpdate(RefName(ref), *(None if tip == "-" else oid(tip) for tip in tips)) for ref, *tips in updates],
        Completed(int(values["rc"]), stdout.encode(), stderr.encode()),
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_recorded_push_means_what_the_sample_says(path: Path) -> None:
    sample = load(path)

    outcome = judge_push(sample.done, sample.updates)

    assert outcome.status is sample.expect, outcome


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_whatever_git_says_is_shown_without_control_characters(path: Path) -> None:
    sample = load(path)

    message = judge_push(sample.done, sample.updates).message

    assert message.replace("\n", "").isprintable()
    assert message or sample.expect is SwapStatus.WON


@pytest.mark.parametrize("path", [path for path in SAMPLES if path.stem.startswith("won")], ids=lambda path: path.stem)
def test_a_win_that_was_cut_short_is_no_win(path: Path) -> None:
    sample = load(path)
    lines = sample.done.stdout.splitlines(keepends=True)

    killed = judge_push(Completed(-9, sample.done.stdout, b"", timed_out=True), sample.updates)
    truncated = judge_push(Completed(0, lines[0], b""), sample.updates)

    assert (killed.status, truncated.status) == (SwapStatus.UNKNOWN, SwapStatus.UNKNOWN)


def test_the_words_of_a_hook_are_in_the_message() -> None:
    sample = load(Path(__file__).parent / "samples" / "denied-pre-receive.txt")

    message = judge_push(sample.done, sample.updates).message

    assert message == "refs/coord/claims: pre-receive hook declined\ncoordination is closed on Fridays"


def test_each_part_of_a_line_is_told_apart() -> None:
    report = (
        "To /srv/r.git\n!\t22:refs/coord/claims\t[remote rejected] (hook (of ann) declined)\n-\t:refs/x\t[deleted]\n"
    )

    assert parse_report(report) == [
        PushLine("!", "refs/coord/claims", "[remote rejected]", "hook (of ann) declined"),
        PushLine("-", "refs/x", "[deleted]", ""),
    ]


def test_a_path_that_reads_like_a_complaint_changes_nothing() -> None:
    stdout = f"!\t{NEW}:{REF}\t[remote rejected] (failed to update ref)\nDone\n".encode()
    stderr = b"error: failed to push some refs to '/srv/permission denied/fsck error.git'\n"

    outcome = judge_push(Completed(1, stdout, stderr), [RefUpdate(REF, OLD, NEW)])

    assert outcome.status is SwapStatus.LOST


def test_a_report_with_both_ok_and_rejected_is_unknown_and_names_what_landed() -> None:
    other = RefName("refs/coord/config")
    stdout = f"*\t{NEW}:{REF}\t[new reference]\n!\t{NEW}:{other}\t[remote rejected] (hook declined)\nDone\n".encode()

    outcome = judge_push(Completed(1, stdout, b""), [RefUpdate(REF, None, NEW), RefUpdate(other, None, NEW)])

    assert outcome.status is SwapStatus.UNKNOWN
    assert outcome.message.startswith(f"{REF} landed")


@pytest.mark.parametrize(
    "failed",
    [
        {REF: "invalid old id sent"},
        {REF: "transaction aborted", "refs/coord/config": "invalid old id sent"},
        {REF: "already exists", "refs/coord/config": "transaction aborted"},
        {REF: "failed to lock"},
        {REF: "object 0123456789abcdef0123456789abcdef01234567 missing"},
    ],
)
def test_who_lost_a_race_at_jgit_has_lost_and_was_not_denied(failed: dict[str, str]) -> None:
    """Its words, as version 4.11 reports them."""
    updates = [RefUpdate(RefName(ref), OLD, NEW) for ref in failed]

    outcome = judge_lines(lines_of(updates, (), failed), updates, "")

    assert outcome.status is SwapStatus.LOST


@given(stdout=st.binary() | st.text().map(str.encode), stderr=st.binary(), rc=st.integers(-15, 255))
def test_no_noise_is_ever_a_win(stdout: bytes, stderr: bytes, rc: int) -> None:
    outcome = judge_push(Completed(rc, stdout, stderr), [RefUpdate(REF, OLD, NEW)])

    assert outcome.status is not SwapStatus.WON
