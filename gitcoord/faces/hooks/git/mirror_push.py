"""Mirroring: what a push would delete that git does not tell its hook of.

`git push --mirror` deletes every ref of the remote that is not here, and the hook gets no line for it [seen, git 2.39].

Rules:
  * HOOK-7: a mirror is known by the words of the git that runs us, by the setting of the remote, or by tracking refs
    among the lines: nothing else pushes those.
  * Only then is the remote asked what it has.

What this file does not know: claims.
"""

from collections.abc import Sequence

from gitcoord.faces.hooks.git import push_words
from gitcoord.faces.hooks.git.pre_push_input import Line
from gitcoord.remote.git.user_config import UserConfig
from gitcoord.source.checkout.repository import Repository


def is_mirror(lines: Sequence[Line]) -> bool:
    """Whether a push mirrors, as far as that is known without asking git."""
    if any(line.ref.startswith("refs/remotes/") for line in lines):
        return True
    return push_words.has(push_words.MIRROR)


def is_set(repository: Repository, config: UserConfig, name: str) -> bool:
    """Whether pushes to this remote mirror; git is asked, where it says anything of that, what counts as yes."""
    key = f"remote.{name}.mirror"
    if not name or "/" in name or ":" in name or not config.all_of(key):
        return False
    return repository.text("config", "--type=bool", "--get", key) == "true"


def lost(repository: Repository, url: str, namespace: str) -> list[Line]:
    """Return the refs of a namespace that a mirroring push would delete, as if git had named them."""
    there = repository.refs_at(url, f"{namespace}/*")
    own = set((repository.text("for-each-ref", "--format=%(refname)", f"{namespace}/") or "").splitlines())
    return [Line("(delete)", None, ref, tip) for ref, tip in there.items() if ref not in own]
