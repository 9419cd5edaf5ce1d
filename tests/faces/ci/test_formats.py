"""Formats: what people, logs, code hosts and test reports get to see, and that nothing in it can act."""

import json
import re
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from gitcoord.core.checks.findings import ABOUT, Finding, Rule
from gitcoord.core.documents.call import Call, sentence
from gitcoord.faces.ci.github import github
from gitcoord.faces.ci.junit import junit
from gitcoord.faces.ci.sarif import sarif
from gitcoord.faces.ci.text import text
from gitcoord.service.checks.verification import Report
from tests.faces.ci.schemas import SARIF, junit_faults

EVIL = "a\x1b[31m%b\r\n::error::c,d:e]]>&<\"'\x00\x0b\ud800\u202e\ufffe\u2028 ##[error]f"
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800-\udfff\ufffe\uffff]")


def report(*findings: Finding) -> Report:
    return Report(
        findings,
        "https://hub/app.git",
        "feat/b",
        "b" * 40,
        "a" * 40,
        3,
        2,
        1,
        strict=False,
        base_name="origin/main",
    )


CLAIMED = Finding(
    Rule.FOREIGN_CLAIM,
    "'src/a.py' is claimed by 'ann/cli/wt'.",
    "Ask 'ann/cli/wt'.",
    "src/a.py",
    7,
    ("one",),
    {"claim_id": "c-1", "agent": "ann/cli/wt"},
)
BARRIER = Finding(Rule.BARRIER, "A commit is not here.", "Ask.", "src/b b.py", commit="c" * 40)
DAMAGED = Finding(Rule.LEDGER_DAMAGED, "A ledger is damaged.", commit="d" * 40)
EVILS = [Finding(rule, EVIL, EVIL, EVIL, 1, (EVIL,), {"agent": EVIL}) for rule in (Rule.FOREIGN_CLAIM, Rule.BARRIER)]


def test_text_says_what_where_and_what_to_do() -> None:
    assert text(report(BARRIER, CLAIMED)) == (
        "finding  foreign-claim  src/a.py:7\n"
        "         'src/a.py' is claimed by 'ann/cli/wt'.\n"
        "         Ask 'ann/cli/wt'.\n"
        "note     barrier  src/b b.py\n"
        "         A commit is not here.\n"
        "         Ask.\n"
        "2 commits, 3 files of feat/b against origin/main; claims of https://hub/app.git: 1 finding, 1 note\n"
    )
    assert "\x1b[31mfinding\x1b[0m" in text(report(CLAIMED), in_colour=True)


def test_the_next_call_is_a_command_of_the_shell() -> None:
    ask, claim = Call.of("request_release", claim_id="c-1", reason=...), Call.of("claim_files", patterns=[...])
    hint = sentence("Ask 'ann/cli/wt': ", ask, "; or ", claim, ".")

    out = text(report(Finding(Rule.FOREIGN_CLAIM, "It is so.", hint)))

    assert "Ask 'ann/cli/wt': gitcoord request file c-1 --reason TEXT; or gitcoord claim add PATTERN." in out


@pytest.mark.rule("SEC-1")
def test_an_id_that_others_wrote_runs_nothing_in_a_shell() -> None:
    call = Call.of("request_release", claim_id="c-1; touch owned", reason=...)

    out = text(report(Finding(Rule.FOREIGN_CLAIM, "It is so.", sentence("Ask: ", call, "."))))

    assert "gitcoord request file 'c-1; touch owned' --reason TEXT" in out


def test_annotations_are_at_their_lines() -> None:
    assert github(report(CLAIMED, BARRIER)).splitlines() == [
        f"::error file=src/a.py,line=7,title=gitcoord foreign-claim::{CLAIMED.message} {CLAIMED.hint}",
        "::notice file=src/b b.py,title=gitcoord barrier::A commit is not here. Ask.",
        "2 commits, 3 files of feat/b against origin/main; claims of https://hub/app.git: 1 finding, 1 note",
    ]


@pytest.mark.parametrize(
    "found", [report(), report(CLAIMED, BARRIER, DAMAGED), report(*EVILS)], ids=["no", "some", "evil"]
)
def test_sarif_is_what_the_standard_demands(found: Report) -> None:
    data: Any = json.loads(sarif(found))

    jsonschema.Draft7Validator(SARIF).validate(data)
    [run] = data["runs"]
    known = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [known[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert known == list(ABOUT)


def test_sarif_names_files_as_uris_and_findings_for_good() -> None:
    first: Any = json.loads(sarif(report(CLAIMED, BARRIER, DAMAGED)))["runs"][0]["results"]
    moved: Any = json.loads(
        sarif(report(Finding(CLAIMED.rule, "other words", "", CLAIMED.path, 9, ("one",), CLAIMED.claim)))
    )

    places = [one["locations"][0]["physicalLocation"] for one in first if "locations" in one]
    assert [place["artifactLocation"]["uri"] for place in places] == ["src/a.py", "src/b%20b.py"]
    assert [one["level"] for one in first] == ["error", "note", "error"]
    assert moved["runs"][0]["results"][0]["partialFingerprints"] == first[0]["partialFingerprints"]


@pytest.mark.parametrize(
    "found", [report(), report(CLAIMED, BARRIER, DAMAGED), report(*EVILS)], ids=["no", "some", "evil"]
)
def test_junit_is_what_its_readers_know(found: Report) -> None:
    assert junit_faults(junit(found)) == []


def test_in_junit_a_rule_that_found_nothing_has_passed() -> None:
    suite = ET.fromstring(junit(report(CLAIMED, BARRIER)))[0]  # noqa: S314 - we wrote it

    assert (suite.attrib["tests"], suite.attrib["failures"]) == (str(len(Rule)), "1")
    assert [one.attrib["name"] for one in suite if one.find("failure") is not None] == ["src/a.py:7"]
    assert [one.attrib["name"] for one in suite if one.find("system-out") is not None] == ["src/b b.py"]


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("render", [text, github, sarif, junit])
def test_nothing_of_others_acts_on_a_terminal_a_log_or_a_parser(render: Any) -> None:  # noqa: ANN401 - one of four
    out = render(report(*EVILS))

    assert not CONTROL.search(out)
    commands = [line for line in out.splitlines() if line.lstrip().startswith(("::", "##["))]
    assert len(commands) == (2 if render is github else 0)
    for line in commands:
        properties = line.split("::")[1]
        assert unquote(properties).count("::error::") == 1
        assert "," not in properties.split("file=")[1].split(",line=1")[0]


def test_json_holds_findings_and_notes_apart() -> None:
    data = report(CLAIMED, BARRIER).dump()

    assert (data["ok"], data["count"], data["branch"]) == (False, 1, "feat/b")
    assert [one["rule"] for one in data["findings"]] == ["foreign-claim"]  # type: ignore[union-attr]
