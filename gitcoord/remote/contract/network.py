"""Whether this process has a network at all: a sandbox takes it away from an agent's commands.

Rules:
  * Nothing is sent: to connect a socket that has no connection asks the system for a way, and whether it is allowed.
"""

import contextlib
import socket

# Addresses that are kept for documentation (RFC 5737, RFC 3849): there is a way to them wherever there is one out.
_SOMEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_PORT = 9


def is_there() -> bool:
    """Whether there is a way to other machines."""
    for family, address in _SOMEWHERE:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as end:
            end.connect((address, _PORT))
            return True
    return False
