"""Importing from coord: its claims keep their time, its rules are people's, and nothing comes half."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcoord.errors import CoordError, DeniedError, InvalidError, UnreachableError, UsageError
from gitcoord.service.claims import claims, requests
from gitcoord.service.imports import import_coord as coord_import
from gitcoord.service.imports.import_coord import import_coord
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team import owner_edits, owner_lookup
from tests.conftest import Git
from tests.foreign import COORD_TABLES, Coord, change, coord_claim, database, moment, send, served
from tests.unit.service.world import Agents, Result, later, says, seen, store_of, tips

RULES = (
    "modules:\n  auth:\n    paths: ['src/auth/**']\n    owners: [ann]\n    severity: hard\nshared_files:\n  - /lock\n"
)
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)  # later than the last test of a slow run


@pytest.fixture
def coord() -> Iterator[Coord]:
    with served(Coord()) as one:
        yield one


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    """An agent that has the token of the service in its environment."""
    return agents(repo, "bob/cli/wt", env={coord_import.TOKEN: "s3cret"})


def file_of(folder: Path, *made: dict[str, Any], owners: str | None = None, symbols: Any = (), **more: Any) -> str:  # noqa: ANN401
    rows = {"claims": made, "claim_symbols": symbols, **more}
    if owners is not None:
        rows["ownership_config"] = [{"id": 1, "yaml_text": owners, "updated_at": "2026-11-21T09:00:00Z"}]
    return str(database(folder / "coord.db", COORD_TABLES, rows))


def symbol(claim: str, file: str, name: str, parent: str | None = None) -> dict[str, Any]:
    known = {"claim_id": claim, "file_path": file, "symbol_name": name, "parent_symbol": parent, "symbol_kind": "x"}
    return {"id": f"{claim}{file}{name}", **known}


def held(workspace: Workspace) -> list[tuple[object, ...]]:
    """Return who has what until when, in the order of patterns."""
    found: Any = claims.list_claims(workspace)["claims"]
    rows = [(one["agent"], item["pattern"], item.get("symbols", [])) for one in found for item in one["items"]]
    return sorted(rows)


def refused(workspace: Workspace, source: str, **options: Any) -> CoordError:  # noqa: ANN401
    before = tips(workspace)
    with pytest.raises(CoordError) as caught:
        import_coord(workspace, source=source, **options)
    assert tips(workspace) == before
    says(caught.value)
    return caught.value


# --- claims ---


@pytest.mark.rule("IMPORT-2")
def test_claims_of_a_file_keep_their_time_and_are_held_by_their_engineers(ann: Workspace, tmp_path: Path) -> None:
    fields = {"branch": "feat/x", "description": "login", "severity": "hard", "expires_at": moment(SOON)}
    file = file_of(tmp_path, coord_claim("1", "ann", "src/auth/**", **fields), coord_claim("2", "bob", "docs/a.md"))

    result = seen(import_coord(ann, source=file))

    assert [(one["agent"], one["state"]) for one in result["claims"]] == [("ann", "imported"), ("bob", "imported")]
    assert held(ann) == [("ann", "src/auth/**", []), ("bob", "docs/a.md", [])]
    one: Any = seen(claims.list_claims(ann, agent="ann"))["claims"][0]
    assert (one["branch"], one["description"], one["severity"]) == ("feat/x", "login", "hard")
    assert (one["expires_at"], one["clone"], one["session"]) == (moment(SOON)[:-1] + ".000Z", "coord", None)
    assert seen(claims.claim_files(ann, patterns=["src/auth/a.py"]))["granted"] is False
    assert seen(claims.claim_files(later(ann, hours=3, minutes=2), patterns=["src/auth/a.py"]))["granted"] is True


@pytest.mark.rule("IMPORT-2")
def test_all_claims_land_in_one_commit(ann: Workspace, tmp_path: Path, git: Git, repo: Path) -> None:
    import_coord(ann, source=file_of(tmp_path, *(coord_claim(f"{n}", "ann", f"src/{n}.py") for n in range(30))))

    store = store_of(repo)
    assert git(store, "rev-list", "--count", "refs/coord/claims") == "1"
    assert git(store, "log", "-1", "--format=%s", "refs/coord/claims").startswith("import claims c-")


def test_what_was_released_or_has_run_out_is_not_imported(ann: Workspace, tmp_path: Path) -> None:
    over = moment(datetime.now(UTC) - timedelta(minutes=1))
    made = (
        coord_claim("1", "ann", "a", released_at=over),
        coord_claim("2", "ann", "b", expires_at=over),
        coord_claim("3", "ann", "c"),
    )

    import_coord(ann, source=file_of(tmp_path, *made))

    assert held(ann) == [("ann", "c", [])]


def test_symbols_come_with_their_ancestors_and_are_carved_out_of_the_files(ann: Workspace, tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        coord_claim("1", "bob", "src/a.py", scope_type="symbol", narrowable=0),
        coord_claim("2", "ann", "src/a.py", created_at=moment(SOON)),
        symbols=[symbol("1", "src/a.py", "handle", "Router"), symbol("1", "src/b.py", "main")],
    )

    import_coord(ann, source=file)

    assert held(ann) == [
        ("ann", "src/a.py", []),
        ("bob", "src/a.py", ["Router::handle"]),
        ("bob", "src/b.py", ["main"]),
    ]


@pytest.mark.rule("SAFE-1", "IMPORT-2")
def test_conflicts_among_them_and_with_ours_are_named_and_nothing_comes(ann: Workspace, tmp_path: Path) -> None:
    mine = seen(claims.claim_files(ann, patterns=["docs/**"]))["claim"]["id"]
    file = file_of(
        tmp_path,
        coord_claim("1", "ann", "src/**"),
        coord_claim("2", "bob", "src/a.py"),
        coord_claim("3", "bob", "docs/a.md"),
        owners=RULES,
    )
    before = tips(ann)

    result = seen(import_coord(ann, source=file))

    assert (result["refused"], result["conflicts_count"]) == ("conflict", 2)
    named = [(one["for"], one["your_pattern"], one["agent"]) for one in result["conflicts"]]
    assert named == [("bob", "src/a.py", "ann"), ("bob", "docs/a.md", "ann/cli/wt")]
    assert result["conflicts"][1]["claim_id"] == mine
    assert tips(ann) == before


def test_two_that_agreed_to_coexist_there_do_so_here(ann: Workspace, tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        coord_claim("1", "ann", "src/**", coexists_with='["2", "gone"]'),
        coord_claim("2", "bob", "src/a.py", coexists_with='["1"]'),
    )

    assert len(seen(import_coord(ann, source=file))["claims"]) == 2


def test_one_that_says_so_alone_has_agreed_with_nobody(ann: Workspace, tmp_path: Path) -> None:
    made = (coord_claim("1", "ann", "src/**", coexists_with='["2"]'), coord_claim("2", "bob", "src/a.py"))

    assert seen(import_coord(ann, source=file_of(tmp_path, *made)))["refused"] == "conflict"


@pytest.mark.rule("IMPORT-3")
def test_the_same_claims_again_change_nothing_and_new_ones_come(ann: Workspace, coord: Coord, bob: Workspace) -> None:
    coord.claims = [coord_claim("1", "ann", "src/a.py")]
    import_coord(bob, source=coord.url)
    before = tips(ann)

    again = seen(import_coord(bob, source=coord.url))
    same = tips(ann) == before
    coord.claims += [coord_claim("2", "bob", "src/b.py")]
    more = seen(import_coord(bob, source=coord.url))

    assert ([one["state"] for one in again["claims"]], same) == (["already"], True)
    assert sorted(one["state"] for one in more["claims"]) == ["already", "imported"]


def test_a_name_of_one_file_at_the_top_is_that_file(ann: Workspace, tmp_path: Path, git: Git, repo: Path) -> None:
    for name in ("lock", "src/deep/other"):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text("x", encoding="utf-8")
    git(repo, "add", "--all")
    made = (coord_claim("1", "ann", "lock", claim_type="shared_file"), coord_claim("2", "bob", "src/**"))

    import_coord(ann, source=file_of(tmp_path, *made, coord_claim("3", "bob", "other")))

    assert held(ann) == [("ann", "/lock", []), ("bob", "other", []), ("bob", "src/**", [])]


def test_claims_of_several_repositories_need_the_name_of_one(ann: Workspace, tmp_path: Path) -> None:
    made = (coord_claim("1", "ann", "a", repo="acme/app"), coord_claim("2", "bob", "a", repo="acme/web"))
    file = file_of(tmp_path, *made, coord_claim("3", "bob", "b"))

    error = refused(ann, file)
    result = seen(import_coord(ann, source=file, repo="acme/app"))

    assert "several repositories: 'acme/app', 'acme/web'" in str(error)
    assert ([one["was"] for one in result["claims"]], result["left_out"]) == (["1"], 2)


def test_a_claim_that_lasts_too_long_is_cut_and_names_that_are_not_legal_are_changed(
    ann: Workspace, tmp_path: Path
) -> None:
    far = moment(datetime.now(UTC) + timedelta(days=30))
    file = file_of(tmp_path, coord_claim("1", "Ann B.", "src\\a.py", expires_at=far, branch="a..b"))

    result = seen(import_coord(ann, source=file))

    assert held(ann)[0][1] == "src/a.py"
    assert held(ann)[0][0] == result["claims"][0]["agent"] != "Ann B."
    told = " ".join(result["warnings"])
    assert "168 hours here" in told
    assert "'a..b' is not a legal name of a branch" in told
    assert "Agent 'Ann B.' is ann-b-" in told


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"pattern": "!src"}, "claims, id '1': "),
        ({"claim_type": "lease"}, "claim_type is 'lease'; known are file, shared_file, module"),
        ({"scope_type": "line"}, "scope_type is 'line'"),
        ({"severity": "mild"}, "severity is 'mild'"),
        ({"expires_at": "soon"}, "expires_at is 'soon', not a time"),
        ({"engineer": ""}, "engineer is empty"),
        ({"engineer": "a\x1bb"}, "engineer has control characters"),
        ({"narrowable": 7}, "narrowable is '7', not 0 or 1"),
        ({"coexists_with": "2"}, "coexists_with is '2', not a list of texts"),
    ],
)
def test_a_claim_that_cannot_be_one_here_keeps_all_out(
    ann: Workspace, tmp_path: Path, fields: dict[str, object], sentence: str
) -> None:
    made = {**coord_claim("1", "ann", "src"), **fields}

    assert sentence in str(refused(ann, file_of(tmp_path, coord_claim("0", "bob", "x"), made, owners=RULES)))


# --- schemas and services ---


@pytest.mark.rule("IMPORT-4")
@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE schema_version SET version = 22", "has schema 22 of coord; 13 to 21 were checked"),
        ("UPDATE schema_version SET version = 9", "has schema 9 of coord; 13 to 21 were checked"),
        ("DELETE FROM schema_version", "has schema 0 of coord"),
        ("DROP TABLE schema_version", "it has no table schema_version"),
        ("DROP TABLE claim_symbols", "it has no table claim_symbols"),
        ("ALTER TABLE claims DROP COLUMN repo", "its table claims has no column repo"),
    ],
)
def test_a_schema_that_was_not_checked_is_refused(
    ann: Workspace, tmp_path: Path, statement: str, sentence: str
) -> None:
    file = change(Path(file_of(tmp_path, coord_claim("1", "ann", "a"))), statement)

    assert sentence in str(refused(ann, str(file)))


def test_the_older_schema_of_0_27_is_read(ann: Workspace, tmp_path: Path) -> None:
    file = change(Path(file_of(tmp_path, coord_claim("1", "ann", "a"))), "UPDATE schema_version SET version = 13")

    assert seen(import_coord(ann, source=str(file)))["version"] == "schema 13"


@pytest.mark.rule("SEC-2")
def test_a_service_is_asked_with_the_token_of_the_environment(bob: Workspace, coord: Coord) -> None:
    coord.claims, coord.owners = [coord_claim("1", "ann", "src/a.py", repo="acme/app")], RULES

    result = seen(import_coord(bob, source=coord.url + "/", repo="acme/app"))

    assert (result["version"], result["owners"]) == ("0.49.0", {"state": "imported", "modules": 1})
    assert coord.asked == [
        ("/meta", None),
        ("/claims?active_only=true&repo=acme%2Fapp", "Bearer s3cret"),
        ("/config/ownership", "Bearer s3cret"),
    ]
    assert "s3cret" not in json.dumps(result)


@pytest.mark.rule("SEC-2")
def test_without_it_git_s_credential_helper_is_asked(ann: Workspace, coord: Coord, git: Git, repo: Path) -> None:
    helper = f'!f() {{ test "$1" != get || printf "username=x\\npassword={coord.token}\\n"; }}; f'
    git(repo, "config", f"credential.{coord.url}.helper", helper)

    assert seen(import_coord(ann, source=coord.url))["count"] == 0


def test_a_service_does_not_say_which_symbols_so_the_whole_file_comes(bob: Workspace, coord: Coord) -> None:
    coord.claims = [coord_claim("1", "ann", "src/a.py", scope_type="symbol", narrowable=0)]

    result = seen(import_coord(bob, source=coord.url))

    assert held(bob) == [("ann", "src/a.py", [])]
    assert "which symbols of 'src/a.py' it has is not said" in result["warnings"][0]


def test_a_version_that_was_not_checked_is_said(bob: Workspace, coord: Coord) -> None:
    coord.version = "1.2.0"

    assert "coord '1.2.0' was not checked; 0.27 to 0.49 were." in seen(import_coord(bob, source=coord.url))["warnings"]


def _named(claim: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claim.items() if name != "scope_type"}


@pytest.mark.rule("IMPORT-4")
@pytest.mark.parametrize(
    ("path", "status", "body", "kind", "sentence"),
    [
        ("/meta", 200, {"name": "other", "version": "1"}, InvalidError, "is not coord"),
        ("/meta", 404, {}, InvalidError, "is not coord"),
        ("/meta", 200, "<html>", InvalidError, "answers what is not coord's"),
        ("/claims", 401, {}, UsageError, "does not take the token"),
        ("/claims", 403, {}, UsageError, "does not let this token read /claims"),
        ("/claims", 500, {}, UnreachableError, "answers /claims with status 500"),
        ("/claims", 200, "[]", InvalidError, "answers what is not coord's"),
        ("/claims", 200, "[" * 5_000, InvalidError, "answers what is not coord's"),
        ("/claims", 200, {"claims": [], "count": 1}, InvalidError, "without claims and count"),
        ("/claims", 200, {"claims": [7], "count": 1}, InvalidError, "claim 1 has no id, engineer"),
        (
            *("/claims", 200, {"claims": [_named(coord_claim("1", "ann", "a"))], "count": 1}),
            *(InvalidError, "claim 1 has no scope_type"),
        ),
        ("/config/ownership", 403, {}, UsageError, "does not let this token read /config/ownership"),
        ("/config/ownership", 200, "modules: [", InvalidError, "coord's ownership rules:1: "),
        ("/config/ownership", 200, "shared_files: [a]", InvalidError, "there are no modules"),
    ],
)
def test_an_answer_that_is_not_coord_s_imports_nothing(
    bob: Workspace, coord: Coord, path: str, status: int, body: object, kind: type[CoordError], sentence: str
) -> None:
    coord.claims = [coord_claim("1", "ann", "a")]
    coord.odd[path] = lambda request: send(request, status, body)

    error = refused(bob, coord.url)

    assert isinstance(error, kind)
    assert sentence in str(error)
    assert "s3cret" not in str(error) + error.hint


# --- ownership rules ---


def test_rules_are_people_s_from_then_on(ann: Workspace, tmp_path: Path) -> None:
    result = seen(import_coord(ann, source=file_of(tmp_path, owners=RULES)))

    assert result["owners"] == {"state": "imported", "modules": 1}
    assert list(seen(owner_lookup.show(ann))["modules"]) == ["auth"]


@pytest.mark.rule("IMPORT-3")
def test_the_same_rules_again_change_nothing_and_others_are_not_written_over(ann: Workspace, tmp_path: Path) -> None:
    file = file_of(tmp_path, coord_claim("1", "ann", "a"), owners=RULES)
    import_coord(ann, source=file, only="owners")
    before = tips(ann)

    again = seen(import_coord(ann, source=file, only="owners"))
    same = tips(ann) == before
    owner_edits.write(ann, text=RULES + "# mine\n", name="owners.yaml")
    other = seen(import_coord(ann, source=file))
    alone = seen(import_coord(ann, source=file, only="claims"))

    assert (again["owners"]["state"], same) == ("already", True)
    assert (other["refused"], held(ann)) == ("exists", [("ann", "a", [])])
    assert ("owners" in alone, alone["count"]) == (False, 1)


def test_rules_that_are_tracked_stay_the_source(ann: Workspace, tmp_path: Path, git: Git, repo: Path) -> None:
    (repo / ".gitcoord").mkdir()
    (repo / owner_edits.TRACKED).write_text("modules: {all: {paths: ['**']}}\n", encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "rules")

    assert seen(import_coord(ann, source=file_of(tmp_path, owners=RULES)))["refused"] == "exists"


def test_only_what_can_be_imported_alone_can_be_named(ann: Workspace, tmp_path: Path) -> None:
    assert "'steps' cannot be imported alone" in str(refused(ann, file_of(tmp_path), only="steps"))


def test_a_dry_run_writes_nothing(ann: Workspace, tmp_path: Path) -> None:
    before = tips(ann)

    result = seen(import_coord(ann, source=file_of(tmp_path, coord_claim("1", "ann", "a"), owners=RULES), dry_run=True))

    assert ([one["state"] for one in result["claims"]], result["owners"]["state"]) == (["new"], "new")
    assert tips(ann) == before


def test_rules_that_the_remote_declines_are_told_with_what_landed(ann: Workspace, tmp_path: Path) -> None:
    file = file_of(tmp_path, coord_claim("1", "ann", "a"), owners=RULES)
    real = ann.combiner

    class NoLock:
        """What takes the clone's lock for the rules is told no."""

        submit = real.submit

        def lock(self) -> None:
            raise DeniedError("The remote declined.")

    ann.combiner = NoLock()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(DeniedError) as caught:
        import_coord(ann, source=file)
    ann.combiner = real
    again: Result = seen(import_coord(ann, source=file))

    assert "The claims were imported; the rules were not." in caught.value.hint
    assert ([one["state"] for one in again["claims"]], again["owners"]["state"]) == (["already"], "imported")


def test_an_imported_claim_can_be_asked_for_and_ended_by_force(ann: Workspace, tmp_path: Path) -> None:
    import_coord(ann, source=file_of(tmp_path, coord_claim("1", "bob", "src/a.py"), coord_claim("2", "bob", "b")))
    one, two = (row["id"] for row in seen(claims.list_claims(ann))["claims"])

    asked = seen(requests.request_release(ann, claim_id=one, reason="coord is gone", wait_seconds=0))
    ended = seen(claims.release_by_force(ann, claim_ids=[two]))

    assert asked["request"]["decision"] == "pending"
    assert ended["released"] == [two]
    assert coord_import.CLONE == "coord"
