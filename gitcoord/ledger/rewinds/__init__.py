"""Rewinds: a ledger that is back before what this clone saw of it is noticed, and restored."""
