"""What CI runs, read from its YAML: the texts that a shell is given, and the calls of gitcoord in them."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_CALL = re.compile(r"\bgitcoord ([a-z]+)")
_PINNED = re.compile(r"[a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def load(path: Path) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
    return YAML(typ="safe").load(path.read_text("utf-8"))


def scripts(value: Any) -> list[str]:  # noqa: ANN401 - any YAML
    """Return everything that a shell is given."""
    if isinstance(value, dict):
        own = [value[key] for key in ("run", "script", "before_script") if key in value]
        texts = [line for one in own for line in (one if isinstance(one, list) else [one])]
        return [*texts, *(text for one in value.values() for text in scripts(one))]
    return [text for one in value for text in scripts(one)] if isinstance(value, list) else []


def calls(texts: list[str]) -> set[str]:
    """Return the first words of the commands of gitcoord that a shell is given."""
    return {word for text in texts for word in _CALL.findall(text)}


def unpinned(path: Path) -> list[str]:
    """Return the actions that a file does not name by a commit, and the version that it is."""
    return [line for line in re.findall(r"uses: (.*)", path.read_text("utf-8")) if not _PINNED.fullmatch(line)]
