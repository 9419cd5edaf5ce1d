"""The user's browser as a child process, started by the standard library: `BROWSER`, or what the system prefers.

What this file does not know: what is shown.
"""

import threading
import webbrowser
from pathlib import Path


def open_file(file: Path) -> bool:
    """Show a file in the browser; tell whether one was found.

    A browser of the terminal goes on in a thread, until its user leaves it.
    """
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    threading.Thread(target=browser.open, args=(file.as_uri(),), name="browser", daemon=True).start()
    return True
