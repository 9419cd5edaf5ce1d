"""Faces: adapters that render what the services return. They never import each other."""
