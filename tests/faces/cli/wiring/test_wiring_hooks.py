"""Git's hooks, with a real git: where they go, what they hand over, what was there before, and how they go again.

`gitcoord hook …` itself is a stub here: a program on PATH that writes down how it was called.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitcoord.faces.cli.wiring.change import NotOursError
from gitcoord.faces.cli.wiring.lefthook import Lefthook
from gitcoord.ledger.clone import held_branches
from tests.conftest import AddWorktree, Clone, Git, MakeBare, MakeRepo
from tests.faces.cli.conftest import Run

NAMES = ("pre-commit", "prepare-commit-msg", "pre-push", "post-checkout", "post-merge")
GIT_WAIT_S = 60
STUB = """\
#!/bin/sh
[ "$2" != none ] || exit 0
echo "$*" >>"$GITCOORD_STUB_LOG"
[ "$2" != pre-push ] || cat >>"$GITCOORD_STUB_LOG"
exit "${GITCOORD_STUB_STATUS:-0}"
"""


@dataclass(frozen=True)
class Stub:
    """A program that stands for gitcoord, and what it was called with."""

    folder: Path
    log: Path

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    folder = tmp_path / "bin with blank"
    folder.mkdir()
    program(folder / "gitcoord", STUB)
    only = tmp_path / "only"
    only.mkdir()
    for name in ("git", "sh", "cat", "rm", "dirname"):
        found = shutil.which(name)
        assert found
        (only / name).symlink_to(found)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{only}")
    monkeypatch.setenv("GITCOORD_STUB_LOG", str(tmp_path / "calls"))
    return Stub(folder, tmp_path / "calls")


def program(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def try_git(cwd: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        ["git", *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=GIT_WAIT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def install(run: Run, *words: str, cwd: Path | None = None) -> None:
    assert run("init", "--tool", "none", *words, cwd=cwd).status == 0


def ours(folder: Path) -> Sequence[str]:
    return [name for name in NAMES if (folder / name).exists() and "# gitcoord:hook" in (folder / name).read_text()]


def test_every_shim_is_for_posix_shells_and_says_what_it_is() -> None:
    folder = Path(__file__).parents[4] / "hooks"

    for name in NAMES:
        text = (folder / name).read_text()
        version = {"pre-push": 3, "pre-commit": 4, "prepare-commit-msg": 4}.get(name, 2)
        assert text.startswith(f"#!/bin/sh\n# gitcoord:hook {name} {version}\n")
        assert os.access(folder / name, os.X_OK)
        assert subprocess.run(["sh", "-n", str(folder / name)], check=False, timeout=GIT_WAIT_S).returncode == 0


def test_a_commit_and_a_push_hand_over_arguments_and_lines(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, stub: Stub
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    install(run)
    held = Path(held_branches.file_of(str(repo / ".git" / "gitcoord"), {"branch": "main"}))
    held.parent.mkdir(exist_ok=True)
    held.touch()

    git(repo, "commit", "--quiet", "--allow-empty", "--message", "x")
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "switch", "--quiet", "--create", "other")

    head = git(repo, "rev-parse", "HEAD")
    pushed = f"refs/heads/main {head} refs/heads/main {'0' * 40}"
    first, second, third, lines, checkout = stub.calls
    assert (first, second) == ("hook pre-commit", "hook prepare-commit-msg .git/COMMIT_EDITMSG message")
    assert third == f"hook pre-push origin {git(repo, 'remote', 'get-url', 'origin')}"
    assert lines == pushed
    assert checkout == f"hook post-checkout {head} {head} 1"


def test_a_hook_of_others_runs_first_with_the_same_lines_and_its_failure_stops(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, stub: Stub
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    theirs = '#!/bin/sh\necho "theirs $*" >>"$GITCOORD_STUB_LOG"\ncat >>"$GITCOORD_STUB_LOG"\nexit ${THEIR_STATUS:-0}\n'
    program(repo / ".git/hooks/pre-push", theirs)
    install(run)

    git(repo, "push", "--quiet", "origin", "main")
    both = stub.calls
    stub.log.unlink()
    os.environ["THEIR_STATUS"] = "7"
    try:
        status, _ = try_git(repo, "push", "origin", "main:other")
    finally:
        del os.environ["THEIR_STATUS"]

    assert [line.split()[0] for line in both] == ["theirs", "refs/heads/main", "hook", "refs/heads/main"]
    assert both[1] == both[3]
    assert status == 1
    assert not any(line.startswith("hook") for line in stub.calls)
    assert not list((repo / ".git").glob("gitcoord-pre-push*"))


@pytest.mark.parametrize(
    ("status", "passes", "said"),
    [("0", True, ""), ("1", False, ""), ("2", True, "NOTHING WAS CHECKED"), ("3", True, "NOTHING WAS CHECKED")],
)
def test_only_a_refusal_stops_git(
    run: Run, repo: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch, status: str, *, passes: bool, said: str
) -> None:
    install(run)
    monkeypatch.setenv("GITCOORD_STUB_STATUS", status)

    code, output = try_git(repo, "commit", "--allow-empty", "--message", "x")

    assert (code == 0) is passes
    assert said in output


def test_what_comes_after_git_is_done_never_fails_its_command(
    run: Run, repo: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(run)
    monkeypatch.setenv("GITCOORD_STUB_STATUS", "1")

    code, output = try_git(repo, "switch", "--create", "other")

    assert code == 0
    assert "NOTHING WAS REFRESHED" in output


def test_without_the_program_one_loud_line_is_said_and_the_commit_passes(
    run: Run, repo: Path, git: Git, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(run)
    git(repo, "config", "--unset", "gitcoord.program")
    (stub.folder / "gitcoord").unlink()

    code, output = try_git(repo, "commit", "--allow-empty", "--message", "x")

    assert code == 0
    assert output.count("NOTHING WAS CHECKED (pre-commit)") == 1
    assert stub.calls == []


def test_off_the_path_the_program_that_was_recorded_is_started(
    run: Run, repo: Path, git: Git, stub: Stub, tmp_path: Path
) -> None:
    install(run)
    recorded = git(repo, "config", "--local", "gitcoord.program")
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (stub.folder / "gitcoord").rename(elsewhere / "gitcoord")
    git(repo, "config", "gitcoord.program", str(elsewhere / "gitcoord"))

    git(repo, "commit", "--quiet", "--allow-empty", "--message", "x")

    assert Path(recorded).is_absolute()
    assert stub.calls[0] == "hook pre-commit"


def test_linked_worktrees_share_the_hooks(
    run: Run, repo: Path, git: Git, add_worktree: AddWorktree, stub: Stub
) -> None:
    worktree = add_worktree(repo, "wt-1")
    install(run, cwd=worktree)

    git(worktree, "commit", "--quiet", "--allow-empty", "--message", "x")

    assert ours(repo / ".git/hooks") == list(NAMES)
    assert stub.calls[0] == "hook pre-commit"


def test_a_submodule_has_its_own(run: Run, repo: Path, make_repo: MakeRepo, git: Git) -> None:
    library = make_repo("library")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")

    install(run, cwd=repo / "lib")

    assert ours(repo / ".git/modules/lib/hooks") == list(NAMES)
    assert not ours(repo / ".git/hooks")


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_go_where_the_configuration_says_if_that_is_in_the_repository(
    run: Run, repo: Path, git: Git, stub: Stub, scope: str
) -> None:
    git(repo, "config", scope, "core.hooksPath", ".githooks")

    install(run)
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "x")

    assert ours(repo / ".githooks") == list(NAMES)
    assert not ours(repo / ".git/hooks")
    assert stub.calls[0] == "hook pre-commit"


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_a_folder_of_hooks_elsewhere_is_not_written_to_and_that_is_said(
    run: Run, repo: Path, git: Git, tmp_path: Path, scope: str
) -> None:
    elsewhere = tmp_path / "everybody's hooks"
    elsewhere.mkdir()
    git(repo, "config", scope, "core.hooksPath", str(elsewhere))

    done = run("init", "--tool", "none")

    assert list(elsewhere.iterdir()) == []
    assert not ours(repo / ".git/hooks")
    assert "which is not this repository's" in done.err
    assert "gitcoord hook <name>" in done.err


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_uninstall_gives_a_hook_of_others_its_name_and_permissions_back(
    run: Run, repo: Path, stub: Stub, mode: int
) -> None:
    theirs = program(repo / ".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n# \xe9\n", mode)
    before = (theirs.read_bytes(), theirs.stat().st_mode)
    install(run)
    install(run)
    beside = theirs.with_name("pre-commit.before-gitcoord")
    kept = (beside.read_bytes(), beside.stat().st_mode)

    done = run("uninstall")

    assert done.status == 0
    assert kept == before == (theirs.read_bytes(), theirs.stat().st_mode)
    assert ours(repo / ".git/hooks") == []
    assert not beside.exists()


def test_a_hook_of_others_that_cannot_be_run_is_not_run(run: Run, repo: Path, git: Git, stub: Stub) -> None:
    program(repo / ".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n", 0o644)
    install(run)

    git(repo, "commit", "--quiet", "--allow-empty", "--message", "x")

    assert stub.calls[0] == "hook pre-commit"


def test_a_binary_hook_of_others_is_kept(run: Run, repo: Path) -> None:
    path = repo / ".git/hooks/pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\x7fELF\xff\x00")

    install(run)

    assert path.with_name("pre-push.before-gitcoord").read_bytes() == b"\x7fELF\xff\x00"


@pytest.mark.parametrize("what", ["hooks", "hooks/pre-push"])
def test_a_link_is_never_written_through_nor_moved(run: Run, repo: Path, tmp_path: Path, what: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    link = repo / ".git" / what
    if what == "hooks":
        elsewhere.mkdir()
        shutil.rmtree(link, ignore_errors=True)
    else:
        elsewhere.write_text("#!/bin/sh\n")
        link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)

    done = run("init", "--tool", "none")

    assert done.status == 1
    assert "is a symbolic link" in done.err
    assert link.is_symlink()
    assert list(elsewhere.iterdir()) == [] if what == "hooks" else elsewhere.read_text() == "#!/bin/sh\n"


def test_what_another_installer_wrote_over_ours_is_chained_again(run: Run, repo: Path, stub: Stub) -> None:
    theirs = program(repo / ".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n")
    install(run)
    program(theirs, "#!/bin/sh\nexit 0\n")
    program(repo / ".git/hooks/pre-push", "#!/bin/sh\n# another\n")
    program(repo / ".git/hooks/pre-push.before-gitcoord", "#!/bin/sh\n# one\n")

    done = run("upgrade")

    assert ours(repo / ".git/hooks") == ["pre-commit", "prepare-commit-msg", "post-checkout", "post-merge"]
    assert done.status == 1
    assert "skipped: .git/hooks/pre-push: it is not ours, and so is pre-push.before-gitcoord" in done.err


def test_a_shim_that_people_changed_is_kept(run: Run, repo: Path) -> None:
    install(run)
    path = repo / ".git/hooks/pre-commit"
    path.write_text(path.read_text() + "# mine\n")

    upgraded = run("upgrade")
    removed = run("uninstall")

    assert "kept       .git/hooks/pre-commit" in upgraded.out
    assert "kept       .git/hooks/pre-commit" in removed.out
    assert path.read_text().endswith("# mine\n")


def test_a_shim_of_an_older_version_is_renewed(run: Run, repo: Path) -> None:
    install(run)
    path = repo / ".git/hooks/pre-commit"
    present = path.read_text()
    path.write_text("#!/bin/sh\n# gitcoord:hook pre-commit 0\nexec true\n")

    run("upgrade")

    assert path.read_text() == present


@pytest.mark.parametrize("setting", [None, ".husky/_", ".husky"])
def test_husky_gets_a_block_in_the_files_that_people_write(
    run: Run, repo: Path, make_bare: MakeBare, git: Git, stub: Stub, setting: str | None
) -> None:
    git(repo, "remote", "add", "origin", str(make_bare()))
    theirs = program(repo / ".husky/pre-push", '#!/bin/sh\ncat >>"$GITCOORD_STUB_LOG"\n')
    before = theirs.read_bytes()
    if setting:
        git(repo, "config", "core.hooksPath", setting)

    done = run("init", "--tool", "none")
    git(repo, "config", "core.hooksPath", ".husky")
    git(repo, "push", "--quiet", "origin", "main")
    if setting is None:
        git(repo, "config", "--unset", "core.hooksPath")
    again = run("init", "--tool", "none", "--json")
    run("uninstall")

    assert ("husky is not active" in done.err) is (setting is None)
    assert [line.split()[0] for line in stub.calls] == ["hook", "refs/heads/main", "refs/heads/main"]
    assert {row["action"] for row in again.json["changes"]} == {"unchanged"}
    assert not ours(repo / ".git/hooks")
    assert theirs.read_bytes() == before
    assert [path.name for path in (repo / ".husky").iterdir()] == ["pre-push"]


@pytest.mark.parametrize(
    ("file", "said"),
    [("lefthook.yml", "lefthook is in use"), (".pre-commit-config.yaml", "are kept, and run beside ours")],
)
def test_other_hook_managers_are_recognised(run: Run, repo: Path, file: str, said: str) -> None:
    (repo / file).write_text("{}\n")

    done = run("init", "--tool", "none")

    assert said in done.err
    assert (repo / file).read_text() == "{}\n"
    assert ours(repo / ".git/hooks") == list(NAMES)


@pytest.mark.parametrize("suffix", [".legacy", ".old"])
def test_what_another_installer_put_aside_goes_with_uninstall(run: Run, repo: Path, suffix: str) -> None:
    install(run)
    ours = repo / ".git/hooks/pre-commit"
    ours.rename(ours.with_name(ours.name + suffix))
    theirs = program(ours, "#!/bin/sh\n# of pre-commit or lefthook\n")

    run("uninstall")

    assert not ours.with_name(ours.name + suffix).exists()
    assert theirs.read_text().endswith("# of pre-commit or lefthook\n")


def test_a_hook_that_pre_commit_runs_from_aside_is_not_installed_twice(run: Run, repo: Path) -> None:
    install(run)
    ours = repo / ".git/hooks/pre-commit"
    ours.rename(ours.with_name("pre-commit.legacy"))
    theirs = program(ours, "#!/bin/sh\n# of pre-commit\n")

    done = run("init", "--tool", "none", "--json")

    rows = {row["path"]: row["action"] for row in done.json["changes"]}
    assert rows[".git/hooks/pre-commit.legacy"] == "unchanged"
    assert ".git/hooks/pre-commit" not in rows
    assert theirs.read_text().endswith("# of pre-commit\n")


LEFTHOOK = """\
# mine
pre-push:
  parallel: true
  jobs:  # these
    - name: t
      run: cat
