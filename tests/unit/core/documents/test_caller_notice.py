"""Notices to callers: as agents read them, and through another process."""

import json

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.errors import CoordError


def test_a_notice_says_what_it_is_about_before_what_to_do() -> None:
    notice = CallerNotice.of("clock_off", "It is late.", "Set it.", ref="refs/coord/claims", count=2)

    assert [*notice.dump().items()] == [
        ("notice", "clock_off"),
        ("ref", "refs/coord/claims"),
        ("count", 2),
        ("message", "It is late."),
        ("next_step", "Set it."),
    ]
    assert CallerNotice.parse(json.loads(json.dumps(notice.dump()))) == notice


def test_a_notice_without_a_next_step_has_none_and_one_of_an_error_has_its_hint() -> None:
    assert CallerNotice.of("readers", "All can read.").dump() == {"notice": "readers", "message": "All can read."}
    assert CallerNotice.of_error(CoordError("It broke.")).dump()["next_step"] == ""


def test_a_notice_of_a_name_that_is_no_text_is_still_one() -> None:
    assert CallerNotice.of("left_out", "\udcff", path="\udcff").dump()["message"] == "\udcff"
