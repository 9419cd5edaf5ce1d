"""What the tests of former versions' ledgers share with those of the use cases."""

from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
