"""The session: who calls, from which worktree of which clone, and where it coordinates."""
