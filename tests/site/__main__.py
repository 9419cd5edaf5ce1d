"""`python -m tests.site FOLDER`: build the site into a folder; what is there is replaced."""

import sys
from pathlib import Path

from tests.site import site_build

sys.stdout.write(f"{site_build.build(Path(sys.argv[1]).resolve())}\n")
