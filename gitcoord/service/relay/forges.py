"""Forges: how GitHub and GitLab list pull requests and keep their comments.

             own account        open pull requests                 comments of one
    github   /user, /graphql    /repos/ann/shop/pulls              /repos/ann/shop/issues/7/comments, …/comments/ID
    gitlab   /user              /projects/ann%2Fshop/merge_requests   …/merge_requests/7/notes, …/notes/ID

Rules:
  * What an answer lacks is left out, never guessed: a comment without an author is nobody's of ours.
  * Numbers and ids in a path are numbers; the repository's name is checked and quoted.

What this file does not know: what comments say.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from urllib.parse import quote

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.relay.comment import Comment
from gitcoord.errors import DeniedError, InvalidError, UsageError
from gitcoord.remote.git.bounded_http import HttpPlace
from gitcoord.service.checks.collisions import Proposal
from gitcoord.service.relay.forge_client import ForgeClient
from gitcoord.service.relay.http_refusal import Needs
from gitcoord.service.relay.relays import value_in

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GITHUB_REPO = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_GITLAB_REPO = re.compile(r"\d+|[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")
_MISSING = "See whether --repo is right, and what the token may see."
_GITHUB_NEEDS = Needs(
    "It needs `pull-requests: write` (permissions of the job), or the right to write issues of the repository.",
    _MISSING,
)
_GITLAB_NEEDS = Needs("It needs the scope `api`: a project access token has it, a job's own token has not.", _MISSING)


class Forge(Protocol):
    """A forge, and one repository there. `sign`: before the number of a pull request, where a comment names it."""

    @property
    def sign(self) -> str:
        """Return what stands there."""
        ...

    def author(self) -> str:
        """Return the account that writes, as `Comment.author` has it.

        Raises:
            CoordError: the service does not say; as of `ForgeClient.ask`.
        """
        ...

    def proposals(self) -> list[Proposal]:
        """Return the pull requests that are open, at most a page, those that changed last.

        Raises:
            CoordError: as of `ForgeClient.ask`.
        """
        ...

    def comments(self, number: int) -> list[Comment]:
        """Return the comments of one, the oldest first.

        Raises:
            CoordError: as of `ForgeClient.ask`.
        """
        ...

    def create(self, number: int, body: str) -> None:
        """Add a comment.

        Raises:
            CoordError: as of `ForgeClient.ask`.
        """
        ...

    def update(self, number: int, comment: str, body: str) -> None:
        """Change a comment.

        Raises:
            CoordError: as of `ForgeClient.ask`.
        """
        ...

    def delete(self, number: int, comment: str) -> None:
        """Remove a comment.

        Raises:
            CoordError: as of `ForgeClient.ask`.
        """
        ...


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub, or an Enterprise server. `viewer`: its other API, which says whose the token of a job is."""

    client: ForgeClient
    viewer: ForgeClient
    repo: str
    sign: str = "#"

    def author(self) -> str:
        """Return the login; a job's token is a bot's, which `/user` does not tell."""
        try:
            login = _text(self.client.ask("GET", "/user"), "login")
        except DeniedError:
            question: dict[str, Json] = {"query": "{ viewer { login } }"}
            login = _text(self.viewer.ask("POST", "/graphql", question), "data", "viewer", "login")
        return _known(login)

    def proposals(self) -> list[Proposal]:
        """Return the open pull requests."""
        found: list[Proposal] = []
        for row in self.client.rows(f"{self._path}/pulls", "state=open&sort=updated&direction=desc"):
            number, head, base = _number(row, "number"), _text(row, "head", "sha"), _text(row, "base", "ref")
            here = _number(row, "base", "repo", "id")
            is_here = here is not None and _number(row, "head", "repo", "id") == here
            branch = _text(row, "head", "ref") if is_here else ""
            found += _proposal(number, head, branch, base)
        return found

    def comments(self, number: int) -> list[Comment]:
        """Return the comments of one pull request: those of the conversation, not of lines."""
        rows = self.client.pages(f"{self._path}/issues/{number:d}/comments")
        return [*_comments(rows, ("user", "login"))]

    def create(self, number: int, body: str) -> None:
        """Add a comment."""
        self.client.ask("POST", f"{self._path}/issues/{number:d}/comments", {"body": body})

    def update(self, number: int, comment: str, body: str) -> None:  # noqa: ARG002 - an id is the repository's here
        """Change a comment."""
        self.client.ask("PATCH", f"{self._path}/issues/comments/{comment}", {"body": body})

    def delete(self, number: int, comment: str) -> None:  # noqa: ARG002
        """Remove a comment."""
        self.client.ask("DELETE", f"{self._path}/issues/comments/{comment}")

    @property
    def _path(self) -> str:
        return f"/repos/{self.repo}"