pre-commit:
    commands:

        lint:   {run: "npm run lint"}
prepare-commit-msg:
  scripts:
    "x.sh": {runner: sh}
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lefthook_s_file_gets_a_line_for_each_hook_and_gives_it_back(newline: str) -> None:
    text = LEFTHOOK.replace("\n", newline).removesuffix(newline)
    file = Lefthook("lefthook.yml", ("pre-commit", "prepare-commit-msg", "pre-push"))

    after = file.put(text).text or ""

    added = [line for line in after.splitlines() if line not in text.splitlines()]
    assert [line.split(": ")[0].strip() for line in added] == ["- {name", "gitcoord", "commands"]
    assert all(f"gitcoord hook {name} {{0}}" in after for name in file.names)
    assert after.count("use_stdin: true") == 1
    assert ("\r\n" in after) == (newline == "\r\n")
    assert file.put(after).text == after
    assert file.take(after).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pre-push: {commands: {t: {run: x}}}\n", "add by hand: use_stdin: true, run: "),
        ("pre-push:\n", "add by hand"),
        ("pre-push:\n  a: 1\n b: 2\n", r"it is not YAML \(line 3: "),
    ],
)
def test_what_nothing_can_be_added_to_is_told(text: str, said: str) -> None:
    with pytest.raises(NotOursError, match=said):
        Lefthook("lefthook.yml", ("pre-push",)).put(text)


