"""What a hook of git that broke did not do: the line that says so, and what becomes of git's command.

Imports nothing: it is said where nothing else of ours can be loaded.
"""

INTERRUPTED = 130
_WHAT = {
    "prepare-commit-msg": "NO STEP WAS NAMED",
    "post-checkout": "NOTHING WAS REFRESHED",
    "post-merge": "NOTHING WAS REFRESHED",
}


def sentence(name: str, *, is_closed: bool) -> str:
    """Return the words for a check that was not done, and whether git's command is stopped."""
    end = "it is stopped (policy enforce); `--no-verify` skips the check" if is_closed else "it goes through"
    return f"{_WHAT.get(name, 'NOTHING WAS CHECKED')} ({name}), {end}"