@dataclass(frozen=True, slots=True)
class GitLab:
    """GitLab, of which `repo` is a path or a number."""

    client: ForgeClient
    repo: str
    sign: str = "!"

    def author(self) -> str:
        """Return the id of the account."""
        found = _number(self.client.ask("GET", "/user"), "id")
        return _known("" if found is None else str(found))

    def proposals(self) -> list[Proposal]:
        """Return the open merge requests."""
        found: list[Proposal] = []
        query = "state=opened&scope=all&order_by=updated_at&sort=desc"
        for row in self.client.rows(f"{self._path}/merge_requests", query):
            target = _number(row, "target_project_id")
            is_here = target is not None and _number(row, "source_project_id") == target
            branch = _text(row, "source_branch") if is_here else ""
            found += _proposal(_number(row, "iid"), _text(row, "sha"), branch, _text(row, "target_branch"))
        return found

    def comments(self, number: int) -> list[Comment]:
        """Return the notes of one merge request."""
        notes = f"{self._path}/merge_requests/{number:d}/notes"
        rows = (
            row for row in self.client.pages(notes, "sort=asc&order_by=created_at") if row.get("system") is not True
        )
        return [*_comments(rows, ("author", "id"))]

    def create(self, number: int, body: str) -> None:
        """Add a note."""
        self.client.ask("POST", f"{self._path}/merge_requests/{number:d}/notes", {"body": body})

    def update(self, number: int, comment: str, body: str) -> None:
        """Change a note."""
        self.client.ask("PUT", f"{self._path}/merge_requests/{number:d}/notes/{comment}", {"body": body})

    def delete(self, number: int, comment: str) -> None:
        """Remove a note."""
        self.client.ask("DELETE", f"{self._path}/merge_requests/{number:d}/notes/{comment}")

    @property
    def _path(self) -> str:
        return f"/projects/{quote(self.repo, safe='')}"


class _Kind(NamedTuple):
    """A kind of forge. The variables are those of its own CI, which know where that runs."""

    make: Callable[[str, str, str, Callable[[], datetime]], Forge]
    url: str
    url_variable: str
    repo_variable: str
    token_variable: str


def forge_of(
    env: Mapping[str, str],
    kind: str,
    now: Callable[[], datetime],
    *,
    repo: str = "",
    url: str = "",
    secret_env: str = "",
) -> Forge:
    """Return a forge; what is left out is as the CI around this process says, or the public service.

    Raises:
        UsageError: no repository, or no token, is named.
        InvalidError: the address or the name cannot be one, or the token would be read on the way.
    """
    known = KINDS[kind]
    named = repo or env.get(known.repo_variable, "")
    if not named:
        raise UsageError("No repository is named.", hint="Give --repo, like --repo ann/shop.")
    token = value_in(env, secret_env or known.token_variable, "the token")
    return known.make(url or env.get(known.url_variable, "") or known.url, named, token, now)


def github(url: str, repo: str, token: str, now: Callable[[], datetime]) -> GitHub:
    """Return a repository at GitHub. `url`: of its API.

    Raises:
        InvalidError: the address or the name cannot be one, or the token would be read on the way.
    """
    place, headers = _place(url), {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    # An Enterprise server has one API at /api/v3 and the other at /api; github.com has both at the top.
    other = _place(url.rstrip("/").removesuffix("/v3"))
    client = ForgeClient(place, headers, now, _GITHUB_NEEDS)
    return GitHub(client, ForgeClient(other, headers, now, _GITHUB_NEEDS), _named(repo, _GITHUB_REPO, "ann/shop"))


def gitlab(url: str, repo: str, token: str, now: Callable[[], datetime]) -> GitLab:
    """Return a project at GitLab. `url`: of its API.

    Raises:
        InvalidError: the address or the name cannot be one, or the token would be read on the way.
    """
    client = ForgeClient(_place(url), {"PRIVATE-TOKEN": token}, now, _GITLAB_NEEDS)
    return GitLab(client, _named(repo, _GITLAB_REPO, "ann/shop, or the project's number"))


def _place(url: str) -> HttpPlace:
    place = HttpPlace.of(url)
    if place.is_clear:
        raise InvalidError("The token would go over plain http, where others can read it.", hint="Give an https URL.")
    return place


def _named(repo: str, shape: re.Pattern[str], example: str) -> str:
    if not shape.fullmatch(repo) or any(not part.strip(".") for part in repo.split("/")):
        raise InvalidError(f"{shown(repo)} is no name of a repository there.", hint=f"Give it like {example}.")
    return repo


def _known(author: str) -> str:
    if not author:
        message = "The service does not tell whose the token is, so that no comment can be known as its own."
        raise InvalidError(message, hint="Nothing was written. Give the token of a person or of a bot.")
    return author


def _proposal(number: int | None, head: str, branch: str, base: str) -> list[Proposal]:
    """Return a pull request, if the answer has what is needed of it."""
    if number is None or not _COMMIT.fullmatch(head) or not base:
        return []
    return [Proposal(number, head, branch or None, base)]


def _comments(rows: Iterable[Mapping[str, Json]], author: tuple[str, str]) -> Iterator[Comment]:
    for row in rows:
        number, whose = _number(row, "id"), _at(row, author)
        if number is not None:
            yield Comment(str(number), str(whose) if isinstance(whose, str | int) else "", _text(row, "body"))


def _text(value: Json | Mapping[str, Json], *names: str) -> str:
    found = _at(value, names)
    return found if isinstance(found, str) else ""


def _number(value: Json | Mapping[str, Json], *names: str) -> int | None:
    found = _at(value, names)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _at(value: Json | Mapping[str, Json], names: Iterable[str]) -> "Json | Mapping[str, Json]":
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


KINDS: Mapping[str, _Kind] = {
    "github": _Kind(github, "https://api.github.com", "GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    "gitlab": _Kind(gitlab, "https://gitlab.com/api/v4", "CI_API_V4_URL", "CI_PROJECT_ID", "GITLAB_TOKEN"),
}
