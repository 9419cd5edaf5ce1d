"""Check of what git pushes and fetches by itself: settings that would delete or copy the refs of coordination.

A mirror push makes the remote what this repository is, and this repository has none of `refs/coord/*` (they are in the
store): it deletes them. A fetch of every ref brings them into the repository, where graph viewers show them.
"""

import re

from gitcoord.ledger.format.refs import Refs
from gitcoord.service.doctor.check_run import Check, Finding, ok, together, warn
from gitcoord.service.doctor.site import Site

_TRUE = ("true", "yes", "on", "1", "")
_KEYS = r"^(remote\..*\.(mirror|push|fetch)|push\.mirror)$"
_NAMED = re.compile(r"remote\.(.*)\.(mirror|push|fetch)", re.DOTALL)


def checks(site: Site) -> list[Check]:
    """Return the check of mirrors."""
    return [Check("mirrors", lambda: mirrors(site))]


def mirrors(site: Site) -> Finding:
    """Look for settings of git's that cover the refs of coordination."""
    repository = site.in_repository()
    names = Refs() if site.place is None else site.place.refs
    listed = repository.git("config", "--null", "--get-regexp", _KEYS).stdout.decode("utf-8", "replace")
    found: list[Finding] = []
    for entry in [name for name in listed.split("\0") if name]:
        key, _, value = entry.partition("\n")
        said = _judged(key, value, names)
        if said is not None:
            found.append(said)
    copies = repository.text("for-each-ref", "--count=1", "--format=%(refname)", f"{names.namespace}/")
    if copies and not names.under_heads:
        hint = f"git for-each-ref --format='delete %(refname)' {names.namespace} | git update-ref --stdin"
        found.append(warn(f"This repository has copies of {names.namespace}/* itself, such as {copies}.", hint))
    return together(found, ok(f"nothing pushes or fetches {names.namespace}/* by itself"))


def _judged(key: str, value: str, names: Refs) -> Finding | None:
    match = _NAMED.fullmatch(key)
    what, remote = (match[2], match[1]) if match else ("mirror", "")
    if what == "mirror":
        if value.lower() not in _TRUE:
            return None
        text = (
            f"git config {key} is set: a push makes the remote like this repository, and deletes {names.namespace}/*."
        )
        return warn(text, f"git config --unset-all {key}, and push branches by name.")
    source, _, target = value.lstrip("+^").partition(":")
    if what == "push":
        if not _covers(target or source, names) or value.startswith("^"):
            return None
        text = (
            f"git config {key} is {value!r}, which covers {names.namespace}/*: a push with --prune deletes them there."
        )
        return warn(text, f"git config {key} 'refs/heads/*:refs/heads/*'")
    if not _covers(source, names) or not _covers(target, names) or value.startswith("^"):
        return None
    text = f"git config {key} is {value!r}: a fetch brings {names.namespace}/* into this repository and its graph."
    return warn(text, f"git config {key} '+refs/heads/*:refs/remotes/{remote}/*'")


def _covers(pattern: str, names: Refs) -> bool:
    """Whether a side of a refspec matches refs of the namespace."""
    ref = f"{names.namespace}/claims"
    before, star, after = pattern.partition("*")
    if not star:
        return pattern.startswith(f"{names.namespace}/")
    # Branches are pushed and fetched by everyone; only what goes beyond them is worth a word.
    return ref.startswith(before) and ref.endswith(after) and not (names.under_heads and before == "refs/heads/")
