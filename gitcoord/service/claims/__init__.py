"""Claims: asking for them, waiting, requests, and what happened to them."""
