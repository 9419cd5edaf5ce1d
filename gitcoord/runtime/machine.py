"""This machine: its clock, its chance, its ids. The only module of the composition root that reads them."""

import os
import time
from datetime import UTC, datetime

from gitcoord.ledger.clone.host import Host
from gitcoord.remote.contract.boot_id import boot_id
from gitcoord.remote.contract.clocks import Clocks

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_SLICE_S = 0.5


def make_host() -> Host:
    """Return this machine."""
    return Host(
        now=now,
        monotonic=time.monotonic,
        sleep=sleep,
        chance=chance,
        draw_id=lambda: "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in os.urandom(16)),
        pid=os.getpid(),
        unique=f"{os.getpid()}-{os.urandom(4).hex()}",
        boot=boot_id(),
    )


def clocks() -> Clocks:
    """Return what transports wait by."""
    return Clocks(wall_ns=time.time_ns, monotonic=time.monotonic, sleep=sleep, jitter=chance)


def chance() -> float:
    """Return a number from 0 to 1. Waiting alone asks for one, so not every command loads what draws it."""
    import random

    return random.random()


def sleep(seconds: float) -> None:
    """Sleep in slices. A signal that comes just before the system call does not interrupt it: Ctrl-C would be lost."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _SLICE_S))


def now() -> datetime:
    """Return the time, as exactly as documents write it: in milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
