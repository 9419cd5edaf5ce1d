"""How gitcoord names itself to git servers.

This module must not know what is asked.
"""

from typing import Final

from gitcoord import __version__

AGENT: Final = f"gitcoord/{__version__}"
