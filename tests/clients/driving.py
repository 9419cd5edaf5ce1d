"""Run a real client once, in a repository that `gitcoord init` has wired, against a scripted model.

Each has a home of its own, a key that is no key, and nobody to reach but the endpoint. What a person would have agreed
to once, that the folder is trusted, its server may start and its tools may be called, is written into the home.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.anthropic_mock import AnthropicMock
from tests.clients.chat_mock import ChatMock
from tests.clients.endpoint import Endpoint, Request, Script
from tests.clients.gemini_mock import GeminiMock
from tests.clients.programs import Name
from tests.clients.responses_mock import ResponsesMock

RUN_S = 120  # a bound for a hang; a run takes a second or two
PROMPT = "Take the next step."
AGENTS: Mapping[Name, str] = {
    "claude": "claude-code",
    "codex": "codex",
    "gemini": "gemini",
    "opencode": "opencode",
}  # the middle of their agents' names
_CODEX_CONFIG = """\
model = "{model}"
model_provider = "mock"

[model_providers.mock]
name = "mock"
base_url = "{url}/v1"
wire_api = "responses"
requires_openai_auth = false

[projects."{top}"]
trust_level = "trusted"
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it.

    Attributes:
        first_s: from the start of the client to its first request of the model.
        shown_tools: those of our tools that the first request names.
        shown_results: what the model was shown of its calls, in the end.
        session: what the client calls its session.
    """

    turns: Sequence[Request]
    first_s: float
    shown_tools: frozenset[str]
    shown_results: Sequence[str]
    session: str


def wire(name: Name, top: Path, env: Mapping[str, str]) -> None:
    """Write the configuration that a repository has."""
    subprocess.run(
        ["gitcoord", "init", "--tool", name, "--yes"], cwd=top, env=with_gitcoord(env), check=True, capture_output=True
    )


def with_gitcoord(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the `gitcoord` of this interpreter first on PATH."""
    here = Path(sys.executable).parent
    assert (here / "gitcoord").exists(), f"gitcoord is not installed in {here.parent}"
    return {**env, "PATH": f"{here}{os.pathsep}{env['PATH']}"}


def run(name: Name, program: Sequence[str], script: Script, top: Path, env: Mapping[str, str], model: str = "m") -> Run:
    """Let the client work through the script; `env` says where its home is.

    `model`: what Codex takes the model for; it gives those that it knows other tools.
    """
    with _ENDPOINTS[name](script) as endpoint:
        arguments, more = _SETTINGS[name](top, Path(env["HOME"]), endpoint.url, model)
        proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), endpoint.url)
        begin = time.monotonic()
        done = subprocess.run(
            [*program, *arguments],
            cwd=top,
            env={**with_gitcoord(env), **proxy, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=RUN_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert endpoint.turns, "the client never asked the model"
        if endpoint.failure is not None:
            raise endpoint.failure
        return _summary(endpoint, begin, done.stdout)


def session_of(top: Path, told: str) -> str:
    """Return the id of ours for a client's session: its own, or the one that its server had drawn before."""
    alias = top / ".git/gitcoord/sessions" / f"{told.lower()}.alias"
    return alias.read_text("utf-8") if alias.exists() else told.lower()


def _summary(endpoint: Endpoint, begin: float, output: str) -> Run:
    turns = endpoint.turns
    messages = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    ids = (one.get("session_id") or one.get("thread_id") or one.get("sessionID") for one in messages)
    return Run(
        turns=turns,
        first_s=turns[0].at - begin,
        shown_tools=frozenset(endpoint.shown_tools(turns[0].body)),
        shown_results=endpoint.shown_results(turns[-1].body),
        session=next(filter(None, ids), ""),
    )


def _claude(top: Path, home: Path, url: str, model: str) -> tuple[list[str], dict[str, str]]:
    trusted = {"hasTrustDialogAccepted": True, "enabledMcpjsonServers": ["gitcoord"]}
    (home / ".claude.json").write_text(json.dumps({"projects": {str(top): trusted}}))
    allowed = ("--allowedTools", "mcp__gitcoord__*", "--permission-mode", "acceptEdits")
    return ["-p", PROMPT, "--output-format", "stream-json", "--verbose", *allowed], {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def _codex(top: Path, home: Path, url: str, model: str) -> tuple[list[str], dict[str, str]]:
    (home / ".codex").mkdir(exist_ok=True)
    (home / ".codex" / "config.toml").write_text(_CODEX_CONFIG.format(url=url, top=top, model=model))
    return ["exec", "--json", "--sandbox", "danger-full-access", "--dangerously-bypass-hook-trust", PROMPT], {}


def _gemini(top: Path, home: Path, url: str, model: str) -> tuple[list[str], dict[str, str]]:
    folder = home / ".gemini"
    folder.mkdir(exist_ok=True)
    (folder / "trustedFolders.json").write_text(json.dumps({str(top): "TRUST_FOLDER"}))
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
    (folder / "settings.json").write_text(json.dumps(settings))
    options = ["--approval-mode", "yolo", "--output-format", "stream-json"]
    return ["-m", "gemini-2.5-flash", *options, "-p", PROMPT], {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "none"}


def _opencode(top: Path, home: Path, url: str, model: str) -> tuple[list[str], dict[str, str]]:
    folder = home / ".config" / "opencode"
    folder.mkdir(parents=True, exist_ok=True)
    models = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{url}/v1"}, "models": {model: {}}}
    (folder / "opencode.json").write_text(json.dumps({"provider": {"mock": models}, "autoupdate": False}))
    return ["run", "-m", f"mock/{model}", "--format", "json", PROMPT], {"OPENCODE_DISABLE_MODELS_FETCH": "1"}


_SETTINGS: Mapping[Name, Callable[[Path, Path, str, str], tuple[list[str], dict[str, str]]]] = {
    "claude": _claude,
    "codex": _codex,
    "gemini": _gemini,
    "opencode": _opencode,
}
_ENDPOINTS: Mapping[Name, type[Endpoint]] = {
    "claude": AnthropicMock,
    "codex": ResponsesMock,
    "gemini": GeminiMock,
    "opencode": ChatMock,
}
