"""One git server over http: what it offers, and its answers to what is posted. See gitprotocol-http(5).

    capabilities: kept ──> believed for a day ──surprise──> asked again, once ──surprise──> the git program

Rules:
  * A status says what became of a question; what surely was not carried out is one thing, what is not known another.
  * SEC-2: what proves who asks goes to this host alone. A redirect is followed within it, and never to less protection.
  * Who is asked for fewer requests (429, with a time) asks nothing until then, in any process of the clone.
  * An answer that is not git's is `UnfamiliarError`; of a push it says nothing of what became of it.

What this file does not know: refs and objects.
"""

import gzip
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from gitcoord.errors import DeniedError, UnreachableError
from gitcoord.redaction import redact
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Oid, RefFault, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.http import advertisement, fetch, listed_refs
from gitcoord.remote.http.agent import AGENT
from gitcoord.remote.http.connection import Answer, Connections, Proxy, Question, Server
from gitcoord.remote.http.http_settings import HttpSettings, proxy_place
from gitcoord.remote.http.known_server import BELIEVED_S, KnownServers
from gitcoord.remote.http.quiet_time import QuietTime
from gitcoord.remote.http.sign_in import SignIn, basic
from gitcoord.remote.http.tls_context import tls_context
from gitcoord.remote.http.unfamiliar import UnfamiliarError

_ADVERTISED_BYTES_MAX: Final = 64 << 20  # the refs of a large repository, which come with the capabilities
_GZIP_BYTES: Final = 1024  # as git does
_REDIRECTS_MAX: Final = 5
_FRESH_S: Final = 60  # what was asked so lately is not asked again at a surprise
_OK, _SIGN_IN, _FORBIDDEN, _MISSING, _TOO_LARGE, _TOO_MANY = 200, 401, 403, 404, 413, 429
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Statuses of servers that did nothing with a post: its way, length or encoding is not theirs, or it is elsewhere.
_NOT_DONE: Final = frozenset({*_REDIRECTS, 404, 405, 406, 407, 410, 411, 415, 417, 501, 505})
_TAKEN_CHALLENGE: Final = re.compile(r"(?i)\b(?:basic|bearer)\b")
_LEGAL_PATH: Final = re.compile(r"[!-~]*")
_SIGN_IN_HINT: Final = (
    "Sign in to the remote once with git (for example `git fetch`), so that it answers without asking."
)


class Way(NamedTuple):
    """How a server is reached: its URL, with or without credentials in it, and what git's settings say of it."""

    url: str
    settings: HttpSettings
    env: Mapping[str, str]


