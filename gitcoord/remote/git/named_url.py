"""A URL given to git under a name, so that no command line shows its credentials.

git puts the URL of a command into the arguments of its own helper (`git remote-https <name> <url>`), wherever it was
configured. So the user and the password of an http URL are taken out of it; a credential helper that exists for this
command only reads them from the environment, for this server only.

Rules:
  * SEC-2: git gets no http URL with a user or a password; what cannot be taken apart is redacted, and git says no.
  * A URL is rewritten (`url.<base>.insteadOf`) before it comes here, and never again: a rule of the user's would put a
    password into it again. So what git is given is a word that only our own rule rewrites, and git rewrites once.
  * What other protocols and remote helpers have in their URLs is theirs: git names the whole URL to them.

This module must not start anything.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote

from gitcoord.redaction import redact
from gitcoord.remote.git.git_process import PROTOCOLS, clean_env

# git calls it with `get`, `store` or `erase` behind it; see gitcredentials(7), CUSTOM HELPERS.
_HELPER: Final = (
    '!f() { test "$1" != get || '
    'printf "username=%s\\npassword=%s\\n" "$GITCOORD_URL_USERNAME" "$GITCOORD_URL_PASSWORD"; }; f'
)
_WITH_USER: Final = re.compile(r"(https?://)([^/?#]*)@([^/?#@\s]+)(.*)", re.IGNORECASE | re.DOTALL)
# What stands where a port would is a password, and the `@` behind it is too late.
_UNENCODED: Final = re.compile(r"https?://[^/?#@\[]*:(?!\d*[/?#]).*@.*", re.IGNORECASE | re.DOTALL)
_SCHEME: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)(?:://|::)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class NamedUrl(NamedTuple):
    """What a command needs to reach a URL by a name: configuration, and environment beside it."""

    settings: tuple[tuple[str, str], ...]
    env: Mapping[str, str]


def named_url(name: str, url: str) -> NamedUrl:
    """Give a URL a name; `settings` go to `clean_env`, behind all others."""
    found = _WITH_USER.fullmatch(url)
    if not found:
        return NamedUrl(_known_as(name, redact(url) if is_unencoded(url) else url), {})
    scheme, userinfo, server, rest = found.groups()
    user, has_password, password = (unquote(part) for part in userinfo.partition(":"))
    bare = f"{scheme}{server}{rest}"
    if _CONTROL.search(user + password):  # git's protocol for credentials has lines
        return NamedUrl(_known_as(name, bare), {})
    # Of several that match, git takes the most specific, and of those the last: so the server, then the whole URL.
    places = (f"credential.{scheme}{server}", f"credential.{bare}")
    settings = [*_known_as(name, bare), *((f"{place}.username", user) for place in places if user)]
    if not has_password:
        return NamedUrl(tuple(settings), {})
    # An empty value forgets the helpers named before, as a password in the URL comes before all of them.
    settings += [(f"{place}.helper", value) for place in places for value in ("", _HELPER)]
    return NamedUrl(tuple(settings), {"GITCOORD_URL_USERNAME": user, "GITCOORD_URL_PASSWORD": password})


def is_unencoded(url: str) -> bool:
    """Whether an http URL has a password with a `/`, `?` or `#` in it, which ends the server's name to git."""
    return bool(_UNENCODED.fullmatch(url)) and not _WITH_USER.fullmatch(url)


def _known_as(name: str, url: str) -> tuple[tuple[str, str], ...]:
    word = f"{name}://"
    # The longest rule that matches wins, of equal ones the first; of this word no one else knows the whole.
    return ((f"remote.{name}.url", word), (f"url.{url}.insteadOf", word), (f"url.{url}.pushInsteadOf", word))


def is_by_helper(url: str) -> bool:
    """Whether a remote helper of someone else's packs what is sent there; else git speaks with a git."""
    scheme = _SCHEME.match(url)
    return scheme is not None and scheme[1].lower() not in {*PROTOCOLS, "git+ssh", "ssh+git"}


def env_for(name: str, url: str, env: Mapping[str, str], settings: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Return the environment in which git reaches a URL by a name.

    Args:
        name: what commands call it.
        url: where it is, as `insteadOf` rules have left it; its scheme, or the helper before `::`, is allowed beside
            the usual protocols.
        env: the environment of this process; it is cleaned here.
        settings: how the user's repository connects; see `user_config`.
    """
    named, scheme = named_url(name, url), _SCHEME.match(url)
    cleaned = clean_env(
        env,
        settings=[*settings, *named.settings],
        ssh_command={key.lower(): value for key, value in settings}.get("core.sshcommand", ""),
        scheme=scheme[1].lower() if scheme else "",
    )
    return {**cleaned, **named.env}
