"""`gitcoord verify`: whether what a branch brings may land."""

import json
import os
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gitcoord.service.checks.verification import Report

FOUND = 1
_EXAMPLES = """\b
Examples:
  gitcoord verify                                 what this branch brings, against the default branch
  gitcoord verify --base origin/main --strict
  gitcoord verify --format github                 in GitHub Actions; it finds base, head and branch by itself
  gitcoord verify --format sarif > gitcoord.sarif
"""


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("verify", epilog=_EXAMPLES)(verify)


def verify(
    *,
    base: Annotated[str | None, typer.Option("--base", metavar="REV", help="What the work is compared with.")] = None,
    head: Annotated[str | None, typer.Option("--head", metavar="REV", help="The work; HEAD if left out.")] = None,
    branch: Annotated[str | None, typer.Option("--branch", "-b", metavar="NAME", help="Whose work it is.")] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="How findings are printed.")] = Format.TEXT,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Barriers, predicted conflicts and unchecked parts are findings too."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; as --format json.")] = False,
) -> int:
    """Check that a branch changes nothing that others hold.

    For CI; the right to read is enough. Exit status 1 if anything was found, 5 if the remote cannot be read. Notes
    never fail it.
    """
    from gitcoord import runtime
    from gitcoord.faces.ci.builds import wanted_of
    from gitcoord.service.checks import verification

    env = dict(os.environ)  # noqa: TID251 - what a CI says of a build is in its environment
    known = wanted_of(env)
    is_fork = known.is_fork and not branch
    said = known if not (base and head) else wanted_of({})
    wanted = replace(
        said, base=base or said.base, head=head or said.head, branch=branch or said.branch, is_fork=is_fork
    )
    if base:
        wanted = replace(wanted, base_branch=None, before=None)
    with runtime.open_inspection(Path.cwd(), env) as inspection:
        report = verification.verify(inspection, wanted, strict=strict)
    text = _printed(report, Format.JSON if as_json else form)
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
    return 0 if report.is_ok else FOUND


def _printed(report: "Report", form: Format) -> str:
    match form:
        case Format.TEXT:
            from gitcoord.faces.ci.text import text

            in_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ  # noqa: TID251 - as above
            return text(report, in_colour=in_colour)
        case Format.JSON:
            return json.dumps(report.dump()) + "\n"
        case Format.GITHUB:
            from gitcoord.faces.ci.github import github

            return github(report)
        case Format.SARIF:
            from gitcoord.faces.ci.sarif import sarif

            return sarif(report)
        case Format.JUNIT:
            from gitcoord.faces.ci.junit import junit

            return junit(report)
