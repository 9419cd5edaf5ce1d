"""What a release publishes can be made by who has the sdist, and the workflow publishes that and nothing else."""

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import gitcoord
from gitcoord.faces.cli import parser
from tests.npm import IN_CI
from tests.packaging import test_libraries, workflows
from tests.packaging.programs import INSTALL_S, ROOT, USERS, environment, run
from tests.packaging.release import packages

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
GIT_S = 30  # a bound for a hang: git lists files
CHANGE = re.compile(r"(?:\d+|\+[a-z0-9-]+)\.(?:added|changed|deprecated|removed|fixed|security)\.md")
CHANGELOG = """# Changelog

<!-- changes -->
## [0.2.0] - 2026-12-01

### Added

This.

## [0.1.0] - 2026-11-01

That.
"""


def members(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive if not member.isdir()}


def test_the_sdist_holds_what_git_has_and_nothing_else(sdist: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    # What git does not ignore: a new file that is not added yet is one of the sdist, too.
    listing = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(listing, capture_output=True, encoding="utf-8", timeout=GIT_S, check=True).stdout

    files = {path for path in listed.split("\0") if path and (ROOT / path).exists()}
    assert members(sdist) == files | {"PKG-INFO"}


def test_a_change_is_named_for_an_issue_or_for_none_so_that_the_changelog_has_its_text_alone() -> None:
    """What begins with no `+` is taken for the number of an issue."""
    names = [path.name for path in (ROOT / ".changes").glob("*.md") if path.name != "README.md"]

    assert [name for name in names if not CHANGE.fullmatch(name)] == []


def test_the_sdist_makes_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = [path for path in tmp_path.iterdir() if path.is_dir()]

    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, source, cwd=tmp_path)

    [again] = tmp_path.glob("*.whl")
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())


def test_the_metadata_says_what_an_index_shows_in_a_version_that_indexes_know(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        said = email.message_from_bytes(archive.read(f"gitcoord-{gitcoord.__version__}.dist-info/METADATA"))

    expected = {
        "Metadata-Version": "2.4",
        "Version": gitcoord.__version__,
        "License-Expression": "Apache-2.0",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
        "Description-Content-Type": "text/markdown",
    }
    assert {name: said[name] for name in expected} == expected
    assert said.get_payload(decode=True) == (ROOT / "README.md").read_bytes()


@pytest.mark.parametrize(
    ("tag", "entries", "changed", "expected"),
    [
        ("v0.2.0", [], [], []),
        ("0.2.0", [], [], ["the tag is 0.2.0, and gitcoord/__init__.py says 0.2.0"]),
        ("v0.2.1", [], [], ["the tag is v0.2.1, and gitcoord/__init__.py says 0.2.0"]),
        ("v0.2.0", ["+a.fixed.md"], [], [".changes/ still has 1 entries; run towncrier build"]),
        ("v0.2.0", [], ["Makefile"], ["1 files are not as in git: Makefile"]),
    ],
)
def test_a_tag_releases_the_version_that_it_names(
    tag: str, entries: list[str], changed: list[str], expected: list[str]
) -> None:
    assert packages.complaints(tag, "0.2.0", CHANGELOG, entries, changed) == expected


def test_a_version_that_the_changelog_does_not_tell_of_is_not_released() -> None:
    found = packages.complaints("v0.3.0", "0.3.0", CHANGELOG, [], [])

    assert found == ["CHANGELOG.md has nothing of 0.3.0; run towncrier build"]


def test_the_notes_of_a_release_are_its_section_of_the_changelog() -> None:
    assert packages.section(CHANGELOG, "0.2.0") == "### Added\n\nThis."
    assert packages.section(CHANGELOG, "0.1.0") == "That."
    assert packages.section(CHANGELOG, "0.1") == ""


@pytest.mark.external
@pytest.mark.torture
@pytest.mark.timeout(2 * INSTALL_S)
def test_what_is_published_passes_the_check_of_the_index_and_the_sdist_installs(tmp_path: Path) -> None:
    try:
        sdist, wheel = packages.write(tmp_path / "dist")
        programs = environment(tmp_path / "user", sdist)
    except AssertionError as error:
        if IN_CI or "No matching distribution" not in str(error):
            raise
        pytest.skip(f"no package index: {error}")

    assert {path.name for path in (tmp_path / "dist").iterdir()} == {sdist.name, wheel.name}
    assert run(programs / "gitcoord", "--version", cwd=tmp_path, env=USERS).split()[1] == gitcoord.__version__


class TestWorkflow:
    def test_every_action_is_named_by_its_commit_which_is_that_of_the_templates(self) -> None:
        used = dict(re.findall(r"uses: ([a-z/-]+)@([0-9a-f]{40})", WORKFLOW.read_text("utf-8")))
        templates = (ROOT / "templates" / "ci" / "github.yml").read_text("utf-8")

        assert workflows.unpinned(WORKFLOW) == []
        assert used.items() >= set(re.findall(r"uses: ([a-z/-]+)@([0-9a-f]{40})", templates))

    def test_what_a_shell_is_given_is_sound_and_holds_no_expression(self) -> None:
        for text in workflows.scripts(workflows.load(WORKFLOW)):
            assert "${{" not in text, "a tag's name may be a command"
            done = subprocess.run(["bash", "-n"], input=text, capture_output=True, encoding="utf-8", check=False)
            assert (done.returncode, done.stderr) == (0, "")

    def test_the_commands_that_are_called_exist(self) -> None:
        texts = workflows.scripts(workflows.load(WORKFLOW))
        made = {target for text in texts for target in re.findall(r"^make ([a-z]+)", text)}

        assert workflows.calls(texts) == {"demo"}
        assert "demo" in parser.NOUNS
        assert made == {"dist", "sbom"}
        for target in made:
            run("make", "--dry-run", target, cwd=ROOT)

    def test_each_job_has_the_rights_that_it_needs_and_only_what_a_tag_started_publishes(self) -> None:
        workflow = workflows.load(WORKFLOW)

        assert workflow["permissions"] == {}
        assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
            "build": {"contents": "read"},
            "try": {},
            "publish": {"id-token": "write", "attestations": "write"},
            "notes": {"contents": "write"},
        }
        assert workflow["jobs"]["publish"]["if"] == "github.event_name == 'push'"
        assert workflow["jobs"]["publish"]["needs"] == ["build", "try"]
        assert workflow["jobs"]["notes"]["needs"] == "publish"
        assert set(workflow[True] if True in workflow else workflow["on"]) == {"push", "workflow_dispatch"}

    def test_the_wheel_is_tried_on_each_python_that_the_classifiers_name(self) -> None:
        job = workflows.load(WORKFLOW)["jobs"]["try"]

        assert job["strategy"]["matrix"]["python"] == test_libraries.PYTHONS

    def test_an_index_gets_the_sdist_and_the_wheel_only(self) -> None:
        jobs = workflows.load(WORKFLOW)["jobs"]
        kept = {
            step["with"]["name"]: step["with"]["path"].split()
            for step in jobs["build"]["steps"]
            if step.get("uses", "").startswith("actions/upload-artifact@")
        }
        fetched = {
            step["with"]["path"]: step["with"]["name"]
            for step in jobs["publish"]["steps"]
            if step.get("uses", "").startswith("actions/download-artifact@")
        }

        assert kept["packages"] == ["dist/*.tar.gz", "dist/*.whl"]
        assert fetched["dist"] == "packages"
