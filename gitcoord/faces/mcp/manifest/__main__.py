"""`python -m gitcoord.faces.mcp.manifest`: write the manifests again, after tools, texts or the version changed."""

import sys
from pathlib import Path

from gitcoord.faces.mcp.manifest import TOOL_SETS, path_of
from gitcoord.faces.mcp.manifest.recorder import record, text_of


def main() -> int:
    """Write all; return the exit status."""
    for tool_set in TOOL_SETS:
        Path(path_of(tool_set)).write_text(text_of(record(tool_set)), encoding="utf-8")
        sys.stdout.write(f"{path_of(tool_set)}\n")
    return 0


sys.exit(main())
