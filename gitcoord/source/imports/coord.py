"""What coord, a claim service over HTTP, has: claims that are active, and its ownership rules.

    its SQLite file       schema 13 (coord 0.27.1) to 21 (0.49.0); has everything
    its HTTP answers      GET /meta, /claims, /config/ownership; do not say which symbols a claim on symbols has

Rules:
  * A row is read the same way, whichever of the two it came from.
  * What was released, or has run out, the import leaves out; here all rows are read that were not released.

What this file does not know: what becomes of it here; see `gitcoord.service.imports.import_coord`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast
from urllib.parse import quote

from gitcoord.core.claims.claim import Kind, Severity
from gitcoord.core.documents.json_text import Json, load_object
from gitcoord.core.documents.names import shown
from gitcoord.errors import DocumentError, InvalidError, UnreachableError, UsageError
from gitcoord.remote.git.bounded_http import HttpAnswer, HttpPlace
from gitcoord.source.imports.foreign_values import Row
from gitcoord.source.imports.sqlite_file import WAIT_S, Schema, opened

SCHEMAS_CHECKED = range(13, 22)
VERSIONS_CHECKED = ((0, 27), (0, 49))
TABLES: Schema = {
    "schema_version": ("version",),
    "claims": (
        *("id", "engineer", "branch", "description", "claim_type", "pattern", "severity", "created_at", "expires_at"),
        *("released_at", "repo", "coexists_with", "scope_type", "narrowable"),
    ),
    "claim_symbols": ("claim_id", "file_path", "symbol_name", "parent_symbol"),
    "ownership_config": ("yaml_text",),
}
_NAME = "multi-agent-coordination"  # what it calls itself in GET /meta
_KINDS: Mapping[str, str] = {kind.value: kind.value for kind in Kind}
_SEVERITIES: Mapping[str, str] = {severity.value: severity.value for severity in Severity}
_SCOPES: Mapping[str, str] = {"file": "file", "symbol": "symbol"}
_OK, _NO_CONTENT, _WHO_ARE_YOU, _NOT_YOU = 200, 204, 401, 403


@dataclass(frozen=True, slots=True)
class CoordClaim:
    """One claim. `symbols`: for each file the symbols in it; `None`: whole files. `partners`: ids of others."""

    where: str
    id: str
    engineer: str
    branch: str | None
    description: str
    kind: Kind
    pattern: str
    severity: Severity
    created_at: datetime
    expires_at: datetime
    repo: str | None
    narrowable: bool
    symbols: Mapping[str, tuple[str, ...]] | None
    partners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoordState:
    """What coord has. `version`: of its schema or of itself. `owners`: its rules in YAML, if they were asked for."""

    version: str
    claims: tuple[CoordClaim, ...]
    owners: str | None
    warnings: tuple[str, ...]


def read_file(file: Path, *, wait_s: float = WAIT_S) -> CoordState:
    """Read all of a file of coord.

    Raises:
        InvalidError: it is not one, of another schema, or a value in it is not what it should be.
        CoordError: as `sqlite_file.opened`.
    """
    with opened(file, wait_s=wait_s) as source:
        source.check({"schema_version": TABLES["schema_version"]}, "coord")
        version = next((row.integer("version") for row in source.rows(TABLES, "schema_version")), 0)
        if version not in SCHEMAS_CHECKED:
            first, last = SCHEMAS_CHECKED[0], SCHEMAS_CHECKED[-1]
            message = f"{source.name} has schema {version} of coord; {first} to {last} were checked."
            hint = "Start a newer coord on it once, which brings it up to date." if version < first else ""
            hint = hint or "A newer gitcoord may know it; or import from its HTTP service."
            raise InvalidError(f"{message} Nothing was imported.", hint=hint)
        source.check(TABLES, "coord")
        symbols = _symbols(source.rows(TABLES, "claim_symbols"))
        rows = [row for row in source.rows(TABLES, "claims") if row.maybe_moment("released_at") is None]
        claims = tuple(_claim(row, symbols.get(row.word("id"))) for row in rows)
        owners = next((row.whole("yaml_text") for row in source.rows(TABLES, "ownership_config")), None)
        return CoordState(f"schema {version}", claims, owners, tuple(source.warnings))


def read_service(
    place: HttpPlace, token: str | None, *, repo: str | None, wants_claims: bool, wants_owners: bool
) -> CoordState:
    """Read what a service answers.

    Raises:
        InvalidError: it is not coord, or an answer is not what it should be.
        UsageError: it does not take the token.
        UnreachableError: it does not answer.
    """
    warnings: list[str] = []
    version = _version_of(place, warnings)
    if place.is_clear and token is not None:
        warnings.append(f"The token was sent to {place.url} in clear: others on the way could read it.")
    claims: tuple[CoordClaim, ...] = ()
    if wants_claims:
        only = f"&repo={quote(repo, safe='')}" if repo else ""
        whole = _object(place, _asked(place, f"/claims?active_only=true{only}", token))
        claims = tuple(_claim(row, None) for row in _rows(place, whole, warnings))
    owners = None
    if wants_owners:
        answer = _asked(place, "/config/ownership", token)
        try:
            owners = answer.body.decode() if answer.status == _OK else None
        except UnicodeDecodeError:
            raise InvalidError(f"{place.url} answers rules that are not UTF-8. Nothing was imported.") from None
    return CoordState(version, claims, owners, tuple(warnings))


def _symbols(rows: Iterable[Row]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return for each claim its files with their symbols, which have their ancestors before them."""
    found: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for row in rows:
        parent, name, file = row.maybe_word("parent_symbol"), row.word("symbol_name"), row.word("file_path")
        files = found[row.word("claim_id")]
        files[file] = (*files.get(file, ()), f"{parent}::{name}" if parent else name)
    return dict(found)


