"""Names of refs: what lies where below the namespace. Which kinds of ledgers there are: `gitcoord.ledger.kinds.table`.

    <namespace>/config                 the team's rules
    <namespace>/claims                 claims (of the whole remote)
    <namespace>/steps/<project>        one project, its name in lower case: two spellings are one ref
    <namespace>/heartbeats/<clone>     liveness of one clone; replaced, never chained
    <namespace>/relay/<name>           how far a relay has delivered; replaced, never chained
    <namespace>/archive/<ledger>/<n>   the history that the nth roll took out of a ledger; nothing is decided by it
    <namespace>/inbox/<ledger>/<post>  commands of a clone that lost a race, for any clone to carry out

The namespace is `refs/coord`, or `refs/heads/<prefix>/coord` where only branches may be pushed.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from gitcoord.core.documents.names import is_namespace, shown
from gitcoord.errors import UsageError
from gitcoord.remote.contract.protocol import Oid, RefName

DEFAULT_NAMESPACE = "refs/coord"
RELAYS = "relay/"  # below the namespace
ARCHIVES = "archive/"  # as well
_NUMBER = re.compile("[1-9][0-9]{0,8}")  # of an archive; what someone else named otherwise is none
INBOX = "inbox/"  # as well


class PostName(NamedTuple):
    """What the name of a post says: for which ledger, when it was posted (milliseconds since the epoch), by whom."""

    ledger: RefName
    posted_ms: int
    clone: str


class Refs:
    """Names of refs below one namespace; each command asks for the first three ten times.

    Neither a Struct nor a dataclass: a hook that finds nothing near loads neither.
    """

    def __init__(self, namespace: str = DEFAULT_NAMESPACE) -> None:
        """Name those below `namespace`."""
        self.namespace = namespace

    def __eq__(self, other: object) -> bool:
        """Whether they are below the same namespace."""
        return isinstance(other, Refs) and other.namespace == self.namespace

    def __hash__(self) -> int:
        """Go by the namespace."""
        return hash(self.namespace)

    @cached_property
    def everything(self) -> tuple[str, ...]:
        """Return the prefixes that list every ledger and heartbeat."""
        return (f"{self.namespace}/",)

    @cached_property
    def config(self) -> RefName:
        """Return the ref of the team's rules."""
        return RefName(f"{self.namespace}/config")

    @cached_property
    def claims(self) -> RefName:
        """Return the ref of the claims."""
        return RefName(f"{self.namespace}/claims")

    @property
    def under_heads(self) -> bool:
        """Whether refs here are branches, of which nothing may be deleted or rewound."""
        return self.namespace.startswith("refs/heads/")

    def steps(self, project: str) -> RefName:
        """Return the ref of a project."""
        return RefName(f"{self.namespace}/steps/{project.lower()}")

    def heartbeat(self, clone: str) -> RefName:
        """Return the ref of a clone's heartbeat."""
        return RefName(f"{self.namespace}/heartbeats/{clone}")

    def is_steps(self, ref: RefName) -> bool:
        """Whether this is the ref of a project."""
        return ref.startswith(f"{self.namespace}/steps/")

    def below(self, place: str) -> RefName:
        """Return the ref of that name below the namespace."""
        return RefName(f"{self.namespace}/{place}")

    def is_at(self, place: str, ref: RefName) -> bool:
        """Whether a ref is the one of that name, or in the folder of that name, which ends with "/"."""
        below = self.below(place)
        return ref.startswith(below) if place.endswith("/") else ref == below

    def heartbeats_in(self, listed: Mapping[RefName, Oid]) -> dict[str, Oid]:
        """Return the heartbeats of a listing, by clone."""
        pairs = ((self.clone_of(ref), tip) for ref, tip in listed.items())
        return {clone: tip for clone, tip in pairs if clone}

    def post(self, ledger: RefName, posted_ms: int, clone: str, drawn: str) -> RefName:
        """Return the ref of a clone's post for a ledger: the oldest sorts first. `posted_ms`: since the epoch."""
        place = ledger.removeprefix(f"{self.namespace}/")
        return RefName(f"{self.namespace}/{INBOX}{place}/{posted_ms:013d}-{clone}-{drawn[:6]}")

    def post_at(self, ref: RefName) -> "PostName | None":
        """Return what the name of a post says; `None`: this ref is none."""
        inbox = f"{self.namespace}/{INBOX}"
        place, _, name = ref.removeprefix(inbox).rpartition("/")
        posted_ms, _, rest = name.partition("-")
        clone = rest.rpartition("-")[0]
        if not (ref.startswith(inbox) and place and clone and posted_ms.isascii() and posted_ms.isdigit()):
            return None
        return PostName(RefName(f"{self.namespace}/{place}"), int(posted_ms[:15]), clone)

    def is_inbox(self, ref: RefName) -> bool:
        """Whether this ref is a post, or anything else in its place."""
        return ref.startswith(f"{self.namespace}/{INBOX}")

    def is_probe(self, ref: RefName) -> bool:
        """Whether `init` or `doctor` made this ref to see what the remote allows."""
        return ref.startswith(f"{self.namespace}/probe/")

    def archives_of(self, ledger: RefName, listed: Mapping[RefName, Oid]) -> dict[int, RefName]:
        """Return the archives of a ledger by their number, the oldest first."""
        prefix = self.archive(ledger, "")
        named = ((ref.removeprefix(prefix), ref) for ref in listed if ref.startswith(prefix))
        return dict(sorted((int(number), ref) for number, ref in named if _NUMBER.fullmatch(number)))

    def archive(self, ledger: RefName, number: int | str) -> RefName:
        """Return the ref of an archive of a ledger."""
        return self.below(f"{ARCHIVES}{ledger.removeprefix(f'{self.namespace}/')}/{number}")

    def without_archives(self, listed: Mapping[RefName, Oid]) -> dict[RefName, Oid]:
        """Return what a clone needs of a listing: it works without the history that was rolled out."""
        return {ref: tip for ref, tip in listed.items() if not self.is_at(ARCHIVES, ref)}

    def clone_of(self, ref: RefName) -> str | None:
        """Return the clone whose heartbeat this ref is."""
        prefix = f"{self.namespace}/heartbeats/"
        return ref.removeprefix(prefix) if ref.startswith(prefix) else None


def refs_of(settings: Mapping[str, str]) -> Refs:
    """Return the refs of the namespace that git's configuration names.

    Raises:
        UsageError: no refs of ours may be there.
    """
    namespace = settings.get("gitcoord.namespace", DEFAULT_NAMESPACE).rstrip("/")
    if not is_namespace(namespace):
        hint = "Use refs/coord or refs/heads/<prefix>/coord."
        raise UsageError(f"gitcoord.namespace is {shown(namespace)}.", hint=hint)
    return Refs(namespace)
