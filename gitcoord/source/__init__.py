"""What the user's own repository says: where it is, who works in it, what its commits contain."""
