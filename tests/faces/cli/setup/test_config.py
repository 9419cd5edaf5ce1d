"""Settings: known ones only, with values that can be meant, kept where git keeps its own."""

from pathlib import Path

import pytest

from tests.conftest import AddWorktree, Git
from tests.faces.cli.conftest import Run


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("remote", "."),
        ("gitcoord.remote", "https://example.com/x.git"),
        ("REPO", "my.app"),
        ("agent", "ann/codex/wt-2"),
        ("namespace", "refs/heads/team/coord"),
        ("beatSeconds", "30"),
        ("wake", "off"),
        ("notify", "desktop"),
        ("gitcoord.beatseconds", "600"),
    ],
)
def test_a_setting_that_is_set_is_read_back(run: Run, key: str, value: str) -> None:
    assert run("config", "set", key, value).status == 0

    assert run("config", "get", key).out == f"{value}\n"
    assert run("config", "get", key, "--json").json["scope"] == "clone"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("remote", "a\nb"),
        ("repo", "../x"),
        ("agent", "a//b"),
        ("namespace", "refs/heads/main"),
        ("beatSeconds", "4"),
        ("wake", "never"),
        ("notify", "mail"),
        ("beatSeconds", "601"),
        ("beatSeconds", "9e9"),
        ("beatSeconds", "٣٠"),
        ("colour", "red"),
        ("user.name", "x"),
        ("", "x"),
    ],
)
def test_what_cannot_be_meant_is_not_set(run: Run, repo: Path, git: Git, key: str, value: str) -> None:
    before = git(repo, "config", "--list")

    assert run("config", "set", key, value).status == 2
    assert git(repo, "config", "--list") == before


def test_an_empty_value_takes_a_setting_away_and_may_be_said_twice(run: Run) -> None:
    run("config", "set", "remote", "origin")

    assert [run("config", "set", "remote", "").status for _ in range(2)] == [0, 0]
    assert run("config", "get", "remote").status == 1


def test_a_worktree_may_have_its_own_agent(run: Run, repo: Path, git: Git, add_worktree: AddWorktree) -> None:
    worktree = add_worktree(repo, "wt")

    refused = run("config", "set", "agent", "ann/x/y", "--scope", "worktree", cwd=worktree)
    git(repo, "config", "extensions.worktreeConfig", "true")
    done = run("config", "set", "agent", "ann/x/y", "--scope", "worktree", cwd=worktree)

    assert refused.status == 2
    assert "unless the config extension worktreeConfig is enabled. [usage]" in " ".join(refused.err.split())
    assert "extensions.worktreeConfig" in refused.err
    assert done.status == 0
    assert run("config", "get", "agent", cwd=repo).status == 1
    assert run("config", "get", "agent", cwd=worktree).out == "ann/x/y\n"


def test_settings_of_single_worktrees_are_not_advised_where_they_break_git(
    run: Run, repo: Path, git: Git, tmp_path: Path
) -> None:
    bare, worktree = tmp_path / "bare.git", tmp_path / "linked"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "--quiet", "-b", "work", str(worktree))
    git(bare, "worktree", "add", "--quiet", "-b", "more", str(tmp_path / "more"))

    refused = run("config", "set", "agent", "ann/x/y", "--scope", "worktree", cwd=worktree)

    assert refused.status == 2
    assert "GITCOORD_AGENT" in refused.err
    assert "extensions.worktreeConfig true" not in refused.err


def test_the_list_has_every_setting_with_its_value(run: Run) -> None:
    run("config", "set", "repo", "app", "--scope", "user")

    rows = {row["key"]: row for row in run("config", "list", "--json").json["settings"]}

    assert set(rows) == {
        f"gitcoord.{name}"
        for name in (
            "remote",
            "repo",
            "agent",
            "namespace",
            "program",
            "beatSeconds",
            "pushesPerMinute",
            "notify",
            "sign",
            "wake",
        )
    }
    assert (rows["gitcoord.repo"]["value"], rows["gitcoord.repo"]["scope"]) == ("app", "user")


