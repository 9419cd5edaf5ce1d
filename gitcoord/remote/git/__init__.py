"""The git program as a child process, and other programs that are started."""
