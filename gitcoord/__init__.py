"""gitcoord: coordination for teams of coding agents through the git remote they already have."""

__version__ = "0.1.0"
