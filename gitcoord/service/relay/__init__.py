"""Relays: events of the ledgers, delivered to other services."""
