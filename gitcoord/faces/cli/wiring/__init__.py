"""Wiring: what `init` writes into a repository so that agents' tools find gitcoord.

change      one file: what it is, what it shall be, how it is written and shown
json_text   a member added to a JSON file, every other byte as it was
block       the managed block of a text file
tools       which tool reads which files
"""
