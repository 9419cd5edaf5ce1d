"""How git would connect to a URL: its settings `http.*` and `http.<url>.*`, and the environment. See git-config(1).

Rules:
  * Which setting counts for a URL is decided as git does: the one whose URL fits best, of equals the last. Headers of
    all that count are sent.
  * A setting that is not known here is no error: the git program does it (`unfamiliar`).
  * SEC-2: values may be secrets; none is named in a sentence, only the setting.

What this file does not know: files, and connections.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_FALSE: Final = frozenset({"false", "no", "off", "0", ""})
# What changes nothing of ours: bounds of git's own requests, and how it waits.
_NOT_OURS: Final = frozenset(
    {
        "version", "postbuffer", "minsessions", "maxrequests", "lowspeedlimit", "lowspeedtime", "keepaliveidle",
        "keepaliveinterval", "keepalivecount", "noepsv", "maxretries", "retryafter", "maxretrytime", "ssltry",
    }
)  # fmt: skip
_KNOWN: Final = frozenset(
    {"proxy", "sslverify", "sslcainfo", "sslcapath", "sslcert", "sslkey", "extraheader", "useragent", "followredirects"}
)
# Where they say what git does anyway.
_USUAL: Final = {
    "proactiveauth": frozenset({"auto", "basic", "none"}),
    "proxyauthmethod": frozenset({"anyauth", "basic"}),
    "emptyauth": _FALSE | {"auto"},
    "delegation": frozenset({"none"}),
    "sslcertpasswordprotected": _FALSE,
    "savecookies": _FALSE,
    "cookiefile": frozenset({""}),
    "curloptresolve": frozenset({""}),
}
_ENVIRONMENT: Final = {
    "GIT_SSL_CAINFO": "sslcainfo",
    "GIT_SSL_CAPATH": "sslcapath",
    "GIT_SSL_CERT": "sslcert",
    "GIT_SSL_KEY": "sslkey",
    "GIT_HTTP_USER_AGENT": "useragent",
}
_ENVIRONMENT_READ: Final = frozenset({"GIT_SSL_NO_VERIFY", *_ENVIRONMENT})
_ENVIRONMENT_NOT_OURS: Final = ("GIT_HTTP_LOW_SPEED", "GIT_HTTP_MAX_REQUESTS")
# What travels in a request as it stands: no query, no letters that a host would spell in two ways.
_PLAIN_URL: Final = re.compile(
    r"(?i)https?://(?:[^/?#]*@)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(?:/[!-\"$->@-~]*)?"
)
_HEADER: Final = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*)"
)  # of others git sends the bytes as they stand
_WORDS: Final = re.compile(r"[\x20-\x7e]*")


class HttpSettings(NamedTuple):
    """What counts for one URL.

    Attributes:
        proxy: its URL, or nothing.
        verifies: whether certificates are checked.
        ca_file, ca_path: authorities in place of the system's, where named.
        certificate, key: of the client, where named.
        headers: to be sent with each question.
        user_agent: where one is named.
        follows: whether a redirect may be followed.
        unfamiliar: what only git knows, if there is anything.
    """

    proxy: str = ""
    verifies: bool = True
    ca_file: str = ""
    ca_path: str = ""
    certificate: str = ""
    key: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str = ""
    follows: bool = True
    unfamiliar: str = ""


def http_settings(url: str, settings: Sequence[tuple[str, str]], env: Mapping[str, str]) -> HttpSettings:
    """Return what counts for a URL.

    Args:
        url: where the remote is.
        settings: git's, in its order: keys as `git config --list` prints them.
        env: the environment of this process.
    """
    parts = _taken_apart(url)
    if parts is None:
        return HttpSettings(unfamiliar="its URL has something unusual in it")
    values, headers = _chosen(parts, settings)
    for name, key in _ENVIRONMENT.items():
        if env.get(name):
            values[key] = env[name]
    pairs = [_HEADER.fullmatch(header) for header in headers]
    verifies = values.get("sslverify", "true").lower() not in _FALSE and not env.get("GIT_SSL_NO_VERIFY")
    return HttpSettings(
        proxy=_proxy(parts, values.get("proxy"), env),
        verifies=verifies,
        ca_file=values.get("sslcainfo", ""),
        ca_path=values.get("sslcapath", ""),
        certificate=values.get("sslcert", ""),
        key=values.get("sslkey", ""),
        headers=tuple((pair[1], pair[2]) for pair in pairs if pair),
        user_agent=values.get("useragent", ""),
        follows=values.get("followredirects", "initial").lower() not in _FALSE,
        unfamiliar=_unfamiliar(values, env) or ("" if all(pairs) else "http.extraHeader is no header"),
    )


def _taken_apart(url: str) -> SplitResult | None:
    """Return the parts of a URL; `None`: it is no plain one. What is in brackets may be no address."""
    try:
        return urlsplit(url) if _PLAIN_URL.fullmatch(url) else None
    except ValueError:
        return None


def _unfamiliar(values: Mapping[str, str], env: Mapping[str, str]) -> str:
    for key, value in values.items():
        if key not in _KNOWN and value.lower() not in _USUAL.get(key, frozenset()):
            return f"http.{key} is set"
    if not _WORDS.fullmatch(values.get("useragent", "")):
        return "http.userAgent is no header"
    named = (name for name in sorted(env) if name.startswith(("GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_SSL_")) and env[name])
    unread = (name for name in named if name not in _ENVIRONMENT_READ)
    other = next((name for name in unread if not name.startswith(_ENVIRONMENT_NOT_OURS)), None)
    return f"{other} is set" if other else ""


def _chosen(parts: SplitResult, settings: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Return each setting that counts, by its name in lower case, and all headers."""
    values: dict[str, str] = {}
    headers: list[str] = []
    best: dict[str, tuple[int, int, bool]] = {}
    for name, value in settings:
        section, _, rest = name.partition(".")
        place, _, key = rest.rpartition(".")
        if section.lower() != "http" or (key := key.lower()) in _NOT_OURS:
            continue
        fit = _fit(parts, place) if place else (0, 0, False)
        if fit is None or fit < best.get(key, fit):
            continue
        best[key] = fit
        if key != "extraheader":
            values[key] = value
        elif value:
            headers.append(value)
        else:  # an empty one forgets those before
            headers.clear()
    return values, headers