def test_the_file_of_the_team_is_checked_by_the_line(run: Run, repo: Path, git: Git) -> None:
    git(repo, "remote", "add", "origin", "https://git.example/team/app.git")
    (repo / ".gitcoord").mkdir()
    file = repo / ".gitcoord/config"
    file.write_text(
        "# where\n[gitcoord]\n\tremote = ../evil\n\tnamespace = refs/heads/main\n[core] sshCommand = evil\n"
        '[GitCoord]\n\tRepo = a/b\n[branch "x"]\n\tremote = y\n',
        encoding="utf-8",
    )

    bad, as_json = run("config", "check"), run("config", "check", ".gitcoord/config", "--json").json
    file.write_text("[gitcoord]\n\tremote = origin\n\tprogram = /tmp/x\n", encoding="utf-8")
    good = run("config", "check")

    where = "not refs/coord or refs/heads/<prefix>/coord"
    why = "neither a remote of this clone nor a repository of the same protocol, host and owner as one"
    assert (bad.status, bad.out.splitlines()) == (
        1,
        [
            f".gitcoord/config:3: the file names '../evil', which is {why}.",
            f".gitcoord/config:4: the file names the namespace 'refs/heads/main', {where}.",
            ".gitcoord/config:7: the file names the repository 'a/b', which cannot be a name.",
        ],
    )
    assert [(row["line"], row["problem"].partition(" is ")[0]) for row in as_json["warnings"]] == [
        (5, "'core.sshcommand'"),
        (9, "'branch.x.remote'"),
    ]
    assert (good.status, good.out) == (0, ".gitcoord/config is valid.\n")
    assert good.err == (
        "warning: .gitcoord/config:3: 'gitcoord.program' is ignored: only gitcoord.remote, .namespace and .repo count "
        "there.\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gitcoord]\n\tremote = origin\n[oops\n", ":3: git cannot parse this as configuration."),
        ("[user]\n\tname = ann\n", ":1: the file names no remote."),
        ("", ":1: the file names no remote."),
        ("[include]\n\tpath = more\n", ":1: the file names no remote."),
    ],
)
def test_a_file_of_the_team_that_says_nothing_is_not_valid(run: Run, repo: Path, text: str, said: str) -> None:
    (repo / "more").write_text("[gitcoord]\n\tremote = .\n", encoding="utf-8")
    (repo / "x").write_text(text, encoding="utf-8")

    assert run("config", "check", "x").out == f"x{said}\n"


def test_a_link_is_no_file_of_the_team(run: Run, repo: Path, git: Git) -> None:
    """A branch would have the link, and what it leads to would not be read."""
    git(repo, "remote", "add", "origin", "https://git.example/team/app.git")
    (repo / "x").write_text("[gitcoord]\n\tremote = origin\n", encoding="utf-8")
    (repo / ".gitcoord").mkdir()
    (repo / ".gitcoord/config").symlink_to("../x")

    checked = run("config", "check")

    assert (checked.status, checked.out) == (
        1,
        ".gitcoord/config:1: the file is a link, which does not count on a branch.\n",
    )


def test_a_file_of_the_team_that_cannot_be_read_is_a_usage_error(run: Run, repo: Path) -> None:
    (repo / "large").write_text("#" * 20_000, encoding="utf-8")

    done = [run("config", "check", *words) for words in ((), ("nope",), (".",), ("large",), ("-",))]

    assert [one.status for one in done] == [2] * 5
    assert "There is no file '.gitcoord/config'." in done[0].err
    assert "larger than 16 KB" in done[3].err


def test_a_remote_that_is_not_there_is_refused(run: Run, repo: Path, git: Git) -> None:
    missing = run("config", "set", "remote", "origin")
    git(repo, "remote", "add", "origin", "https://example.com/x.git")

    there = run("config", "set", "remote", "origin")

    assert "'origin' is neither a remote of this repository nor a URL." in missing.err
    assert (missing.status, there.status, there.err) == (2, 0, "")
    assert git(repo, "config", "--get", "gitcoord.remote") == "origin"
