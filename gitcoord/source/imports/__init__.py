"""Imports: what other tools kept, read with suspicion."""
