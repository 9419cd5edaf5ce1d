"""The edit hook: what an agent's tool asks before it changes a file."""
