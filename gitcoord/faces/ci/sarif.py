"""Findings as SARIF 2.1.0, the OASIS standard for results of analysis that code hosts show beside the code."""

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from gitcoord import __version__
from gitcoord.core.checks.findings import ABOUT, NOTES, Finding, Rule, Weight
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.ci.plain import plain, sentences

if TYPE_CHECKING:
    from gitcoord.service.checks.verification import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Weight.FINDING: "error", Weight.NOTE: "note"}
_RULES = list(Rule)


def sarif(report: "Report") -> str:
    """Return the report as one JSON object."""
    driver: dict[str, Json] = {
        "name": "gitcoord",
        "version": __version__,
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": ABOUT[rule]},
                "defaultConfiguration": {"level": "note" if rule in NOTES else "error"},
            }
            for rule in _RULES
        ],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _result(finding: Finding) -> Json:
    words = " ".join(sentences(finding))
    # What stays the same from run to run, so that a host tells an old result from a new one.
    known = (
        finding.rule,
        finding.path or "",
        ",".join(finding.symbols),
        str(finding.claim.get("claim_id", "")),
        finding.commit or "",
    )
    fingerprint = hashlib.sha256("\0".join(known).encode("utf-8", "replace")).hexdigest()[:32]
    out: dict[str, Json] = {
        "ruleId": finding.rule,
        "ruleIndex": _RULES.index(finding.rule),
        "level": _LEVELS[finding.severity],
        "message": {"text": words},
        "partialFingerprints": {"gitcoord/v1": fingerprint},
    }
    if finding.path:
        place: dict[str, Json] = {"artifactLocation": {"uri": quote(plain(finding.path)), "uriBaseId": "%SRCROOT%"}}
        if finding.line:
            place["region"] = {"startLine": finding.line}
        out["locations"] = [{"physicalLocation": place}]
    return out
