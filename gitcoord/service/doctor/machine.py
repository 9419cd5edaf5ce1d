"""Checks of the machine: git, Python with its packages, the grammars. They need no repository."""

import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path

from gitcoord import __version__
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.remote.git.git_version import git_version, too_old
from gitcoord.service.doctor.check_run import Check, Finding, fail, failed, ok, warn
from gitcoord.source.symbols import languages

PYTHON = (3, 11)
PACKAGES = (
    "anyio",
    "filelock",
    "mcp",
    "mcp-types",
    "msgspec",
    "prometheus-client",
    "pydantic",
    "pygit2",
    "rich",
    "ruamel.yaml",
    "starlette",
    "textual",
    "tomlkit",
    "tree-sitter",
    "typer",
    "uvicorn",
)
INSTALL = (
    "Install gitcoord again the way that you did, with its dependencies: with uv tool install --reinstall, "
    "pipx install --force, or pip install --force-reinstall in its environment."
)


def checks(folder: Path, env: Mapping[str, str]) -> list[Check]:
    """Return the checks of this machine."""
    return [
        Check("git", lambda: git(folder, env)),
        Check("python", python),
        Check("grammars", grammars),
    ]


def git(folder: Path, env: Mapping[str, str]) -> Finding:
    """Look at which git there is."""
    try:
        version = git_version(folder, env)
    except CoordError as error:
        return failed(error)
    said = f"{version[0]}.{version[1]}{version[2]}"
    error = too_old(version)
    return ok(f"git {said}", version=said) if error is None else failed(error, version=said)


def python() -> Finding:
    """Look at Python, and at the packages that gitcoord needs."""
    versions: dict[str, Json] = dict.fromkeys(PACKAGES)
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    said = platform.python_version()
    facts: dict[str, Json] = {"version": said, "program": sys.executable, "gitcoord": __version__, "packages": versions}
    if sys.version_info[:2] < PYTHON:
        return fail(f"Python {said} is too old.", "Install Python 3.11 or newer.", **facts)
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        return fail(f"Packages are missing: {', '.join(missing)}.", INSTALL, **facts)
    try:
        import_module("pygit2")  # commands load it when they need it, so that nothing else would tell here
    except ImportError as error:
        return fail(f"The package pygit2 cannot be loaded: {error}.", INSTALL, **facts)
    return ok(f"Python {said}, gitcoord {__version__}, all packages", **facts)


def grammars() -> Finding:
    """Load every grammar as looking symbols up does."""
    loaded = {language.name: languages.load(language) is not None for language in languages.LANGUAGES}
    missing = sorted(name for name, is_there in loaded.items() if not is_there)
    if missing:
        text = f"Symbols cannot be found in {', '.join(missing)}: the grammar is missing, or of another release."
        return warn(text, f"Files of these are claimed whole. {INSTALL}", missing=[*missing], count=len(loaded))
    return ok(f"symbols are found in {len(loaded)} languages", missing=[], count=len(loaded))
