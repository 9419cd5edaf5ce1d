"""What the panels show is what real services say of real repositories."""

from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import ann as ann  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import repo as repo  # noqa: PLC0414 - a fixture, exported to pytest
