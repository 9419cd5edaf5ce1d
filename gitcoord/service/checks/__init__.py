"""Checks of branches: verify, land, predict."""
