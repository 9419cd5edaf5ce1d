"""Merges: what would conflict if two branches were merged now."""
