"""Who gives a command, and which other names are the same party to the rules."""

from gitcoord.core.documents import party
from gitcoord.core.documents.doc import Doc, Text
from gitcoord.core.documents.liveness import FREE_SESSION


class Actor(Doc, frozen=True, kw_only=True):
    """Who gives a command: the agent, its clone and its session.

    Attributes:
        others: further ids of the same clone.
        earlier: ids that the clone had until a stranger beat under them. What was taken under one of them is the
            caller's only where its session took it: a copy of the clone may go by that id, and has the same agents.
    """

    agent: Text
    clone: Text
    session: Text
    others: tuple[Text, ...] = ()
    earlier: tuple[Text, ...] = ()

    @property
    def holder(self) -> tuple[str, str]:
        """The pair that holds steps."""
        return (self.agent, self.clone)

    @property
    def holders(self) -> tuple[tuple[str, str], ...]:
        """Return the pairs that are this holder, whatever id its clone had when it took something."""
        return tuple((self.agent, clone) for clone in (self.clone, *self.others))

    def is_holder(self, agent: str, clone: str) -> bool:
        """Whether that is this holder; as `holders`, and asked of each claim around."""
        return agent == self.agent and (clone == self.clone or clone in self.others)

    def is_partner(self, agent: str | None, clone: str | None) -> bool:
        """Whether that is another name of this holder's party; see `party`."""
        is_here = clone is not None and (clone == self.clone or clone in self.others)
        return is_here and party.are_partners(self.agent, agent or "")

    def is_party(self, agent: str, clone: str) -> bool:
        """Whether that is this holder, or a partner of it."""
        return self.is_holder(agent, clone) or self.is_partner(agent, clone)

    def leads(self, agent: str, clone: str) -> bool:
        """Whether that is of this party, or a sub-agent of this holder."""
        is_sub_agent = agent.startswith(f"{self.agent}/") and clone in (self.clone, *self.others)
        return is_sub_agent or self.is_party(agent, clone)

    @property
    def session_clones(self) -> tuple[str, ...]:
        """Return the ids of its clone under which what its session took is its own.

        A session's id is drawn, or its tool's; that of a command line follows from its name, and a copy has the same.
        """
        own = (self.clone, *self.others)
        return own if self.session.startswith(FREE_SESSION) else (*own, *self.earlier)

    def is_session_of(self, session: str | None, clone: str | None) -> bool:
        """Whether this is that session. One that lives has an id of its own, which stays when its clone gets another.

        That of a command line follows from its name, so that in a copy of the clone it is the same.
        """
        if session != self.session:
            return False
        return clone in (self.clone, *self.others) or not self.session.startswith(FREE_SESSION)
