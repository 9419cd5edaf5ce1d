"""What the tests of the composition root share: real workspaces over real repositories."""

from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import ann as ann  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import apart as apart  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import repo as repo  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest
