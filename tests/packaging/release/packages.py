"""What a release publishes: the sdist, and the wheel that is built from it, both checked: `make dist`.

Rules:
  * The version is the one of `gitcoord/__init__.py`, the only place that a build reads it from: an sdist and a checkout
    without tags build the same. A tag has to say the same.
  * A tag releases what git has: no file of the checkout differs, the changelog has the section of the version, and no
    entry of `.changes/` is left.
  * `twine check --strict` passes: an index takes the metadata, and shows the README.

What is run for the checks is installed from pins with hashes into an environment of its own; see `sbom`.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gitcoord
from tests.packaging.programs import ROOT, environment, run

TOOLS = Path(__file__).with_name("requirements.txt")
NAMED = 5  # files that differ; who released by mistake has many


def built(out: Path, source: Path = ROOT) -> tuple[Path, Path]:
    """Build the sdist of a folder, and the wheel from that sdist, into another folder; return both paths."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source, cwd=out)
    [sdist], [wheel] = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def complaints(tag: str, version: str, changelog: str, entries: list[str], changed: list[str]) -> list[str]:
    """List what is in the way of releasing a version under a tag.

    `entries`: the names of the changes that the changelog does not have yet. `changed`: the paths that git has not.
    """
    found = [] if tag == f"v{version}" else [f"the tag is {tag}, and gitcoord/__init__.py says {version}"]
    found += [] if section(changelog, version) else [f"CHANGELOG.md has nothing of {version}; run towncrier build"]
    found += [f".changes/ still has {len(entries)} entries; run towncrier build"] if entries else []
    return found + ([f"{len(changed)} files are not as in git: {', '.join(changed[:NAMED])}"] if changed else [])


def section(changelog: str, version: str) -> str:
    """Return what the changelog says of a version, without its heading; "" where it says nothing."""
    _, found, rest = f"\n{changelog}".partition(f"\n## [{version}] ")
    return re.split(r"^## \[", rest.partition("\n")[2], maxsplit=1, flags=re.MULTILINE)[0].strip() if found else ""


def write(out: Path) -> tuple[Path, Path]:
    """Build the sdist and the wheel, check them, and put what passed into a folder; return both paths."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sdist, wheel = built(work)
        tools = environment(work / "tools", "--require-hashes", "--requirement", TOOLS)
        run(tools / "twine", "check", "--strict", sdist, wheel, cwd=work)
        return Path(shutil.copy(sdist, out)), Path(shutil.copy(wheel, out))


def _in_the_way(tag: str) -> list[str]:
    status = ("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=all")
    changed = subprocess.run(status, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    entries = [path.name for path in (ROOT / ".changes").glob("*.md") if path.name != "README.md"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    return complaints(tag, gitcoord.__version__, changelog, entries, [line[3:] for line in changed])


def main(out: Path, tag: str = "") -> None:
    """Write what is published, and for a tag also the notes of its release; exit where something is in the way."""
    if tag and (found := _in_the_way(tag)):
        sys.exit("\n".join(found))
    print(*write(out), sep="\n")
    if tag:
        notes = out / "notes.md"
        changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
        notes.write_text(section(changelog, gitcoord.__version__) + "\n", "utf-8")
        print(notes)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
