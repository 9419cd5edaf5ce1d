"""The list of checks, in the order in which they are shown: the machine, the repository, the place to coordinate."""

from gitcoord.service.doctor import deleted, ground, ledgers, mirrors, remote, store
from gitcoord.service.doctor import machine as of_machine
from gitcoord.service.doctor.checking import Check
from gitcoord.service.doctor.site import Site


def machine(site: Site) -> list[Check]:
    """Return those that need no repository."""
    return of_machine.checks(site.folder, site.env)


def of_repository(site: Site) -> list[Check]:
    """Return those of the repository and this clone's store."""
    return [*ground.checks(site), *store.checks(site)]


def of_place(site: Site) -> list[Check]:
    """Return those of the remote and of what is coordinated there."""
    return [*mirrors.checks(site), *remote.checks(site), *deleted.checks(site), *ledgers.checks(site)]
