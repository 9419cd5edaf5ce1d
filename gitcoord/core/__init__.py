"""The rules, pure: documents, commands and what becomes of them. No clock, no I/O, no randomness, no logging."""
