"""The snippets of `docs/prompts.md` do what they say."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gitcoord.faces.cli.wiring.extras import status_line
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requests import request_release
from tests.conftest import MakeRepo
from tests.unit.service.world import Agents, seen
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 150  # a bound for a hang
# As an interactive shell does before each prompt, with what it would print; then in a folder without a repository.
PROMPTED = """
PROMPT_COMMAND='was_here=yes'
PS1='> '
{snippet}
for folder in "$REPO" "$ELSEWHERE"; do
    cd "$folder" && eval "$PROMPT_COMMAND"
    printf '%s\\n' "${{PS1@P}}"
done
echo "$was_here"
"""

pytestmark = pytest.mark.docs


def snippet(heading: str, language: str) -> str:
    """Return the block of a section."""
    page = (ROOT / "docs" / "prompts.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def run(*command: str, **env: str) -> str:
    """Run a program that finds gitcoord on its PATH."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        command, env={"PATH": path, **env}, capture_output=True, encoding="utf-8", timeout=TIMEOUT_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_prompt_of_bash_says_what_is_needed_here_and_nothing_elsewhere(
    tmp_path: Path, make_repo: MakeRepo, agents: Agents
) -> None:
    repo, elsewhere = make_repo(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    claim = seen(claim_files(agents(repo, "ann/cli/wt"), patterns=["a.py"]))["claim"]["id"]
    request_release(agents(repo, "bob/cli/two"), claim_id=claim, reason="the release waits", wait_seconds=0)
    script = PROMPTED.format(snippet=snippet("bash and zsh", "sh"))
    home = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", "GITCOORD_AGENT": "ann/cli/wt"}

    out = run("bash", "--norc", "-euc", script, REPO=str(repo), ELSEWHERE=str(elsewhere), **home)

    assert out == "[1 request] > \n> \nyes\n"


def test_what_tmux_runs_quotes_the_folder_that_others_may_have_named(tmp_path: Path) -> None:
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not installed")
    (tmp_path / "tmux.conf").write_text(snippet("tmux", "tmux"), encoding="utf-8")
    bar = "#{q:pane_current_path}"
    (tmp_path / "it's; $(here)").mkdir()
    server = (tmux, "-S", str(tmp_path / "s"), "-f", str(tmp_path / "tmux.conf"))
    try:
        run(*server, "new-session", "-d", "-c", str(tmp_path / "it's; $(here)"), "cat", TERM="screen")
        assert bar in run(*server, "show", "-gv", "status-right")
        # Empty until the pane's process has begun, which on a busy machine is after the session is there.
        asked = (run(*server, "display-message", "-p", bar).rstrip("\n") for _ in range(1_000))
        quoted = next((path for path in asked if path), "")
    finally:
        run(*server, "kill-server")

    assert run("sh", "-c", f"printf %s {quoted}") == str(tmp_path / "it's; $(here)")


def test_the_status_line_of_the_page_is_the_one_that_init_writes() -> None:
    written = status_line().put(None).text

    assert written is not None
    assert json.loads(snippet("Claude Code", "json")) == json.loads(written)


def test_what_starship_reads_is_toml() -> None:
    assert tomllib.loads(snippet("starship", "toml"))["custom"]["gitcoord"]["command"] == "gitcoord status --line"
