"""What the tests of transports share: real servers, and one way to make a clone's transport for each."""

from tests.contract.worlds import worlds as worlds  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
