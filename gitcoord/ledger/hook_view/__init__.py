"""The view of hooks: what a hook or a shell reads of the ledgers without any library."""
