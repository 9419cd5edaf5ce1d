"""Gemini's API, as far as Gemini CLI uses it."""

import json
from collections.abc import Iterator

from tests.clients.endpoint import Body, Call, Endpoint, Event, Line, Say

PREFIX = "mcp_gitcoord_"


class GeminiMock(Endpoint):
    path = r"/v1beta/models/[\w.-]+:streamGenerateContent"

    def is_turn(self, body: Body) -> bool:
        return bool(body.get("tools"))

    def events(self, line: Line, number: int) -> Iterator[Event]:
        if isinstance(line, Say):
            part: Event = {"text": line.text}
        else:
            name = (PREFIX if isinstance(line, Call) else "") + line.tool
            part = {"functionCall": {"id": f"call_{number}", "name": name, "args": line.arguments}}
        content = {"role": "model", "parts": [part]}
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 1, "totalTokenCount": 11}
        yield {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage}

    def encoded(self, events: Iterator[Event]) -> Iterator[str]:
        return (f"data: {json.dumps(event)}\n\n" for event in events)

    def shown_tools(self, body: Body) -> set[str]:
        names = (one["name"] for tool in body["tools"] for one in tool.get("functionDeclarations", ()))
        return {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}

    def shown_results(self, body: Body) -> list[str]:
        parts = (part for content in body["contents"] for part in content["parts"])
        return [_text(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]


def _text(response: Body) -> str:
    return "".join(str(value) for value in response.values())