def test_a_hook_of_lefthook_gets_no_shim(run: Run, repo: Path) -> None:
    (repo / "lefthook.yml").write_text(LEFTHOOK)

    install(run)
    wired = (repo / "lefthook.yml").read_text()
    shims = ours(repo / ".git/hooks")
    again = run("upgrade", "--json")
    run("uninstall")

    assert "gitcoord hook pre-push" in wired
    assert shims == ["post-checkout", "post-merge"]
    assert {row["action"] for row in again.json["changes"]} == {"unchanged"}
    assert (repo / "lefthook.yml").read_text() == LEFTHOOK


@pytest.mark.parametrize("later", ["husky", "elsewhere"])
def test_uninstall_finds_the_hooks_that_git_does_not_look_at_any_more(
    run: Run, repo: Path, git: Git, tmp_path: Path, later: str
) -> None:
    install(run)
    if later == "husky":
        (repo / ".husky").mkdir()
    git(repo, "config", "core.hooksPath", ".husky/_" if later == "husky" else str(tmp_path))

    run("uninstall")

    assert ours(repo / ".git/hooks") == []


def test_no_hooks_means_none(run: Run, repo: Path, git: Git) -> None:
    install(run, "--no-hooks")

    assert not ours(repo / ".git/hooks")
    assert "gitcoord" not in (repo / ".git/config").read_text()


def test_uninstall_leaves_the_configuration_as_it_was(run: Run, repo: Path, clone: Clone, make_bare: MakeBare) -> None:
    remote = make_bare()
    copy = clone(remote, "copy")
    before = (copy / ".git/config").read_bytes()
    run("init", "--tool", "none", "--remote", "origin", "--repo", "app", cwd=copy)
    written = (copy / ".git/config").read_bytes()

    run("uninstall", cwd=copy)

    assert b"remote = origin" in written
    assert (copy / ".git/config").read_bytes() == before
