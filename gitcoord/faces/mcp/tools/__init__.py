"""Tools: what agents see of each, and the service behind it."""
