"""Commands for setting up: a repository, its tools, the team's policy, another tool's data."""