class GitServer:
    """One server, as one clone uses it."""

    way = "smarthttp"
    says_time = True

    def __init__(
        self, way: Way, *, folder: Path, clocks: Clocks, timeout_s: float, git_version: Callable[[], str]
    ) -> None:
        """Ask nothing yet. `folder`: of the clone, where what is known of servers is kept."""
        self._way = way
        self.shown = redact(way.url)
        self._clocks = clocks
        self._timeout_s = timeout_s
        self._git_version = git_version
        self._kept = KnownServers(folder, self.shown)
        self.known = self._kept.load(clocks.wall_ns() // 10**9)
        self._quiet = QuietTime(self._kept, self.shown, self._now_s)
        self._asked_s = 0
        self._named = urlsplit(way.url)
        self._at = self._place()
        self._sign_in = SignIn(self._named, cwd=folder, env=way.env)
        self._lines: Connections | None = None
        self._git_found = ""
        self.date: datetime | None = None

    # -- what it offers -----------------------------------------------------------------------------------------------

    def receiving(self) -> Mapping[str, str]:
        """Return the capabilities for pushes.

        Raises:
            UnfamiliarError: it cannot be pushed to in the way of this transport.
            CoordError: it cannot be asked.
        """
        if not self.known.receiving:
            offered = advertisement.receiving(self._advertised("git-receive-pack"))
            self._learn(receiving={**offered})
        return self.known.receiving

    def uploading(self) -> Mapping[str, str]:
        """Return the capabilities for reading; see `receiving`."""
        if not self.known.uploading:
            self._learn(uploading={**advertisement.uploading(self._advertised("git-upload-pack"))})
        return self.known.uploading

    def renew(self) -> None:
        """Believe what is kept for a day, also in a process that lives for longer."""
        if self.known.at and self._now_s() - self.known.at >= BELIEVED_S:
            self.known, self._asked_s = self._kept.load(self._now_s()), 0
            self._at = self._place()
            self._close()

    def _place(self) -> SplitResult:
        """Return where it answers, as far as that is known."""
        at = urlsplit(self.known.url)
        return at if self.known.url and _is_same_host(self._named, at) else _bare(self._named)

    def forget(self) -> bool:
        """Forget what was believed; tell whether there was anything that was not asked just now."""
        was_believed = not self._is_fresh and bool(self.known.receiving or self.known.uploading)
        if was_believed:
            self._at = _bare(self._named)
            self._close()
            self.known = self._kept.change(
                self._now_s(), self.known, receiving={}, uploading={}, compares=False, url=""
            )
            self._asked_s = self._now_s()
        return was_believed

    @property
    def _is_fresh(self) -> bool:
        return 0 <= self._now_s() - self._asked_s < _FRESH_S

    def leave_to_git(self, reason: str) -> None:
        """Note for a day that only git can talk to it."""
        self.known = self._kept.change(self._now_s(), self.known, by_git=reason)

    def note_proof(self) -> None:
        """Note for a day that it compares."""
        self.known = self._kept.change(self._now_s(), self.known, compares=True)

    def note_wrong(self, *, is_taken: bool) -> None:
        """Note for a day that it said yes to a push that it had to refuse, and whether it took it."""
        self.known = self._kept.change(self._now_s(), self.known, takes_wrong=is_taken, says_wrong=not is_taken)

    def note_halves(self) -> None:
        """Note for a day that it took a part of several refs."""
        self.known = self._kept.change(self._now_s(), self.known, takes_one=True)

    def _learn(self, **changes: object) -> None:
        self._asked_s = self._now_s()
        self.known = self._kept.change(self._now_s(), self.known, url=self._at.geturl(), git=self._git(), **changes)

    def _now_s(self) -> int:
        return self._clocks.wall_ns() // 10**9

    def _advertised(self, service: str) -> bytes:
        wanted = f"application/x-{service}-advertisement"
        headers = [("Accept", "*/*"), ("Pragma", "no-cache")]
        headers += [("Git-Protocol", "version=2")] if service == "git-upload-pack" else []
        for _ in range(_REDIRECTS_MAX):
            target = f"{self._at.path}/info/refs?service={service}"
            question = Question("GET", target, headers, bytes_max=_ADVERTISED_BYTES_MAX)
            answer = self.ask(question)
            if answer.status in _REDIRECTS:
                self._follow(answer, target, service)
                continue
            self._check(answer)
            if answer.kind != wanted:
                raise UnfamiliarError("it does not answer as a git server of today does")
            return answer.body
        raise UnfamiliarError("it redirects without end", lasts=False)

    def _follow(self, answer: Answer, target: str, service: str) -> None:
        """Go where a redirect of the first question leads, within the host."""
        there = urlsplit(urljoin(f"{self._at.scheme}://{self._at.netloc}{target}", answer.headers.get("location", "")))
        tail = f"/info/refs?service={service}"
        whole = f"{there.path}?{there.query}"
        is_like = whole.endswith(tail) and there.username is None and _LEGAL_PATH.fullmatch(whole)
        if not (self._way.settings.follows and is_like and _is_same_host(self._at, there)):
            raise UnfamiliarError("it redirects to another place")
        self._at = there._replace(path=whole.removesuffix(tail), query="", fragment="")
        self._close()

    # -- posting ------------------------------------------------------------------------------------------------------

    def listed(self, prefixes: Sequence[str]) -> tuple[Mapping[RefName, Oid], Sequence[RefFault]]:
        """List refs; see `SmartServer`."""
        if advertisement.VERSION_1 in self.uploading():
            offered, rows = advertisement.listing(self._advertised("git-upload-pack"), "git-upload-pack")
            if {**offered, advertisement.VERSION_1: ""} != self.known.uploading:  # what has no refs may offer nothing
                self._learn(uploading={**offered, advertisement.VERSION_1: ""})
            return listed_refs.under(prefixes, rows)
        return listed_refs.parsed(
            self._upload_pack(listed_refs.question(prefixes, self._agent()), listed_refs.BYTES_MAX), prefixes
        )

    def pack_of(self, wanted: fetch.Wanted) -> fetch.Brought:
        """Ask for commits; see `SmartServer`."""
        offered = self.uploading()
        if advertisement.VERSION_1 in offered:
            return fetch.first_pack_in(
                self._upload_pack(fetch.first_question(wanted, offered), fetch.BYTES_MAX, version=1)
            )
        return fetch.pack_in(self._upload_pack(fetch.question(wanted, offered, AGENT), fetch.BYTES_MAX))

    def _agent(self) -> str:
        return AGENT if "agent" in self.uploading() else ""

    def _upload_pack(self, body: bytes, bytes_max: int, *, version: int = 2) -> bytes:
        """Post a question of that version, and return the answer.

        Raises:
            UnfamiliarError: it is not git's.
            CoordError: there is none, or it is a no.
        """
        self.uploading()
        headers = [("Git-Protocol", "version=2")] if version > 1 else []
        if len(body) > _GZIP_BYTES:
            body, headers = gzip.compress(body, 6), [*headers, ("Content-Encoding", "gzip")]
        question = self._post("git-upload-pack", body, headers, bytes_max)
        answer = self.ask(question)
        self._check(answer)
        if answer.kind != "application/x-git-upload-pack-result":
            raise UnfamiliarError("it does not answer as a git server of today does")
        return answer.body

    def seen(self, _refs: Sequence[RefName]) -> None:
        """Say nothing: a post to `git-receive-pack` is answered with a report alone."""

    def receive_pack(self, body: bytes, _updates: Sequence[RefUpdate]) -> "Push":
        """Make a push; `Push.send` posts it."""
        return Push(self, self._post("git-receive-pack", body, [], _ADVERTISED_BYTES_MAX // 16))

    def _post(self, service: str, body: bytes, headers: list[tuple[str, str]], bytes_max: int) -> Question:
        kinds = [("Content-Type", f"application/x-{service}-request"), ("Accept", f"application/x-{service}-result")]
        return Question("POST", f"{self._at.path}/{service}", [*kinds, *headers], body, bytes_max)

    def _check(self, answer: Answer) -> None:
        """Raise what a status means to who reads."""
        if answer.status == _OK:
            return
        said = answer.words
        if answer.status == _MISSING and not self._is_fresh:  # it may have moved on from where a redirect led
            raise UnfamiliarError(said, lasts=False)
        text = f"The remote {self.shown!r} was not read: {said}."
        if answer.status == _MISSING:
            raise DeniedError(text, hint="Check the URL.")
        if answer.status == _FORBIDDEN:
            raise DeniedError(text, hint="Ask for the right to push to the remote.")
        if answer.status == _TOO_LARGE:
            raise DeniedError(text)
        if answer.status == _TOO_MANY:
            raise UnreachableError(text, hint=f"The remote asks for fewer requests.{answer.retry_hint}")
        if answer.status >= 500 and answer.status not in _NOT_DONE:  # noqa: PLR2004 - its own fault, see RFC 9110
            raise UnreachableError(text, hint="Try again; if it stays so, ask its administrator.")
        raise UnfamiliarError(said, lasts=False)

    def ask(self, question: Question) -> Answer:
        """Ask with what proves who asks; what the server refuses is tried again with what git's helpers have.

        Raises:
            UnfamiliarError: it wants a proof that is not known here; it did nothing.
            CoordError: there is no answer.
        """
        self._quiet.check()
        own = [*self._way.settings.headers]
        has_own = any(name.lower() == "authorization" for name, _ in own)
        if self.known.wants_sign_in and not has_own and not self._sign_in.header:
            self._sign_in.fill()
        agent = self._way.settings.user_agent or f"git/{self._git()} {AGENT}"
        headers = [("User-Agent", agent), *question.headers, *own]
        was_refused = False
        for is_last in (False, False, True):
            proof: Mapping[str, str] = {} if has_own else self._sign_in.header
            question.headers = [*headers, *proof.items()]
            answer = self._connections().ask(question)
            with suppress(ValueError, OverflowError, TypeError):  # it says none, or no date
                self.date = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
            if answer.status == _TOO_MANY and self._quiet.note(answer.headers.get("retry-after", "")):
                self.known = self._kept.change(self._now_s(), self.known, quiet_until=self._quiet.until_s)
            if answer.status != _SIGN_IN:
                if proof and answer.status == _OK and (was_refused or not self.known.wants_sign_in):
                    self.known = self._kept.change(self._now_s(), self.known, wants_sign_in=True)
                    self._sign_in.approve()
                return answer
            was_refused = True
            question.again()  # it did nothing with it
            if proof:
                self._sign_in.reject()
            challenge = answer.headers.get("www-authenticate", "")
            if is_last or has_own or not _TAKEN_CHALLENGE.search(challenge):
                break
            if not self._sign_in.fill(challenge.splitlines()):
                break
        raise UnfamiliarError("it asks for a sign-in that is not known here")

    def _git(self) -> str:
        self._git_found = self.known.git or self._git_found or self._git_version()
        return self._git_found

    def _connections(self) -> Connections:
        if self._lines is None:
            at, named = self._at, self._way.settings.proxy
            host, scheme = at.hostname or "", at.scheme
            place = proxy_place(named) if named else None
            if named and place is None:
                raise UnfamiliarError("its proxy is of a kind that only git knows")
            word = basic(place.user, place.password) if place and place.user else ""
            proxy = Proxy(place.host, place.port, word) if place else None
            port = at.port or {"http": 80, "https": 443}[scheme]
            settings = self._way.settings
            server = Server(scheme, host, port, self.shown, proxy, lambda: tls_context(settings))
            self._lines = Connections(server, self._clocks, self._timeout_s)
        return self._lines

    def _close(self) -> None:
        if self._lines is not None:
            self._lines.close()
        self._lines = None


class Push:
    """One push on its way."""

    def __init__(self, server: GitServer, question: Question) -> None:
        """Send nothing yet."""
        self._server = server
        self._question = question

    @property
    def was_sent(self) -> bool:
        """Whether the server may have got it."""
        return self._question.was_sent

    @property
    def is_doubtful(self) -> bool:
        """Whether an earlier try of it may have landed."""
        return self._question.sends > 1

    def send(self) -> bytes | SwapOutcome:
        """Post it; return git's report, or what a status means.

        Raises:
            UnfamiliarError: the server did nothing with it, and git may know why.
            CoordError: there is no answer; `was_sent` says whether it may have arrived.
        """
        answer = self._server.ask(self._question)
        if answer.status in _NOT_DONE:
            self._question.again()
            raise UnfamiliarError(answer.words, lasts=False)
        if answer.status == _OK and answer.kind == "application/x-git-receive-pack-result":
            return answer.body
        words = answer.words
        if answer.status in {_FORBIDDEN, _TOO_LARGE}:
            return SwapOutcome(SwapStatus.DENIED, words)
        if answer.status == _TOO_MANY:
            text = f"{words}. The remote asks for fewer requests.{answer.retry_hint}"
            return SwapOutcome(SwapStatus.UNREACHABLE, text.rstrip("."))  # the middle of a sentence
        self._server.forget()  # what is believed of it may be why
        return SwapOutcome(SwapStatus.UNKNOWN, f"{words}, which is no report of a push")


def _bare(url: SplitResult) -> SplitResult:
    """Return a URL without credentials, and without the slash at its end."""
    return url._replace(netloc=url.netloc.rpartition("@")[2], path=url.path.rstrip("/"))


def _is_same_host(here: SplitResult, there: SplitResult) -> bool:
    """Whether a redirect stays at a host, at the same port or from http to https."""
    try:
        is_same = here.hostname == there.hostname and (here.scheme, here.port) == (there.scheme, there.port)
        is_safer = here.hostname == there.hostname and (here.scheme, there.scheme) == ("http", "https")
    except ValueError:
        return False
    return is_same or is_safer
