"""Notifications on a person's desktop, by the program that the system has for it.

    Linux    notify-send --app-name=gitcoord -- <title> <text>        (libnotify)
    macOS    osascript -e <three fixed lines> -- <title> <text>

Rules:
  * Title and text are arguments, never a part of a script or a shell's line, and none is taken for an option.
  * A desktop may read markup in a text (Desktop Notifications Specification, "Markup"), so it is spelled as none.
  * It has three seconds; where the program is missing, or there is no desktop, nothing is shown and nothing breaks.

What this file does not know: what is worth a notification.
"""

import subprocess
from collections.abc import Mapping

from gitcoord.remote.git.git_process import clean_text

SHOW_S = 3.0
TITLE_CHARS, TEXT_CHARS = 100, 300
_SCRIPT = ("on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run")


def command_for(system: str, title: str, text: str) -> list[str]:
    """Return what shows a notification on a system (as `sys.platform` calls it); nothing on those without one."""
    title = " ".join(clean_text(title, chars_max=TITLE_CHARS).split())
    text = " ".join(clean_text(text, chars_max=TEXT_CHARS).split())
    match system:
        case "linux":
            plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return ["notify-send", "--app-name=gitcoord", "--", title, plain]
        case "darwin":
            return ["osascript", *(word for line in _SCRIPT for word in ("-e", line)), "--", title, text]
        case _:
            return []


def show(system: str, env: Mapping[str, str], title: str, text: str) -> bool:
    """Show a notification; tell whether a program took it."""
    command = command_for(system, title, text)
    if not command:
        return False
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SHOW_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
