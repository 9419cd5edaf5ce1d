"""Where the files of the team's ref lie in its tree.

    policy.json, owners.yaml, auto.yaml, rewinds.json, repos/<repository>/owners.yaml, auto.yaml
    meta.json, record.json       as in every ledger, see `meta`

What a newer version adds beside them is left as it is. A ledger's tree is known by its counters, which every
command leaves there and no writer of the team's ref does.
"""

from collections.abc import Collection

POLICY, OWNERS, AUTO = "policy.json", "owners.yaml", "auto.yaml"
DECISIONS = "rewinds.json"  # what was decided about ledgers that went back, see `ledger/rewinds/decisions`
FILES = (POLICY, OWNERS, AUTO, DECISIONS)  # people write some of them by hand
REPOSITORIES = "repos"  # a folder for each repository that has rules of its own
COUNTERS = "applied"  # see `meta.applied_path`


def is_of_ledger(names: Collection[str]) -> bool:
    """Whether a tree with these names at its top is a ledger's, and no rules of a team."""
    return COUNTERS in names and not any(name in names for name in (*FILES, REPOSITORIES))
