"""Places that hold refs: one small protocol and the transports that speak it."""
