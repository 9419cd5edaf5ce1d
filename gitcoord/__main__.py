"""`python -m gitcoord`, the same as the console script."""

import sys

from gitcoord.faces.entry import main

sys.exit(main())
