"""The store: refs and objects of a repository on this machine's disk."""
