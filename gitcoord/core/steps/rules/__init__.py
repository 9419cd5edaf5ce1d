"""The rules of steps: one verb a module, from a board and a command to a decision."""
