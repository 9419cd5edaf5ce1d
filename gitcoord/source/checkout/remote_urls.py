"""The URL of a remote, as git would understand what a user wrote: a name, a URL, an scp-like address or a path.

Rules:
  * `insteadOf` rules are applied here, as git does for a push: reading and writing are at one place.
"""

import re
from pathlib import Path

from gitcoord.core.documents.names import shown
from gitcoord.errors import InvalidError
from gitcoord.remote.git.named_url import is_unencoded
from gitcoord.remote.git.user_config import UserConfig
from gitcoord.source.checkout.repository import Repository

ENCODE_HINT = (
    "Leave user and password out of the URL and let a credential helper keep them (git help credentials), "
    "or write `/` as %2F, `?` as %3F and `#` as %23."
)
NAMED_MAX = 10  # how many remotes are named where one is not found
_SCP_LIKE = re.compile(r"[^/\\]+:(?!\\)")


def url_of(remote: str, repository: Repository, *, may_be_path: bool = True, config: UserConfig | None = None) -> str:
    """Return the URL of a remote that is named, or given as a URL or a path.

    Args:
        remote: what the user wrote.
        repository: whose remotes are meant.
        may_be_path: not where a tracked file named it (SEC-5): it could mean a folder that was checked out.
        config: what git's configuration says, where it was read already.

    Raises:
        InvalidError: it is none of these, or git cannot read its password.
    """
    if remote.startswith("-") or "\n" in remote or "\0" in remote:
        raise InvalidError(f"{shown(remote)} cannot be a remote.", hint="Give the name of a remote, or a URL.")
    # No name begins with `/` or has a `:`. A name is asked for on a command line, where no password is to be.
    is_place = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", remote) or _SCP_LIKE.match(remote) or Path(remote).is_absolute()
    known = config.push_url(remote) if config and not is_place else None
    url = known or (repository.rewritten(remote) if is_place else repository.remote_url(remote))
    if url:
        if is_unencoded(url):
            raise InvalidError(f"git cannot read the password in {shown(url)}.", hint=ENCODE_HINT)
        path = path_of(url, repository)
        return url if path is None or Path(url).is_absolute() else str(path.resolve())
    if may_be_path and (repository.top / remote).is_dir():
        return str((repository.top / remote).resolve())
    names = (repository.text("remote") or "").splitlines()
    known = f"It has {', '.join(map(shown, names[:NAMED_MAX]))}" if names else "It has no remotes"
    hint = f"{known}. Add it: `git remote add <name> <URL>`; or name another: `gitcoord init --remote NAME|URL`."
    raise InvalidError(f"{shown(remote)} is neither a remote of this repository nor a URL.", hint=hint)


def path_of(url: str, repository: Repository) -> Path | None:
    """Return where a URL leads on this machine; `None` if that is for git to find out."""
    if url.startswith("file://"):
        return None  # git takes it as a path of this machine too, but a user who writes file:// wants git's transport
    if "://" in url or (_SCP_LIKE.match(url) and not Path(url).exists()):
        return None
    return repository.top / url
