"""`tests/requirements.txt` has a pin for all that a development environment takes, and the oldest pip installs it.

No network: pip is the one that comes with the Python that runs the tests (ensurepip, which `make` uses too; 23.2 in
Python 3.11, the oldest that is supported), and its index is a folder of empty wheels that carry the metadata of the
installed packages. Each is there at its pinned version and in a newer release, as it will be some day.
"""

import ensurepip
import hashlib
import importlib.metadata
import os
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging import pins
from tests.packaging.programs import run

ENVIRONMENTS = pins.environments()
IDS = ["{python_version}-{sys_platform}-{platform_machine}".format(**values) for values in ENVIRONMENTS]
FILE_PINS = pins.read(pins.FILE.read_text("utf-8"))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=IDS)
def test_whatever_a_package_requires_has_its_pin_with_its_extras(environment: pins.Environment) -> None:
    assert pins.complaints(FILE_PINS, pins.wanted(), pins.installed, environment) == []


_REQUIRES = {
    "a": ["b[x]>=2", 'c; extra == "y"', 'd; python_version < "3.12"'],
    "b": ['c>=1; extra == "x"', 'lost; sys_platform == "win32"'],
    "c": [],
    "d": [],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a==1\nb[x]==2\nc==1\nd==1 ; python_version < '3.12'\n", []),
        ("a==1\nb==2\nc==1\nd==1\n", ["b[x]>=2 is pinned without [x]"]),
        ("a==1\nb[x]==1.9\nc==1\nd==1\n", ["b[x]>=2 is pinned to 1.9"]),
        ("a==1\nb[x]==2\nd==1\n", ['c>=1; extra == "x" has no pin']),
        ("a==1\nb[x]==2\nc==1\nd==1 ; python_version > '3.11'\n", ['d; python_version < "3.12" has no pin']),
    ],
)
def test_a_requirement_without_its_pin_is_named(text: str, expected: list[str]) -> None:
    environment = ENVIRONMENTS[IDS.index("3.11-linux-x86_64")]

    assert pins.complaints(pins.read(text), [Requirement("a")], _REQUIRES.get, environment) == expected


def test_a_package_that_cannot_be_looked_into_is_named() -> None:
    found = pins.complaints(pins.read("z==1\n"), [Requirement("z")], _REQUIRES.get, ENVIRONMENTS[0])

    assert found == ["z is not installed, so what it requires is not known"]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def requirements(index: Path, tmp_path: Path) -> Path:
    """The pins with the hashes of what the index has at these versions, and a newer release of each in the index."""
    lines: list[str] = []
    for pin in FILE_PINS:
        version = pins.version_of(pin)
        digest = hashlib.sha256(_offer(index, pin.name, version).read_bytes()).hexdigest()
        lines.append(f"{pin} --hash=sha256:{digest}\n")
        _offer(index, pin.name, f"{version}.post1")  # Newer, and within the bounds that other packages set.
    file = tmp_path / "requirements.txt"
    file.write_text("".join(lines), "utf-8")
    return file


def _offer(index: Path, name: str, version: str) -> Path:
    """Put a wheel into an index that holds the metadata of a package and nothing else."""
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    headers = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *_needs(name)]
    files = {
        "METADATA": "\n".join([*headers, ""]),
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "".join(f"{stem}.dist-info/{file},,\n" for file in ("METADATA", "WHEEL", "RECORD")),
    }
    wheel = index / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(f"{stem}.dist-info/{file}", text)
    return wheel


def _needs(name: str) -> list[str]:
    """Return the headers about other packages of what is installed; a package of other platforms has none here."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    return [f"{key}: {value}" for key in ("Provides-Extra", "Requires-Dist") for value in metadata.get_all(key) or []]


def test_the_oldest_pip_takes_each_pin_though_the_index_has_a_newer_release(
    index: Path, requirements: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    [pip] = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")  # A wheel of pip can be run as it is.

    run(
        *(environment / "bin" / "python", pip / "pip", "install", "--disable-pip-version-check", "--no-index"),
        *("--find-links", index, "--require-hashes", "--requirement", requirements),
        cwd=tmp_path,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},  # None of this machine's indexes and constraints.
    )

    [packages] = environment.glob("lib/python*/site-packages")
    assert {
        canonicalize_name(found.name): found.version for found in importlib.metadata.distributions(path=[str(packages)])
    } == {canonicalize_name(pin.name): pins.version_of(pin) for pin in FILE_PINS if pins.applies(pin)}
