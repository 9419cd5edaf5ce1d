"""The pins of the development environment, read as data, and what is wrong with them.

Rules:
  * Every requirement of every pinned package, for each Python and platform that is supported, has its pin, with its
    extras. Older versions of pip, among them those that come with Python 3.11 and 3.12, take `coverage[toml]` for
    another package than `coverage`: without a pin of its own it is resolved to the newest release, which has no hash.
  * What packages require is taken from the metadata of those that are installed, so no network is asked.
"""

import importlib.metadata
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "requirements.txt"

_PIN = re.compile(r"^(?P<requirement>[a-z0-9][^\\\n]*?)\s*\\?$", re.MULTILINE)
_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_PLATFORMS = (
    ("linux", "Linux", "x86_64"),
    ("linux", "Linux", "aarch64"),
    ("darwin", "Darwin", "x86_64"),
    ("darwin", "Darwin", "arm64"),
)

Environment = Mapping[str, str]
# What the installed distribution of that name requires; None where it is not installed.
Requires = Callable[[str], list[str] | None]


def environments() -> list[Environment]:
    """Return the values of markers (PEP 508) for each Python, platform and processor that is supported."""
    return [
        {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_system": system,
            "python_full_version": f"{python}.0",
            "python_version": python,
            "sys_platform": platform,
        }
        for python in _PYTHONS
        for platform, system, machine in _PLATFORMS
    ]


def read(text: str) -> list[Requirement]:
    """Return the pins of a requirements file, without their hashes."""
    return [Requirement(match["requirement"]) for match in _PIN.finditer(text)]


def wanted() -> list[Requirement]:
    """Return what the project asks for itself: to run, to build and to be developed."""
    project = _project()
    texts = [*project["dependency-groups"]["dev"], *project["build-system"]["requires"]]
    return [*runtime(), *extras(), *(Requirement(text) for text in texts)]


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def runtime() -> list[Requirement]:
    """Return what comes with the wheel, as the project names it."""
    return [Requirement(text) for text in _project()["project"]["dependencies"]]


def extras() -> list[Requirement]:
    """Return what comes with the extras of the wheel."""
    return [Requirement(text) for texts in _project()["project"]["optional-dependencies"].values() for text in texts]


def installed(name: str) -> list[str] | None:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return None


def complaints(
    pins: Iterable[Requirement], roots: Iterable[Requirement], requires: Requires, environment: Environment
) -> list[str]:
    """List the requirements that have no pin in an environment, and those whose own requirements nobody can read."""
    by_name = {canonicalize_name(pin.name): pin for pin in pins if applies(pin, environment)}
    found: list[str] = []
    for requirement in closure(roots, requires, environment):
        pin = by_name.get(canonicalize_name(requirement.name))
        if pin is None:
            found.append(f"{requirement} has no pin")
        elif not requirement.specifier.contains(version_of(pin), prereleases=True):
            found.append(f"{requirement} is pinned to {version_of(pin)}")
        elif lost := requirement.extras - pin.extras:
            found.append(f"{requirement} is pinned without [{','.join(sorted(lost))}]")
        if requires(requirement.name) is None:
            found.append(f"{requirement} is not installed, so what it requires is not known")
    return sorted(set(found))


def closure(
    roots: Iterable[Requirement], requires: Requires, environment: Environment | None = None
) -> Iterator[Requirement]:
    """Yield each requirement that can be reached in an environment (the running one if left out), once."""
    waiting = [root for root in roots if applies(root, environment)]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        yield requirement
        candidates = [Requirement(text) for text in requires(requirement.name) or []]
        waiting += [each for each in candidates if applies(each, environment, requirement.extras)]


def applies(requirement: Requirement, environment: Environment | None = None, extras: Iterable[str] = ()) -> bool:
    """Whether a requirement counts in an environment (the running one if left out), for one of some extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**(environment or {}), "extra": extra}) for extra in ("", *extras))


def version_of(pin: Requirement) -> str:
    [specifier] = pin.specifier
    return specifier.version
