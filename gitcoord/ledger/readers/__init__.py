"""Readers: the ledgers of one listing, and what this clone noted of earlier listings."""
