"""`gitcoord status` of a real team, as its lead sees it: what needs attention first, all of it on a screen or two."""

import re
from pathlib import Path

import pytest

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requests import request_release
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step, fail_step
from tests.faces.cli.conftest import Run
from tests.faces.cli.test_terminal import on_terminal
from tests.unit.service.world import Agents, crash, seen
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest

PEOPLE, AGENTS, STEPS, FILES = ("ann", "bob", "carla", "dmitri", "eve", "finn"), 30, 50, 60
LINES_MAX = 48  # two screens of the smallest terminal that anybody has, of 24 lines
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def team(repo: Path, agents: Agents) -> Path:
    """A repository with 30 agents, 200 steps of which 30 run and 4 failed, 90 claims, 3 who wait and a request."""
    works = [agents(repo, f"{PEOPLE[num % 6]}/claude-code/worktree-{num:02d}", serve=True) for num in range(AGENTS)]
    for number in range(4):
        steps = [
            {
                "step_num": num,
                "title": f"Rework part {num} of the deployment so that it can be rolled back at any time",
                "branch": f"feat/rework-{number}-{num}",
                "paths": [f"docs/deploying/{number}/chapter-{num:02d}.rst"],
                "depends_on": [num - 10] if num > 20 else [],
            }
            for num in range(1, STEPS + 1)
        ]
        create_project(works[0], name=f"rework-{number}", base_commit="HEAD", steps=[{**step} for step in steps])
    for number in range(4):
        step_id = seen(claim_step(works[number], project=f"rework-{number}"))["step"]["id"]
        fail_step(works[number], step_id=step_id, reason=f"the vendor's API {number} answers 503 since this morning")
    for number, work in enumerate(works):
        claim_step(work, project=f"rework-{number % 4}")
    for number in range(FILES):
        name = f"src/services/{number:02d}/handlers/registration_and_login.py"
        claim_files(works[number % AGENTS], patterns=[name], description="split the login into a form and its check")
    for number in range(3):
        claim_files(works[number], patterns=["src/services/07/**"], wait_seconds=600)
    claim = seen(claim_files(works[4], patterns=["README.md"], narrowable=False))["claim"]["id"]
    request_release(works[5], claim_id=claim, reason="the release waits for it", wait_seconds=0)
    crash(works[-1])
    return repo


def lines_of(drawn: str) -> list[str]:
    return _COLOUR.sub("", drawn).replace("\r\n", "\n").split("\n")[:-1]


def test_status_of_thirty_agents_is_two_screens_and_no_line_is_folded(team: Path) -> None:
    for width in (80, 120, 160):
        status, drawn = on_terminal(team, "status", COLUMNS=str(width))
        lines = lines_of(drawn)

        assert status == 0
        assert len(lines) <= LINES_MAX, drawn
        assert max(map(len, lines)) <= width
        assert "attention" in lines[2].lower()
        assert lines[3].split()[:3] == ["failed", "rework-0/11", "blocks"]
        assert len([line for line in lines if re.search(r" rework-\d/\d+ .* Rework", line)]) == 8
        assert any(line.startswith("and 22 more; all: gitcoord agents list") for line in lines)


def test_a_pipe_gets_the_whole_text_and_the_commands_that_are_named_the_whole_lists(team: Path, run: Run) -> None:
    done = run("status")
    out = done.out

    assert done.err == ""
    assert "the vendor's API 0 answers 503 since this morning (ann/claude-code/worktree-00, " in out
    assert "Rework part 12 of the deployment so that it can be rolled back at any time\n" in out
    assert "src/services/00/handlers/registration_and_login.py" in out
    assert "…" not in out
    assert len(out.splitlines()) <= LINES_MAX
    agents, claims, failed = run("agents", "list"), run("claim", "list"), run("step", "list", "--status", "failed")

    assert len(agents.out.splitlines()) == 1 + AGENTS
    assert len(claims.out.splitlines()) >= 1 + 90
    assert [line.split()[0] for line in failed.out.splitlines()[1:]] == [f"rework-{number}/11" for number in range(4)]
    assert "the vendor's API 3 answers 503" in failed.out
