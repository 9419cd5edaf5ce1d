"""One check never stops the others: what it raises is its own answer, and its time is bounded."""

import threading
import time

import pytest

from gitcoord.errors import RepositoryError
from gitcoord.service.doctor.check_run import (
    Check,
    Finding,
    NotCheckedError,
    Status,
    examine,
    fail,
    ok,
    together,
    warn,
)


def _raising(error: Exception) -> Finding:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "text", "hint"),
    [
        (NotCheckedError("nothing is there"), Status.SKIP, "nothing is there", ""),
        (RepositoryError("It broke.", hint="Mend it."), Status.WARN, "could not be checked: It broke.", "Mend it."),
        (KeyError("x"), Status.WARN, "could not be checked: KeyError: 'x'", "Please report this as a bug of gitcoord."),
    ],
)
def test_what_a_check_raises_is_its_answer(error: Exception, status: Status, text: str, hint: str) -> None:
    found = examine(Check("one", lambda: _raising(error)), time.monotonic)

    assert (status, text, hint) == (found.status, found.text, found.hint)


def test_a_check_that_hangs_is_left_behind() -> None:
    freed = threading.Event()

    def hang() -> Finding:
        freed.wait(60)
        return ok("late")

    found = examine(Check("one", hang, limit_s=0.01), time.monotonic)
    freed.set()

    assert (found.status, found.text.startswith("could not be checked: it took longer")) == (Status.WARN, True)


@pytest.mark.rule("SEC-2")
def test_no_secret_leaves_a_check() -> None:
    url = "https://ann:hunter2@example.invalid/x.git?token=abc123"

    found = examine(Check("one", lambda: fail(f"bad {url}", url, at=url, rows=[{"url": url}])), time.monotonic)

    assert "hunter2" not in repr(found)
    assert "abc123" not in repr(found)


def test_several_findings_are_as_bad_as_the_worst_and_keep_each_word() -> None:
    found = together([warn("One.", "Do this."), fail("Two.", "Do that."), warn("Three.", "Do this.")], ok("good", a=1))

    assert (found.status, found.text, found.hint) == (Status.FAIL, "One. Two. Three.", "Do this. Do that.")
    assert found.facts == {"a": 1}


def test_facts_that_are_lists_are_put_together() -> None:
    found = together([fail("One.", "Do this.", damaged=["a"]), fail("Two.", "Do this.", damaged=["b"])], ok("good"))

    assert found.facts == {"damaged": ["a", "b"]}
