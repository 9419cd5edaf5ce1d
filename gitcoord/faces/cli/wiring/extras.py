"""What `init` writes beside what tools need: the team's file; on request the CI's check, owners, and a status line."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from gitcoord import __version__, assets
from gitcoord.faces.cli.wiring import json_edit
from gitcoord.faces.cli.wiring.change import NotOursError
from gitcoord.faces.cli.wiring.json_file import JsonFile, StatusLine
from gitcoord.faces.cli.wiring.recipes import File
from gitcoord.faces.cli.wiring.whole_file import WholeFile
from gitcoord.source.checkout.team_file import FILE

_LOCAL = ".claude/settings.local.json"
PERSONAL = frozenset({_LOCAL})  # files of one person in one worktree, which are not committed


class Ci(StrEnum):
    """Where the check runs."""

    GITHUB = "github"
    GITLAB = "gitlab"


def ci_file(ci: Ci) -> WholeFile:
    """Return the workflow, or the job, that runs the check."""
    path = {Ci.GITHUB: ".github/workflows/gitcoord.yml", Ci.GITLAB: ".gitlab/gitcoord.yml"}[ci]
    return WholeFile(path, _template(f"ci/{ci.value}.yml"))


def ci_hint(ci: Ci) -> str:
    """Return the steps left to a person; "" where none is."""
    if ci is Ci.GITHUB:
        return ""
    return "add to .gitlab-ci.yml:  include: [{local: .gitlab/gitcoord.yml}]"


def owners_file() -> WholeFile:
    """Return a first ownership file, which is people's from then on."""
    return WholeFile(".gitcoord/owners.yaml", _template("owners.yaml"), belongs_to_people=True)


def team_file(values: Mapping[str, str]) -> WholeFile:
    """Return the file that says where clones of this repository coordinate; see `source.checkout.team_file`."""
    lines = "".join(f"\t{key} = {value}\n" for key, value in values.items())
    return WholeFile(FILE, _template("config").replace("@settings@\n", lines), belongs_to_people=True)


def status_line() -> JsonFile:
    """Return the settings of Claude Code for one person in one worktree, which count before a team's and all others."""
    return JsonFile(_LOCAL, (StatusLine(),))


def other_status_line(top: Path, env: Mapping[str, str]) -> str:
    """Return the settings of the team, or of the person, in which a status line is that ours would hide; "": none."""
    for folder in (top, *([Path(env["HOME"])] if env.get("HOME") else [])):
        path = folder / ".claude" / "settings.json"
        try:
            if json_edit.find(path.read_text("utf-8-sig"), StatusLine().path) is not None:
                return str(path)
        except (OSError, UnicodeError, NotOursError):  # what cannot be read is not known to have one
            continue
    return ""


def every() -> list[File]:
    """Return all of them."""
    return [*(ci_file(ci) for ci in Ci), owners_file(), team_file({}), status_line()]


def _template(name: str) -> str:
    return (assets.templates() / name).read_text(encoding="utf-8").replace("@version@", __version__)
