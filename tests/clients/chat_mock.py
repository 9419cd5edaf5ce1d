"""The Chat Completions API, as far as opencode uses it."""

import json
from collections.abc import Iterator

from tests.clients.endpoint import Body, Call, Endpoint, Event, Line, Say

PREFIX = "gitcoord_"


class ChatMock(Endpoint):
    path = "/v1/chat/completions"

    def is_turn(self, body: Body) -> bool:
        return bool(body.get("tools"))

    def events(self, line: Line, number: int) -> Iterator[Event]:
        if isinstance(line, Say):
            reason, delta = "stop", {"role": "assistant", "content": line.text}
        else:
            name = (PREFIX if isinstance(line, Call) else "") + line.tool
            function = {"name": name, "arguments": json.dumps(line.arguments)}
            call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
            reason, delta = "tool_calls", {"role": "assistant", "tool_calls": [call]}
        chunk = {"id": f"chat_{number}", "object": "chat.completion.chunk", "created": 0, "model": "mock"}
        yield {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
        yield {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage}

    def encoded(self, events: Iterator[Event]) -> Iterator[str]:
        yield from (f"data: {json.dumps(event)}\n\n" for event in events)
        yield "data: [DONE]\n\n"

    def shown_tools(self, body: Body) -> set[str]:
        names = (tool["function"]["name"] for tool in body["tools"])
        return {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}

    def shown_results(self, body: Body) -> list[str]:
        return [_text(message["content"]) for message in body["messages"] if message["role"] == "tool"]


def _text(content: str | list[Body]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
