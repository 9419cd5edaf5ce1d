"""Upkeep: what grows is kept within bounds: histories of ledgers, archives, leftovers, the clone's store."""
