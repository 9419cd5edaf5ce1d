"""Which of git's settings count for a URL, compared with what git itself says, and what is left to git."""

import subprocess
from pathlib import Path

import pytest

from gitcoord.remote.http.http_settings import HttpSettings, ProxyPlace, http_settings, proxy_place

URL = "https://ann@git.example.com:8443/team/repo.git"


@pytest.mark.parametrize(
    "place",
    [
        "https://git.example.com:8443",
        "https://git.example.com:8443/team",
        "https://git.example.com:8443/tea",
        "https://git.example.com:8443/team/repo.git/",
        "https://*.example.com:8443",
        "https://git.example.com",
        "http://git.example.com:8443",
        "https://ann@git.example.com:8443",
        "https://bob@git.example.com:8443/team/repo.git",
        "https://example.com:8443",
        "https://*.com:8443",
        "https://[::1",
    ],
)
@pytest.mark.parametrize("comes_first", [False, True])
def test_a_setting_of_a_url_counts_where_git_says_so(tmp_path: Path, place: str, comes_first: bool) -> None:
    pairs = [(f"http.{place}.useragent", "of the place"), ("http.https://git.example.com:8443/.useragent", "of a host")]
    ordered = pairs if comes_first else pairs[::-1]
    file = tmp_path / "config"
    for key, value in ordered:
        subprocess.run(["git", "config", "--file", str(file), "--add", key, value], check=True, timeout=30)
    asked = ["git", "config", "--file", str(file), "--get-urlmatch", "http.userAgent", URL]
    said = subprocess.run(asked, capture_output=True, encoding="utf-8", timeout=30, check=False).stdout.strip()

    assert http_settings(URL, ordered, {}).user_agent == said


def test_headers_of_all_places_that_count_are_sent_and_an_empty_one_forgets_those_before() -> None:
    settings = [
        ("http.extraheader", "X-Gone: 1"),
        ("http.extraheader", ""),
        ("http.extraheader", "X-All: 1"),
        ("http.https://git.example.com:8443/.extraheader", "AUTHORIZATION: basic abc"),
        ("http.https://elsewhere.example.com/.extraheader", "X-Other: 1"),
    ]

    assert http_settings(URL, settings, {}).headers == (("X-All", "1"), ("AUTHORIZATION", "basic abc"))


@pytest.mark.parametrize(
    ("settings", "env", "expected"),
    [
        ([("http.sslverify", "false")], {}, HttpSettings(verifies=False)),
        ([], {"GIT_SSL_NO_VERIFY": "1"}, HttpSettings(verifies=False)),
        ([("http.sslcainfo", "/a")], {"GIT_SSL_CAINFO": "/b"}, HttpSettings(ca_file="/b")),
        ([("http.proxy", "p:1")], {"https_proxy": "q:1"}, HttpSettings(proxy="p:1")),
        ([("http.proxy", "")], {"https_proxy": "q:1"}, HttpSettings()),
        ([], {"HTTPS_PROXY": "q:1"}, HttpSettings(proxy="q:1")),
        ([], {"HTTP_PROXY": "q:1"}, HttpSettings()),
        ([], {"all_proxy": "q:1", "no_proxy": "x, .example.com"}, HttpSettings()),
        ([("http.followredirects", "false")], {}, HttpSettings(follows=False)),
        ([("http.postbuffer", "1"), ("http.version", "HTTP/2")], {"GIT_HTTP_LOW_SPEED_TIME": "1"}, HttpSettings()),
        ([("http.emptyauth", "true")], {}, HttpSettings(unfamiliar="http.emptyauth is set")),
        ([("http.unheard", "1")], {}, HttpSettings(unfamiliar="http.unheard is set")),
        ([], {"GIT_SSL_CIPHER_LIST": "x"}, HttpSettings(unfamiliar="GIT_SSL_CIPHER_LIST is set")),
        (
            [],
            {"GIT_SSL_CERT": "/a", "GIT_SSL_CERT_PASSWORD_PROTECTED": "1"},
            HttpSettings(certificate="/a", unfamiliar="GIT_SSL_CERT_PASSWORD_PROTECTED is set"),
        ),
        (
            [("http.sslcert", "/a"), ("http.sslkey", "/b"), ("http.sslcapath", "/c")],
            {"GIT_SSL_KEY": "/d"},
            HttpSettings(certificate="/a", key="/d", ca_path="/c"),
        ),
    ],
)
def test_what_is_said_of_connecting_is_read(
    settings: list[tuple[str, str]], env: dict[str, str], expected: HttpSettings
) -> None:
    assert http_settings(URL, settings, env) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x?y",
        "https://h/a b",
        "https://h\u00e4/x",
        "https://h:0/x",
        "https:///x",
        "https://h/\u00e4",
        "https://h/#x",
    ],
)
def test_a_url_that_is_unusual_is_left_to_git(url: str) -> None:
    assert http_settings(url, [], {}).unfamiliar == "its URL has something unusual in it"


@pytest.mark.parametrize(
    ("words", "passes"), [("*", True), ("10.0.0.0/8", True), ("10.1.2.3", True), ("11.0.0.0/8,0.1.2.3", False)]
)
def test_an_address_passes_a_proxy_by_where_it_is_named(words: str, passes: bool) -> None:
    found = http_settings("http://10.1.2.3/x.git", [("http.proxy", "p:1")], {"NO_PROXY": words})

    assert found.proxy == ("" if passes else "p:1")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://u:p%40@proxy.example:3128", ProxyPlace("proxy.example", 3128, "u", "p@")),
        ("proxy.example:3128", ProxyPlace("proxy.example", 3128, "", "")),
        ("socks5://proxy.example:1", None),
        ("https://proxy.example:1", None),
        ("http://proxy.example:x", None),
    ],
)
def test_a_proxy_is_taken_apart_or_left_to_git(url: str, place: ProxyPlace | None) -> None:
    assert proxy_place(url) == place
