"""Policy: what a whole team decided about the rules. Lives in `refs/coord/config` as `policy.json`.

    pin_agents    ann/*=ann@example.org, bob/*=key:bob@example.org, ci=key:SHA256:…

A name that is pinned is one of an agent, or all names below a level (`ann/*`), or every name (`*`). An identity is the
address that a commit names as its author's, or, behind `key:`, what a good signature of it is by: a principal of the
allowed signers, the address in the user id of an OpenPGP key, or the fingerprint of a key. Of the patterns that match a
name the name itself counts, else the longest, with all of its identities; one of them is enough. A name that none
matches is anyone's.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from msgspec import structs

from gitcoord.core.documents.doc import Doc, Number, Real, Text
from gitcoord.core.documents.liveness import LIMIT_MINUTES_MIN

LEAST = {"idle_minutes": LIMIT_MINUTES_MIN}  # but 0, which means never
LARGEST = 1_000_000  # of any number: beyond is a slip of the hand
KEY = "key:"
CHARS_MAX = 20_000
_NEVER = re.compile(r"[\x00-\x20\x7f-\xa0<>\u2028\u2029]")


class PolicyError(ValueError):
    """What a policy cannot be: which values a field takes, as a sentence without its stop."""


class Policy(Doc, frozen=True, kw_only=True):
    """The switches.

    Attributes:
        auto_recover: claiming a step takes over a stale one when nothing else is available.
        strict_complete: completing is refused, not only warned about, when the commit is not on the step's
            branch or changed files lie outside the step's paths.
        require_pushed: completing is refused until the commit is on a branch of the remote, and so is creating a
            project until its base is; `None` means: while another clone is live.
        max_claim_files, max_claim_ratio: how much one claim may match: files, and share of all tracked files; 0 is
            no limit. With `claim_scope`, a folder, only the first holds, counted inside it.
        release_on_merge: claims end when their branch landed.
        complete_on_merge: a step that is held is completed when its branch landed.
        idle_minutes: a claim whose session was not seen for so long ends; 0 never, else at least ten (TIME-1). What
            an older version stored below that counts as ten.
        strict_read: readers and writers of one place conflict.
        hard_requires_owner: places of severity `hard` are claimed by their owners only.
        queue_age_boost_s: a waiter of this age goes up one level; 0 never.
        max_claims_per_agent, max_waiting_per_agent, max_waiting: caps; 0 is none.
        auto_promote_threshold: a pattern refused so often within 7 days becomes a shared file by itself; 0 never.
        auto_claim: a free file is claimed by the first edit's hook.
        pre_commit: what the hook of a commit does about files of others: `warn`, or `refuse`.
        enforce: a git hook that cannot look stops what it could not judge; nor does CI pass it.
        require_claims: CI refuses changes that were never claimed for their branch.
        trailers: a commit for a step that is held says step, fence and agent (`Coord-Step` …).
        texts: `private` keeps titles, descriptions, reasons and notes out of the ledgers (SEC-6); `shared` keeps them.
        signed: `required`: what is written to the ledgers has to be signed (SEC-8); `off`: it may be.
        pin_agents: whose the names of agents are; see above.
        archives_kept: of the archives of each ledger the newest so many stay; 0 keeps all.
        subtree_min_files: so many of them in one folder become the folder; 0 never.
    """

    auto_recover: bool = True
    strict_complete: bool = False
    require_pushed: bool | None = None
    max_claim_files: Number = 100
    max_claim_ratio: Real = 0.2
    claim_scope: Text = ""
    release_on_merge: bool = True
    complete_on_merge: bool = True
    idle_minutes: Number = 30
    strict_read: bool = False
    hard_requires_owner: bool = False
    queue_age_boost_s: Number = 60
    max_claims_per_agent: Number = 200
    max_waiting_per_agent: Number = 20
    max_waiting: Number = 500
    auto_promote_threshold: Number = 0
    subtree_min_files: Number = 3
    auto_claim: bool = True
    enforce: bool = False
    require_claims: bool = False
    pre_commit: Text = "warn"
    trailers: bool = True
    texts: Text = "shared"
    archives_kept: Number = 2
    signed: Text = "off"
    pin_agents: Text = ""

    @property
    def requires_signatures(self) -> bool:
        """Whether every commit of a ledger has to be signed by a key that is known."""
        return self.signed == "required"

    @property
    def idle_limit(self) -> int:
        """Return the minutes of silence that end a claim; 0: none do."""
        return max(self.idle_minutes, LIMIT_MINUTES_MIN) if self.idle_minutes else 0

    def requires_push(self, *, others_live: bool) -> bool:
        """Whether a commit that others build on has to be on a branch of the remote."""
        return others_live if self.require_pushed is None else self.require_pushed

    @property
    def is_private(self) -> bool:
        """Whether what people write in their own words stays out of the ledgers."""
        return self.texts == "private"

    def __post_init__(self) -> None:
        """Refuse what makes no sense, whichever client wrote it."""
        for name, value in structs.asdict(self).items():
            if isinstance(value, int | float) and not 0 <= value <= LARGEST:
                message = f"{name} must be 0 to {LARGEST}"
                raise PolicyError(message)
        if self.pre_commit not in {"warn", "refuse"}:
            message = "pre_commit must be 'warn' or 'refuse'"
            raise PolicyError(message)
        if self.texts not in {"shared", "private"}:
            message = "texts must be 'shared' or 'private'"
            raise PolicyError(message)
        if self.signed not in {"off", "required"}:
            message = "signed must be 'off' or 'required'"
            raise PolicyError(message)
        if self.pin_agents:
            pins_of(self.pin_agents)
        if self.max_claim_ratio > 1:
            message = "max_claim_ratio must be 0 to 1"
            raise PolicyError(message)


class Pin(NamedTuple):
    """One pair of the policy."""

    pattern: str
    identity: str

    def covers(self, agent: str) -> bool:
        """Whether it is about this name."""
        below = self.pattern.removesuffix("*")
        return self.pattern == agent or (self.pattern != below and agent.startswith(below))

    @property
    def rank(self) -> tuple[bool, int]:
        """Return how narrow it is: a name goes before a pattern, and a longer pattern before a shorter one."""
        below = self.pattern.removesuffix("*")
        return self.pattern == below, len(below)


@lru_cache(maxsize=64)
def pins_of(text: str) -> tuple[Pin, ...]:
    """Return the pairs of a policy.

    Raises:
        PolicyError: it is none; the sentence says what is wrong, without its stop.
    """
    if len(text) > CHARS_MAX:
        message = f"pins of {CHARS_MAX} characters are the most"
        raise PolicyError(message)
    pins: list[Pin] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        pattern, _, identity = (word.strip() for word in part.partition("="))
        if not (pattern and identity.removeprefix(KEY)):
            message = f"{part[:60]!r} is no pin: a name, =, and an identity, as in ann/*=ann@example.org"
            raise PolicyError(message)
        if "*" in pattern and not (pattern == "*" or (pattern.endswith("/*") and pattern.count("*") == 1)):
            message = f"{pattern[:60]!r} is no name to pin: * stands alone, or behind the last /"
            raise PolicyError(message)
        if _NEVER.search(f"{pattern}{identity}"):
            message = f"{part[:60]!r} has a character that no name or address has"
            raise PolicyError(message)
        pins.append(Pin(pattern, identity))
    return tuple(pins)


def identities_of(text: str, agent: str) -> tuple[str, ...]:
    """Return to whom a name is pinned; nothing where it is anyone's."""
    pins = [pin for pin in pins_of(text) if pin.covers(agent)] if text else []
    narrowest = max((pin.rank for pin in pins), default=None)
    return tuple(pin.identity for pin in pins if pin.rank == narrowest)


def is_by(identities: Collection[str], email: str, keys: Collection[str] | None) -> bool:
    """Whether one of these identities is the author's. `keys`: what signed; `None`: that was not looked at.

    What was not looked at counts for a name that is pinned to keys, which an audit of signatures finds out.
    """
    addresses = {identity for identity in identities if not identity.startswith(KEY)}
    named = {identity.removeprefix(KEY) for identity in identities if identity not in addresses}
    return not identities or email in addresses or bool(named and (keys is None or not named.isdisjoint(keys)))
