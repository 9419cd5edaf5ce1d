"""The demonstration: real agents on a throw-away repository, and a report that is verified from the ledgers.

command         `gitcoord demo`
play            the order of events
place           a remote, two clones, a worktree for each agent
crew            agents as processes: started, heard, killed
agent           one agent: a process that speaks MCP to a server of its own and makes commits
dialogue        how two agents settle over MCP who has a file
plan            the project that they work on, and that file
ledger          what the remote's ledgers say afterwards, read with plain git
verdict         whether that is as it must be with steps
claims_verdict  the same with claims
judging         the verdicts, and a look into the work itself
report          what came of it, as data
screen          what is shown meanwhile, and the report
"""
