"""Findings as SARIF 2.1.0, the OASIS standard for results of analysis that code hosts show beside the code."""

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from gitcoord import __version__
from gitcoord.core.checks.findings import ABOUT, NOTES, Finding, Rule, Severity
from gitcoord.core.documents.doc import Json
from gitcoord.faces.ci.plain import plain, sentences

if TYPE_CHECKING:
    from gitcoord.service.checks.verification import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.FINDING: "error", Severity.NOTE: "note"}
_RULES = list(Rule)


def sarif(report: "Report") -> str:
    """Return the report as one JSON object."""
    driver: dict[str, Json] = {"name": "gitcoord", "version": __version__, "rules": [_rule(one) for one in _RULES]}
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(one: Rule) -> Json:
    level = "note" if one in NOTES else "error"
    about: dict[str, Json] = {"text": ABOUT[one]}
    return {"id": one, "shortDescription": about, "defaultConfiguration": {"level": level}}


def _result(one: Finding) -> Json:
    words = " ".join(sentences(one))
    out: dict[str, Json] = {
        "ruleId": one.rule,
        "ruleIndex": _RULES.index(one.rule),
        "level": _LEVELS[one.severity],
        "message": {"text": words},
        "partialFingerprints": {"gitcoord/v1": _fingerprint(one)},
    }
    if one.path:
        place: dict[str, Json] = {"artifactLocation": {"uri": quote(plain(one.path)), "uriBaseId": "%SRCROOT%"}}
        if one.line:
            place["region"] = {"startLine": one.line}
        out["locations"] = [{"physicalLocation": place}]
    return out


def _fingerprint(one: Finding) -> str:
    """Return what stays the same from run to run, so that a host tells an old result from a new one."""
    known = (one.rule, one.path or "", ",".join(one.symbols), str(one.claim.get("claim_id", "")), one.commit or "")
    return hashlib.sha256("\0".join(known).encode("utf-8", "replace")).hexdigest()[:32]
