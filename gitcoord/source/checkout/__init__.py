"""The checkout: the user's repository and worktree, its branches, remotes and tracked files."""
