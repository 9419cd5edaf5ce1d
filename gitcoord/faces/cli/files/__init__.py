"""Commands for files: claims, requests, owners, and whether branches meet."""
