"""The rules of claims: one verb a module, on the working copy of a register."""
