"""The MCP face: `gitcoord mcp`, a server over stdin and stdout, one for each worktree.

    client ──lines──> front ──────────────lines──────────────> engine ─────────────┐
              <──────── │ <──────────────answers───────────────── │                │
                     manifest                           SDK server, resources,     ├──> tool_call ──> gitcoord.service
                        │                               prompts, progress          │
                        └──first calls──> early_calls ─────────────────────────────┘

`front` answers the opening of a conversation from a manifest within milliseconds, while `engine` loads. What a call of
a tool does is in `tool_call`, which knows nothing of the SDK, so that one that comes before the engine is up need not
wait for it. What is imported here is paid at every start, so this file imports nothing.
"""
