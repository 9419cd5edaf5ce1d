"""`python -m tests.schemas`: write `docs/schemas/` again, after a document, a result or its docstring changed."""

from tests.schemas import pages

pages.write()
