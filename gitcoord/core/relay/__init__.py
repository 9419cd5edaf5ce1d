"""Relays: how far one has delivered, what waits to be tried again, and when."""
