"""Builds: what each CI says, in its environment, of the work that it builds.

Rules:
  * A row a CI; the first whose mark is set is the one. Without any, this is a person's shell.
  * A build of a pull request is the branch's own work, also where a merge commit is checked out; a push to the default
    branch is what was pushed; a push to another branch is its own work.
  * What a CI does not say is left out, and found out from the repository.
  * A fork may call its branch as it likes, `main` too: that name is no branch of this repository. Where GitHub's event
    does not say that the branch is this repository's own, it is taken for a fork's. That event is read once.

What this file does not know: git.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gitcoord.core.documents.json_text import Json

if TYPE_CHECKING:
    from gitcoord.service.checks.commit_range import Wanted

Env = Mapping[str, str]
EVENT_BYTES_MAX = 25 * 1024 * 1024  # GitHub's own limit for an event


def wanted_of(env: Env) -> "Wanted":
    """Return what the CI around this process says; nothing in a shell."""
    from gitcoord.service.checks.commit_range import Wanted

    build = next((reader(env) for mark, reader in _CIS.items() if env.get(mark)), None)
    if build is None:
        return Wanted()
    wanted = replace(Wanted(), **{name: value for name, value in build.fields.items() if value})
    return replace(wanted, branch=None, is_fork=True) if build.is_fork else wanted


Fields = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class _Build:
    """What one CI says of a build.

    Attributes:
        fields: what is built.
        is_fork: whether that comes from another repository.
    """

    fields: Fields
    is_fork: bool


def _github(env: Env) -> _Build:
    event = _event(env.get("GITHUB_EVENT_PATH", ""))
    return _Build(_github_fields(env, event), _is_github_fork(env, event))


def _github_fields(env: Env, event: dict[str, Json]) -> Fields:
    default = _text(event, "repository", "default_branch")
    head = _text(event, "pull_request", "head", "sha") or env.get("GITHUB_SHA")
    if env.get("GITHUB_BASE_REF"):
        return {
            "base_branch": env["GITHUB_BASE_REF"],
            "branch": env.get("GITHUB_HEAD_REF"),
            "head": head,
            "default_branch": default,
        }
    if event.get("merge_group"):
        return {"base": _text(event, "merge_group", "base_sha"), "head": head, "default_branch": default}
    branch = env.get("GITHUB_REF_NAME") if env.get("GITHUB_REF", "").startswith("refs/heads/") else None
    return _push(branch, default, _text(event, "before"), head)


def _is_github_fork(env: Env, event: dict[str, Json]) -> bool:
    """Whether it is a pull request, and the event does not name one repository for both sides (a deleted fork is null).

    `head.repo.fork` says something else: in a repository that is a fork itself, it is true of the repository's own.
    """
    source = _text(event, "pull_request", "head", "repo", "full_name")
    is_proposal = bool(env.get("GITHUB_BASE_REF")) or "pull_request" in event
    return is_proposal and (source is None or source != _text(event, "pull_request", "base", "repo", "full_name"))


def _gitlab(env: Env) -> Fields:
    default = env.get("CI_DEFAULT_BRANCH")
    if env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        return {
            "base_branch": env["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"],
            "branch": env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
            # Set in pipelines that check a merge commit out; in others the commit is the branch's own.
            "head": env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or env.get("CI_COMMIT_SHA"),
            "default_branch": default,
        }
    return _push(env.get("CI_COMMIT_BRANCH"), default, env.get("CI_COMMIT_BEFORE_SHA"), env.get("CI_COMMIT_SHA"))


def _is_gitlab_fork(env: Env) -> bool:
    source = env.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    return bool(source) and source != env.get("CI_MERGE_REQUEST_PROJECT_ID")


def _jenkins(env: Env) -> Fields:
    if env.get("CHANGE_TARGET"):
        return {"base_branch": env["CHANGE_TARGET"], "branch": env.get("CHANGE_BRANCH")}
    return {"branch": env.get("BRANCH_NAME"), "head": env.get("GIT_COMMIT")}


def _buildkite(env: Env) -> Fields:
    default, commit = env.get("BUILDKITE_PIPELINE_DEFAULT_BRANCH"), env.get("BUILDKITE_COMMIT")
    head = None if commit == "HEAD" else commit
    branch = env.get("BUILDKITE_BRANCH")
    if env.get("BUILDKITE_PULL_REQUEST", "false") != "false":
        base = env.get("BUILDKITE_PULL_REQUEST_BASE_BRANCH")
        return {"base_branch": base, "branch": branch, "head": head, "default_branch": default}
    return _push(branch, default, None, head)


def _is_buildkite_fork(env: Env) -> bool:
    """Whether the branch has an owner before it (a setting of the pipeline), or the addresses name two repositories."""
    if ":" in env.get("BUILDKITE_BRANCH", ""):  # no branch of git has one
        return True
    source = env.get("BUILDKITE_PULL_REQUEST_REPO", "")
    return bool(source) and _owner_and_name(source) != _owner_and_name(env.get("BUILDKITE_REPO", ""))


def _circleci(env: Env) -> Fields:
    return {"branch": env.get("CIRCLE_BRANCH"), "head": env.get("CIRCLE_SHA1")}


def _azure(env: Env) -> Fields:
    if env.get("SYSTEM_PULLREQUEST_TARGETBRANCH"):
        return {
            "base_branch": _branch(env["SYSTEM_PULLREQUEST_TARGETBRANCH"]),
            "branch": _branch(env.get("SYSTEM_PULLREQUEST_SOURCEBRANCH", "")),
            "head": env.get("SYSTEM_PULLREQUEST_SOURCECOMMITID"),
        }
    source = env.get("BUILD_SOURCEBRANCH", "")
    return {
        "branch": _branch(source) if source.startswith("refs/heads/") else None,
        "head": env.get("BUILD_SOURCEVERSION"),
    }


def _push(branch: str | None, default: str | None, before: str | None, head: str | None) -> Fields:
    """Return what a push is: to the default branch what is new, to another one the branch's own work."""
    known = before if before and before.strip("0") else None
    if branch is not None and branch == default:
        return {"branch": branch, "before": known, "head": head, "default_branch": default}
    return {"branch": branch, "base_branch": default, "head": head, "default_branch": default}


# The variable that says which CI this is -> how it is read. Jenkins last: it also runs inside of others' agents.
_CIS: dict[str, Callable[[Env], _Build]] = {
    "GITHUB_ACTIONS": _github,
    "GITLAB_CI": lambda env: _Build(_gitlab(env), _is_gitlab_fork(env)),
    "BUILDKITE": lambda env: _Build(_buildkite(env), _is_buildkite_fork(env)),
    "CIRCLECI": lambda env: _Build(_circleci(env), bool(env.get("CIRCLE_PR_REPONAME"))),  # set in builds of forks alone
    "TF_BUILD": lambda env: _Build(_azure(env), env.get("SYSTEM_PULLREQUEST_ISFORK", "").lower() == "true"),
    "JENKINS_URL": lambda env: _Build(_jenkins(env), bool(env.get("CHANGE_FORK"))),
}


def _owner_and_name(address: str) -> str:
    """Return the last two parts of an address; `git@host:team/shop.git` has those of `git://host/team/shop`."""
    return "/".join(re.split(r"[/:]", address.lower().removesuffix("/").removesuffix(".git"))[-2:])


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _event(path: str) -> dict[str, Json]:
    try:
        file = Path(path)
        if not path or file.stat().st_size > EVENT_BYTES_MAX:
            return {}
        value = cast("Json", json.loads(file.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(event: dict[str, Json], *names: str) -> str | None:
    value: Json = event
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
