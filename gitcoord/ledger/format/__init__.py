"""The format: bytes on disk and in git, and where each document of a ledger lies."""
