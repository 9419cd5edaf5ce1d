"""The Responses API, as far as Codex uses it."""

import json
from collections.abc import Iterator

from tests.clients.endpoint import Body, Call, Endpoint, Event, Line, Say, Use

NAMESPACE = "mcp__gitcoord"


class ResponsesMock(Endpoint):
    path = "/v1/responses"

    def is_turn(self, body: Body) -> bool:
        return bool(body.get("tools"))

    def events(self, line: Line, number: int) -> Iterator[Event]:
        response = {"id": f"resp_{number}", "object": "response", "status": "in_progress", "output": []}
        yield {"type": "response.created", "response": response}
        if isinstance(line, Say):
            text = {"type": "output_text", "text": line.text, "annotations": []}
            item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [text]}
        else:
            item = _call(line, number)
        yield {"type": "response.output_item.done", "output_index": 0, "item": item}
        usage = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
        yield {"type": "response.completed", "response": {**response, "status": "completed", "usage": usage}}

    def shown_tools(self, body: Body) -> set[str]:
        ours = (tool for tool in body["tools"] if tool.get("name") == NAMESPACE)
        return {tool["name"] for group in ours for tool in group["tools"]}

    def shown_results(self, body: Body) -> list[str]:
        kinds = ("function_call_output", "custom_tool_call_output")
        texts = (_text(item["output"]) for item in body["input"] if item["type"] in kinds)
        return [text.rpartition("Output:")[2].lstrip() for text in texts]  # before it, if it ran: how long it took


def _call(line: Call | Use, number: int) -> Event:
    names = {"id": f"fc_{number}", "call_id": f"call_{number}", "name": line.tool}
    if isinstance(line.arguments, str):
        return {"type": "custom_tool_call", **names, "status": "completed", "input": line.arguments}
    namespace = {"namespace": NAMESPACE} if isinstance(line, Call) else {}
    return {"type": "function_call", **names, **namespace, "arguments": json.dumps(line.arguments)}


def _text(output: str | list[Body]) -> str:
    return output if isinstance(output, str) else "".join(part.get("text", "") for part in output)
