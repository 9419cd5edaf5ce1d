"""How long the machines of `make torture` run: a slice of it is run in every CI run, with a fresh seed."""

import os

EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "3000"))  # histories of each machine; ten minutes of two cores
