"""The MCP face: `gitcoord mcp`, a server over stdin and stdout, one for each worktree.

    client ──lines──> front ──────────────lines──────────────> engine ──calls──> gitcoord.service
              <──────── │ <──────────────answers───────────────── │
                     manifest                           SDK server, tools, resources, prompts

`front` answers the opening of a conversation from a manifest within milliseconds, while `engine` loads; `engine` is
the only implementation. What is imported here is paid at every start, so this file imports nothing.
"""
