"""History: what a range of commits changed, and what of it has landed."""
