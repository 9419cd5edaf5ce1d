"""Git servers over ssh: the user's own OpenSSH, one connection that is shared, a session a question."""
