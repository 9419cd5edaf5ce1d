"""The server: from lines on stdin to calls, and what it does between them."""