def _claim(row: Row, symbols: Mapping[str, tuple[str, ...]] | None) -> CoordClaim:
    on_symbols = row.one_of("scope_type", _SCOPES) == "symbol"
    pattern = row.word("pattern")
    if on_symbols and not symbols:
        row.warnings.append(
            f"{row.where}: which symbols of {shown(pattern)} it has is not said; it has all of it here."
        )
    return CoordClaim(
        where=row.where,
        id=row.word("id"),
        engineer=row.word("engineer"),
        branch=row.maybe_word("branch"),
        description=row.prose("description"),
        kind=Kind(row.one_of("claim_type", _KINDS)),
        pattern=pattern,
        severity=Severity(row.one_of("severity", _SEVERITIES)),
        created_at=row.moment("created_at"),
        expires_at=row.moment("expires_at"),
        repo=row.maybe_word("repo"),
        narrowable=row.flag("narrowable"),
        symbols=symbols if on_symbols and symbols else None,
        partners=row.words("coexists_with"),
    )


def _version_of(place: HttpPlace, warnings: list[str]) -> str:
    answer = place.get("/meta", None)  # it needs no token, and who it is should be known before one is sent
    whole = _object(place, answer) if answer.status == _OK else {}
    version = whole.get("version")
    if whole.get("name") != _NAME or not isinstance(version, str):
        message = f"{place.url} is not coord: it does not say so at /meta. Nothing was imported."
        raise InvalidError(message, hint="Give the URL that coord's own clients use.")
    parts = version.split(".")
    number = tuple(int(part) for part in parts[:2] if part.isascii() and part.isdigit() and len(part) < 6)  # noqa: PLR2004
    first, last = VERSIONS_CHECKED
    if not first <= number <= last:
        name = shown(version, 20)
        warnings.append(f"coord {name} was not checked; {first[0]}.{first[1]} to {last[0]}.{last[1]} were.")
    return version[:20]


def _asked(place: HttpPlace, path: str, token: str | None) -> HttpAnswer:
    answer = place.get(path, token)
    if answer.status in (_OK, _NO_CONTENT):
        return answer
    name = path.partition("?")[0]
    if answer.status == _WHO_ARE_YOU:
        what = "does not take the token" if token else "wants a token"
        hint = "Set COORD_AUTH_TOKEN to one that it knows, or give it to git's credential helper for this server."
        raise UsageError(f"{place.url} {what}. Nothing was imported.", hint=hint)
    if answer.status == _NOT_YOU:
        hint = "With a token of one repository: --only claims --repo NAME. The rules need an operator's token."
        raise UsageError(f"{place.url} does not let this token read {name}. Nothing was imported.", hint=hint)
    message = f"{place.url} answers {name} with status {answer.status}. Nothing was imported."
    raise UnreachableError(message, hint="Look at its log, then try again.")


def _object(place: HttpPlace, answer: HttpAnswer) -> dict[str, Json]:
    try:
        return load_object(answer.body)
    except DocumentError as error:
        raise InvalidError(f"{place.url} answers what is not coord's: {error} Nothing was imported.") from None


def _rows(place: HttpPlace, whole: Mapping[str, Json], warnings: list[str]) -> list[Row]:
    """Return the claims of an answer, each with all the fields that are read."""
    claims = whole.get("claims")
    if not isinstance(claims, list) or whole.get("count") != len(claims):
        raise InvalidError(f"{place.url} answers /claims without claims and count. Nothing was imported.")
    rows: list[Row] = []
    for number, claim in enumerate(claims, start=1):
        where = f"{place.url}, claim {number}"
        values: Mapping[str, Json] = claim if isinstance(claim, dict) else {}
        missing = [name for name in TABLES["claims"] if name not in values]
        if missing:
            raise InvalidError(f"{where} has no {', '.join(missing)}. Nothing was imported.")
        rows.append(Row(where, cast("Mapping[str, object]", values), warnings))
    return rows


def repos_of(claims: Sequence[CoordClaim]) -> list[str | None]:
    """Return the repositories that claims are of, sorted; `None` for those that name none."""
    return sorted({claim.repo for claim in claims}, key=lambda repo: repo or "")
