"""The clone: files that gitcoord keeps on this machine, and who it is among the clones of a remote."""
