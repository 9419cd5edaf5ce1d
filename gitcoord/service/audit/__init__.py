"""Auditing the ledgers of a place."""
