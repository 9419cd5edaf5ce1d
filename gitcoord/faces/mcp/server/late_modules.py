"""The modules that no first call needs: loaded once the server has been up for a while.

A server runs for days, and its package may be replaced on disk meanwhile. What is imported where it is needed would
then come from another version than its callers. Nothing here knows which modules those are: all of the layers are
loaded, some 200 more, 0.4 s of processor and 20 MB, of which libgit2 takes half.

Rules:
  * It is over within the first minute, and does not begin while the first calls are carried out.
"""

import pkgutil
import threading
from importlib import import_module
from types import ModuleType
from typing import Final

AFTER_S: Final = 10.0  # the first calls of a session come within seconds; a server that only looks has ended
LAYERS: Final = ("core", "ledger", "remote", "runtime", "service", "source")
THREAD: Final = "late modules"


def load_later() -> None:
    """Load them after AFTER_S, in a thread of that name."""
    timer = threading.Timer(AFTER_S, load)
    timer.name, timer.daemon = THREAD, True
    timer.start()


def load() -> None:
    """Load them now; what cannot be loaded is left to the call that needs it, which says so."""
    for layer in LAYERS:
        package = _loaded(f"gitcoord.{layer}")
        if package is not None:
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", lambda _: None):
                _loaded(module.name)


def _loaded(name: str) -> ModuleType | None:
    """Load a module; whatever it raises: a library may be missing, or an upgrade be half done."""
    try:
        return import_module(name)
    except Exception:  # noqa: BLE001 - see above
        return None
