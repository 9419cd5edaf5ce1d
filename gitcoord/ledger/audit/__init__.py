"""The audit: each commit of a ledger is replayed from its record."""
