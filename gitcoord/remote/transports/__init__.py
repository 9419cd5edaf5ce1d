"""Transports: each reaches the refs of a place in its own way."""
