"""Findings as JUnit XML, which every CI shows as tests: a rule that found nothing has passed.

There is no standard of it; this is what Jenkins and GitLab read: `testsuites`, one `testsuite`, a `testcase` for each
finding and for each rule without one, `failure` for findings and `system-out` for notes.
"""

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from gitcoord.core.checks.findings import ABOUT, Rule, Weight
from gitcoord.faces.ci.plain import plain, sentences

if TYPE_CHECKING:
    from gitcoord.service.checks.verification import Report


def junit(report: "Report") -> str:
    """Return the report as an XML document."""
    found = {finding.rule for finding in report.findings}
    passed = [rule for rule in Rule if rule not in found]
    numbers = {
        "tests": str(len(report.findings) + len(passed)),
        "failures": str(len(report.of(Weight.FINDING))),
        "errors": "0",
        "skipped": "0",
        "time": "0",
    }
    without = {key: value for key, value in numbers.items() if key != "skipped"}
    top = ET.Element("testsuites", {"name": "gitcoord verify", **without})
    suite = ET.SubElement(top, "testsuite", {"name": "gitcoord verify", **numbers})
    for rule in passed:
        ET.SubElement(suite, "testcase", {"classname": f"gitcoord.{rule}", "name": ABOUT[rule], "time": "0"})
    for finding in report.findings:
        line = f":{finding.line}" if finding.line else ""
        place = plain(finding.path) + line if finding.path else (finding.commit or "")[:12] or finding.rule
        case = ET.SubElement(suite, "testcase", {"classname": f"gitcoord.{finding.rule}", "name": place, "time": "0"})
        is_failure = finding.severity is Weight.FINDING
        about = {"message": plain(finding.message), "type": finding.rule} if is_failure else {}
        ET.SubElement(case, "failure" if is_failure else "system-out", about).text = "\n".join(sentences(finding))
    ET.indent(top, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"
