"""The page about webhooks is true: its receiver, run as it stands, takes what a relay sends and nothing else."""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.core.documents.events import Event
from gitcoord.core.relay.schedule import RETRIES_S
from tests.conftest import MakeRepo

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
TIMEOUT_S = 150  # a bound for a hang

_RECEIVER = re.compile(r"<!-- receiver:begin.*?-->\n```python\n(.*?)```\n<!-- receiver:end -->", re.DOTALL)

pytestmark = pytest.mark.docs


@contextmanager
def receiver(secret: str) -> "Generator[tuple[str, subprocess.Popen[str]]]":
    """Run the receiver of the page at a free port, which it says; yield its URL."""
    (script,) = _RECEIVER.findall(PAGE)
    script = script.replace("8000", "0").replace("HTTPServer((", "server = HTTPServer((")
    script = script.replace(").serve_forever()", ")\nprint(server.server_port, flush=True)\nserver.serve_forever()")
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "HOOK_SECRET": secret},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/", process
        finally:
            process.kill()


def gitcoord(repo: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOOK_SECRET": "of the page"}
    command = [sys.executable, "-m", "gitcoord", *words]
    return subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.mark.parametrize(("secret", "status"), [("of the page", 0), ("another", 1)])
def test_the_receiver_of_the_page_takes_what_is_signed_with_its_secret(
    make_repo: MakeRepo, secret: str, status: int
) -> None:
    repo = make_repo()
    with receiver(secret) as (url, process):
        once = ("relay", "--url", url, "--secret-env", "HOOK_SECRET", "--once")
        assert gitcoord(repo, *once).returncode == 0
        assert gitcoord(repo, "claim", "add", "README.md").returncode == 0

        done = gitcoord(repo, *once)

        assert done.returncode == status, done.stderr
        process.kill()
        assert process.stdout is not None
        assert process.stdout.read().startswith("claim_granted ['c-" if status == 0 else "")
        assert ("HTTP 204" if status == 0 else "HTTP 401") in done.stdout


def test_the_page_names_every_event_and_every_wait() -> None:
    named = set(re.findall(r"`([a-z]+_[a-z]+)`", "\n".join(re.findall(r"^\| `.*", PAGE, re.MULTILINE))))

    assert named == {*Event}
    assert "{}, {}, {} and {} seconds".format(*RETRIES_S) in PAGE
