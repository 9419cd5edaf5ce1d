"""Whole files that `init` writes: where the team coordinates; the check in CI and a first ownership file on request."""

from collections.abc import Mapping
from enum import StrEnum

from gitcoord import __version__, assets
from gitcoord.faces.cli.wiring.recipes import File
from gitcoord.faces.cli.wiring.whole_file import WholeFile
from gitcoord.source.checkout.team_file import FILE


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


def every() -> list[File]:
    """Return all of them."""
    return [*(ci_file(ci) for ci in Ci), owners_file(), team_file({})]


def _template(name: str) -> str:
    return (assets.templates() / name).read_text(encoding="utf-8").replace("@version@", __version__)
