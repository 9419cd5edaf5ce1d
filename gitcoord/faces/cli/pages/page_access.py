"""Access to the dashboard's page: who is answered, by the head of a request alone.

Rules:
  * SEC-7: what follows, for each request.
  * Only this machine: the server listens on loopback, and `Host` has to be that address, so that a page of others whose
    name was made to lead here is refused (DNS rebinding).
  * Only who was given the address: its path begins with a token, compared in constant time. There is no cookie, which
    every other server on loopback would be sent, too.
  * Only our own page asks for parts of itself: `Origin` and `Sec-Fetch-Site` say who asks. A person may follow a link
    to the page from anywhere.
  * Only looking: GET and HEAD.
  * Each answer forbids what the page does not need: scripts, styles and connections of others, being shown within a
    page of others, being kept.

What this file does not know: what is answered.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
METHODS = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: int
    sentence: str


class Access:
    """Stands before an application: passes on what may be answered, with the token taken off its path."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        """Guard an application."""
        self._app = app
        self._token = token.encode()
        self._hosts = tuple(f"{name}:{port}" for name in NAMES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        token, slash, rest = scope["path"].removeprefix("/").partition("/")
        refusal = self._refusal(scope["method"], token, headers)
        if refusal is not None:
            allow = {"allow": ", ".join(METHODS)} if refusal.status == 405 else None  # noqa: PLR2004 - HTTP's number
            answer = PlainTextResponse(f"{refusal.sentence}\n", refusal.status, allow)
            await answer(scope, receive, send_guarded)
        elif not slash:  # the page names its parts as its neighbours
            await RedirectResponse(f"{token}/", 308)(scope, receive, send_guarded)
        else:
            inner = {**scope, "path": f"/{rest}", "raw_path": None, "root_path": ""}
            await self._app(inner, receive, send_guarded)

    def _refusal(self, method: str, token: str, headers: Headers) -> Refusal | None:
        if headers.getlist("host") not in ([host] for host in self._hosts):
            return Refusal(403, "This page is shown at 127.0.0.1 only; open the address that gitcoord printed.")
        if method not in METHODS:
            return Refusal(405, "This page can only be read.")
        is_followed = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
        is_own = headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        origins = (None, *(f"http://{host}" for host in self._hosts))
        if headers.get("origin") not in origins or not (is_own or is_followed):
            return Refusal(403, "A page of others may not read this one.")
        if not compare_digest(token.encode("utf-8", "surrogateescape"), self._token):
            return Refusal(403, "This needs the whole address that gitcoord printed, with the long word at its end.")
        return None
