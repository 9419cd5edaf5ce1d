"""Notices to callers: what is reported beside a result.

    {"notice": "clock_off", "ref": which, "message": what is so, "next_step": what to do}

What this file does not know: how they are delivered. What the ledger reports to a holder is `core/claims/notice`.
"""

from typing import Self

from gitcoord.core.documents.doc import Doc, Text
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError


class CallerNotice(Doc, frozen=True, kw_only=True):
    """One notice; its facts, which differ from notice to notice, are its `extra`.

    Attributes:
        notice: a word of ours, by which a caller tells them apart.
        message: one sentence or more.
        next_step: what to do about it.
    """

    notice: Text
    message: Text
    next_step: Text | None = None

    @classmethod
    def of(cls, notice: str, message: str, next_step: str | None = None, /, **facts: Json) -> Self:
        """Return a notice with these facts."""
        return cls(notice=notice, message=message, next_step=next_step, extra=facts)

    @classmethod
    def of_error(cls, error: CoordError) -> Self:
        """Return the notice of what broke, and stopped no one."""
        return cls.of(error.code, str(error), error.hint)

    @property
    def text(self) -> str:
        """The whole of it as one line for an agent, its calls spelled as those of tools.

        Tools put it between tags; what others wrote in it closes none (SEC-1).
        """
        return " ".join(f"{self.message} {self.next_step or ''}".split()).replace("</", "<\\/")

    def repeats(self, other: Self) -> bool:
        """Whether it says what another does, if of one ref in other words."""
        if self.notice != other.notice or "ref" not in self.extra:
            return (self.notice, self.message) == (other.notice, other.message)
        return all(self.extra.get(name) == other.extra.get(name) for name in ("ref", "path"))

    def dump(self) -> dict[str, Json]:
        """Return the JSON object, in the order in which a reader needs it.

        No limit applies: this is in no ledger, and a face shows as escapes what a name of a file may have in it.
        """
        todo: dict[str, Json] = {} if self.next_step is None else {"next_step": self.next_step}
        return {"notice": self.notice, **self.extra, "message": self.message, **todo}
