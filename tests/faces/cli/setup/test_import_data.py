"""`gitcoord import`: what was done elsewhere is shown, taken over, and never half."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import Run
from tests.foreign import COORD_TABLES, HQ_TABLES, Coord, change, coord_claim, database, hq_rows, send, served


@pytest.fixture
def hq(tmp_path: Path, git: Git, repo: Path) -> str:
    head = git(repo, "rev-parse", "HEAD")
    return str(database(tmp_path / "hq.db", HQ_TABLES, hq_rows(head, head)))


def test_a_dry_run_shows_the_projects_and_writes_none(run: Run, hq: str) -> None:
    done = run("import", "hq", hq, "--dry-run")

    assert (done.status, done.err) == (0, "note: nothing was written; the same without --dry-run imports it\n")
    assert [line.split() for line in done.out.splitlines()] == [
        ["PROJECT", "STATE", "STATUS", "STEPS", "COMPLETED", "WAS", "HELD"],
        ["shop", "new", "active", "5", "2", "3"],
    ]
    assert run("project", "list", "--json").json["count"] == 0


def test_projects_are_imported_and_then_are_there(run: Run, hq: str) -> None:
    done = run("import", "hq", hq, "--json")

    assert (done.status, done.json["source"], done.json["schema"], done.json["dry_run"]) == (0, "hq", 1, False)
    assert run("step", "claim", "--json").json["step"]["id"] == "shop/3"


def test_a_project_that_is_there_and_another_is_refused_with_exit_status_1(run: Run, hq: str, project: str) -> None:
    done = run("import", "hq", hq, "--rename", f"shop={project}")

    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("refused: A project named 'app' exists already, and it is another")
    assert "--rename app=NAME" in done.err
    assert run("import", "hq", hq, "--rename", f"shop={project}", "--json").json["refused"] == "exists"


def test_what_cannot_be_imported_is_a_mistake_with_its_place_and_what_to_do(run: Run, hq: str) -> None:
    change(Path(hq), "UPDATE steps SET status = 'paused' WHERE id = 5")

    done = run("import", "hq", hq)

    assert (done.status, done.out) == (2, "")
    assert "steps, id '5': status is 'paused'" in done.err
    assert "hint: Correct it there" in done.err
    assert run("import", "hq", hq, "--json").json["error"]["code"] == "invalid"


@pytest.mark.parametrize("words", ["shop", "=x", "shop=", "="])
def test_a_new_name_is_given_as_a_pair(run: Run, hq: str, words: str) -> None:
    assert run("import", "hq", hq, "--rename", words).status == 2


def test_a_file_without_projects_says_so(run: Run, tmp_path: Path) -> None:
    assert run("import", "hq", str(database(tmp_path / "hq.db", HQ_TABLES))).out == "there are no projects in it\n"


@pytest.mark.rule("SEC-1")
def test_nothing_of_the_file_reaches_the_terminal_as_it_is(run: Run, hq: str) -> None:
    change(Path(hq), "UPDATE steps SET notes = 'a' || char(27) || ']0;x' || char(7) WHERE id = 1")

    run("import", "hq", hq)

    assert "\x1b" not in run("step", "show", "shop/1").out


# --- coord ---


@pytest.fixture
def coord(monkeypatch: pytest.MonkeyPatch) -> Iterator[Coord]:
    with served(Coord()) as one:
        monkeypatch.setenv("COORD_AUTH_TOKEN", one.token)
        one.claims = [coord_claim("1", "ann", "src/a.py"), coord_claim("2", "bob", "docs/**", repo="acme/app")]
        one.owners = "modules: {auth: {paths: ['src/auth/**']}}\n"
        yield one


def test_claims_and_rules_of_a_service_are_shown_and_then_there(run: Run, coord: Coord) -> None:
    planned = run("import", "coord", coord.url, "--dry-run")
    done = run("import", "coord", coord.url)

    lines = [line.split()[1:] for line in planned.out.splitlines()]
    assert lines[0] == ["STATE", "AGENT", "WHAT", "LEFT"]
    assert sorted(line[:3] for line in lines[1:3]) == [["new", "ann", "src/a.py"], ["new", "bob", "docs/**"]]
    assert planned.out.endswith("ownership rules of 1 module: new\n")
    assert (done.status, "imported" in done.out) == (0, True)
    assert run("claim", "list", "--json").json["count"] == 2
    assert [*run("owners", "show", "--json").json["modules"]] == ["auth"]


def test_a_conflict_says_whose_claim_is_in_whose_way(run: Run, coord: Coord) -> None:
    coord.claims += [coord_claim("3", "bob", "src/**")]

    done = run("import", "coord", coord.url, "--only", "claims")

    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(
        "refused: bob's claim on src/** is in the way of ann's; nothing was imported. [conflict]\n"
    )
    assert "conflict: src/** of bob: held by ann as c-" in done.err
    assert run("import", "coord", coord.url, "--json").json["conflicts"][0]["for"] == "bob"
    assert run("claim", "list", "--json").json["count"] == 0


def test_only_one_repository_s_claims_come_and_the_others_are_counted(run: Run, tmp_path: Path) -> None:
    made = [coord_claim("1", "ann", "a", repo="x/a"), coord_claim("2", "bob", "b", repo="x/b")]
    file = str(database(tmp_path / "c.db", COORD_TABLES, {"claims": made}))

    done = run("import", "coord", file, "--repo", "x/a")

    assert (done.status, done.err) == (0, "note: left out: 1 claim of other repositories\n")
    assert run("import", "coord", str(database(tmp_path / "e.db", COORD_TABLES))).out == (
        "there are no active claims to import\n"
    )


@pytest.mark.rule("SEC-2")
def test_no_token_is_shown_whatever_goes_wrong(run: Run, coord: Coord) -> None:
    inside = coord.url.replace("//", f"//ann:{coord.token}@")
    coord.odd["/claims"] = lambda request: send(request, 302, "", Location=f"{inside}/x")

    for url in (coord.url, inside, coord.url + "/none"):
        done = run("import", "coord", url)
        assert done.status == 2
        assert coord.token not in done.out + done.err


def test_a_service_that_is_away_is_unreachable(run: Run) -> None:
    with served(Coord()) as gone:
        url = gone.url

    assert run("import", "coord", url).status == 5
