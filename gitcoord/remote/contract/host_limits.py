"""Limits of hosts: how many pushes they take, or ask for, from their documentation of November 2026.

A host that is not here is not known to have a limit of pushes.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)")


class Limit(NamedTuple):
    """What a host allows or asks for. `pushes_per_minute` is of a whole repository, unless `is_each`: of a user."""

    words: str
    pushes_per_minute: int
    is_each: bool = False


LIMITS: Mapping[str, Limit] = {
    "github.com": Limit("asks for at most 6 pushes a minute for a whole repository", 6),
    "gitlab.com": Limit("allows 600 pushes a minute for a user and a project", 600, is_each=True),
    "bitbucket.org": Limit("allows 60,000 git operations an hour for a user", 1000, is_each=True),
}


def host_of(url: str) -> str:
    """Return the host of a URL in lower case; nothing for a path."""
    if url.startswith(("/", ".", "file://")):
        return ""
    found = _HOST.match(url)
    return found[1].lower() if found and ("://" in url or ":" in url) else ""


def limit_of(host: str) -> Limit | None:
    """Return what is known of a host, or of the one that it is a part of."""
    return LIMITS.get(host) or next((limit for name, limit in LIMITS.items() if host.endswith(f".{name}")), None)
