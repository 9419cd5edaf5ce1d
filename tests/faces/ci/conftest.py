"""What the tests of the face for CI share."""

from tests.faces.cli.conftest import program, run

__all__ = ["program", "run"]
