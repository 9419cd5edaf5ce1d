"""The demonstration: real agents on a throw-away repository, and a report that is verified from the ledger.

command   `gitcoord demo`
play      the order of events
place     a remote, two clones, a worktree for each agent
crew      agents as processes: started, heard, killed
agent     one agent: a process that speaks MCP to a server of its own and makes commits
plan      the project that they work on
ledger    what the remote's ledger says afterwards, read with plain git
verdict   whether that is as it must be
screen    what is shown meanwhile, and the report
"""
