"""The team: its policy, its owners, and what a person decides for everyone."""
