"""Checks of the repository: what git says of it, its head and worktrees, the settings, who works here."""

from gitcoord.errors import CoordError
from gitcoord.ledger.format.refs import DEFAULT_NAMESPACE
from gitcoord.service.doctor.check_run import Check, Finding, fail, failed, ok, together, warn
from gitcoord.service.doctor.site import Site
from gitcoord.service.session.identity import agent_in
from gitcoord.source.checkout import team_file

KEYS = ("remote", "repo", "agent", "namespace", "beatseconds", "pushesperminute", "program", "notify", "sign", "wake")
WORKTREES_SHOWN = 5


def checks(site: Site) -> list[Check]:
    """Return the checks of the repository."""
    return [
        Check("repository", lambda: repository(site)),
        Check("head", lambda: head(site)),
        Check("worktrees", lambda: worktrees(site)),
        Check("settings", lambda: settings(site)),
        Check("identity", lambda: identity(site)),
    ]


def repository(site: Site) -> Finding:
    """Look at what could be opened here."""
    found = site.repository
    if found is None:
        error = site.trouble
        return failed(error) if error else fail("There is no repository here.", "Go to your repository.")
    superproject = found.text("rev-parse", "--show-superproject-working-tree")
    kind = "a submodule" if superproject else "a repository"
    facts = {"top": str(found.top), "common_dir": str(found.common_dir), "object_format": found.object_format}
    good = ok(f"{kind} at {found.top}", **facts, shallow=found.is_shallow, submodule=bool(superproject))
    return together(
        [warn("It is shallow: commits that others name may not be here.", "git fetch --unshallow")]
        if found.is_shallow
        else [],
        good,
    )


def head(site: Site) -> Finding:
    """Look at what is checked out: claims and steps are of branches."""
    found = site.in_repository()
    branch = found.text("symbolic-ref", "--quiet", "--short", "HEAD")
    if branch is None:
        hint = "Claims are noted for a branch: git switch <branch>, or git switch -c <new branch>."
        return warn("HEAD is detached: no branch is checked out.", hint, branch=None)
    if found.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}") is None:
        return warn(
            f"Branch {branch} has no commit yet.", "Commit something: steps start from a commit.", branch=branch
        )
    return ok(f"on branch {branch}", branch=branch)


def worktrees(site: Site) -> Finding:
    """Look for worktrees whose folder was deleted."""
    listed = site.in_repository().text("worktree", "list", "--porcelain") or ""
    every = [part for part in listed.split("\n\n") if part.strip()]
    gone = [part.split("\n", 1)[0].removeprefix("worktree ") for part in every if "\nprunable" in part]
    good = ok(f"{len(every)} worktree{'s' * (len(every) != 1)}", count=len(every), gone=[*gone])
    if not gone:
        return good
    names = ", ".join(gone[:WORKTREES_SHOWN])
    what = "a folder that is gone" if len(gone) == 1 else f"{len(gone)} folders that are gone"
    text = f"git knows a worktree in {what}: {names}."
    return together([warn(text, "git worktree prune; what an agent claimed there ends by its time.")], good)


def settings(site: Site) -> Finding:
    """Look for settings that mean nothing, and for branches where the refs of coordination shall be."""
    given = {
        key.removeprefix("gitcoord."): value for key, value in site.settings.items() if key.startswith("gitcoord.")
    }
    site.in_repository()
    unknown = sorted(key for key in given if key not in KEYS)
    found = [
        warn(f"git config gitcoord.{key} is not a setting of gitcoord.", f"git config --unset-all gitcoord.{key}")
        for key in unknown
    ]
    beat = given.get("beatseconds", "")
    if beat and not beat.isdecimal():
        hint = "git config gitcoord.beatSeconds <5 to 600>"
        found.append(warn(f"gitcoord.beatSeconds is {beat!r}, which is not a number and is ignored.", hint))
    pushes = given.get("pushesperminute", "")
    if pushes and not pushes.isdecimal():
        hint = "git config gitcoord.pushesPerMinute <1 to 1000, 0 for no limit>"
        found.append(warn(f"gitcoord.pushesPerMinute is {pushes!r}, which is not a number and is ignored.", hint))
    hint = f"Change {team_file.FILE} on the default branch."
    found += [warn(doubt, hint) for doubt in team_file.doubts(site.in_repository())]
    found += _named_like(site, given.get("namespace", DEFAULT_NAMESPACE))
    names = ", ".join(f"{key}={value}" for key, value in sorted(given.items()))
    return together(found, ok(names or "none set, so the defaults count", **dict(given)))


def _named_like(site: Site, namespace: str) -> list[Finding]:
    """Return the branch that blocks refs that are branches: git has no branch below another."""
    if not namespace.startswith("refs/heads/"):
        return []
    parts = namespace.removeprefix("refs/heads/").split("/")
    names = {"/".join(parts[: count + 1]) for count in range(len(parts))}
    listed = site.in_repository().text("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes") or ""
    branches = {ref: ref.split("/", 2 if ref.startswith("refs/heads/") else 3)[-1] for ref in listed.splitlines()}
    hint = f"Rename that branch, or choose another prefix in gitcoord.namespace than {namespace}."
    return [
        fail(f"{ref} is named like the place of the refs for coordination, {namespace}.", hint)
        for ref, branch in sorted(branches.items())
        if branch in names
    ]


def identity(site: Site) -> Finding:
    """Look at who works here."""
    repository, found = site.in_repository(), list[Finding]()
    try:
        agent = agent_in(repository.top, site.settings, site.env, "cli")
    except CoordError as error:
        return failed(error)
    email = site.settings.get("user.email") or site.env.get("GIT_AUTHOR_EMAIL") or site.env.get("EMAIL") or ""
    if not email:
        hint = "git config --global user.email you@example.org"
        found.append(warn("git does not know your e-mail address, so your commits carry none.", hint))
    is_linked = any((repository.common_dir / "worktrees").glob("*/gitdir"))
    scoped = (repository.text("config", "--show-scope", "--get", "gitcoord.agent") or "") if is_linked else ""
    if scoped and not scoped.startswith("worktree\t") and not site.env.get("GITCOORD_AGENT"):
        text = (
            "gitcoord.agent is set for all worktrees of this clone: what one command line there holds is the others'."
        )
        hint = "git config extensions.worktreeConfig true; gitcoord config set agent NAME --scope worktree, in each."
        if repository.has_main_settings:
            hint = "Set GITCOORD_AGENT=person/tool/worktree in the environment of each."
        found.append(warn(text, hint))
    return together(found, ok(f"you are {agent}", agent=agent))
