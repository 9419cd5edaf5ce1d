"""What SARIF 2.1.0 and JUnit XML demand of what we print, said strictly: a property that is not named here is an error.

SARIF: the properties that we use, with the constraints of the standard's sections 3.13 (sarifLog) to 3.49
(reportingDescriptor). JUnit XML has no standard; the elements and attributes are those that Jenkins' and GitLab's
readers know.
"""

import re
from typing import Any
from xml.etree import ElementTree as ET


def _object(required: list[str], **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - a schema
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_MESSAGE = _object(["text"], text={"type": "string", "minLength": 1})
_PLACE = _object(
    ["artifactLocation"],
    artifactLocation=_object(
        ["uri"], uri={"type": "string", "pattern": r"^[A-Za-z0-9._~!$&'()*+,;=@/%-]+$"}, uriBaseId={"type": "string"}
    ),
    region=_object(["startLine"], startLine={"type": "integer", "minimum": 1}),
)
_RESULT = _object(
    ["message"],
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": -1},
    level=_LEVEL,
    message=_MESSAGE,
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    locations={"type": "array", "items": _object([], physicalLocation=_PLACE)},
)
_RULE = _object(
    ["id"], id={"type": "string"}, shortDescription=_MESSAGE, defaultConfiguration=_object([], level=_LEVEL)
)
_DRIVER = _object(
    ["name"],
    name={"type": "string", "minLength": 1},
    version={"type": "string"},
    rules={"type": "array", "uniqueItems": True, "items": _RULE},
)
SARIF = _object(
    ["version", "runs"],
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"enum": ["2.1.0"]},
    runs={
        "type": "array",
        "items": _object(
            ["tool"],
            tool=_object(["driver"], driver=_DRIVER),
            invocations={
                "type": "array",
                "items": _object(["executionSuccessful"], executionSuccessful={"type": "boolean"}),
            },
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results={"type": "array", "items": _RESULT},
        ),
    },
)

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Element -> (attributes it must have, those it may have, elements in it).
_JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"skipped", "time"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"time"}, {"failure", "system-out"}),
    "failure": (set(), {"message", "type"}, set()),
    "system-out": (set(), set(), set()),
}


def junit_faults(text: str) -> list[str]:
    """Return what is wrong with a document of JUnit XML."""
    top = ET.fromstring(text)  # noqa: S314 - we wrote it
    faults = [] if top.tag == "testsuites" else [f"the top is {top.tag}"]
    for one in top.iter():
        must, may, inside = _JUNIT.get(one.tag, (set(), set(), set()))
        faults += [f"{one.tag} lacks {name}" for name in must - one.attrib.keys()]
        faults += [f"{one.tag} has {name}" for name in one.attrib.keys() - must - may]
        faults += [f"{one.tag} holds {child.tag}" for child in one if child.tag not in inside]
        counted = {"tests", "failures", "errors", "skipped", "time"} & one.attrib.keys()
        faults += [f"{name} is {one.attrib[name]}" for name in counted if not _NUMBER.fullmatch(one.attrib[name])]
    for suite in top.iter("testsuite"):
        for name, path in (("tests", "testcase"), ("failures", "testcase/failure")):
            if int(suite.attrib[name]) != len(suite.findall(path)):
                faults.append(f"{name} is not what there is")
    return faults
