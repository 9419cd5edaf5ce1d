"""The journal of a home store: records of swaps, and packs of what is in them."""
