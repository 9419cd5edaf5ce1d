"""Commands that write while the remote hangs: each waits for it once, and says what to go on with."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Git, MakeBare, MakeRepo
from tests.faces.cli.conftest import Done, RunProgram
from tests.servers.hanging_git import HangingGit

PLAN = '{"name": "app", "base_commit": "HEAD", "steps": [{"step_num": 1}, {"step_num": 2}]}'
BEFORE = (("project", "create", "../plan.json"), ("claim", "add", "README.md"), ("step", "claim"))
COMPLETE = ("step", "complete", "app/1", "HEAD")


@dataclass(frozen=True)
class Case:
    """A command, how many of its calls to the remote are answered, and the words of those that are not."""

    words: tuple[str, ...]
    answered: int = 0
    unanswered: tuple[str, ...] = ("fetch",)
    says: str = "Go on with what you hold"


CASES = {
    "claim": Case(("claim", "add", "x.py")),
    "claim, once the claims were read": Case(("claim", "add", "x.py"), 1),
    "release": Case(("claim", "release")),
    "release, once the claims were read": Case(
        ("claim", "release"), 1, ("push", "fetch"), "the next command finds out"
    ),
    "step claim": Case(("step", "claim")),
    "complete": Case(COMPLETE),
    "complete, once the step was read": Case(COMPLETE, 1, ("ls-remote",)),
    "complete, once all was read": Case(COMPLETE, 4, ("push", "fetch"), "the next command finds out"),
}


def test_a_command_that_writes_waits_once_for_a_remote_that_hangs(
    tmp_path: Path, make_repo: MakeRepo, make_bare: MakeBare, git: Git, program: RunProgram
) -> None:
    (tmp_path / "plan.json").write_text(PLAN)
    places = {name: place(tmp_path, num, make_repo, make_bare, git) for num, name in enumerate(CASES)}

    def waited_for(name: str) -> tuple[int, tuple[str, ...], Done]:
        (repo, own), case = places[name], CASES[name]
        for words in BEFORE:
            assert program(words, repo, env=own.env).status == 0
        with own.hanging(after=case.answered):
            done = program(case.words, repo, env=own.env)
        return done.status, own.unanswered(), done

    with ThreadPoolExecutor(len(CASES)) as pool:  # each waits for as long as one network timeout
        found = dict(zip(CASES, pool.map(waited_for, CASES), strict=True))

    asked = {name: (status, unanswered) for name, (status, unanswered, _) in found.items()}
    assert asked == {name: (5, case.unanswered) for name, case in CASES.items()}
    assert [done.err for name, (_, _, done) in found.items() if CASES[name].says not in done.err] == []


def place(tmp_path: Path, num: int, make_repo: MakeRepo, make_bare: MakeBare, git: Git) -> tuple[Path, HangingGit]:
    """Return a clone of a remote of its own, and the git that it is used with."""
    repo, hub = make_repo(f"repo-{num}"), make_bare(f"hub-{num}.git")
    git(repo, "remote", "add", "origin", f"file://{hub}")
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "config", "gitcoord.remote", "origin")
    return repo, HangingGit(tmp_path / f"git-{num}")
