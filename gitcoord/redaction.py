"""Redaction: text without the credentials in it, for everything that is printed or kept (SEC-2).

Rules:
  * Of a URL all goes up to its last `@`: a password may have any character in it where it was pasted unencoded. A URL
    ends at white space, or at the quote that it stands in. Where `user:` is followed by no `@`, it has blanks in it.
  * A path may have an `@` of its own, so what comes before it stays where it is surely a server: a name with dots, an
    address, localhost. What cannot be distinguished goes.
  * A user alone is a token to a web server and an account to ssh: only ssh's stays.
  * Of a URL's query, values stay of names that are known to hold no secret. Elsewhere those go that sound like one.
  * What is redacted is redacted for good: doing it twice changes nothing.

What this file does not know: who shows the text; errors import it, so it imports nothing of ours.
"""

import re
from typing import Final

# Compiled where they are first needed, which is seldom: compiling them takes 6 ms, and each command starts cold.
_SCHEME: Final = r"(?i)[a-z][a-z0-9+.-]{0,30}://"  # bounded: a text of letters takes linear time
_SERVER: Final = (
    r"(?i)(?:localhost|\[[0-9a-f:.%]+\]|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?|(?:[a-z0-9_-]{1,63}\.){1,20}[a-z]{2,63}"
)
_PORT: Final = r"[^:]*:\d*"
# A quote ends a URL where a sentence, a list or an object goes on behind it; in a password it may stand, too.
_CLOSING: Final = {quote: rf"{quote}(?=[\s:;,.)\]}}]|\Z)" for quote in "'\"`"}
_QUERY: Final = r"([?&;#]([^=&;#\s]*)=)([^&;#\s'\"`]+)"
_PLAIN_NAMES: Final = frozenset({"ref", "branch", "path", "service", "version", "api-version", "page", "depth"})
_TELLING_NAME: Final = (
    r"(?i)([?&;#](?:[^=&\s]{0,60}(?:token|secret|passw|pwd|key|auth|sig|cred|jwt|session)[^=&\s]{0,60}|pat|sas|code)=)"
    r"[^&\s'\"]+"
)
_CREDENTIAL_LINE: Final = r"(?i)(\bpassword=)[^\s'\"]+"
_HEADER: Final = (
    r"(?i)((?:(?:proxy-)?authorization|(?:set-)?cookie|(?:private|job|deploy)-token|x-[\w-]{0,40}(?:token|key)):\s*)"
    r"(?:=\"[^\"\n]*\"|[^\n'\"])+"  # to the end of the line or of the quote around it: of cookies there are several
)
_HEADER_WORDS: Final = (
    "author",
    "cook",
    "token",
    "key",
)  # one is in each of them: looking for those takes 1 µs, not 70
# `ann:secret@host:path`, as scp takes it but for the password, which no tool takes.
_SCP_LIKE: Final = r"(?<![\w@./+-])[\w.+-]{1,64}:(?!//)[^\s'\"]{1,255}@(?=[\w.-]{1,255}:)"
_GONE: Final = "***"


def redact(text: str) -> str:
    """Return text without credentials: those of URLs, queries, headers and addresses as for scp."""
    if "://" not in text:
        return _apart(text)
    parts: list[str] = []
    position = 0
    while found := re.compile(_SCHEME).search(text, position):
        begin, end = found.end(), _end(text, found.start(), found.end())
        parts += _apart(text[position : found.start()]), found[0], _url(found[0].lower(), text[begin:end])
        position = end
    return "".join([*parts, _apart(text[position:])])


def _end(text: str, start: int, begin: int) -> int:
    """Return where a URL ends that starts there, and whose scheme ends at `begin`."""
    line_end = text.find("\n", begin)
    line_end = len(text) if line_end < 0 else line_end
    blank = re.compile(r"\s")
    closing = _CLOSING.get(text[start - 1 : start])
    found = (re.compile(closing) if closing else blank).search(text, begin, line_end)
    end = found.start() if found else line_end
    run = text[begin:end]
    if "@" in run or ":" not in run or _is_server(run) or re.fullmatch(_PORT, _authority(run)):
        return end
    sign = text.find("@", end, line_end)
    if sign < 0:
        return end
    found = blank.search(text, sign, line_end)
    return found.start() if found else line_end


def _authority(url: str) -> str:
    return re.split(r"[/?#\s]", url, maxsplit=1)[0]


def _is_server(url: str) -> bool:
    return bool(re.fullmatch(_SERVER, _authority(url)))


def _url(scheme: str, rest: str) -> str:
    user, sign, shown = rest.rpartition("@")
    is_account = scheme in {"ssh://", "git+ssh://"} and not re.search(r"[:/\s@]", user)
    if sign and not is_account and not _is_server(rest):
        rest = f"{_GONE}@{shown}"
    return re.sub(_QUERY, lambda item: item[0] if item[2].lower() in _PLAIN_NAMES else f"{item[1]}{_GONE}", rest)


def _apart(text: str) -> str:
    """Redact what stands outside of URLs."""
    if "=" in text:
        text = re.sub(_CREDENTIAL_LINE, rf"\1{_GONE}", re.sub(_TELLING_NAME, rf"\1{_GONE}", text))
    if ":" in text and any(word in text.lower() for word in _HEADER_WORDS):
        text = re.sub(_HEADER, rf"\1{_GONE}", text)
    return re.sub(_SCP_LIKE, f"{_GONE}@", text) if "@" in text else text
