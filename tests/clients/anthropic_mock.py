"""The Messages API, as far as Claude Code uses it."""

import json
import re
from collections.abc import Iterator

from tests.clients.endpoint import Body, Call, Endpoint, Event, Line, Say

PREFIX = "mcp__gitcoord__"


class AnthropicMock(Endpoint):
    path = "/v1/messages"

    def is_turn(self, body: Body) -> bool:
        return bool(body.get("tools"))

    def events(self, line: Line, number: int) -> Iterator[Event]:
        usage = {"input_tokens": 10, "output_tokens": 1}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "mock", "content": []}
        yield {
            "type": "message_start",
            "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage},
        }
        if not isinstance(line, Say):
            name, reason = (PREFIX if isinstance(line, Call) else "") + line.tool, "tool_use"
            block: Event = {"type": "tool_use", "id": f"toolu_{number:02d}", "name": name, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(line.arguments)}
        else:
            reason, block = "end_turn", {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": line.text}
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
        yield {"type": "content_block_stop", "index": 0}
        end = {"stop_reason": reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}}
        yield {"type": "message_stop"}

    def shown_tools(self, body: Body) -> set[str]:
        # The hottest come with their schema; of the others there are names, for the client's tool search.
        return set(re.findall(rf"\b{PREFIX}(\w+)", " ".join(_texts([body["tools"], body["messages"]]))))

    def shown_results(self, body: Body) -> list[str]:
        blocks = (block for message in body["messages"] for block in _blocks(message["content"]))
        return [_text(block["content"]) for block in blocks if block["type"] == "tool_result"]


def _blocks(content: str | list[Body]) -> list[Body]:
    return [] if isinstance(content, str) else content


def _text(content: str | list[Body]) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for one in value:
                yield from _texts(one)
        case dict():
            yield from _texts([*value.values()])
        case _:
            return
