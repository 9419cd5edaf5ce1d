"""Wiring: what `init` writes into a repository so that agents' tools and git find gitcoord.

change       one file: what it is, what it shall be, how it is written and shown
jsonc        JSON with comments, read with the place of every part
json_edit    an entry put into such a text or taken out, every other byte as it was
json_file    which entries of ours a JSON file shall have
toml_text    a table put into TOML or taken out
block        the managed block of a text file
whole_file   a file that is ours as a whole
entry        the entry that starts the server
texts        in which file a tool reads the instructions for agents
tools        which tools there are, and which are in use
recipes      which files a tool reads, and what of ours goes into each
extras       files that are written only when asked for
git_hooks    git's hooks, where git looks for them
lefthook     lefthook's file, where git's hooks are its own
record       what was there before
wire         which files change when tools are wired, renewed or set free
"""