def _fit(parts: SplitResult, place: str) -> tuple[int, int, bool] | None:
    """Return how well a URL of a setting fits: by host, by path, by user; `None`: it does not. See git-config(1)."""
    try:
        wanted = urlsplit(place)
        ports = [url.port or _PORTS.get(url.scheme) for url in (parts, wanted)]
    except ValueError:
        return None
    host, pattern = (parts.hostname or "").split("."), (wanted.hostname or "").split(".")
    is_host = len(host) == len(pattern) and all(want in {"*", label} for label, want in zip(host, pattern, strict=True))
    if parts.scheme != wanted.scheme or ports[0] != ports[1] or not is_host:
        return None
    path, below = wanted.path.rstrip("/"), parts.path.rstrip("/")
    if below != path and not below.startswith(f"{path}/"):
        return None
    if wanted.username is not None and wanted.username != parts.username:
        return None
    return sum(len(want) for want in pattern if want != "*") + len(pattern), len(path), wanted.username is not None


def _proxy(parts: SplitResult, named: str | None, env: Mapping[str, str]) -> str:
    """Return the proxy for a URL; the environment is read as curl does it."""
    if named is None:
        # HTTP_PROXY in capitals could come from a header of a request to a CGI program.
        names = ("https_proxy", "HTTPS_PROXY") if parts.scheme == "https" else ("http_proxy",)
        named = next((env[name] for name in (*names, "all_proxy", "ALL_PROXY") if env.get(name)), "")
    passed_by = env.get("no_proxy") or env.get("NO_PROXY") or ""
    return "" if _is_passed_by(parts.hostname or "", passed_by) else named


def _is_passed_by(host: str, words: str) -> bool:
    for word in words.replace(",", " ").split():
        name = word.lower().removeprefix(".")
        if name in {"*", host} or host.endswith(f".{name}"):
            return True
        if "/" in name:
            with suppress(ValueError):
                if ip_address(host) in ip_network(name, strict=False):
                    return True
    return False


class ProxyPlace(NamedTuple):
    """An http proxy, taken apart."""

    host: str
    port: int
    user: str
    password: str


def proxy_place(url: str) -> ProxyPlace | None:
    """Take apart the URL of a proxy; `None`: of one that only git can use (SOCKS, TLS to the proxy)."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 1080  # curl's
    except ValueError:
        return None
    if parts.scheme != "http" or not parts.hostname:
        return None
    return ProxyPlace(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))
