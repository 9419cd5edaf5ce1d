"""Hooks: what git and agents' tools start before something happens. Standard library only, where it has to be quick."""
