"""YAML: the one place where ruamel.yaml reads a text, be it of a person, a checkout or a ledger.

Rules:
  * SEC-4: whatever the text is, it is read within DEPTH_MAX levels, and what ruamel.yaml raises is a `YamlError` that
    names the line. Its directives, for one, end in `AssertionError` and `KeyError`.

What this file does not know: what the text is for, and how long it may be.
"""

from typing import Protocol, cast

from gitcoord.core.documents.names import shown

DEPTH_MAX = 32  # ours need six; ruamel.yaml takes 4 s of processor for 20 KB of `[` where nothing stops it


class Mark(Protocol):
    """A place in a text, counted from 0."""

    line: int
    column: int
    index: int


class Node(Protocol):
    """A node of ruamel.yaml; `value` is a text, a list of nodes, or a list of pairs of nodes."""

    id: str
    tag: str
    value: object
    start_mark: Mark
    end_mark: Mark
    flow_style: bool | None


class YamlError(ValueError):
    """A text is no YAML that we read. `line`, counted from 1; the message is a sentence without its full stop."""

    def __init__(self, line: int, problem: str) -> None:
        """Keep the line."""
        super().__init__(problem)
        self.line = line


def compose(text: str) -> Node | None:
    """Return the nodes of a text; `None` for an empty one.

    Raises:
        YamlError: it is not YAML, or nested too deep.
    """
    return cast("Node | None", _read(text, "compose"))


def load(text: str) -> object:
    """Return the value of a text. Raises as `compose` does."""
    return _read(text, "load")


def _read(text: str, what: str) -> object:
    # A team without rules does not pay for the import, which takes longer than a claim.
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import MarkedYAMLError  # noqa: PLC0415

    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEPTH_MAX
    try:
        return getattr(yaml, what)(text)
    except MarkedYAMLError as error:
        problem = str(getattr(error, "problem", None) or "this is not YAML").partition("\n")[0]
        # the end is no line of its own
        marks = (getattr(error, name, None) for name in ("problem_mark", "context_mark"))
        lines = (getattr(mark, "line", None) for mark in marks)
        line = next((line for line in lines if isinstance(line, int)), 0)
        marked_line = min(line + 1, max(len(text.splitlines()), 1))
        raise YamlError(marked_line, problem) from None
    except Exception as error:  # noqa: BLE001 - a parser of many hands meets a stranger's text
        problem = str(error).partition("\n")[0] or type(error).__name__
        # ruamel.yaml raises errors about a directive without a mark.
        numbered = enumerate(text.splitlines(), start=1)
        directive_line = next((number for number, line in numbered if line.startswith("%")), 1)
        raise YamlError(directive_line, f"this is not YAML: {shown(problem, 200)}") from None
