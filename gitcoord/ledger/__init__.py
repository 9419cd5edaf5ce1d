"""Ledgers: trees of documents in commits, changed by compare-and-swap. The layer between the rules and a remote."""
