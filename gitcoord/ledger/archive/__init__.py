"""The archive: history and past claims, whether a ledger is whole, and commits that people ask for."""
