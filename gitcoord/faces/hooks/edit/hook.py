"""The edit hook: `gitcoord hook edit --tool <tool>`, started by an agents' tool before each change.

    a file that someone else holds as a whole     the edit is stopped; the agent learns who holds it and what to do
    a file in which someone else holds symbols    it passes, and the agent learns which
    a free file                                   it passes, and is claimed by a process of this clone
    the start, the end and a stop of a session    recorded; a stop is kept from once by what the agent has to act on
    any of these, a prompt, a tool that was used  notices are shown that the agent has not been shown (HOOK-14)

Rules:
  * An edit is on the way of everything: the snapshot is read, nothing else; see `ledger/clone/snapshot_files`.
  * HOOK-5: it fails open: what goes wrong with us is one line, and the edit passes.
  * HOOK-3: a session is one: what its sub-agents and its server claimed is its own.
  * HOOK-2: across clones a first edit is optimistic for as long as the snapshot is old; the push check is the
    guarantee.

What this file does not know: the rules of claiming, the remote.
"""

import os
import sys

from gitcoord.faces.hooks.edit import snapshot_lookup, tool_dialects
from gitcoord.faces.hooks.edit.tool_dialects import Answer, Event
from gitcoord.faces.hooks.edit.worktree import Ground
from gitcoord.ledger.clone import json_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from gitcoord.core.documents.json_text import Json

INPUT_BYTES_MAX = 64 * 1024 * 1024  # a tool hands over the whole new text of a file
PATHS_MAX = 200  # of one edit; who changes more at once has a script


def main(arguments: "Sequence[str]") -> int:
    """Answer one event; return the exit status."""
    index = arguments.index("--tool") + 1 if "--tool" in arguments else len(arguments)
    tool = arguments[index] if index < len(arguments) else "claude"
    try:
        data = sys.stdin.buffer.read(INPUT_BYTES_MAX)
        answer = answer_to(tool, data, os.environ, os.getcwd())
    except Exception as error:  # noqa: BLE001 - whatever it is, no edit may fail because of us
        answer = tool_dialects.failed(tool, f"gitcoord could not check this edit, so it is allowed: {error!r}.")
    _say(sys.stdout, answer.output)
    _say(sys.stderr, answer.error)
    return answer.status


def _say(stream: "TextIO | None", text: str) -> None:
    if text and stream is not None:
        try:
            stream.write(text + "\n")
            stream.flush()
        except OSError:
            pass  # no one listens any more


def answer_to(tool: str, data: bytes, env: "Mapping[str, str]", cwd: str) -> Answer:
    """Return what to answer to an event, as a tool spells it."""
    said: Json = json_scanner.loads(data.decode("utf-8", "replace") or "{}")
    if not isinstance(said, dict):
        message = "the tool's hook input is not an object"
        raise ValueError(message)  # noqa: TRY004 - the boundary above tells it in one line
    event = Event(said)
    if event.kind == tool_dialects.OTHER:
        return Answer()
    names = ("GITCOORD_SESSION", "CLAUDE_CODE_SESSION_ID", "GEMINI_SESSION_ID")
    session = (
        env.get("GITCOORD_SESSION")
        or event.session
        or next((env[variable] for variable in names if env.get(variable)), "")
    )
    ground = Ground.around(os.path.join(cwd, event.cwd), tool, session)
    if ground is None or not ground.is_known:
        return Answer()
    ground.settle(begins=event.kind == tool_dialects.START, goes_on=event.goes_on)
    match event.kind:
        case tool_dialects.START:
            _note(ground, "start", {})
            return _told(ground, event, snapshot_lookup.greeting(ground))
        case tool_dialects.END:
            if event.is_final:
                _note(ground, "end", {})
            return Answer()
        case tool_dialects.STOP:
            return _kept_going(ground) if ground.has_news and tool_dialects.can_keep_going(tool, event) else Answer()
        case tool_dialects.USE | tool_dialects.PROMPT:
            return _told(ground, event)
        case _:
            return _about_to_change(ground, event)


def _about_to_change(ground: Ground, event: Event) -> Answer:
    named: list[str] = []
    if event.texts:
        from gitcoord.faces.hooks.edit.shell_commands import files_of  # an edit of a file has no text to understand

        named = [name for text in event.texts for name in files_of(text)]
    names = dict.fromkeys([*event.paths, *ground.targets_of(event.paths), *named])
    places = [place for name in names if (place := ground.place_of(name))[0]][:PATHS_MAX]
    paths = [path for path, _ in places]
    if not paths:
        return _told(ground, event)
    refused = snapshot_lookup.refused(ground)
    found = [snapshot_lookup.look(ground, path) for path in paths]
    if any(answer.stop for answer in found) and ground.refresh():
        found = [snapshot_lookup.look(ground, path) for path in paths]
    stopped = [answer.stop for answer in found if answer.stop]
    if refused:
        stopped = [refused, *(stopped or ["This edit was not made; make it again."])]
    if stopped:
        return tool_dialects.denied(ground.tool, event, "\n".join(stopped))
    free = [path for (path, top), answer in zip(places, found, strict=True) if answer.is_free and top == ground.top]
    texts = [answer.tell for answer in found if answer.tell]
    if free and ground.claims_by_itself:
        if why := _note(ground, "edit", {"paths": [*free]}):
            what = "this file" if len(free) == 1 else f"these {len(free)} files"
            texts.append(f"gitcoord could not claim {what} by itself ({why}): call the tool claim_files.")
        elif ground.wait_for_outcome() and (refused := snapshot_lookup.refused(ground, now=free)):
            return tool_dialects.denied(ground.tool, event, refused)
    return _told(ground, event, "\n".join(texts))


def _note(ground: Ground, kind: str, more: "dict[str, Json]") -> str:
    """Leave something to do; return why that cannot be, as in a sandbox: what is here is looked at all the same."""
    try:
        ground.note(kind, more)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _told(ground: Ground, event: Event, text: str = "") -> Answer:
    """Let it pass, with a text and with what the agent has not been shown."""
    news = ""
    if ground.has_news and tool_dialects.can_add(ground.tool, event):
        from gitcoord.faces.hooks.edit import agent_notices  # most often there are none

        news = agent_notices.unseen(ground)
    said = "\n".join(part for part in (text, news) if part)
    return tool_dialects.added(ground.tool, event, said) if said else Answer()


def _kept_going(ground: Ground) -> Answer:
    """Keep the agent from stopping by what it has to act on, if it was not yet."""
    from gitcoord.faces.hooks.edit import agent_notices  # as above

    text = agent_notices.due(ground)
    return tool_dialects.kept_going(ground.tool, text) if text else Answer()
