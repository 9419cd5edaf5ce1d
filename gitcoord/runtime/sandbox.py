"""A sandbox: what this process may not do, and others here may: write the git folder, reach a network.

Tools of agents run an agent's commands in one (a bind mount, Landlock, seccomp, Seatbelt), their MCP servers outside.

Rules:
  * It is found out by trying, and only once something has failed: nothing is left, and nothing is sent. To connect a
    socket that has no connection asks the system for a way, and whether it is allowed.
  * A disk that is full is no sandbox.
"""

import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from gitcoord.errors import StorageError, UnreachableError, is_forbidden
from gitcoord.ledger.clone import snapshot_files

# Addresses that are kept for documentation (RFC 5737, RFC 3849): there is a way to them wherever there is one out.
_SOMEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_PORT = 9


def hint_of(code: str, cwd: Path, instead: str, usual: str) -> str:
    """Return what to do about an error in the repository around a folder.

    Args:
        code: of the error.
        cwd: the folder.
        instead: what to do where a sandbox is the reason, as in "In an agent's sandbox, `instead` outside of it".
        usual: what to do for any other.
    """
    found = snapshot_files.places(str(cwd)) if code in (StorageError.code, UnreachableError.code) else None
    no_disk = found is not None and not _may_write(Path(found[1]))
    no_network = found is not None and code == UnreachableError.code and not _has_network()
    if not no_disk and not no_network:
        return usual
    lacks = (("may not write the git folder", no_disk), ("has no network", no_network))
    said = " and ".join(words for words, is_so in lacks if is_so)
    said = f"Here gitcoord {said}. In an agent's sandbox, {instead} outside of it"
    # Without the disk the same call from here is in vain, whatever the remote does.
    return f"{said}; elsewhere, make the folder writable." if no_disk else f"{said}. {usual}".rstrip()


def _may_write(git_dir: Path) -> bool:
    folder = git_dir / "gitcoord"
    try:
        with tempfile.TemporaryFile(dir=folder if folder.is_dir() else git_dir):
            return True
    except OSError as error:
        return not is_forbidden(error)


def _has_network() -> bool:
    """Whether there is a way to other machines."""
    for family, address in _SOMEWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as end:
            end.connect((address, _PORT))
            return True
    return False
