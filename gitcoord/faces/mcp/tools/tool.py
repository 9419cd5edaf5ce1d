"""One tool: what agents see of it, and the service function behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.mcp.tools.arguments import Arguments, Fields, model_of, schema_of

if TYPE_CHECKING:
    import mcp_types as types

# What a call does to the world: nothing; the same however often it is called; something new each time; an end.
Effect = Literal["reads", "idempotent", "writes", "ends"]
ToolSet = Literal["work", "lead", "all"]


@dataclass(frozen=True)
class Tool:
    """A row of the table.

    Attributes:
        call: the service function: the workspace, then the arguments by name.
        hint: words by which an agent's tool search finds it; empty for the hottest, which are always loaded.
        narrow: how to ask for less, where an answer was cut.
        paged: the list that `offset` pages through.
        smallest: the smallest set that has it: `work` is within `lead`, and that within `all`.
        waits: whether a call may block for long; its service function takes the call's `patience`.
        looks: whether it is answered from what is here while the remote is away, as whatever only reads is.
    """

    name: str
    title: str
    text: str
    call: Callable[..., dict[str, Json]]
    arguments: Fields
    effect: Effect = "idempotent"
    hint: str = ""
    narrow: str = ""
    paged: str = ""
    smallest: ToolSet = "lead"
    waits: bool = False
    looks: bool = False

    @property
    def is_look(self) -> bool:
        """Whether it is answered from what is here while the remote is away (`service/session/freshness`)."""
        return self.looks or self.effect == "reads"

    @cached_property
    def model(self) -> type[Arguments]:
        """What reads its arguments; made by the first call, since all of them take as long as some calls, 0.1 s."""
        return model_of(self.name, self.arguments)

    def definition(self) -> "types.Tool":
        """Return what `tools/list` shows."""
        import mcp_types as types  # half a second of the first call, which needs none of it

        meta: dict[str, Any] = {"anthropic/searchHint": self.hint} if self.hint else {"anthropic/alwaysLoad": True}
        if self.effect == "reads":
            annotations = types.ToolAnnotations(title=self.title, read_only_hint=True, open_world_hint=False)
        else:
            # What is not said of `readOnlyHint` is false, by the protocol; each definition has to be small.
            annotations = types.ToolAnnotations(
                title=self.title,
                destructive_hint=self.effect == "ends",
                idempotent_hint=self.effect != "writes",
                open_world_hint=False,
            )
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.text,
            input_schema=schema_of(self.model),
            annotations=annotations,
            _meta=meta,
        )
