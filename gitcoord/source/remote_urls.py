"""The URL of a remote, as git would understand what a user wrote: a name, a URL, an scp-like address or a path."""

import re
from pathlib import Path

from gitcoord.core.names import shown
from gitcoord.errors import InvalidError
from gitcoord.source.repository import Repository

NAMED_MAX = 10  # how many remotes are named where one is not found
_SCP_LIKE = re.compile(r"[^/\\]+:(?!\\)")


def url_of(remote: str, repository: Repository) -> str:
    """Return the URL of a remote that is named, or given as a URL or a path.

    Raises:
        InvalidError: it is none of these.
    """
    if remote.startswith("-") or "\n" in remote or "\0" in remote:
        raise InvalidError(f"{shown(remote)} cannot be a remote.", hint="Give the name of a remote, or a URL.")
    url = repository.remote_url(remote)
    if url:
        path = path_of(url, repository)
        return url if path is None or Path(url).is_absolute() else str(path.resolve())
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", remote) or _SCP_LIKE.match(remote) or Path(remote).is_absolute():
        return remote
    if (repository.top / remote).is_dir():
        return str((repository.top / remote).resolve())
    names = (repository.text("remote") or "").splitlines()
    known = f"It has {', '.join(map(shown, names[:NAMED_MAX]))}" if names else "It has no remotes"
    hint = f"{known}. Add it: `git remote add <name> <URL>`; or name another: `gitcoord init --remote NAME|URL`."
    raise InvalidError(f"{shown(remote)} is neither a remote of this repository nor a URL.", hint=hint)


def path_of(url: str, repository: Repository) -> Path | None:
    """Return where a URL leads on this machine; `None` if that is for git to find out."""
    if url.startswith("file://"):
        return None  # git takes it as a path of this machine too, but whoever writes file:// wants git's transport
    if "://" in url or (_SCP_LIKE.match(url) and not Path(url).exists()):
        return None
    return repository.top / url
