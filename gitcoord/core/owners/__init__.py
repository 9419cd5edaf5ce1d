"""Owners: who owns which paths, which files are refused often, and what to promote."""
