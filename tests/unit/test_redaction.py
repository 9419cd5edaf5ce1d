"""What is shown or kept has no credentials in it, however they were spelled, in whatever git makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.names import shown
from gitcoord.errors import CoordError
from gitcoord.redaction import redact

pytestmark = pytest.mark.rule("SEC-2")

MARK = "S3CR3T"
# git's own texts about a URL, and where we put one: in quotes, in lists of arguments, at the end of a line.
QUOTED = (
    "fatal: unable to access '{url}': URL rejected: Port number was not a decimal number between 0 and 65535",
    "fatal: repository '{url}' not found",
    "fatal: Authentication failed for '{url}'",
    "warning: redirecting to '{url}', see mail to admin@example.com",
    "arguments: ['init', '--remote', '{url}', '--json']",
    '{{"remote":"{url}","repo":null}}',
    "ValueError: invalid literal for int() with base 10: '{url}'",
)
BARE = (
    "warning: redirecting to {url}",
    "To {url}\n!\trefs/heads/main:refs/heads/main\t[rejected]",
    "From {url}\n * branch main -> FETCH_HEAD",
    "url.{url}.insteadof=gh:",
    "git config gitcoord.remote {url}",
    "http://example.com/a and {url} and ssh://git@example.com/b",
)
SPELLED = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"], exclude_characters="'\"`"))
IN_QUOTES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="'\"`\u2028\u2029")
)


@pytest.mark.parametrize("sentence", QUOTED)
@given(before=IN_QUOTES, after=IN_QUOTES, path=st.sampled_from(["", "/r.git", "/a@b", ":8443/x/y"]))
def test_no_password_of_a_quoted_url_survives(sentence: str, before: str, after: str, path: str) -> None:
    text = sentence.format(url=f"https://ann:{before}{MARK}{after}@host{path}")

    assert MARK not in redact(text)
    assert MARK not in redact(redact(text))


@pytest.mark.parametrize("sentence", QUOTED + BARE)
@given(before=SPELLED, after=SPELLED, user=st.sampled_from(["ann:", "ann.lee:", ""]))
def test_no_password_without_blanks_survives(sentence: str, before: str, after: str, user: str) -> None:
    assert MARK not in redact(sentence.format(url=f"https://{user}{before}x{MARK}{after}@host/r.git"))


@pytest.mark.parametrize("sentence", QUOTED + BARE)
@pytest.mark.parametrize(
    "url",
    [
        f"http://ann:x/{MARK}@host/r.git",
        f"http://ann:x {MARK}@host/r.git",
        f"http://ann.lee:12/{MARK}@host/r.git",
        f"http://ann:12/{MARK}@127.0.0.1:80/r.git",
        f"http://ann:pa@ss/{MARK}?#@host/r.git",
        f"http://ann:it's{MARK}@host/r.git",
        f"http://ann:x://{MARK}@host/r.git",
        f"https://{MARK}@host/r.git",
        f"https://x/{MARK}@host/r.git",
        f"ssh://ann:{MARK}@host/r.git",
        f"ann:{MARK}@host:r.git",
        f"ann:x/{MARK}@host:r.git",
        f"https://host/r.git?pat={MARK}",
        f"https://host/r.git?whatever={MARK}&ref=main",
        f"https://host/r.git#access={MARK}",
        f"testgit::https://ann:{MARK}@host/r.git",
    ],
)
def test_no_secret_of_these_spellings_survives(sentence: str, url: str) -> None:
    assert MARK not in redact(sentence.format(url=url))


@pytest.mark.parametrize(
    "text",
    [
        f"> Authorization: Basic {MARK}",
        f"http.extraheader=AUTHORIZATION: basic {MARK}",
        f"http.extraheader=PRIVATE-TOKEN: {MARK}",
        f"X-Api-Key: {MARK}",
        f"Cookie: session={MARK}",
        f"Cookie: theme=dark; lang=en; session={MARK}",
        f'Authorization: Digest username="ann", realm="r", response="{MARK}"',
        f"protocol=https\nusername=ann\npassword={MARK}\n",
        f"?private_token={MARK}",
    ],
)
def test_no_secret_beside_a_url_survives(text: str) -> None:
    assert MARK not in redact(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ann:pw@host/x", "https://***@host/x"),
        ("fatal: 'https://ghp_abc@host/x'", "fatal: 'https://***@host/x'"),
        ("https://ann:p@ss@host/x and http://b:c@h", "https://***@host/x and http://***@h"),
        ("ssh://git@host:22/x", "ssh://git@host:22/x"),
        ("ssh://git:pw@host/x", "ssh://***@host/x"),
        ("git@host:x.git", "git@host:x.git"),
        ("https://host/x?private_token=abc&ref=main", "https://host/x?private_token=***&ref=main"),
        ("> Authorization: Basic YW5uOnB3", "> Authorization: ***"),
        ("https://host.example/a@b", "https://host.example/a@b"),
        ("http://127.0.0.1:8080/~ann@x/r.git", "http://127.0.0.1:8080/~ann@x/r.git"),
        ("http://host:8080/r.git refused; ask ops@example.com", "http://host:8080/r.git refused; ask ops@example.com"),
        ("12:30:05 git@host: Permission denied (publickey).", "12:30:05 git@host: Permission denied (publickey)."),
        ("src/a.py:12 is held by ann/cli/wt", "src/a.py:12 is held by ann/cli/wt"),
    ],
)
def test_what_is_no_secret_stays(text: str, expected: str) -> None:
    assert redact(text) == expected


@given(st.text(st.sampled_from("a:/@?=&'\" \n.htp*#x;") | st.characters()))
def test_redacting_twice_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_a_long_text_takes_linear_time() -> None:
    for text in ("a" * 200_000, "a:" * 100_000, "http://a:" * 20_000, "a:@" * 60_000, "?" * 100_000, "x.x" * 60_000):
        redact(text)


def test_an_error_and_a_quotation_carry_no_secret() -> None:
    url = f"https://ann:{'x' * 100}{MARK}@host/r.git"
    error = CoordError(f"The remote {url} is gone.", hint=f"git remote set-url origin {url}")

    assert MARK not in f"{error} {error.hint} {error!r} {error.args}"
    assert "x" not in shown(url)
