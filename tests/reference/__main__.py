"""`python -m tests.reference`: write the references in `docs/` again, after a command, an option or a tool changed."""

from tests.reference import pages

pages.write()
