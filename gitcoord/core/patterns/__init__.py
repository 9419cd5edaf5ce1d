"""Patterns of paths and symbols: what they mean, and exactly whether two of them overlap."""
