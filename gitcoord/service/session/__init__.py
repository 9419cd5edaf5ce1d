"""The session: which agent calls, from which worktree of which clone, and where it coordinates."""
