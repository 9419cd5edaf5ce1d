"""The check of who writes here: whether commits can be signed, and whether the team's policy takes them (SEC-8)."""

from contextlib import suppress

from gitcoord.core.documents.names import shown
from gitcoord.core.documents.policy import KEY, identities_of
from gitcoord.errors import CoordError
from gitcoord.ledger.format import commits
from gitcoord.ledger.transactions.author_rule import check_own
from gitcoord.remote.contract.protocol import Objects, Oid
from gitcoord.service.doctor.check_run import Check, Finding, failed, ok, together, warn
from gitcoord.service.doctor.site import Site
from gitcoord.service.session.identity import agent_in, signature_of


def checks(site: Site) -> list[Check]:
    """Return the check of who writes here."""
    return [Check("authors", lambda: authors(site))]


def authors(site: Site) -> Finding:
    """Sign something, where this clone signs, and compare who works here with the team's policy."""
    repository, settings, found = site.in_repository(), site.settings, list[Finding]()
    who = signature_of(settings, repository)
    site.listed()  # what is not known of the remote is said by `remote`
    policy = site.policy()
    agent = agent_in(repository.top, settings, site.env, "cli")
    try:
        check_own(policy, agent, who)
        if who.sign is not None:
            who.sign(b"doctor\n")
    except CoordError as error:
        found.append(failed(error))
    is_ssh = settings.get("gpg.format", "").lower() == "ssh"
    if (who.sign or policy.requires_signatures) and is_ssh and not settings.get("gpg.ssh.allowedsignersfile"):
        hint = "git config gpg.ssh.allowedSignersFile <file of who may sign>"
        found.append(warn("`gitcoord audit --signatures` knows no ssh key here: git has no file of signers.", hint))
    is_pinned = any(identity.startswith(KEY) for identity in identities_of(policy.pin_agents, agent))
    if policy.requires_signatures and not is_pinned:
        name = shown(agent)[1:-1]
        text = f"The team asks for signatures, and {name} is pinned to no key: anyone who may sign can act under it."
        hint = (
            f'gitcoord policy set pin_agents "{name.partition("/")[0]}/*=key:<who signs>", with the pins that there are'
        )
        found.append(warn(text, hint, unpinned=[agent]))
    signs = "commits are signed" if who.sign else "commits are not signed, and need not be"
    return together(found, ok(signs, signs=who.sign is not None, required=policy.requires_signatures))


def written_by(objects: Objects, commit: Oid | None, clone: str = "") -> str:
    """Return who wrote a commit, as a sentence behind another one; "": that is unknown. `clone`: that it names."""
    who = [f"clone {shown(clone)}"] if clone else []
    with suppress(CoordError):
        who = [shown(commits.read(objects, commit).by), *who] if commit else who
    return f" Written by {', '.join(who)}." if who else ""
