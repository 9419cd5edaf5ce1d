"""Screens: results as text, on terminals and elsewhere."""
