"""Push words: options of the `git push` that runs us, of which git tells its hook nothing.

Rules:
  * git takes any beginning of an option that only one has, and short ones in one word.
  * Where the system does not say how git was called, no option is there.

What this file does not know: what follows from an option.
"""

import re
from typing import Final

from gitcoord.remote.git.parent_commands import own_caller, words_of_callers

MIRROR: Final = re.compile(r"--m(?:i|ir|irr|irro|irror)?")
DRY_RUN: Final = re.compile(r"--dr(?:y|y-|y-r|y-ru|y-run)?|-[fdquv46]*n[fdnquv46]*")


def has(option: re.Pattern[str]) -> bool:
    """Whether a push that runs us was called with an option."""
    # What stands before that word is not git's: `xargs -n 1 git push`, `sudo -n git push`.
    called = (words[words.index("push") :] for words in words_of_callers(own_caller()) if "push" in words)
    return any(any(map(option.fullmatch, words)) for words in called)
