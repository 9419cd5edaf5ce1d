"""The kinds of ledgers: what each holds, where its documents lie, and who decides its commands."""
