"""The list of checks, in the order in which they are shown, after those of the machine (`machine`)."""

from gitcoord.service.doctor import audits, authors, bounds, ledgers, mirrors, remote, repository_checks, rewound, store
from gitcoord.service.doctor.check_run import Check
from gitcoord.service.doctor.site import Site


def of_repository(site: Site) -> list[Check]:
    """Return those of the repository and this clone's store."""
    return [*repository_checks.checks(site), *store.checks(site)]


def of_place(site: Site) -> list[Check]:
    """Return those of the remote and of what is coordinated there."""
    return [
        *mirrors.checks(site),
        *remote.checks(site),
        *rewound.checks(site),
        *ledgers.checks(site),
        *audits.checks(site),
        *bounds.checks(site),
        *authors.checks(site),
    ]
